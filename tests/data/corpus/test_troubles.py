"""What is one file's fault costs that file alone; what is the machine's or the disk's fault costs none."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.data.corpus.drawn import QUICK, texture, write
from tests.imaging.test_loop_frames import broken
from tests.imaging.test_sandbox import worker_of
from vmcore.data import ManifestError, prepare_study
from vmcore.data.corpus import CorpusError, CorpusSource, left_out_study, pictures
from vmcore.data.corpus.finding import _sort_in, find_files
from vmcore.data.corpus.pictures import prepare_original
from vmcore.settings import settings


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into, as pytest's own is not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    (folder / "closed").chmod(0o755)
    shutil.rmtree(folder)


def as_nobody(root: Path) -> tuple[list[str], Counter[str]]:
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        found = find_files([CorpusSource(root)])
    finally:
        os.seteuid(user)
    return [file.path for file in found.files], found.skipped


def test_a_folder_that_may_not_be_read_costs_itself_alone(open_folder: Path) -> None:
    write(open_folder / "a.png", texture(1))
    write(open_folder / "closed/b.png", texture(2))
    (open_folder / "closed").chmod(0)
    assert as_nobody(open_folder) == (["a.png"], {"The folder may not be read.": 1})
    with pytest.raises(CorpusError, match="Permission denied"):
        as_nobody(open_folder / "closed")


class Entry:
    """A file of which a share says nothing but an error."""

    name = "a.png"

    def __init__(self, number: int) -> None:
        self.number = number

    def stat(self) -> os.stat_result:
        """Raise it."""
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
def test_a_share_that_fails_while_files_are_listed_leaves_none_out(number: int) -> None:
    skipped: Counter[str] = Counter()
    with pytest.raises(OSError, match=r"\w") as caught:
        _sort_in(Entry(number), "", 0, [], [], skipped)
    assert caught.value.errno == number
    assert not skipped
    _sort_in(Entry(errno.EACCES), "", 0, [], [], skipped)
    assert skipped.total() == 1


def test_a_file_that_its_disk_cannot_read_is_left_out_where_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "images"
    root.mkdir()
    (root / "bad.png").symlink_to("/proc/self/mem")  # its first bytes give EIO
    monkeypatch.setenv("VMCORE_READABLE_ROOTS", json.dumps([str(tmp_path), "/proc"]))
    settings.cache_clear()
    try:
        with pytest.raises(CorpusError, match="Is its disk there"):
            prepare_original("bad.png", root, QUICK)
        write(root / "part/good.png", texture(1))
        original = prepare_original("bad.png", root, QUICK)
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert original.skipped == ["The file cannot be opened (Input/output error)."]


def test_a_damaged_frame_costs_no_other_of_its_loop(tmp_path: Path) -> None:
    (tmp_path / "loop.dcm").write_bytes(broken(5, at=2))
    original = prepare_original("loop.dcm", tmp_path, QUICK)
    assert [image.frame for image in original.images] == [0, 1, 3, 4]
    assert original.skipped == [
        "Frame N of the loop is damaged and cannot be decoded; the other frames are not affected."
    ]


def test_a_file_whose_decoder_was_killed_is_read_once_more(tmp_path: Path) -> None:
    write(tmp_path / "a.png", texture(1))
    pictures._reader().close()
    pictures._reader.cache_clear()
    worker = worker_of(pictures._reader())
    made = []
    thread = threading.Thread(
        target=lambda: made.append(prepare_original("a.png", tmp_path, QUICK))
    )
    worker.suspend()  # so that it is surely still at it
    thread.start()
    time.sleep(0.5)
    worker.send_signal(signal.SIGKILL)
    thread.join(120)
    assert len(made[0].images) == 1
    assert not made[0].skipped


def test_memory_that_runs_out_is_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.png", texture(1))

    def clean(*_: object, **__: object) -> None:
        np.empty(2**62, np.uint8)  # more than any machine gives

    monkeypatch.setattr(pictures, "clean_frame", clean)
    with pytest.raises(CorpusError, match="fewer workers"):
        prepare_original("a.png", tmp_path, QUICK)


def test_a_study_whose_prepared_images_are_gone_is_refused_with_a_sentence(tmp_path: Path) -> None:
    write(tmp_path / "images/normal/a.png", texture(1))
    write(tmp_path / "images/VM/b.png", texture(2))
    study = prepare_study(tmp_path / "images", tmp_path / "study", workers=1)
    for file in (study.folder / "prepared").rglob("*.png"):
        file.unlink()
    with pytest.raises(ManifestError, match="prepare that study again"):
        left_out_study(study)
