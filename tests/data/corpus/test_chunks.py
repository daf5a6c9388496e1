"""Processes that prepare chunks: what befalls them ends in a sentence, and soon."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from tests.data.corpus.drawn import QUICK, folder_of
from vmcore.data.corpus import CorpusError, CorpusSource
from vmcore.data.corpus.chunks import ChunkStream, Task
from vmcore.data.corpus.finding import find_files


def late_share() -> None:
    """What a file of a share raises that does not answer."""
    raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def tasks_of(root: Path, work: Path) -> list[Task]:
    return [
        Task(number, str(number), (file,), (root,), work, QUICK)
        for number, file in enumerate(find_files([CorpusSource(root)]).files)
    ]


def test_a_share_that_is_late_ends_the_work() -> None:
    ends = time.monotonic() + 60
    stream = ChunkStream([], 2, lambda: time.monotonic() > ends)
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(OSError, match="timed out") as caught,
    ):
        stream._wait(pool.submit(late_share))
    assert caught.value.errno == errno.ETIMEDOUT


def test_workers_that_were_ended_between_two_chunks_are_said(tmp_path: Path) -> None:
    tasks = tasks_of(folder_of(tmp_path / "images", range(9)), tmp_path / "work")
    with ChunkStream(tasks, 2, None) as stream:
        assert len(stream.get(0).rows) == 1
        for worker in list(stream._pool._processes.values()):
            worker.kill()  # and let the pool itself find that out: who else waits for it takes its end away
        ends = time.monotonic() + 20
        while not stream._pool._broken and time.monotonic() < ends:
            time.sleep(0.01)
        with pytest.raises(CorpusError, match="fewer workers"):
            stream._prepare_elsewhere(8)


SCRIPT = """
import signal, sys
from pathlib import Path
from tests.data.corpus.drawn import QUICK
from train.corpora import prepare_named
from vmcore.data.corpus import CorpusSource

if __name__ == "__main__":
    # what a shell began in the background ignores Ctrl-C, and so does what that begins
    signal.signal(signal.SIGINT, signal.default_int_handler)
    prepare_named([CorpusSource(Path(sys.argv[1]))], "c", settings=QUICK, workers=2)
"""


@pytest.mark.long
def test_interrupted_it_says_one_sentence_and_leaves_no_process(tmp_path: Path) -> None:
    script = tmp_path / "preparing.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder_of(tmp_path / "images", range(600)))],
        env=os.environ | {"PYTHONPATH": str(ROOT), "VMCORE_STORE": str(tmp_path / "store")},
        cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    ends = time.monotonic() + 100
    while not list(tmp_path.glob("store/corpora/c/work/*")) and time.monotonic() < ends:
        assert process.poll() is None
        time.sleep(0.05)
    below = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to all of them
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 1
    assert said.rstrip().endswith("Stopped; run it again to go on.")
    assert "Traceback" not in said
    assert not psutil.wait_procs(below, timeout=20)[1]
