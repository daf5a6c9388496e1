"""Frames of a loop that are decoded when they are asked for, so that memory does not grow with its length."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from vmcore.imaging.frame_cache import CACHE
from vmcore.imaging.scan import Content, Encoded, FrameError, Frames, ReadLimits, ScanError

Picture: TypeAlias = npt.NDArray[np.uint8]
_SHORT_BYTES = 32_000_000  # decoded; loops up to here are held whole
_AHEAD_BYTES = 12_000_000  # that are decoded at a time


class Recipe(Protocol):
    """How the frames of one file are decoded; holds nothing that names anybody, and can be pickled.

    A frame needs all of the file's content where ``whole_file``.
    """

    whole_file: ClassVar[bool]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(T, H, W, 3)."""

    def encoded(self, content: Content, frame: int) -> Encoded:
        """What of the file's content a frame needs."""

    def decode(self, encoded: Any, frame: int) -> Picture:
        """A frame, uint8 (H, W, 3); raises whatever a decoder does."""

    def without_spans(self) -> Recipe:
        """The same for a process that gets the encoded bytes."""


Decode = Callable[[Recipe, Content, Sequence[int]], list[Picture | str]]
"""Decodes frames of a content: each a picture, or the sentence that says why there is none."""


class LoopFrames(Sequence[Picture]):
    """The frames of one file, as an array (T, H, W, 3) would give them, decoded on demand.

    Frames come read-only. The last ones used are kept for a while, those of all loops together in bounded
    memory. Safe to share between threads.

    Args:
        content: the file.
        recipe: how its frames are decoded.
        decode: what decodes them, here or in another process.
    """

    def __init__(self, content: Content, recipe: Recipe, decode: Decode | None = None) -> None:
        self.content, self.recipe = content, recipe
        self._decode = decode or decode_here
        self._refused: dict[int, str] = {}
        self._coming: set[int] = set()
        self._changed = threading.Condition()
        weakref.finalize(self, CACHE.drop, id(self)).atexit = False

    dtype, ndim = np.dtype(np.uint8), 4

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(T, H, W, 3)."""
        return self.recipe.shape

    def __len__(self) -> int:
        """How many frames there are."""
        return self.recipe.shape[0]

    def __getitem__(self, index: Any) -> Any:
        """One frame, uint8 (H, W, 3), read-only; an array of those that a slice names.

        Raises:
            FrameError: it cannot be decoded; the others may.
            IndexError: there is no such frame.
            ScanError: no process can decode it just now.
        """
        frame = range(len(self))[index]
        if not isinstance(frame, int):
            none = np.empty((0, *self.shape[1:]), np.uint8)
            return np.stack([self[at] for at in frame]) if len(frame) else none
        with self._changed:
            self._changed.wait_for(lambda: frame not in self._coming)
            found: Picture | str | None = self._refused.get(frame) or CACHE.get(self, frame)
            if found is None:
                self._coming.add(frame)
        if found is None:
            (found,) = self._bring([frame])
        if isinstance(found, str):
            raise FrameError(found)
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """All frames, decoded; as much memory as they take."""
        del copy
        whole = np.empty(self.shape, np.uint8)
        for at, frame in enumerate(self):
            whole[at] = frame
        return whole if dtype is None else whole.astype(dtype)

    def __repr__(self) -> str:
        """Counts alone."""
        return f"LoopFrames(shape={self.shape})"

    @property
    def held(self) -> int:
        """Bytes of memory: the file's content, and what is decoded of it."""
        return len(self.content) + CACHE.held(self)

    def ask_ahead(self, frames: Iterable[int]) -> None:
        """Have frames decoded in the background, as many as are decoded at a time."""
        height, width = self.shape[1:3]
        most = max(_AHEAD_BYTES // (3 * height * width), 1)
        frames = [at for at in frames if 0 <= at < len(self)]
        with self._changed:
            wanted = [at for at in frames if at not in self._coming and not CACHE.has(self, at)]
            wanted = [at for at in wanted if at not in self._refused][:most]
            self._coming.update(wanted)
        if wanted:
            threading.Thread(target=self._bring_quietly, args=(wanted,), daemon=True).start()

    def _bring_quietly(self, frames: list[int]) -> None:
        with suppress(ScanError):  # who takes them asks again, and is told
            self._bring(frames)

    def _bring(self, frames: list[int]) -> list[Picture | str]:
        try:
            found = self._decode(self.recipe, self.content, frames)
            return [self._keep(at, one) for at, one in zip(frames, found, strict=True)]
        finally:
            with self._changed:
                self._coming.difference_update(frames)
                self._changed.notify_all()

    def _keep(self, frame: int, found: Picture | str) -> Picture | str:
        if isinstance(found, str):
            self._refused[frame] = found
            return found
        return CACHE.put(self, frame, found)


def whole_or_on_demand(
    content: Content, recipe: Recipe, decode: Callable[[int], Picture] | None = None
) -> Frames:
    """The frames of a file: those of a still or a short, sound loop decoded, those of others on demand.

    Args:
        content: the file.
        recipe: how its frames are decoded.
        decode: one frame by its number, where that is done faster than from the content; raises whatever
            a decoder does.

    Raises:
        Exception: whatever a decoder raises on the only frame of a file.
    """
    count = recipe.shape[0]
    if count > 1 and math.prod(recipe.shape) > _SHORT_BYTES:
        return LoopFrames(content, recipe)
    decode = decode or (lambda at: recipe.decode(recipe.encoded(content, at), at))
    if count == 1:
        return decode(0)[None]
    frames = np.empty(recipe.shape, np.uint8)
    for at in range(count):
        try:
            frames[at] = decode(at)
        except Exception:
            return LoopFrames(content, recipe)
    return frames


def whole(frames: Frames, limits: ReadLimits | None = None) -> Picture:
    """All frames as one array, uint8 (T, H, W, 3).

    Raises:
        FrameError: one of them cannot be decoded.
        ScanError: they take more memory than they may.
    """
    count, height, width, _ = frames.shape
    (limits or ReadLimits()).check_whole(height, width, count)
    return np.asarray(frames)


def ask_ahead(frames: Frames, wanted: Iterable[int]) -> None:
    """Have frames decoded in the background, where they are decoded on demand."""
    if isinstance(frames, LoopFrames):
        frames.ask_ahead(wanted)


def held_bytes(frames: Frames) -> int:
    """Memory that frames hold just now, the file that they are decoded from included."""
    return frames.held if isinstance(frames, LoopFrames) else frames.nbytes


def decode_here(recipe: Recipe, content: Content, frames: Sequence[int]) -> list[Picture | str]:
    """Decode frames in this process; a :data:`Decode`."""
    return [decode_one(recipe, recipe.encoded(content, at), at) for at in frames]


def decode_one(recipe: Recipe, encoded: Encoded, frame: int) -> Picture | str:
    """A frame, or the sentence that says why there is none."""
    try:
        return recipe.decode(encoded, frame)
    except Exception:  # decoders fail in their own ways, and may quote what they read
        return damaged(frame)


def damaged(frame: int) -> str:
    """What is said of a frame, counted from 0, that cannot be decoded."""
    return (
        f"Frame {frame + 1} of the loop is damaged and cannot be decoded; the other frames are not "
        "affected."
    )
