"""Which files may be read: those of the folder that was named, and where the installation allows."""

from __future__ import annotations

from pathlib import Path

from vmcore.data.manifest import ManifestError
from vmcore.files import expanded
from vmcore.settings import settings

ORIGINALS = "originals"
"""The folder of a study's own that its originals lie in while it is prepared, where it came as a zip."""
COLLECTIONS = "collections"
"""The folder of the store that collections lie in, each in a folder of its name."""

NOT_ALLOWED = (
    "This installation reads only below the folders that VMCORE_READABLE_ROOTS names, and this is "
    "not in one of them."
)


def is_allowed(path: Path) -> bool:
    """Whether the installation lets a path be read that somebody has typed in, links followed.

    Nothing is said of whether there is such a file: that would tell what lies elsewhere.
    """
    roots = settings().readable_roots
    return not roots or _below(path, roots) or _is_own(path)


def stays_inside(path: Path, root: Path) -> bool:
    """Whether a file of a folder is really in it, or where the installation names folders, in these."""
    roots = settings().readable_roots
    return _below(path, (root,) if not roots or _is_own(root) else roots)


def told_place(path: Path) -> str:
    """A path as it is written down: from the store on where it lies in it, so that a store can be moved."""
    real = expanded(path).resolve()
    store = expanded(settings().store).resolve()
    return str(real.relative_to(store)) if real.is_relative_to(store) else str(real)


def place_told(told: str) -> Path:
    """The path that :func:`told_place` wrote down, or an older version, which wrote it in full."""
    return (expanded(settings().store) / told).resolve()


def _is_own(path: Path) -> bool:
    """Whether a path lies where the store itself keeps what studies are prepared from."""
    store = settings().store
    try:
        inside = path.resolve().relative_to(store.resolve()).parts
    except (OSError, RuntimeError, ValueError):
        return False
    return inside[:1] == (COLLECTIONS,) or (
        inside[:1] == ("studies",) and inside[2:3] == (ORIGINALS,)
    )


def refuse_what_leads_out(paths: list[str], root: Path) -> None:
    """Refuse a list of images where a link among them leads somewhere else.

    Raises:
        ManifestError: with their number; where they lead is not said.
    """
    out = sum(not stays_inside(root / path, root) for path in paths)
    if out:
        raise ManifestError(
            f"{out} of {len(paths)} images are links that lead out of the study's folder. Name the "
            "folder that they lead to in VMCORE_READABLE_ROOTS, or copy them."
        )


def _below(path: Path, roots: tuple[Path, ...]) -> bool:
    try:
        real = path.resolve()
        return any(real.is_relative_to(root.resolve()) for root in roots)
    except (OSError, RuntimeError):  # a circle of links
        return False
