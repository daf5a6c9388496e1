"""Damaged files of every kind that is read, made from whole ones by a seeded chance.

``python -m tests.imaging.mutations --minutes 30`` (``make fuzz``) looks for files that hang, crash or
swell a decoder, and keeps those that a worker had to be ended for.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import tyro
from PIL import Image
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from tests.imaging.drawn import as_ycbcr, compressed, dataset_of, jpeg, picture, saved
from vmcore.imaging import ReadLimits, ScanError
from vmcore.imaging.sandbox import SandboxedReader

_ENDED = ("takes too long", "made its decoder fail", "more memory")


@cache
def whole_files() -> tuple[bytes, ...]:
    """Small whole files: DICOM in each encoding, pictures in each format."""
    grey = picture()[..., 0]
    plain = [dataset_of(picture()), dataset_of(grey, colour="MONOCHROME2"),
             dataset_of(as_ycbcr(picture()), colour="YBR_FULL"),
             dataset_of(np.stack([picture()] * 3)), compressed([jpeg(picture())] * 2)]  # fmt: skip
    files = [saved(dataset) for dataset in plain]
    for syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless):
        dataset = dataset_of(picture())
        try:
            dataset.compress(syntax)
        except (RuntimeError, NotImplementedError):
            continue  # no encoder for it is installed
        files.append(saved(dataset))
    for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP"):
        stream = io.BytesIO()
        Image.fromarray(picture()).save(stream, kind)
        files.append(stream.getvalue())
    return tuple(files)


def mutations(seed: int, count: int) -> Iterator[bytes]:
    """Damaged files: bytes changed near the beginning or anywhere, pieces cut out, doubled or lost."""
    rng = np.random.default_rng(seed)
    files = whole_files()
    for index in range(count):
        data = bytearray(files[index % len(files)])
        for _ in range(int(rng.integers(1, 6))):
            reach = len(data) if rng.random() < 0.4 else min(len(data), 1200)
            place = int(rng.integers(0, reach))
            match int(rng.integers(0, 6)):
                case 0 | 1 | 2:
                    data[place] = int(rng.choice([0, 1, 127, 128, 255, rng.integers(256)]))
                case 3:
                    del data[place : place + int(rng.integers(1, 64))]
                case 4:
                    data[place:place] = data[place : place + int(rng.integers(1, 64))]
                case 5:
                    del data[max(place, 64) :]
            if not data:
                data = bytearray(b"\0")
        yield bytes(data)


def main(minutes: float = 10.0, seed: int = 0, keep: Path = Path("fuzz")) -> None:
    """Read mutated files until the time is over.

    Args:
        minutes: how long.
        seed: the first seed; each thousand files take the next one.
        keep: folder of files that a worker had to be ended for.
    """
    ends = time.monotonic() + 60 * minutes
    reader, done, found = SandboxedReader(workers=1), 0, 0
    while time.monotonic() < ends:
        for data in mutations(seed, 1000):
            done += 1
            try:
                reader.read(data, ReadLimits())
            except ScanError as error:
                if any(words in str(error) for words in _ENDED):
                    found += 1
                    keep.mkdir(exist_ok=True)
                    (keep / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        seed += 1
        print(f"{done} files, {found} kept in {keep}", flush=True)  # noqa: T201


if __name__ == "__main__":
    tyro.cli(main)
