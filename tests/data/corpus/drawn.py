"""Quick pictures for corpora: speckle that is never twice the same, and folders of it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from vmcore.data.corpus import (
    Corpus,
    CorpusSettings,
    CorpusSource,
    ImageRow,
    ShardWriter,
    perceptual_hash,
    prepare_corpus,
)
from vmcore.data.corpus.card import Position, SourceCard
from vmcore.data.corpus.finishing import finish_corpus
from vmcore.data.corpus.pictures import grey_digest
from vmcore.imaging import CleaningSettings

PLAIN = CleaningSettings(remove_text=False, remove_grey_drawing=False)
QUICK = CorpusSettings(cleaning=PLAIN, shard_images=7, chunk_files=2)


def texture(seed: int, shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    """A grey picture, uint8, coarse enough that it looks the same when it is compressed."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(20, 235, (9, 12)).astype(np.float32)
    fine = rng.normal(0, 6, shape).astype(np.float32)
    smooth = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth + fine, 0, 255).astype(np.uint8)


def write(file: Path, image: np.ndarray, *options: int) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), image, options)
    return file


def folder_of(root: Path, seeds: range) -> Path:
    for seed in seeds:
        write(root / f"part{seed % 3}" / f"image{seed:03d}.png", texture(seed))
    return root


def random_images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 224, 224), np.uint8)


def write_corpus(folder: Path, images: np.ndarray, per_shard: int) -> Corpus:
    """A finished corpus of given images."""
    records = []
    for number, start in enumerate(range(0, len(images), per_shard)):
        with ShardWriter(folder, number) as writer:
            for image in images[start : start + per_shard]:
                row = ImageRow(0, "0" * 64, 0, grey_digest(image), f"{perceptual_hash(image):016x}")
                writer.append(image, row)
            records.append(writer.finish(Position(), Position(), "", {}))
    sources = (SourceCard(name="drawn", images=len(images)),)
    return finish_corpus(
        folder, records, sources, QUICK, plan="", files=len(images), left_out=0, skipped={}
    )


def prepare(root: Path, folder: Path, **options: object) -> Corpus:
    return prepare_corpus(
        [CorpusSource(root)], folder, **{"settings": QUICK, "workers": 1} | options
    )


def left_out(corpus: Corpus) -> dict[str, int]:
    report = json.loads((corpus.folder / "report.json").read_text())
    return {reason: told["count"] for reason, told in report["left out"].items()}
