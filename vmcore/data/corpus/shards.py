"""Read a corpus: any rows of it, in any order, with no more memory than what is asked for.

Shards are read by position (pread) and not through memory maps: a shard that is cut short while it is
read then raises an error where a map would end the process, images go straight to their place, and what
a map has touched does not count as the process's memory.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vmcore.data.corpus.card import IMAGE_BYTES, SIDE, CorpusCard, CorpusError, read_card

_OPEN_FILES = 256
_AT_ONCE = 512  # images in one call; the system takes 1024
_AGAIN = "prepare the corpus again: what is whole is kept."


def shard_path(folder: Path, number: int, kind: str = "npy") -> Path:
    """Where a shard's pixels (npy), rows (csv) or record (json) lie."""
    return folder / f"shard-{number:05d}.{kind}"


class _OpenFile:
    """A file that is open for reading until nobody holds it."""

    __slots__ = ("descriptor",)

    def __init__(self, file: Path) -> None:
        self.descriptor = -1
        self.descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


class Corpus:
    """A prepared corpus: grey images by row; safe to share between threads.

    Attributes:
        folder: where it lies.
        card: what it says of itself.
    """

    def __init__(self, folder: Path, card: CorpusCard) -> None:
        self.folder, self.card = folder, card
        self._first = np.cumsum([0, *(shard.images for shard in card.shards)])
        self._offsets = [
            check_shard(folder, number, shard.images) for number, shard in enumerate(card.shards)
        ]
        self._files: OrderedDict[int, _OpenFile] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[object, ...]:
        return open_corpus, (self.folder,)

    def __len__(self) -> int:
        return self.card.images

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return len(self) * IMAGE_BYTES

    @property
    def digest(self) -> str:
        """SHA-256 of the whole, as its card has it."""
        return self.card.digest

    def __getitem__(self, rows: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        """Images of some rows in the order in which they are asked for, uint8 (n, 224, 224).

        Args:
            rows: int64 (n,), 0 <= row < len(self); a row may be there more than once.

        Raises:
            IndexError: no such row, or no list of whole numbers.
            CorpusError: a shard was cut short or removed since the corpus was opened.
        """
        asked = np.asarray(rows)
        if asked.ndim != 1 or (asked.size and asked.dtype.kind not in "iu"):
            raise IndexError("Rows are asked for as a list of whole numbers.")
        if asked.size and (asked.min() < 0 or asked.max() >= len(self)):
            raise IndexError(f"The corpus has the rows 0 to {len(self) - 1} alone.")
        images = np.empty((len(asked), SIDE, SIDE), np.uint8)
        order = np.argsort(asked, kind="stable")
        wanted = asked[order].astype(np.int64)
        shards = np.searchsorted(self._first, wanted, side="right") - 1
        breaks = (np.diff(wanted) != 1) | (np.diff(shards) != 0)
        for start, stop in pairwise([0, *(np.flatnonzero(breaks) + 1).tolist(), len(wanted)]):
            for at in range(start, stop, _AT_ONCE):
                places = [
                    memoryview(images[place]) for place in order[at : min(at + _AT_ONCE, stop)]
                ]
                self._fill(int(shards[at]), int(wanted[at]), places)
        return images

    def _fill(self, shard: int, row: int, places: list[memoryview]) -> None:
        """Read images that follow one another to where they belong."""
        if not places:
            return
        offset = self._offsets[shard] + (row - int(self._first[shard])) * IMAGE_BYTES
        stream = self._open(shard)  # held while it is read
        read = os.preadv(stream.descriptor, places, offset)
        if read != len(places) * IMAGE_BYTES:
            raise CorpusError(f"Shard {shard} was cut short; {_AGAIN}")

    def _open(self, shard: int) -> _OpenFile:
        with self._lock:
            stream = self._files.pop(shard, None)
            if stream is None:
                try:
                    stream = _OpenFile(shard_path(self.folder, shard))
                except OSError:
                    raise CorpusError(f"Shard {shard} is not there any more; {_AGAIN}") from None
            self._files[shard] = stream  # the one that was used last stands last
            if len(self._files) > _OPEN_FILES:
                self._files.popitem(last=False)  # closed when nobody reads it
            return stream

    def rows(self) -> Iterator[dict[str, str]]:
        """What is known of each image, in the order of rows: the columns of the shards' CSV files.

        Raises:
            CorpusError: a shard's rows are not there, or not as they were written.
        """
        for number in range(len(self.card.shards)):
            yield from self._rows_of(number)

    def check_rows(self) -> None:
        """Read what is known of all images.

        Raises:
            CorpusError: as :meth:`rows`.
        """
        for number in range(len(self.card.shards)):
            self._rows_of(number)

    def _rows_of(self, number: int) -> list[dict[str, str]]:
        shard = self.card.shards[number]
        try:
            data = shard_path(self.folder, number, "csv").read_bytes()
        except OSError:
            raise CorpusError(f"The rows of shard {number} are not there; {_AGAIN}") from None
        if hashlib.sha256(data).hexdigest() != shard.rows:
            raise CorpusError(f"The rows of shard {number} are not as they were written; {_AGAIN}")
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        if len(rows) != shard.images:
            raise CorpusError(
                f"Shard {number} has {shard.images} images and {len(rows)} rows; {_AGAIN}"
            )
        return rows

    def pixel_digests(self) -> Iterator[str]:
        """SHA-256 of each image repeated to uint8 (3, 224, 224), as :func:`vmcore.data.pixel_digest`."""
        return (row["pixels"] for row in self.rows())

    def originals(self) -> Iterator[str]:
        """SHA-256 of the file that each image was prepared from."""
        return (row["original"] for row in self.rows())

    def sources(self) -> dict[str, int]:
        """How many images each source gave, by its name; sources of one name count together."""
        images: Counter[str] = Counter()
        for source in self.card.sources:
            images[source.name] += source.images
        return dict(images)

    def overlaps(self) -> tuple[str, ...]:
        """Public test sets that sources of these images overlap with.

        Those of a source that gave no image are told as well: its images may be here as an earlier
        source's that look like them.
        """
        return tuple(sorted({name for one in self.card.sources for name in one.overlaps}))


def open_corpus(folder: Path) -> Corpus:
    """Open a finished corpus; reads its card and the head of each shard.

    Raises:
        CorpusError: it is not finished, its card is damaged, or a shard is missing, cut short or of
            another shape.
    """
    return Corpus(folder, read_card(folder))


def check_shard(folder: Path, number: int, images: int) -> int:
    """Where a shard's pixels begin in its file, after its size and shape were checked.

    Raises:
        CorpusError: it is missing, cut short, or of another shape or kind.
    """
    try:
        with shard_path(folder, number).open("rb") as stream:
            version = np.lib.format.read_magic(stream)
            if version != (1, 0):
                raise ValueError
            shape, by_column, kind = np.lib.format.read_array_header_1_0(stream)
            begins, size = stream.tell(), os.fstat(stream.fileno()).st_size
    except FileNotFoundError:
        raise CorpusError(f"Shard {number} is missing; {_AGAIN}") from None
    except (OSError, ValueError):
        raise CorpusError(f"Shard {number} is damaged; {_AGAIN}") from None
    if shape != (images, SIDE, SIDE) or by_column or kind != np.uint8:
        raise CorpusError(f"Shard {number} holds other images than the corpus says; {_AGAIN}")
    if size != begins + images * IMAGE_BYTES:
        raise CorpusError(f"Shard {number} is cut short; {_AGAIN}")
    return begins
