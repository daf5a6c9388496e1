"""Whole trees become a corpus: the same one, however often the work was interrupted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.conftest import ROOT
from tests.data.corpus.drawn import PLAIN, QUICK, folder_of, left_out, prepare, texture, write
from vmcore.data.corpus import (
    Corpus,
    CorpusError,
    CorpusSettings,
    CorpusStoppedError,
    open_corpus,
)
from vmcore.data.corpus.shards import shard_path

SCRIPT = """
import sys
from pathlib import Path
from tests.data.corpus.drawn import QUICK
from vmcore.data.corpus import CorpusSource, CorpusError, prepare_corpus

if __name__ == "__main__":
    if len(sys.argv) > 4:
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]),) * 2)
    try:
        source = CorpusSource(Path(sys.argv[1]))
        prepare_corpus([source], Path(sys.argv[2]), settings=QUICK, workers=int(sys.argv[3]))
    except CorpusError as error:
        sys.exit(str(error))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("images"), range(30))


@pytest.fixture(scope="module")
def whole(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Prepared in one go."""
    return prepare(root, tmp_path_factory.mktemp("corpora") / "whole")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "preparing.py"
    file.write_text(SCRIPT)
    return file


def start(script: Path, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=ROOT, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_every_image_is_there_and_nothing_is_left_beside(whole: Corpus) -> None:
    assert len(whole) == 30
    assert whole.sources() == {"source 1": 30}
    assert left_out(whole) == {}
    shards = [f"shard-{n:05d}.{kind}" for n in range(5) for kind in ("csv", "json", "npy")]
    kept = {file.name for file in whole.folder.iterdir()} - {"preparing.lock"}
    assert kept == {*shards, "corpus.json", "report.json"}


def test_nothing_names_a_file(whole: Corpus, root: Path) -> None:
    text = b"".join(
        file.read_bytes() for file in whole.folder.iterdir() if file.suffix in {".json", ".csv"}
    )
    assert b"image0" not in text
    assert b"part" not in text
    assert root.name.encode() not in text


@pytest.mark.long
def test_killed_in_the_middle_it_goes_on_to_the_same_corpus(
    root: Path, whole: Corpus, tmp_path: Path, script: Path
) -> None:
    folder = tmp_path / "c"
    process = start(script, root, folder, 2)
    ends = time.monotonic() + 60
    while not (folder / "shard-00000.json").exists():
        assert process.poll() is None
        assert time.monotonic() < ends
        time.sleep(0.01)
    below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(below, timeout=20)
    assert not alive, "workers end with the process that they work for"
    with pytest.raises(CorpusError, match="no finished corpus"):
        open_corpus(folder)
    made = shard_path(folder, 0).stat().st_mtime_ns
    done = []
    corpus = prepare(root, folder, progress=lambda now, _: done.append(now))
    assert corpus.digest == whole.digest
    assert shard_path(folder, 0).stat().st_mtime_ns == made
    assert done[0] >= 6, "the first shard's files are not looked at again"
    assert done[-1] == 30
    assert {file.name for file in folder.iterdir()} == {
        file.name for file in whole.folder.iterdir()
    }


def test_stopped_it_keeps_the_chunks_that_are_done(
    root: Path, whole: Corpus, tmp_path: Path
) -> None:
    done: list[int] = []
    with pytest.raises(CorpusStoppedError, match="goes on where it was"):
        prepare(
            root, tmp_path / "c", stop=lambda: len(done) > 4, progress=lambda now, _: done.append(now)
        )  # fmt: skip
    chunks = {file: file.stat().st_mtime_ns for file in (tmp_path / "c/work").iterdir()}
    assert chunks
    seen: dict[Path, int] = {}

    def look(*_: int) -> None:
        seen.update({file: file.stat().st_mtime_ns for file in chunks if file.exists()})

    assert prepare(root, tmp_path / "c", progress=look).digest == whole.digest
    assert seen.items() <= chunks.items(), "none is prepared anew"


def test_rows_that_were_cut_are_written_again(root: Path, whole: Corpus, tmp_path: Path) -> None:
    folder = shutil.copytree(whole.folder, tmp_path / "c")
    rows = shard_path(folder, 1, "csv")
    written = rows.read_text()
    rows.write_text("".join(written.splitlines(keepends=True)[:-1]))
    prepare(root, folder)
    assert rows.read_text() == written


def test_more_processes_give_the_same_corpus(root: Path, whole: Corpus, tmp_path: Path) -> None:
    assert prepare(root, tmp_path / "c", workers=2).digest == whole.digest


@pytest.mark.parametrize("number", [0, 2, 4])
def test_a_damaged_shard_is_made_again_and_the_others_are_kept(
    root: Path, whole: Corpus, tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "c"
    prepare(root, folder)
    times = {n: shard_path(folder, n).stat().st_mtime_ns for n in range(5)}
    with shard_path(folder, number).open("r+b") as stream:
        stream.truncate(1000)
    corpus = prepare(root, folder)
    assert corpus.digest == whole.digest
    np.testing.assert_array_equal(corpus[np.arange(30)], whole[np.arange(30)])
    same = {n for n in times if shard_path(folder, n).stat().st_mtime_ns == times[n]}
    assert same == set(range(5)) - {number}


def test_a_damaged_card_is_written_again_without_preparing(
    root: Path, whole: Corpus, tmp_path: Path
) -> None:
    folder = tmp_path / "c"
    prepare(root, folder)
    times = [shard_path(folder, n).stat().st_mtime_ns for n in range(5)]
    (folder / "corpus.json").write_text("{")
    assert prepare(root, folder).digest == whole.digest
    assert [shard_path(folder, n).stat().st_mtime_ns for n in range(5)] == times


def test_a_full_disk_is_said_and_the_work_goes_on_where_it_was(
    root: Path, whole: Corpus, tmp_path: Path, script: Path
) -> None:
    """No file may be larger than six images: chunks are written, the first shard is not."""
    process = start(script, root, tmp_path / "c", 1, 6 * 224**2)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"The disk is full" in said
    assert b"Traceback" not in said
    left = {file.suffix for file in (tmp_path / "c").iterdir()}
    assert left <= {".lock", ""}, "nothing is half-written"
    assert prepare(root, tmp_path / "c").digest == whole.digest


def test_other_files_or_settings_do_not_change_a_finished_corpus(
    root: Path, whole: Corpus, tmp_path: Path
) -> None:
    assert prepare(root, whole.folder).digest == whole.digest
    for settings in (QUICK.model_copy(update={"frames": 3}), CorpusSettings(cleaning=PLAIN)):
        with pytest.raises(CorpusError, match="another name"):
            prepare(root, whole.folder, settings=settings)
    with pytest.raises(CorpusError, match="another name"):
        prepare(folder_of(tmp_path, range(2)), whole.folder)
    assert open_corpus(whole.folder).digest == whole.digest


@pytest.mark.parametrize(("times", "kind"), [(4, ".npz"), (9, ".npy")])
def test_unfinished_work_is_kept_where_files_or_settings_became_others(
    root: Path, whole: Corpus, tmp_path: Path, times: int, kind: str
) -> None:
    folder = tmp_path / "c"
    done: list[int] = []
    with pytest.raises(CorpusStoppedError):
        prepare(
            root, folder, stop=lambda: len(done) > times, progress=lambda now, _: done.append(now)
        )  # fmt: skip
    there = {file: file.stat().st_mtime_ns for file in folder.rglob("*.*")}
    assert kind in {file.suffix for file in there}
    others = folder_of(tmp_path / "others", range(40, 70))
    with pytest.raises(CorpusError, match=r"^\d+ images are prepared here of other files"):
        prepare(others, folder)
    with pytest.raises(CorpusError, match="another name"):
        prepare(root, folder, settings=QUICK.model_copy(update={"frames": 3}))
    assert {file: file.stat().st_mtime_ns for file in folder.rglob("*.*")} == there
    assert prepare(root, folder).digest == whole.digest


def test_a_finished_corpus_with_a_damaged_card_is_kept_from_other_settings(
    root: Path, whole: Corpus, tmp_path: Path
) -> None:
    folder = tmp_path / "c"
    prepare(root, folder)
    (folder / "corpus.json").write_text("{")
    with pytest.raises(CorpusError, match=r"^30 images are prepared here"):
        prepare(root, folder, settings=QUICK.model_copy(update={"frames": 3}))
    assert prepare(root, folder).digest == whole.digest


def test_two_do_not_prepare_the_same_corpus(root: Path, tmp_path: Path) -> None:
    said = []

    def second(*_: int) -> None:
        if not said:
            with pytest.raises(CorpusError, match="prepared already") as caught:
                prepare(root, tmp_path / "c")
            said.append(caught.value)

    prepare(root, tmp_path / "c", progress=second)
    assert said


def test_the_same_image_is_kept_once_and_different_ones_all(tmp_path: Path) -> None:
    root = tmp_path / "images"
    image = texture(1)
    write(root / "a.png", image)
    write(root / "b.jpg", image, 1, 85)  # IMWRITE_JPEG_QUALITY
    write(root / "c.bmp", np.clip(image.astype(int) + 2, 0, 255).astype(np.uint8))
    write(root / "d/e.tiff", np.clip(image.astype(int) - 2, 0, 255).astype(np.uint8))
    write(root / "f.webp", texture(2))
    first = prepare(root, tmp_path / "c")
    assert len(first) == 2
    assert left_out(first) == {"The same or nearly the same image is there already.": 3}
    all_kept = QUICK.model_copy(update={"alike_bits": -1})
    assert len(prepare(root, tmp_path / "d", settings=all_kept)) == 5


def test_an_empty_source_and_one_without_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="no files"):
        prepare(tmp_path / "empty", tmp_path / "c")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/a.png").write_text("no picture")
    with pytest.raises(CorpusError, match="None of the 1 files"):
        prepare(tmp_path / "texts", tmp_path / "c")
    with pytest.raises(CorpusError, match="no folder"):
        prepare(tmp_path / "nowhere", tmp_path / "c")
