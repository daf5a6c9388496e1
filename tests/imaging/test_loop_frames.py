"""Frames of a loop that are decoded one by one are those that the whole loop would give, in bounded memory."""

from __future__ import annotations

import gc
import io
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import psutil
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels import iter_pixels
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from tests.imaging.drawn import compressed, dataset_of, jpeg, picture, saved
from tests.imaging.test_frames import LOOP, WAYS
from tests.imaging.test_reading import packaged
from vmcore.imaging import (
    FrameError,
    LoopFrames,
    ReadLimits,
    Scan,
    ScanError,
    loop_frames,
    read_sandboxed,
    read_scan,
    still_text,
    whole,
)
from vmcore.imaging.frame_cache import CACHE, FrameCache
from vmcore.imaging.sandbox import SandboxedReader


@pytest.fixture
def on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short loops are decoded as long ones are."""
    monkeypatch.setattr(loop_frames, "_SHORT_BYTES", 0)


def as_rgb(frames: np.ndarray, colour: str) -> np.ndarray:
    if colour == "RGB":
        return frames
    return np.stack([np.asarray(Image.fromarray(one, colour).convert("RGB")) for one in frames])


@pytest.mark.parametrize("name", ["examples_ybr_color.dcm", "examples_rgb_color.dcm"])
def test_frames_are_those_of_pydicom_decoding_the_whole_loop(name: str, on_demand: None) -> None:
    path = packaged(name)
    frames = read_scan(path).frames
    colour = "YCbCr" if "ybr" in name else "RGB"
    expected = as_rgb(np.stack(list(iter_pixels(path, raw=True))), colour)
    assert isinstance(frames, LoopFrames) == (len(expected) > 1)
    assert frames.shape == expected.shape
    for at in reversed(range(len(expected))):
        assert np.array_equal(frames[at], expected[at])
        assert len(frames) == 1 or not frames[at].flags.writeable


@pytest.mark.parametrize("make", WAYS)
def test_every_way_to_store_a_loop_gives_the_same_frame_by_frame(
    make: Callable[[], Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = saved(make())
    together = read_scan(data)
    monkeypatch.setattr(loop_frames, "_SHORT_BYTES", 0)
    one_by_one = read_scan(data)
    assert isinstance(together.frames, np.ndarray)
    assert isinstance(one_by_one.frames, LoopFrames)
    assert np.array_equal(np.asarray(one_by_one.frames), together.frames)
    assert np.array_equal(one_by_one.frames[1:3], together.frames[1:3])
    assert one_by_one.notes == together.notes
    assert np.abs(together.frames.astype(int) - LOOP).mean() < 2


def deep_loop() -> np.ndarray:
    """Twelve-bit values, of which the darkest and the brightest are in frames that nobody samples."""
    loop = np.random.default_rng(3).integers(900, 1100, (40, 64, 64), np.uint16)
    loop[7, 0, 0], loop[33, 5, 5] = 100, 3700
    return loop


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless])
def test_brightness_is_decided_from_all_frames(syntax: str, on_demand: None) -> None:
    loop = deep_loop()
    dataset = dataset_of(loop, colour="MONOCHROME2")
    dataset.BitsStored, dataset.HighBit = 12, 11
    if syntax != ExplicitVRLittleEndian:
        dataset.compress(syntax)
    frames = read_scan(saved(dataset)).frames
    expected = np.rint((loop - 100.0) * (255.0 / 3600))
    assert isinstance(frames, LoopFrames)
    assert np.abs(np.asarray(frames)[..., 0] - expected).max() <= 1


def test_a_window_that_some_frames_lie_outside_of_is_kept_as_for_the_whole_loop(
    on_demand: None,
) -> None:
    loop = np.full((40, 64, 64), 10, np.uint8)
    loop[0], loop[20], loop[31] = 12, 11, 200  # the window begins above what is sampled
    dataset = dataset_of(loop, colour="MONOCHROME2")
    dataset.WindowCenter, dataset.WindowWidth = 150, 101
    scan = read_scan(saved(dataset))
    assert scan.notes == ()
    assert (scan.frames[0] == 0).all()
    assert scan.frames[31][0, 0, 0] == 255


def test_pages_of_a_tiff_are_decoded_one_by_one(on_demand: None) -> None:
    pages = [Image.fromarray(frame) for frame in LOOP]
    stream = io.BytesIO()
    pages[0].save(
        stream, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate"
    )
    for read in (read_scan, read_sandboxed):
        frames = read(stream.getvalue()).frames
        assert isinstance(frames, np.ndarray) == (read is read_sandboxed)  # a worker's own bound
        assert np.array_equal(np.asarray(frames), LOOP)


def broken(count: int, *, at: int) -> bytes:
    """A loop of JPEG frames, one of which begins as one and goes on with nothing."""
    streams = [jpeg(np.roll(picture(), frame, axis=1)) for frame in range(count)]
    streams[at] = streams[at][:4] + bytes(300)
    return saved(compressed(streams))


@pytest.mark.parametrize("read", [read_scan, read_sandboxed])
def test_a_damaged_frame_costs_no_other(read: Callable[[bytes], Scan]) -> None:
    frames = read(broken(9, at=6)).frames
    sound = read_scan(broken(9, at=8)).frames
    for at in range(9):
        if at == 6:
            with pytest.raises(FrameError, match=r"^Frame 7 of the loop is damaged .*\.$"):
                frames[at]
        elif at < 8:
            assert np.array_equal(frames[at], sound[at])
    with pytest.raises(ScanError, match="Frame 7"):
        whole(frames)


def test_text_that_stands_still_is_looked_for_beside_a_damaged_frame() -> None:
    assert still_text(read_scan(broken(9, at=8)).frames).shape == (160 - round(0.08 * 160), 200)


def test_a_still_that_is_damaged_is_refused() -> None:
    with pytest.raises(ScanError, match="damaged"):
        read_scan(broken(1, at=0))


@dataclass(frozen=True)
class Grey:
    """Frames that are grey by their number, but for those that do harm."""

    shape: tuple[int, int, int, int] = (8, 40, 50, 3)
    crashes: int = -1
    hangs: int = -1

    whole_file: ClassVar[bool] = False

    def encoded(self, content: bytes, frame: int) -> bytes:
        """A byte for each frame."""
        return content[frame : frame + 1]

    def decode(self, encoded: bytes, frame: int) -> np.ndarray:
        """A frame as grey as its byte says."""
        if frame == self.crashes:
            os.kill(os.getpid(), signal.SIGSEGV)
        if frame == self.hangs:
            time.sleep(600)
        return np.full(self.shape[1:], encoded[0], np.uint8)

    def without_spans(self) -> Grey:
        """Itself."""
        return self


@pytest.fixture(scope="module")
def reader() -> Iterator[SandboxedReader]:
    # a worker that has just been started imports this file too, which takes seconds on a busy machine
    made = SandboxedReader(workers=1, patience_s=10.0)
    yield made
    made.close()


@pytest.mark.parametrize(
    "harm", [{"crashes": 3}, pytest.param({"hangs": 3}, marks=pytest.mark.long)]
)
def test_a_frame_that_ends_its_worker_costs_no_other(
    reader: SandboxedReader, harm: dict[str, int]
) -> None:
    frames = LoopFrames(bytes(range(8)), Grey(**harm), reader.decode)
    frames.ask_ahead(range(5))
    for at in (0, 1, 2, 4, 5):
        assert (frames[at] == at).all()
    with pytest.raises(FrameError, match="Frame 4"):
        frames[3]


def counting(asked: list[int]) -> Callable[..., list[np.ndarray | str]]:
    def decode(recipe: Grey, content: bytes, frames: Sequence[int]) -> list[np.ndarray | str]:
        asked.extend(frames)
        time.sleep(0.05)
        return loop_frames.decode_here(recipe, content, frames)

    return decode


def test_frames_are_decoded_ahead_and_once_however_many_want_them() -> None:
    asked: list[int] = []
    frames = LoopFrames(bytes(range(8)), Grey(), counting(asked))
    frames.ask_ahead([1, 2, 3])
    frames.ask_ahead([2, 3, 4])
    threads = [threading.Thread(target=frames.__getitem__, args=(at,)) for at in (3, 3, 4, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(asked) == [0, 1, 2, 3, 4]
    assert CACHE.held(frames) == 5 * 40 * 50 * 3
    with pytest.raises(IndexError):
        frames[8]
    owner = id(frames)
    del frames, threads, thread
    gc.collect()
    assert not any(key[0] == owner for key in CACHE._frames)


def test_the_cache_holds_the_frames_used_last_and_no_more_than_it_may() -> None:
    cache, owner = FrameCache(most_bytes=3 * 100), object()
    for at in range(3):
        cache.put(owner, at, np.full((10, 10), at, np.uint8))
    cache.get(owner, 0)
    cache.put(owner, 3, np.zeros((10, 10), np.uint8))
    assert [at for at in range(4) if cache.has(owner, at)] == [0, 2, 3]
    cache.put(owner, 4, np.zeros((40, 40), np.uint8))
    assert [at for at in range(5) if cache.has(owner, at)] == [4]
    assert cache.held(owner) == 1600


@pytest.mark.long
def test_a_long_loop_is_gone_through_in_a_fraction_of_its_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(CACHE, "_most", 20_000_000)
    frame = np.repeat(np.repeat(picture(), 4, axis=0), 5, axis=1)
    stream = jpeg(frame)
    dataset = dataset_of(frame, colour="YBR_FULL_422", syntax="1.2.840.10008.1.2.4.50")
    dataset.PixelData, dataset.NumberOfFrames = encapsulate([stream] * 60), 60
    dataset["PixelData"].is_undefined_length = True
    data = saved(dataset)
    read_sandboxed(data)
    process = psutil.Process()
    before = process.memory_info().rss
    frames = read_sandboxed(data).frames
    assert isinstance(frames, LoopFrames)
    most = 0
    for at in range(60):
        if at % 5 == 0:
            frames.ask_ahead(range(at, at + 5))
        assert frames[at].shape == (640, 1000, 3)
        most = max(most, process.memory_info().rss - before)
    assert 60 * frame.nbytes > 115e6
    assert most < 60e6
    with pytest.raises(ScanError, match="shorter loop"):
        whole(frames, ReadLimits(whole_pixels=30_000_000))
