"""Where the bundled model looks, and whether the ventricle is why: ``python -m train.looking --data FOLDER``.

On real heads whose atrium experts outlined, none of a fetus that the bundle learnt from, and on
phantoms of no series. The rows go into the bundle's card; nothing else of the bundle changes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import tyro

from train.anatomy_check import mean_by_subject
from train.anatomy_data import atrium_of_phantom, head_structures
from train.card import BUNDLED
from vmcore.anatomy import HeadEllipse
from vmcore.data.phantom import make_phantom
from vmcore.data.widening import widen_ventricle
from vmcore.evaluation import wilson
from vmcore.evaluation.looking import mass_within, points_into
from vmcore.files import write_atomically
from vmcore.imaging import clean_frame, read_scan
from vmcore.inference import Classifier
from vmcore.models import load_card
from vmcore.models.bundle_card import CARD_FILE

log = logging.getLogger("train.looking")

TITLE = "Where it looks: Eigen-CAM and the ventricle (95 % intervals)"
_LIMIT = (
    "Its heatmap and its probability need not follow the ventricle: 'Where it looks' tells how much of "
    "the map lies there, and how much more the probability rises when only the ventricle widens than when as "
    "much is done to the other end of the head."
)
_SEED, _PHANTOMS, _METHOD = 70_000, 40, "eigen-cam"
_WIDE = (0.15, 0.30)  # of the head's short axis
_ALIKE = 0.7  # both changes must be so far alike to be compared
_GROWN = 0.5  # of the atrium's width, on every side

Polygon = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OutlinedHead:
    """A cleaned picture, uint8 (H, W, 3), its atrium's rectangle (x, y), its head, and whose it is."""

    picture: npt.NDArray[np.uint8]
    rectangle: Polygon
    head: HeadEllipse
    subject_id: str

    @property
    def region(self) -> npt.NDArray[np.bool_]:
        """The atrium, grown by half its width."""
        across, along = (self.rectangle[at] - self.rectangle[0] for at in (1, 3))
        width, length = float(np.hypot(*across)), float(np.hypot(*along))
        more = _GROWN * width
        middle = self.rectangle.mean(0)
        offset = self.rectangle - middle
        u, v = along / length, across / width
        grown = middle + (
            np.outer(np.sign(offset @ u) * (length / 2 + more), u)
            + np.outer(np.sign(offset @ v) * (width / 2 + more), v)
        )
        mask = np.zeros(self.picture.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(grown).astype(np.int32)], 1)
        return mask > 0

    def widened(
        self, rng: np.random.Generator, *, elsewhere: bool
    ) -> tuple[npt.NDArray[np.uint8], float]:
        """The same picture with a wide ventricle, or with as much done to the head's other end.

        Also by what factor: less than was drawn where there is no room.
        """
        width = float(np.hypot(*(self.rectangle[1] - self.rectangle[0])))
        share = width / self.head.biparietal_diameter
        rectangle = self.rectangle
        if elsewhere:
            middle = np.array(self.head.centre[::-1])
            rectangle = 2 * middle - rectangle
        factor = float(np.clip(rng.uniform(*_WIDE) / share, 1.0, 5.0))
        grey = (self.picture.astype(np.uint16).sum(2) // 3).astype(np.uint8)
        other = widen_ventricle(grey, rectangle, factor, rng, skull=self.head.outline())
        drawn = np.where(other.changed[..., None], other.picture[..., None], self.picture)
        return drawn.astype(np.uint8), other.factor


def real_heads(data: Path, learnt: set[str]) -> Iterator[OutlinedHead]:
    """Cleaned heads with outlines of skull and atrium, of fetuses that were not learnt from."""
    folder = data / "fetal-head-structures"
    table = pd.read_csv(folder / "manifest.csv", dtype={"subject_id": str})
    for row, one in zip(table.itertuples(), head_structures(folder), strict=True):
        if one.head is None or one.ventricle is None or one.subject_id in learnt:
            continue
        scan = read_scan(folder / str(row.path))
        clean = clean_frame(scan.frames[0], region=scan.region)
        scale = np.array(scan.frames.shape[2:0:-1]) / np.array(one.grey.shape[::-1])
        offset = np.array(clean.offset[::-1])

        def full(points: Polygon, scale: Polygon = scale, offset: Polygon = offset) -> Polygon:
            return (points + 0.5) * scale - 0.5 - offset

        yield OutlinedHead(
            clean.image, full(one.ventricle), HeadEllipse.through(full(one.head.outline())),
            one.subject_id,
        )  # fmt: skip


def drawn_heads() -> Iterator[OutlinedHead]:
    """Phantoms with a ventricle of normal width."""
    for number in range(_PHANTOMS):
        rng = np.random.default_rng([_SEED, number])
        phantom = make_phantom(float(rng.uniform(4.5, 8)), rng, shape=(440, 600))
        rectangle, head = atrium_of_phantom(phantom)
        yield OutlinedHead(phantom.clean, rectangle, head, f"phantom-{number}")


def looked(classifier: Classifier, heads: Sequence[OutlinedHead], source: str) -> dict[str, str]:
    """One row of the card."""
    rng = np.random.default_rng(_SEED)
    asked, room = [], []
    for one in heads:
        (wide, factor), (control, other) = (
            one.widened(rng, elsewhere=elsewhere) for elsewhere in (False, True)
        )
        asked.append((one.picture, wide, control))
        room.append(min(factor, other) - 1 >= _ALIKE * (max(factor, other) - 1))
    fair = np.array(room)
    maps = classifier.predict([one.picture for one in heads], heatmap=_METHOD)
    before, wide, control = (
        np.array([found.probability for found in classifier.predict(list(part), heatmap=None)])
        for part in zip(*asked, strict=True)
    )
    heatmaps = [found.heatmap for found in maps if found.heatmap is not None]
    regions = [one.region for one in heads]
    table = pd.DataFrame({"subject_id": [one.subject_id for one in heads]})
    mass = pd.Series([mass_within(m, r) for m, r in zip(heatmaps, regions, strict=True)])
    hits = sum(points_into(m, r) for m, r in zip(heatmaps, regions, strict=True))
    wide, control, before = wide[fair], control[fair], before[fair]
    rises = int((wide > control).sum())
    changed = table[fair].reset_index(drop=True)
    return {
        "heads": f"{source}, {len(heads)}",
        "share of the map in or close to the atrium": str(mean_by_subject(table, mass)),
        "share of the area there": str(
            mean_by_subject(table, pd.Series([float(region.mean()) for region in regions]))
        ),
        "highest place there": f"{wilson(hits, len(heads))}",
        "probability rises by, when only the ventricle widens": str(
            mean_by_subject(changed, pd.Series(wide - before))
        ),
        "when as much is done elsewhere": str(
            mean_by_subject(changed, pd.Series(control - before))
        ),
        "rises more with the ventricle": f"{wilson(rises, len(wide))} of {len(wide)}",
    }


def main(data: Path, bundle: Path = BUNDLED) -> None:
    """Write where a bundle looks into its card.

    Args:
        data: folder with fetal-head-structures.
        bundle: the bundle's folder.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    classifier = Classifier.load(bundle)
    judged = pd.read_csv(bundle / "predictions.csv", dtype=str)
    learnt = {subject.partition("-")[2] for subject in judged["subject"]}
    rows = []
    for source, heads in (("real", real_heads(data, learnt)), ("phantoms", drawn_heads())):
        rows.append(looked(classifier, list(heads), source))
        log.info("%s", rows[-1])
    card = load_card(bundle)
    limits = [limit for limit in card.limits if limit != _LIMIT]
    changed = card.model_copy(
        update={"metrics": {**card.metrics, TITLE: rows}, "limits": [*limits, _LIMIT]}
    )
    write_atomically(bundle / CARD_FILE, changed.model_dump_json(indent=2) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
