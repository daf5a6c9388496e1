"""The house's rules: arrows point one way, the library knows no page, files stay small."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LEVELS = {
    "imaging": 0, "files": 0, "importing": 0, "memory": 0, "processor": 0, "resting": 0, "settings": 1, "file_modes": 1, "data": 1, "models": 1,
    "anatomy": 2, "evaluation": 3, "training": 3, "inference": 3, "reporting": 4, "runs": 4,
    "clinic": 5,
}  # fmt: skip
SOURCES = sorted(
    path
    for folder in ("vmcore", "pages", "train", "benchmarks", "supply")
    for path in (ROOT / folder).rglob("*.py")
)


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "modules are named in full"
            whole = [alias.name for alias in node.names if node.module == "vmcore"]
            below = [name for name in whole if (ROOT / "vmcore" / name).is_dir()]
            names |= {f"vmcore.{name}" for name in below} or {node.module}
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_keeps_the_rules(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "says in its first lines what it is for"
    assert len(text.splitlines()) <= 300
    found = imports(path)
    if path.is_relative_to(ROOT / "vmcore"):
        assert not any(
            name.split(".")[0] in {"streamlit", "pages", "train", "supply"} for name in found
        )
        room = path.relative_to(ROOT / "vmcore").parts[0].removesuffix(".py")
        assert room == "__init__" or room in LEVELS, "every room has its place"
        for name in found:
            parts = name.split(".")
            if parts[0] == "vmcore" and len(parts) > 1 and room in LEVELS:
                assert LEVELS[parts[1]] <= LEVELS[room], f"{room} must not import {name}"


def exported(package: str) -> set[str] | None:
    """Names that a package which loads what is asked for has, by its stub; None for other modules."""
    stub = ROOT / package.replace(".", "/") / "__init__.pyi"
    if not stub.is_file():
        return None
    (names,) = (
        node.value
        for node in ast.walk(ast.parse(stub.read_text()))
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"  # type: ignore[attr-defined]
    )
    below = {path.stem for path in stub.parent.iterdir() if path.is_dir() or path.suffix == ".py"}
    return set(ast.literal_eval(names)) | below


@pytest.mark.parametrize(
    "path", [ROOT / "app.py", *SOURCES], ids=lambda path: str(path.relative_to(ROOT))
)
def test_what_is_imported_from_a_package_is_there(path: Path) -> None:
    """Packages load what is asked for when it is, so that a wrong name would be found by a person."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (names := exported(node.module or "")) is not None:
            assert {alias.name for alias in node.names} <= names


def test_every_room_is_in_the_picture() -> None:
    picture = (ROOT / "docs/architecture.md").read_text()
    rooms = {path.name for path in (ROOT / "vmcore").iterdir() if (path / "__init__.py").is_file()}
    assert all(f"{room}/" in picture for room in rooms)
