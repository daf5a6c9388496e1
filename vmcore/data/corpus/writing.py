"""Write shards, each under a temporary name until it is whole."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from vmcore.data.corpus.card import SIDE, CorpusError, Position, ShardRecord, Skipped
from vmcore.data.corpus.shards import check_shard, shard_path
from vmcore.files import replacing, write_atomically

_HEAD_BYTES = 128  # NumPy's format 1.0, aligned to 64 bytes


class ImageRow(NamedTuple):
    """What is known of an image: nothing that names a file or a person.

    ``original`` and ``pixels`` are SHA-256 digests, ``hash`` is the perceptual one.
    """

    source: int
    original: str
    frame: int
    pixels: str
    hash: str


class ShardWriter:
    """Writes one shard, image by image; use as a context, which removes what is not finished.

    Args:
        folder: the corpus's.
        number: the shard's.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self._folder, self._number = folder, number
        self._rows: list[ImageRow] = []
        self._digest = hashlib.sha256()
        self._growing = folder / f"shard-{number:05d}.growing"
        self._stream: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._stream is not None:
            with suppress(OSError):  # what a full disk did not take is given up
                self._stream.close()
            self._growing.unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, image: npt.NDArray[np.uint8], row: ImageRow) -> None:
        """Add an image, uint8 (224, 224).

        Raises:
            CorpusError: it is of another shape or kind.
            OSError: the disk is full, or fails.
        """
        if image.shape != (SIDE, SIDE) or image.dtype != np.uint8:
            raise CorpusError(f"An image of a corpus is uint8 ({SIDE}, {SIDE}).")
        if self._stream is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._stream = self._growing.open("wb")
            self._stream.write(bytes(_HEAD_BYTES))
        pixels = np.ascontiguousarray(image).tobytes()
        self._stream.write(pixels)
        self._digest.update(pixels)
        self._rows.append(row)

    def finish(
        self, begin: Position, end: Position, plan: str, skipped: Mapping[str, Skipped]
    ) -> ShardRecord:
        """Put the shard in place: pixels, rows, and the record by which it counts as whole.

        Raises:
            CorpusError: it has no images.
            OSError: the disk is full, or fails.
        """
        if self._stream is None:
            raise CorpusError("A shard without images is not written.")
        shard_path(self._folder, self._number, "json").unlink(missing_ok=True)
        head = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            head,
            {"descr": "|u1", "fortran_order": False, "shape": (len(self), SIDE, SIDE)},
        )
        if len(head.getvalue()) != _HEAD_BYTES:
            raise CorpusError("This version of NumPy writes another head than shards have.")
        self._stream.seek(0)
        self._stream.write(head.getvalue())
        self._stream.close()
        with replacing(shard_path(self._folder, self._number)) as temporary:
            self._growing.replace(temporary)
        rows = _as_csv(self._rows)
        write_atomically(shard_path(self._folder, self._number, "csv"), rows)
        record = ShardRecord(
            images=len(self), pixels=self._digest.hexdigest(),
            rows=hashlib.sha256(rows.encode()).hexdigest(),
            begin=begin, end=end, plan=plan, skipped=dict(skipped),
        )  # fmt: skip
        write_atomically(
            shard_path(self._folder, self._number, "json"), record.model_dump_json() + "\n"
        )
        return record


def _as_csv(rows: list[ImageRow]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(ImageRow._fields)
    writer.writerows(rows)
    return text.getvalue()


def whole_shard(folder: Path, number: int) -> tuple[ShardRecord, list[ImageRow]] | None:
    """A shard's record and rows, where all of it is there."""
    try:
        record = ShardRecord.model_validate_json(shard_path(folder, number, "json").read_bytes())
        rows = shard_path(folder, number, "csv").read_bytes()
        if hashlib.sha256(rows).hexdigest() != record.rows:
            return None
        check_shard(folder, number, record.images)
    except (OSError, ValidationError, CorpusError):
        return None
    table = csv.reader(io.StringIO(rows.decode()))
    next(table)
    return record, [
        ImageRow(int(source), original, int(frame), pixels, alike)
        for source, original, frame, pixels, alike in table
    ]
