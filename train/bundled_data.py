"""Which images the bundled model learns from, and why each is there.

The public set of abnormal findings and its normal images come from different sources, so a model
could tell the sources apart without looking at a ventricle. Against that: findings of the same
source without dilated ventricles stand on the normal side, screening brains and HC18 join it, and
phantoms stand on both sides.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from vmcore.data import Splits, make_splits, splits_from_parts
from vmcore.data.phantom import (
    make_phantom,
    random_atrial_width_mm,
    series_phantom,
    write_png,
)
from vmcore.files import write_atomically

PHANTOMS = "phantoms"
NOT_DILATED = (
    "arachnoid-cyst",
    "cerebellah-hypoplasia",
    "encephalocele",
    "intracranial-hemorrdge",
    "intracranial-hemorrhage",
    "tuberous-sclerosis",
    "vein-of-galen",
)
"""Findings that do not by themselves dilate the ventricles, as the public set spells them.
Colpocephaly, porencephaly and Chiari malformation usually come with dilatation: left out."""

_COLUMNS = ["path", "label", "subject_id", "source", "finding", "root"]


def bundled_manifest(
    data: Path, phantoms: Path, *, heads: int, drawn: int, seed: int
) -> pd.DataFrame:
    """List the bundled model's images.

    Args:
        data: folder with fetal-brain-abnormalities, fetal-planes and hc18.
        phantoms: folder of the drawn phantoms.
        heads: how many HC18 images to take.
        drawn: phantoms of each class.
        seed: seed of the choice of HC18 images.

    Returns:
        path, label, subject_id, source, finding and root (folder that the path is relative to).
    """
    parts = [_findings(data), _screening(data), _heads(data, heads, seed), _phantoms(drawn)]
    table = pd.concat(parts, ignore_index=True)
    table["root"] = np.where(table["source"] == "phantom", str(phantoms), str(data))
    return table[_COLUMNS]


def other_organs(data: Path) -> pd.DataFrame:
    """List screening images that are not brains (abdomen, thorax, femur)."""
    planes = pd.read_csv(data / "fetal-planes/manifest.csv", dtype=str)
    planes = planes[planes["plane"] != "brain"].reset_index(drop=True)
    return planes.assign(path="fetal-planes/" + planes["path"])


def _findings(data: Path) -> pd.DataFrame:
    table = pd.read_csv(data / "fetal-brain-abnormalities/manifest.csv", dtype=str)
    keep = (table["label"] != "other") | table["finding"].isin(NOT_DILATED)
    table = table[keep]
    screening = table["label"] == "normal"
    return pd.DataFrame(
        {
            "path": "fetal-brain-abnormalities/" + table["path"],
            "label": np.where(table["label"] == "ventriculomegaly", "ventriculomegaly", "normal"),
            # both public sets number FETAL_PLANES_DB's patients alike: one fetus, one subject
            "subject_id": np.where(
                screening, "fp-" + table["subject_id"], "fa-" + table["subject_id"]
            ),
            "source": np.where(screening, "screening", "findings"),
            "finding": table["finding"].fillna("none"),
        }
    )


def _screening(data: Path) -> pd.DataFrame:
    table = pd.read_csv(data / "fetal-planes/manifest.csv", dtype=str)
    table = table[table["plane"] == "brain"]
    return pd.DataFrame(
        {
            "path": "fetal-planes/" + table["path"],
            "label": "normal",
            "subject_id": "fp-" + table["subject_id"],
            "source": "screening",
            "finding": "none",
        }
    )


def _heads(data: Path, count: int, seed: int) -> pd.DataFrame:
    names = sorted(path.name for path in (data / "hc18/images").iterdir())
    chosen = np.random.default_rng(seed).choice(len(names), min(count, len(names)), replace=False)
    names = [names[index] for index in sorted(chosen)]
    return pd.DataFrame(
        {
            "path": [f"hc18/images/{name}" for name in names],
            "label": "normal",
            "subject_id": [f"hc-{name.split('_')[0]}" for name in names],
            "source": "hc18",
            "finding": "none",
        }
    )


def _phantoms(count: int) -> pd.DataFrame:
    names = [(f"{PHANTOMS}/{label}-{index:04d}.png", label) for label in
             ("normal", "ventriculomegaly") for index in range(count)]  # fmt: skip
    return pd.DataFrame(
        {
            "path": [name for name, _ in names],
            "label": [label for _, label in names],
            "subject_id": [f"ph-{Path(name).stem}" for name, _ in names],
            "source": "phantom",
            "finding": "drawn",
        }
    )


def kept_splits(table: pd.DataFrame, work: Path, bundle: Path, seed: int) -> Splits:
    """The split that the work folder's weights belong to; made once and kept there.

    Where weights are there without it (an older program made them), the bundle's predictions say
    which image was tested and which fold validated which.

    Args:
        table: the bundled model's images.
        work: the folder of intermediate results.
        bundle: the finished bundle's folder.
        seed: of a split that is made for the first time.
    """
    file = work / "splits.csv"
    if not file.is_file() and not any(work.glob("*.safetensors")):
        write_atomically(file, _parts(make_splits(table, 0.15, 5, seed), table).to_csv(index=False))
    known = pd.read_csv(file) if file.is_file() else _judged(bundle / "predictions.csv")
    return _splits_of(known, table, seed)


def bundle_splits(table: pd.DataFrame, bundle: Path, seed: int) -> Splits:
    """The split that a bundle's folds were trained by, as its predictions tell it."""
    return _splits_of(_judged(bundle / "predictions.csv"), table, seed)


def _splits_of(known: pd.DataFrame, table: pd.DataFrame, seed: int) -> Splits:
    parts = table["path"].map(known.set_index("path")["part"])
    if parts.isna().any() or len(known) != len(table):
        raise SystemExit(
            "The weights were trained on other images than these. Take another folder (--work)."
        )
    return splits_from_parts(parts.to_numpy(np.int64), seed, "subject")


def _parts(splits: Splits, table: pd.DataFrame) -> pd.DataFrame:
    """Columns path and part: 0 for the test, else the fold that validates the image."""
    parts = np.zeros(len(table), np.int64)
    for number, fold in enumerate(splits.folds, start=1):
        parts[fold.validation] = number
    return pd.DataFrame({"path": table["path"].to_numpy(), "part": parts})


def _judged(predictions: Path) -> pd.DataFrame:
    """The same from a bundle's predictions."""
    if not predictions.is_file():
        return pd.DataFrame({"path": [], "part": []})
    table = pd.read_csv(predictions).drop_duplicates("image")
    part = table["fold"].where(table["split"] == "validation", 0)
    return pd.DataFrame({"path": table["image"], "part": part})


def draw_phantoms(folder: Path, count: int, seed: int, workers: int = 2) -> None:
    """Draw ``count`` phantoms of each class as PNG, with overlays on half of them."""
    (folder / PHANTOMS).mkdir(parents=True, exist_ok=True)
    missing = [path for path in _phantoms(count)["path"] if not (folder / path).is_file()]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(_draw, folder=folder, seed=seed), missing, chunksize=8))


def _draw(path: str, *, folder: Path, seed: int) -> None:
    name = Path(path).stem
    staged = folder / f".{name}.png"
    write_png(staged, series_phantom(name, seed))
    staged.rename(folder / path)


def warm_up_phantom(index: int, seed: int) -> tuple[np.ndarray, int, float]:
    """Draw one phantom for the warm-up, never part of any fold.

    Returns:
        uint8 (224, 224, 2) of grey values and the ventricles' mask (0 or 255), label, width in mm.
    """
    rng = np.random.default_rng([seed, index, 2])
    dilated = bool(index % 2)
    width = random_atrial_width_mm(rng, dilated=dilated)
    phantom = make_phantom(
        width, rng, shape=(int(rng.integers(260, 340)), int(rng.integers(320, 440)))
    )
    geometry = phantom.geometry
    mask = (geometry.far_ventricle | geometry.near_ventricle).astype(np.uint8) * 255
    both = np.dstack([phantom.clean[..., 0], mask])
    return cv2.resize(both, (224, 224), interpolation=cv2.INTER_NEAREST), int(dilated), width
