"""Pairs of the bundled model's real normal heads, in which nothing but the ventricle differs.

They are made of HC18's heads, whose pixel size is known: the other pictures were squeezed to a square.
"""

from __future__ import annotations

import logging
import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from vmcore.anatomy import AnatomyModel
from vmcore.files import replacing
from vmcore.imaging import clean_frame, read_scan
from vmcore.training import PairedHeads, model_pair

log = logging.getLogger("train.bundled")

_Images = npt.NDArray[np.uint8]


def real_pairs(table: pd.DataFrame, work: Path) -> PairedHeads:
    """Pairs of the heads of which one could be made.

    Args:
        table: the bundled model's images.
        work: the folder of intermediate results, where they are kept.
    """
    path = work / f"pairs-{(_anatomy_model().digest or '')[:12]}.npz"
    if not path.is_file():
        real = table[table["source"] == "hc18"]
        files = [Path(str(row.root)) / str(row.path) for row in real.itertuples()]
        sizes = [_pixel_mm(file) for file in files]
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            made = list(pool.map(_pair, files, sizes, chunksize=8))
        paths = [name for name, pair in zip(real["path"], made, strict=True) if pair is not None]
        pairs = [pair for pair in made if pair is not None]
        if not pairs:
            raise SystemExit("No pair could be made: no atrium was surely found in any head.")
        log.info("%d pairs of %d real normal heads", len(pairs), len(real))
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, paths=np.array(paths, str), pairs=np.stack(pairs))
    content = np.load(path)
    row_of = pd.Series(np.arange(len(table)), index=table["path"])
    return PairedHeads(row_of[content["paths"]].to_numpy(np.int64), content["pairs"])


def _pixel_mm(file: Path) -> float:
    """Millimetres per pixel of an HC18 image."""
    return _pixel_sizes(file.parent.parent)[f"{file.stem}.png"]


@lru_cache(maxsize=1)
def _pixel_sizes(folder: Path) -> dict[str, float]:
    table = pd.read_csv(folder / "training_set_pixel_size_and_HC.csv")
    return dict(zip(table["filename"], table["pixel size(mm)"], strict=True))


def _pair(file: Path, pixel_mm: float) -> _Images | None:
    scan = read_scan(file)
    clean = clean_frame(scan.frames[len(scan.frames) // 2], region=scan.region).image
    rng = np.random.default_rng(zlib.crc32(file.name.encode()))
    return model_pair(clean, _anatomy_model().find(clean, (pixel_mm, pixel_mm)), rng)


@lru_cache(maxsize=1)
def _anatomy_model() -> AnatomyModel:
    return AnatomyModel.load()
