"""How fast a corpus is written, read and prepared: ``python -m benchmarks.corpus``.

- written: 200,000 synthetic images (10 GB) by the shards' writer, digests and fsync included, with the
  process's peak memory;
- read: batches of 64 and 256 rows at random, from files that the system has in its cache and from files
  that it was told to forget; against the same batches from an array in memory;
- prepared: the same 640 PNG files by two processes, cleaned without a look for text, and without any
  cleaning, once the processes have started; against one process that reads them with PIL, makes them grey and shrinks them.

Takes 15 GB of the disk for a while, less with ``--images``.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import tyro
from PIL import Image

from vmcore.data.corpus import (
    Corpus,
    CorpusSettings,
    CorpusSource,
    ImageRow,
    ShardWriter,
    open_corpus,
    prepare_corpus,
)
from vmcore.data.corpus.card import Position, ShardRecord, SourceCard
from vmcore.data.corpus.finishing import finish_corpus
from vmcore.data.corpus.shards import shard_path
from vmcore.files import write_atomically
from vmcore.imaging import CleaningSettings

_IN_MEMORY = 20_000  # images of the array that reading is compared with
_BATCHES = {64: 120, 256: 40}
_FILES = 640
_ROUNDS = 3
_OUT = Path(__file__).with_suffix(".json")


def write(folder: Path, images: int) -> dict[str, float]:
    """Write a corpus of noise; images a second, and peak memory above the start, MB."""
    settings = CorpusSettings()
    noise = np.random.default_rng(0).integers(0, 256, (64, 224, 224), np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    records: list[ShardRecord] = []
    for number, first in enumerate(range(0, images, settings.shard_images)):
        with ShardWriter(folder, number) as writer:
            for row in range(first, min(first + settings.shard_images, images)):
                writer.append(noise[row % 64], ImageRow(0, "", 0, "", f"{row:016x}"))
            records.append(writer.finish(Position(), Position(), "", {}))
    finish_corpus(
        folder, records, (SourceCard(name="noise", images=images),), settings,
        plan="", files=images, left_out=0, skipped={},
    )  # fmt: skip
    seconds = time.perf_counter() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"images_a_second": round(images / seconds), "peak_memory_mb": round(grown / 1024)}


def forget(corpus: Corpus) -> None:
    """Tell the system to drop a corpus's files from its cache."""
    for number in range(len(corpus.card.shards)):
        descriptor = os.open(shard_path(corpus.folder, number), os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def rate(get: Callable[[np.ndarray], np.ndarray], rows: int, batch: int, seed: int) -> float:
    """Images a second of batches at random among the first rows."""
    rng = np.random.default_rng(seed)
    batches = [rng.integers(0, rows, batch) for _ in range(_BATCHES[batch])]
    start = time.perf_counter()
    for asked in batches:
        get(asked)
    return batch * len(batches) / (time.perf_counter() - start)


def read(folder: Path) -> dict[str, dict[str, float]]:
    """Images a second from the corpus, cached and not, and from an array; their ratios."""
    corpus = open_corpus(folder)
    few = min(_IN_MEMORY, len(corpus))
    told = {}
    for batch in _BATCHES:
        forget(corpus)
        cold = rate(corpus.__getitem__, len(corpus), batch, 99)
        array = corpus[np.arange(few)]  # in the cache now
        pairs = [
            (rate(corpus.__getitem__, few, batch, turn), rate(array.__getitem__, few, batch, turn))
            for turn in range(_ROUNDS)
        ]
        cached, memory = (statistics.median(each) for each in zip(*pairs, strict=True))
        told[f"batches of {batch}"] = {
            "cached_images_a_second": round(cached),
            "array_images_a_second": round(memory),
            "cached_to_array": round(cached / memory, 2),
            "not_cached_images_a_second": round(cold),
        }
        del array
    return told


def draw(folder: Path) -> None:
    """PNG files that look a little like scans, each its own."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(_FILES):
        coarse = cv2.resize(rng.uniform(20, 200, (9, 12)).astype(np.float32), (640, 480))
        speckle = coarse + rng.normal(0, 15, (480, 640)).astype(np.float32)
        cv2.imwrite(str(folder / f"{number}.png"), np.clip(speckle, 0, 255).astype(np.uint8))


def with_pil(folder: Path) -> np.ndarray:
    """The loop that people write: one process, PIL, grey, 224 x 224."""
    return np.stack(
        [
            np.asarray(Image.open(file).convert("L").resize((224, 224), Image.Resampling.NEAREST))
            for file in sorted(folder.iterdir())
        ]
    )


def prepared(root: Path, folder: Path, cleaning: CleaningSettings, workers: int) -> float:
    """Files a second, from the moment at which each process has done a chunk."""
    settings = CorpusSettings(cleaning=cleaning, chunk_files=16)
    noted: list[tuple[float, int]] = []
    prepare_corpus(
        [CorpusSource(root)], folder, settings=settings, workers=workers,
        progress=lambda done, _: noted.append((time.perf_counter(), done)),
    )  # fmt: skip
    (start, before), (end, after) = noted[workers - 1], noted[-1]
    return (after - before) / (end - start)


def prepare(place: Path) -> dict[str, float]:
    """Files a second of preparing and of the PIL loop."""
    root = place / "files"
    draw(root)
    start = time.perf_counter()
    with_pil(root)
    told = {"pil_one_process": _FILES / (time.perf_counter() - start)}
    bare = CleaningSettings(remove_text=False, remove_grey_drawing=False)
    kinds = {"bare": bare, "no_text": CleaningSettings(remove_text=False)}
    for name, cleaning in kinds.items():
        for workers in (1, 2):
            rate = prepared(root, place / f"{name}-{workers}", cleaning, workers)
            told[f"{name}_{workers}_processes"] = rate
    told["bare_2_to_pil"] = told["bare_2_processes"] / told["pil_one_process"]
    told["no_text_2_to_1"] = told["no_text_2_processes"] / told["no_text_1_processes"]
    return {name: round(value, 2) for name, value in told.items()}


def main(
    images: int = 200_000,
    place: Path | None = None,
    out: Path = _OUT,
) -> None:
    """Measure a corpus.

    Args:
        images: how many are written.
        place: folder on the disk that is measured; the system's temporary one without.
        out: where the figures go.
    """
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # its own peak
            written = pool.submit(write, folder / "corpus", images).result()
        figures = {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "images": images,
            "written": written,
            "read": read(folder / "corpus"),
            "prepared_files_a_second": prepare(folder),
        }
    write_atomically(out, json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    tyro.cli(main)
