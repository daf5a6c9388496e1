"""Judge the bundled model and write its bundle: predictions, figures, threshold, domain check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.datasets import load_sample_images
from torch import Tensor

from train.bundled_data import other_organs
from vmcore.data import Splits, load_prepared, pixel_digest
from vmcore.data.preparing import read_record
from vmcore.evaluation import (
    VALIDATION_TITLE,
    FoldDecision,
    binary_metrics,
    choose_threshold,
    cross_fitted,
    cross_fitted_table,
    rounded,
)
from vmcore.imaging import to_model_pixels
from vmcore.inference import Classifier
from vmcore.models import BundleCard, Learnt, OodDetector, create_classifier, save_bundle
from vmcore.models.ood import Embeddings
from vmcore.training import LabelledImages, fit_ood_detector, fold_predictions, make_fabric

BY_SOURCE_TITLE = (
    "By source (validation: out of fold, at thresholds chosen on the other folds; test: mean of the "
    "folds)"
)
_IN_DISTRIBUTION = 0.95  # share of training images that each measure must call so


class BundleRecipe(Protocol):
    """What the card needs to know of the recipe."""

    data: Path
    work: Path
    out: Path
    architecture: str
    seed: int
    pretrain_epochs: int
    ventricle_epochs: int
    finetune_epochs: int
    pair_epochs: int
    warm_up_phantoms: int
    real_weight: float


def write_bundle(
    recipe: BundleRecipe,
    table: pd.DataFrame,
    splits: Splits,
    study: LabelledImages,
    states: Sequence[dict[str, Tensor]],
) -> Path:
    """Judge every fold, choose the threshold on validation folds, and write the bundle."""
    states = [_as_stored(state) for state in states]
    predictions = _predictions(recipe, table, splits, study, states)
    validation = predictions[predictions["split"] == "validation"]
    real = validation[validation["source"] != "phantom"]
    threshold = choose_threshold(real["label"], real["probability"])
    decisions = cross_fitted(validation, chosen_on=(validation["source"] != "phantom").to_numpy())
    card = BundleCard(architecture=recipe.architecture, folds=len(states))
    models = [create_classifier(recipe.architecture, state) for state in states]
    classifier = Classifier.of_models(card, models, precision="float32")
    detector, rates = _ood_detector(classifier, recipe, table, splits, study)
    return save_bundle(
        recipe.out,
        models,
        architecture=recipe.architecture,
        ood_detector=detector,
        predictions=predictions.to_csv(index=False),
        learnt=learnt_images(study, splits, _file_digests(recipe, table)),
        name="VentriScope bundled model (USF-MAE tiny)",
        created=datetime.now(UTC).date().isoformat(),
        threshold=threshold,
        threshold_rule="Youden's index over the out-of-fold predictions of real images",
        phantom_series=recipe.seed,
        training_data={
            "Images by source and class": _counts(table),
            "Recipe": _recipe_words(recipe, splits),
        },
        metrics={
            f"{VALIDATION_TITLE}, all sources": cross_fitted_table(validation, decisions),
            BY_SOURCE_TITLE: _by_source(predictions, threshold, decisions),
            "Domain check": rates,
        },
        limits=list(_LIMITS),
        licence=(
            "Weights: CC BY 4.0, as the images (HC18, Zenodo 1327317; FETAL_PLANES_DB, Zenodo "
            "3904280; Roboflow Universe 'fetal abnormality object detection', cv-pyvkz; all CC BY 4.0)"
        ),
    )


def _as_stored(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights as the bundle holds them, in bfloat16, so that its figures are those of its weights."""
    return {
        key: value.to(torch.bfloat16).float() if value.is_floating_point() else value
        for key, value in state.items()
    }


def learnt_images(study: LabelledImages, splits: Splits, files: Sequence[str]) -> Learnt:
    """What the bundle has learnt from: all but the test subjects, which its pretraining saw too.

    Each image by its prepared pixels and by its file. The phantoms of the warm-up are not listed:
    they are drawn in memory and stand in no study.
    """
    rows = np.setdiff1d(np.arange(len(study.labels)), splits.test)
    pixels = {pixel_digest(study.images[row]) for row in rows}
    return Learnt(frozenset(pixels | {files[row] for row in rows}))


def _file_digests(recipe: BundleRecipe, table: pd.DataFrame) -> list[str]:
    records = [read_record(recipe.work / "prepared", str(path)) for path in table["path"]]
    found = [record.source for record in records if record is not None]
    if len(found) < len(records):
        raise SystemExit("An image is not prepared; run the recipe again.")
    return found


_LIMITS = (
    (
        "A demonstration model: 32 real images of ventriculomegaly from about 11 fetuses are far "
        "too few to learn from or to judge by."
    ),
    (
        "Its real normal and abnormal images come from different sources; a model can tell sources "
        "apart without looking at a ventricle. The specificity on findings of the abnormal images' "
        "own source is therefore given separately, and should be read first."
    ),
    (
        "Most of its wide ventricles are phantoms, drawn by this software. Being right on a "
        "phantom proves nothing about a person."
    ),
    "Screening brains and HC18 heads are taken as normal; no one measured their ventricles.",
    (
        "The masked pretraining saw the validation images without their labels; test subjects "
        "were held out of everything."
    ),
    (
        "The domain check was fitted with half of the other organs' subjects as counter-examples; "
        "its rates are for the other half, from the same scanners."
    ),
    (
        "It has not seen the paper's private data or the public USF-MAE weights, and its figures "
        "are not comparable with the paper's."
    ),
)


def _predictions(
    recipe: BundleRecipe,
    table: pd.DataFrame,
    splits: Splits,
    study: LabelledImages,
    states: Sequence[dict[str, Tensor]],
) -> pd.DataFrame:
    """One row an image and a fold: validation images once, test images by every fold."""
    fabric = make_fabric("32-true")
    models = (create_classifier(recipe.architecture, state) for state in states)
    parts = [
        fold_predictions(model, table, study, splits, number, fabric)
        for number, model in enumerate(models, start=1)
    ]
    return pd.concat(parts, ignore_index=True)


def _by_source(
    predictions: pd.DataFrame, threshold: float, decisions: Mapping[int, FoldDecision | None]
) -> list[dict[str, Any]]:
    own = {fold: one.threshold for fold, one in decisions.items() if one is not None}
    rows = []
    for split in ("validation", "test"):
        part = predictions[predictions["split"] == split]
        if split == "validation":
            part = part.assign(line=part["fold"].map(own))
        else:
            part = part.groupby(["image", "source", "label"], as_index=False)["probability"].mean()
            part = part.assign(line=threshold)
        groups = [(source, part[part["source"] == source]) for source in part["source"].unique()]
        groups += [("all real", part[part["source"] != "phantom"]), ("all", part)]
        for source, group in groups:
            called = (group["probability"] >= group["line"]).astype(float)
            figures = binary_metrics(group["label"], called)
            figures["auc"] = binary_metrics(group["label"], group["probability"])["auc"]
            rows.append(
                rounded(
                    {
                        "split": split,
                        "source": source,
                        "normal": int((group["label"] == 0).sum()),
                        "ventriculomegaly": int(group["label"].sum()),
                        "specificity": figures["specificity"],
                        "recall": figures["recall"],
                        "auc": figures["auc"],
                    }
                )
            )
    return rows


def _embed(classifier: Classifier, images: npt.NDArray[np.uint8]) -> Embeddings:
    parts = [
        classifier.embed([image.transpose(1, 2, 0) for image in images[start : start + 64]])
        for start in range(0, len(images), 64)
    ]
    return np.concatenate(parts, axis=1)


def _ood_detector(
    classifier: Classifier,
    recipe: BundleRecipe,
    table: pd.DataFrame,
    splits: Splits,
    study: LabelledImages,
) -> tuple[OodDetector, list[dict[str, Any]]]:
    """Fit the domain check without test subjects; rate it on them and on organs never fitted on."""
    pool = np.setdiff1d(np.arange(len(table)), splits.test)
    organs = other_organs(recipe.data)
    embedded = _embed(classifier, load_prepared(organs, recipe.work / "prepared"))
    subjects = organs["subject_id"].astype(str).to_numpy()
    fitted = np.random.default_rng(recipe.seed).random(len(set(subjects))) < 0.5
    for_fit = fitted[np.unique(subjects, return_inverse=True)[1]]
    fit = fit_ood_detector(
        _embed(classifier, study.images[pool]),
        table["subject_id"].astype(str).to_numpy()[pool].tolist(),
        embedded[:, for_fit],
        subjects[for_fit].tolist(),
        share=_IN_DISTRIBUTION,
        seed=recipe.seed,
    )
    rows = []
    sources = table["source"].to_numpy()[splits.test]
    scores = fit.score(_embed(classifier, study.images[splits.test]))
    rows += [_rate(f"test, {s}", scores[sources == s]) for s in sorted(set(sources))]
    planes = organs["plane"].to_numpy()[~for_fit]
    scores = fit.score(embedded[:, ~for_fit])
    rows += [_rate(f"another organ: {p}", scores[planes == p]) for p in sorted(set(planes))]
    photographs = np.stack(
        [to_model_pixels(image).transpose(2, 0, 1) for image in load_sample_images().images]
    )
    rows.append(_rate("photographs", fit.score(_embed(classifier, photographs))))
    return fit, rows


def _rate(name: str, scores: npt.NDArray[np.float64]) -> dict[str, Any]:
    return {
        "images": name,
        "count": len(scores),
        "called out of distribution": round(float((scores > 1).mean()), 4),
    }


def _counts(table: pd.DataFrame) -> list[dict[str, Any]]:
    grouped = table.groupby(["source", "label"], as_index=False).agg(
        images=("path", "size"), subjects=("subject_id", "nunique")
    )
    return [{str(k): v for k, v in row.items()} for row in grouped.to_dict("records")]


def _recipe_words(recipe: BundleRecipe, splits: Splits) -> str:
    pairs = (
        f"{recipe.pair_epochs} epochs more in which real normal heads of the fold's training subjects "
        "stand in pairs, with another normal and with a widened ventricle; "
        if recipe.pair_epochs
        else ""
    )
    return (
        f"Made by `python -m train.bundled`: masked autoencoder, {recipe.pretrain_epochs} epochs at "
        "mask ratio 0.75 (for speed; the paper's is 0.25) on all but the test subjects; "
        f"{recipe.ventricle_epochs} epochs of learning ventricles from {recipe.warm_up_phantoms} "
        f"phantoms that are in no fold; {len(splits.folds)} folds of {recipe.finetune_epochs} epochs "
        f"by subject with a held-out test set of {len(splits.test)} images; {pairs}real images of "
        f"ventriculomegaly weighted {recipe.real_weight:g} times; seed {recipe.seed}."
    )
