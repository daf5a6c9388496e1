"""What a worker does with the files that it is given: it reads them, or decodes some of their frames."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydicom import Dataset

from vmcore.imaging.handed_over import Given, OutOfReachError
from vmcore.imaging.loop_frames import LoopFrames, Picture, Recipe, decode_one
from vmcore.imaging.reading import read_content
from vmcore.imaging.scan import ReadLimits, Scan, ScanError

_LARGE_BYTES = 16_000_000
OUT_OF_REACH = "out of reach"
"""The answer of a worker that cannot see what it was given."""


class Answer(NamedTuple):
    """A scan; where its frames are: in the memory that both see, by a recipe, or here. Or a refusal."""

    scan: Scan | None
    shape: tuple[int, ...] = ()
    recipe: Recipe | None = None
    refusal: str = ""


class Refusal(NamedTuple):
    """Why a worker can do nothing with a file."""

    sentence: str


class Decoded(NamedTuple):
    """A sentence for each frame, empty for those that were decoded; and these, where no memory was there."""

    refusals: list[str]
    pictures: list[Picture]


def read(given: Given, limits: ReadLimits, place: str) -> Answer | str:
    """Read a file; the frames of a short one go to a place."""
    try:
        return _read(given, limits, place)
    finally:
        give_back(given.size)


def _read(given: Given, limits: ReadLimits, place: str) -> Answer | str:
    try:
        with given.content() as content:
            scan = read_content(content, limits)
    except OutOfReachError:
        return OUT_OF_REACH
    except ScanError as error:
        return Answer(None, refusal=str(error))
    frames = scan.frames
    if isinstance(frames, LoopFrames):
        nothing = np.empty((0, *frames.shape[1:]), np.uint8)
        return Answer(replace(scan, frames=nothing), frames.shape, frames.recipe)
    with contextlib.suppress(OSError), _writable(place, frames.nbytes) as shared:
        shared[:] = frames.reshape(-1)
        return Answer(replace(scan, frames=frames[:0]), frames.shape)
    return Answer(scan, frames.shape)


def decode(
    given: Given, lengths: Sequence[int], recipe: Recipe, frames: Sequence[int], place: str
) -> Decoded | str:
    """Decode frames of which each one's bytes were given, or the whole file; they go to a place."""
    try:
        with given.content() as content:
            ends = np.cumsum(lengths).tolist()
            found = [
                decode_one(
                    recipe, content if recipe.whole_file else content[end - length : end], at
                )
                for at, end, length in zip(frames, ends, lengths, strict=True)
            ]
    except OutOfReachError:
        return OUT_OF_REACH
    refusals = [one if isinstance(one, str) else "" for one in found]
    blank = np.zeros(recipe.shape[1:], np.uint8)
    pictures = [blank if isinstance(one, str) else one for one in found]
    with contextlib.suppress(OSError), _writable(place, len(found) * blank.nbytes) as shared:
        np.stack(pictures, out=shared.reshape(len(found), *blank.shape))
        return Decoded(refusals, [])
    return Decoded(refusals, pictures)


def read_header(data: bytes, limits: ReadLimits) -> Dataset | str:
    """A header, or the sentence that refuses it."""
    from vmcore.imaging.dicom import read_source  # noqa: PLC0415  for those who export alone

    try:
        return read_source(data, limits)
    except ScanError as error:
        return str(error)


def call(work: Callable[..., Any], data: bytes, arguments: tuple[object, ...]) -> Any:
    """What a function makes of a file's bytes."""
    try:
        return work(data, *arguments)
    except ScanError as error:
        return Refusal(str(error))


def give_back(size: int) -> None:
    """After a large file: free what still refers to it, and give freed memory to the system."""
    if size > _LARGE_BYTES:
        gc.collect()
        with contextlib.suppress(OSError, AttributeError):  # glibc's alone
            ctypes.CDLL("libc.so.6").malloc_trim(0)


@contextmanager
def _writable(place: str, size: int) -> Iterator[npt.NDArray[np.uint8]]:
    """The memory that both see, made as large as is needed.

    Raises:
        OSError: it cannot be reached, or there is not as much.
    """
    with Path(place).open("r+b", buffering=0) as memory:
        os.posix_fallocate(memory.fileno(), 0, size)
        mapped = mmap.mmap(memory.fileno(), size)
    yield np.frombuffer(mapped, np.uint8)
