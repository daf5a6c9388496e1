"""What cannot run gets a sentence, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.runs.support import small_plan
from train.crossval import CrossvalArguments
from train.crossval import main as crossval
from vmcore.data import ManifestError, StoredStudy
from vmcore.runs import RunError, all_runs, start_run
from vmcore.runs.working import check_compiler


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weights": "/nowhere/file.pt"}, "no weights file"),
        ({"weights": "run:none"}, "no finished run"),
        ({"architecture": "resnet50"}, "do not fit resnet50"),
        ({"folds": 12}, "subjects with label"),
        ({"study": Path("/nowhere")}, "not a prepared study"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_written(
    phantom_study: StoredStudy, store: Path, change: dict[str, object], words: str
) -> None:
    with pytest.raises((RunError, ManifestError), match=words):
        start_run(small_plan(phantom_study.folder, **change))
    assert not (store / "runs").exists()


WEIGHTS: dict[str, tuple[bytes | None, str]] = {
    "empty.pt": (b"", "empty.pt is damaged or is not a weights file"),
    "text.pth": (b"been here", "text.pth is damaged or is not a weights file"),
    "cut.safetensors": (b"\x10\0\0\0\0\0\0\0{", "cut.safetensors is damaged"),
    "folder.pt": (None, "There is no weights file"),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_wrong_weights_file_is_refused_from_page_and_command_line(
    phantom_study: StoredStudy, store: Path, tmp_path: Path, name: str
) -> None:
    content, words = WEIGHTS[name]
    named = tmp_path / name
    named.mkdir() if content is None else named.write_bytes(content)
    with pytest.raises(RunError, match=words):
        start_run(small_plan(phantom_study.folder, weights=str(named)))
    (store / "studies").mkdir(parents=True)
    (store / "studies/phantoms").symlink_to(phantom_study.folder)
    given = CrossvalArguments(
        study="phantoms", architecture="usf-mae-tiny", weights=str(named), folds=2
    )
    with pytest.raises(SystemExit, match=words):
        crossval(given)
    assert not (store / "runs").exists()


@pytest.mark.parametrize(
    "change", [{"folds": 1}, {"architecture": "alexnet"}, {"test_fraction": 0.9}, {"name": " "}]
)
def test_a_plan_out_of_range_names_what_is_wrong(
    phantom_study: StoredStudy, change: dict[str, object]
) -> None:
    with pytest.raises(ValidationError, match=next(iter(change))):
        small_plan(phantom_study.folder, **change)


def test_a_read_only_store_gets_a_sentence(store: Path) -> None:
    store.mkdir()
    (store / "mlflow.db").mkdir()  # what root can still not open as a database
    with pytest.raises(RunError, match="run store cannot be opened"):
        all_runs()


def test_nothing_is_compiled_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(RunError, match="needs a C\\+\\+ compiler"):
        check_compiler()
