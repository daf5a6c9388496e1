"""Bring unlabelled images to the device before they are asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_AHEAD = 3
_COPIED = 4096  # images that go to the device at once
_MOST_OF_DEVICE = 0.5  # of its free memory that images may take for good


class Images(Protocol):
    """Images by row: an array, or what reads them from a corpus on disk."""

    def __len__(self) -> int:
        """How many images there are."""

    def __getitem__(self, rows: npt.NDArray[np.int64], /) -> npt.NDArray[np.uint8]:
        """Images of these rows, uint8 (n, 224, 224) grey or (n, 3, 224, 224)."""


class Feed:
    """Batches of images on a device.

    Images that fit into half of a GPU's free memory are kept there, one byte a pixel; others are read
    by a thread, a few batches ahead, so that the device need not wait for the disk.

    Args:
        images: see :class:`Images`.
        device: where batches are wanted.
    """

    def __init__(self, images: Images, device: torch.device) -> None:
        self._images, self._device = images, device
        self._resident = self._moved() if self._fits() else None

    @property
    def resident(self) -> bool:
        """Whether all images are on the device."""
        return self._resident is not None

    def __call__(self, batches: Sequence[npt.NDArray[np.int64]]) -> Iterator[Tensor]:
        """Yield each batch as uint8 (n, 1 or 3, 224, 224) on the device."""
        if self._resident is not None:
            for rows in batches:
                yield self._resident[torch.from_numpy(rows).to(self._device, non_blocking=True)]
            return
        waiting: deque[Future[Tensor]] = deque()
        with ThreadPoolExecutor(1, "feed") as reader:
            try:
                for rows in batches:
                    waiting.append(reader.submit(self._read, rows))
                    if len(waiting) > _AHEAD:
                        yield self._to_device(waiting.popleft().result())
                while waiting:
                    yield self._to_device(waiting.popleft().result())
            finally:  # whoever asks may have stopped in the middle
                for one in waiting:
                    one.cancel()

    def _fits(self) -> bool:
        if self._device.type != "cuda":
            return False
        free, _ = torch.cuda.mem_get_info(self._device)
        one = self._read(np.zeros(1, np.int64))
        return one.numel() * len(self._images) < _MOST_OF_DEVICE * free

    def _moved(self) -> Tensor:
        count = len(self._images)
        everything: Tensor | None = None
        for start in range(0, count, _COPIED):
            part = self._read(np.arange(start, min(start + _COPIED, count)))
            if everything is None:
                shape = (count, *part.shape[1:])
                everything = torch.empty(shape, dtype=torch.uint8, device=self._device)
            everything[start : start + len(part)] = part.to(self._device)
        if everything is None:
            raise ValueError("There are no images.")
        return everything

    def _read(self, rows: npt.NDArray[np.int64]) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(self._images[rows]))
        pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels
        return pixels.pin_memory() if self._device.type == "cuda" else pixels

    def _to_device(self, pixels: Tensor) -> Tensor:
        return pixels.to(self._device, non_blocking=True)
