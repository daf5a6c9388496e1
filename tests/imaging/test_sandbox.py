"""A file that hangs, crashes or swells its decoder ends a worker, and nobody else notices."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from pydicom.uid import JPEG2000Lossless

from tests.conftest import ROOT
from tests.imaging.drawn import dataset_of, picture, saved
from tests.imaging.mutations import mutations
from tests.imaging.test_bad_files import truncated_dicom
from tests.imaging.test_reading import packaged
from vmcore.imaging import ReadLimits, Scan, ScanError, read_sandboxed, read_scan
from vmcore.imaging.sandbox import SandboxedReader

LIMITS = ReadLimits()


@pytest.fixture(scope="module")
def slow_file() -> bytes:
    """A picture whose JPEG 2000 takes a decoder some tenths of a second."""
    noise = np.random.default_rng(1).integers(0, 256, (1200, 1200, 3), np.uint8)
    dataset = dataset_of(noise)
    dataset.compress(JPEG2000Lossless)
    return saved(dataset)


@pytest.fixture
def one_worker() -> Iterator[SandboxedReader]:
    reader = SandboxedReader(workers=1)
    yield reader
    reader.close()


def workers() -> set[psutil.Process]:
    found = set()
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # just ending
            if "LokyProcess" in " ".join(one.cmdline()):
                found.add(one)
    return found


def worker_of(reader: SandboxedReader) -> psutil.Process:
    """The one that it starts when it is warmed up."""
    before = workers()
    reader.warm_up()
    (worker,) = workers() - before
    return worker


@pytest.mark.parametrize(
    "name",
    ["examples_ybr_color.dcm", "examples_palette.dcm", "examples_jpeg2k.dcm", "SC_rgb_rle.dcm"],
)
def test_a_file_is_read_as_without_it(name: str) -> None:
    data = packaged(name).read_bytes()
    here, there = read_scan(data), read_sandboxed(data)
    assert np.array_equal(here.frames, there.frames)
    assert here.frames.dtype == there.frames.dtype
    assert (here.region, here.spacing_mm, here.device, here.kind, here.notes) == (
        there.region, there.spacing_mm, there.device, there.kind, there.notes,
    )  # fmt: skip


def test_a_path_is_read_too_and_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = packaged("examples_palette.dcm")
    assert np.array_equal(read_sandboxed(path).frames, read_scan(path).frames)
    with pytest.raises(ScanError, match="cannot be opened"):
        read_sandboxed(tmp_path / "none.dcm")


def test_a_refusal_is_the_readers_own_and_costs_no_worker(one_worker: SandboxedReader) -> None:
    worker = worker_of(one_worker)
    with pytest.raises(ScanError, match="damaged or incomplete"):
        one_worker.read(truncated_dicom(), LIMITS)
    one_worker.read(packaged("examples_palette.dcm").read_bytes(), LIMITS)
    assert worker.is_running()
    assert worker.status() != psutil.STATUS_ZOMBIE


def test_a_file_that_takes_too_long_is_refused_and_the_next_one_is_read(slow_file: bytes) -> None:
    reader = SandboxedReader(workers=1, patience_s=0.05, patience_s_per_mb=0.0)
    try:
        with pytest.raises(ScanError, match="takes too long"):
            reader.read(slow_file, LIMITS)
        patient = SandboxedReader(workers=1)
        assert patient.read(slow_file, LIMITS).frames.shape == (1, 1200, 1200, 3)
        patient.close()
        small = saved(dataset_of(picture()))
        for _ in range(50):  # a busy machine may be late for it as well, but not always
            try:
                assert np.array_equal(reader.read(small, LIMITS).frames[0], picture())
                break
            except ScanError:
                time.sleep(0.1)
        else:
            pytest.fail("nothing is read any more")
    finally:
        reader.close()


def test_a_decoder_that_crashes_is_refused_and_the_next_file_is_read(
    one_worker: SandboxedReader, slow_file: bytes
) -> None:
    worker = worker_of(one_worker)
    caught: list[BaseException] = []

    def read() -> None:
        try:
            one_worker.read(slow_file, LIMITS)
        except ScanError as error:
            caught.append(error)

    thread = threading.Thread(target=read)
    worker.suspend()  # so that it is surely still at it
    thread.start()
    time.sleep(0.5)
    worker.send_signal(signal.SIGSEGV)
    worker.resume()
    thread.join(60)
    assert "made its decoder fail" in str(caught[0])
    small = saved(dataset_of(picture()))
    assert np.array_equal(one_worker.read(small, LIMITS).frames[0], picture())


@pytest.mark.long
def test_a_file_that_wants_too_much_memory_is_refused(slow_file: bytes) -> None:
    reader = SandboxedReader(workers=1, memory=700 * 2**20)
    stream = io.BytesIO()  # next to nothing as a file, and hundreds of MB on the way to a picture
    Image.fromarray(np.zeros((4900, 4900), np.uint16)).save(stream, "PNG")
    try:
        with pytest.raises(ScanError, match=r"more memory than there is|made its decoder fail"):
            reader.read(stream.getvalue(), LIMITS)
        assert reader.read(slow_file, LIMITS).frames.shape == (1, 1200, 1200, 3)
    finally:
        reader.close()


def test_others_are_read_while_one_hangs(slow_file: bytes) -> None:
    reader = SandboxedReader(workers=2)
    worker = worker_of(reader)
    thread = threading.Thread(target=reader.read, args=(slow_file, LIMITS))
    worker.suspend()
    try:
        thread.start()
        time.sleep(0.5)
        small = saved(dataset_of(picture()))
        assert np.array_equal(reader.read(small, LIMITS).frames[0], picture())
        assert thread.is_alive()
    finally:
        worker.resume()
        thread.join(60)
        reader.close()


def test_pixels_are_given_back_when_nobody_holds_them() -> None:
    data = packaged("examples_ybr_color.dcm").read_bytes()

    def shared() -> int:
        return sum(
            int(line.split()[1]) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()
            if line.startswith("Pss_Shmem")
        )  # fmt: skip

    read_sandboxed(data)
    before = shared()
    scan: Scan | None = read_sandboxed(data)
    assert scan is not None
    total = int(scan.frames.sum(dtype=np.int64))  # every page is looked at
    assert total > 0
    assert shared() - before >= scan.frames.nbytes // 2048
    scan = None
    assert shared() <= before + 100


ORPHAN = """
import os, sys, time
from vmcore.imaging.sandbox import shared_reader
shared_reader().warm_up()
import psutil
print(*[one.pid for one in psutil.Process().children(recursive=True)], flush=True)
time.sleep(600)
"""


def test_workers_end_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", ORPHAN], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
    assert children
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.long
def test_mutated_files_give_a_scan_or_a_sentence(one_worker: SandboxedReader) -> None:
    read, refused = 0, set()
    for data in mutations(seed=20261125, count=8000):
        try:
            scan = one_worker.read(data, LIMITS)
        except ScanError as error:
            refused.add(str(error))
        else:
            read += 1
            assert scan.frames.dtype == np.uint8
            assert scan.frames.shape[3] == 3
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in refused)
    assert read > 100
    assert len(refused) > 10


def test_the_readers_of_mutated_files_are_many_kinds() -> None:
    heads = {data[:4] for data in mutations(seed=1, count=300)}
    assert len(heads) > 5
    assert io.BytesIO(next(iter(mutations(seed=1, count=1)))).read()


def test_a_worker_that_cannot_be_started_gives_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from vmcore.imaging import sandbox

    def fail(_: int) -> None:
        raise OSError("no more processes")

    reader = SandboxedReader(workers=1)
    small = saved(dataset_of(picture()))
    with monkeypatch.context() as patched:
        patched.setattr(sandbox, "_start", fail)
        for _ in range(2):
            with pytest.raises(ScanError, match="cannot be read now"):
                reader.read(small, LIMITS)
    assert np.array_equal(reader.read(small, LIMITS).frames[0], picture())
    reader.close()


def test_who_waits_too_long_for_a_worker_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from vmcore.imaging import sandbox

    monkeypatch.setattr(sandbox, "_WAITING_S", 0.1)
    reader = SandboxedReader(workers=1)
    with reader._worker(), pytest.raises(ScanError, match="try again in a minute"):
        reader.read(saved(dataset_of(picture())), LIMITS)
    reader.close()
