"""Do ImageNet's weights help the anatomy network? ``python -m train.anatomy_starts --random FOLDER``.

The folder is the work folder of ``python -m train.anatomy --start random``; it is held against that of the
published recipe, picture by picture. The figures join those of ``train.encoders``.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import tyro

from train.anatomy_check import CLOSE, mean_by_subject
from train.encoders_document import encoders_document
from vmcore.evaluation.intervals import Interval
from vmcore.files import write_atomically

log = logging.getLogger("train.anatomy_starts")


def anatomy_figures(imagenet: pd.DataFrame, random: pd.DataFrame) -> list[dict[str, object]]:
    """Figures of both starts and their differences, one row each; means and 95 % intervals by subject.

    Args:
        imagenet: rows of :func:`train.anatomy_check.measured`, by networks that began with ImageNet's weights.
        random: the same pictures in the same order, by networks that began with random ones.

    Raises:
        ValueError: the pictures are not the same.
    """
    keys = ["source", "subject_id", "true_circumference_mm", "true_share"]
    if not imagenet[keys].equals(random[keys]):
        raise ValueError("The two tables do not hold the same pictures in the same order.")
    said: list[dict[str, object]] = []
    for source in ("head-structures", "hc18"):
        rows = imagenet["source"] == source
        both = [_values(table[rows]) for table in (imagenet, random)]
        for name in both[0]:
            one, other = both[0][name], both[1][name]
            if one.notna().any():
                found = (one, other, other - one)
                means = [mean_by_subject(imagenet[rows], values) for values in found]
                said.append(
                    {
                        "set": source, "figure": name, "pictures": int(rows.sum()),
                        **{kind: _shown(mean) for kind, mean in
                           zip(("imagenet", "random", "difference"), means, strict=True)},
                    }
                )  # fmt: skip
    return said


def _shown(mean: Interval) -> list[float | None]:
    """Estimate and interval; the latter unknown where every subject is alike."""
    return [None if np.isnan(one) else float(one) for one in (mean.estimate, mean.low, mean.high)]


def _values(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Each picture's part of the figures; unknown where nothing was found to be measured."""
    close = (rows["distance"] < CLOSE).astype(float)
    outlined = rows["true_share"].notna()
    return {
        "head's Dice, 0 where none was found": rows["dice"],
        "head circumference, mean absolute error in mm, of all found": (
            rows["circumference_mm"] - rows["true_circumference_mm"]
        ).abs(),
        "centre within a tenth of the short axis": close.where(outlined),
        "width, mean absolute error as a share of the short axis": (
            rows["share"] - rows["true_share"]
        ).abs(),
    }  # fmt: skip


def judged(work: Path) -> pd.DataFrame:
    """Rows of outlined heads and of HC18's from a work folder of ``train.anatomy``.

    Raises:
        SystemExit: it holds none.
    """
    files = [*sorted(work.glob("fold-*.csv")), work / "held-back.csv"]
    if len(files) < 2 or not files[-1].is_file():
        raise SystemExit(f"{work} holds no whole work of train.anatomy.")
    table = pd.concat(
        [pd.read_csv(one, dtype={"subject_id": str}) for one in files], ignore_index=True
    )
    return table[table["source"].isin(["head-structures", "hc18"])].reset_index(drop=True)


def main(
    random: Path,
    imagenet: Path = Path("build/anatomy"),
    figures: Path = Path("benchmarks/encoders.json"),
    document: Path = Path("docs/encoders.md"),
) -> None:
    """Compare, and write figures and document.

    Args:
        random: work folder of the networks that began with random weights.
        imagenet: that of those which began with ImageNet's.
        figures: where the figures of ``train.encoders`` are.
        document: where they are told.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    kept = json.loads(figures.read_text())
    kept["anatomy"] = anatomy_figures(judged(imagenet), judged(random))
    write_atomically(figures, json.dumps(kept, indent=2) + "\n")
    write_atomically(document, encoders_document(kept))
    log.info("Written: %s and %s.", figures, document)


if __name__ == "__main__":
    tyro.cli(main)
