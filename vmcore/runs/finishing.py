"""What becomes of a run whose folds are all trained: predictions, figures, a bundle."""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from safetensors.torch import load_file

from vmcore.data import Splits, StoredStudy, class_counts, numbered
from vmcore.evaluation import (
    PAPER_METRICS,
    TEST_TITLE,
    VALIDATION_TITLE,
    choose_threshold,
    cross_fitted,
    cross_fitted_table,
    fold_table,
)
from vmcore.inference import Classifier
from vmcore.models import BundleCard, Learnt, StartingWeights, create_classifier, save_bundle
from vmcore.models.ood import Embeddings
from vmcore.runs.disjoint import UNKNOWN_SUBJECTS
from vmcore.runs.folder import RunFolder
from vmcore.runs.lineage import seen_in_run
from vmcore.runs.paired_heads import forget_pairs, read_pairs
from vmcore.runs.plan import Plan
from vmcore.runs.record import RunStore
from vmcore.training import fit_ood_detector

_IN_DISTRIBUTION = 0.98
_BATCH = 64


def finish(folder: RunFolder, study: StoredStudy, splits: Splits, store: RunStore) -> None:
    """Judge the folds, write the bundle, hand everything to the run store, mark the run finished.

    Can be repeated: what an earlier attempt left is replaced.
    """
    plan = folder.cross_validation()
    numbers = range(1, plan.folds + 1)
    predictions = pd.concat(
        [_of_fold(folder, number, study) for number in numbers], ignore_index=True
    )
    validation = predictions[predictions["split"] == "validation"]
    test = predictions[predictions["split"] == "test"]
    threshold = choose_threshold(validation["label"], validation["probability"])
    tables = {
        VALIDATION_TITLE: cross_fitted_table(validation, cross_fitted(validation)),
        TEST_TITLE: fold_table(test, threshold),
    }
    states = [load_file(folder.fold(number) / "best.safetensors") for number in numbers]
    models = [create_classifier(plan.architecture, s, pooling=plan.pooling) for s in states]
    card = BundleCard(architecture=plan.architecture, pooling=plan.pooling, folds=plan.folds)
    classifier = Classifier.of_models(card, models, precision="float32")
    detector = fit_ood_detector(*_embedded(classifier, study, splits), share=_IN_DISTRIBUTION)
    learnt, seen = seen_in_run(folder, study, splits)
    with tempfile.TemporaryDirectory(dir=folder.path, prefix=".finishing-") as name:
        staged = Path(name)
        save_bundle(
            staged / "bundle",
            models,
            architecture=plan.architecture,
            ood_detector=detector,
            half=False,  # so that the bundle's answers are those of its predictions.csv
            predictions=predictions.to_csv(index=False),
            learnt=learnt,
            name=plan.name,
            pooling=plan.pooling,
            starting_weights=_starting_weights(plan, folder),
            created=datetime.now(UTC).date().isoformat(),
            preprocessing=study.report.cleaning,
            threshold=threshold,
            threshold_rule="Youden's index over the out-of-fold predictions",
            training_data={
                "Images by class": class_counts(study.table).to_dict("records"),
                UNKNOWN_SUBJECTS: study.unknown_subjects(),
                "Recipe": _recipe(plan, splits) + _pairs_words(folder, plan),
                **_start(folder),
            },
            metrics=tables,
            limits=_limits(plan, study, learnt, _seen_words(folder, study, splits, seen)),
        )
        for file in ("plan.json", "splits.csv", "environment.json", "log.txt"):
            shutil.copy(folder.path / file, staged / file)
        (staged / "predictions.csv").write_text((staged / "bundle" / "predictions.csv").read_text())
        store.finish(folder.run_id, _figures(tables), staged)
    store.set_status(folder.run_id, "FINISHED")
    known = {"metrics": tables, "threshold": threshold}
    unknown = {"unknown_subjects": study.unknown_subjects()}
    folder.mark("finished.json", json.dumps(known | unknown))
    for number in numbers:
        folder.checkpoint(number).unlink(missing_ok=True)
    forget_pairs(folder)


def _of_fold(folder: RunFolder, number: int, study: StoredStudy) -> pd.DataFrame:
    """A fold's predictions by number; older versions wrote them with the study's names."""
    table = pd.read_csv(folder.fold(number) / "predictions.csv", float_precision="round_trip")
    named = set(table["image"].astype(str)) <= set(study.table["path"].astype(str))
    return numbered(table, study.table) if named else table


def _embedded(
    classifier: Classifier, study: StoredStudy, splits: Splits
) -> tuple[Embeddings, list[str]]:
    rows = np.setdiff1d(np.arange(len(study.table)), splits.test)
    images = study.images()[rows].transpose(0, 2, 3, 1)
    parts = [
        classifier.embed(list(images[start : start + _BATCH]))
        for start in range(0, len(images), _BATCH)
    ]
    return np.concatenate(parts, axis=1), study.table["subject_id"].astype(str).iloc[rows].tolist()


def _figures(tables: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for title, rows in tables.items():
        split = title.split(",", maxsplit=1)[0].lower()
        for row in rows:
            if row["fold"] in {"mean", "SD"}:
                figures |= {
                    f"{split}_{key}_{row['fold'].lower()}": row[key]
                    for key in PAPER_METRICS
                    if row[key] is not None
                }
    return figures


def _pairs_words(folder: RunFolder, plan: Plan) -> str:
    if not plan.pairs:
        return ""
    return (
        f" Folds learnt from pairs of {len(read_pairs(folder).rows)} normal heads too, with another normal "
        "ventricle and with a widened one, made by this program."
    )


def _recipe(plan: Plan, splits: Splits) -> str:
    chosen = plan.settings
    return (
        f"{plan.folds} folds by {plan.split_by} (seed {plan.split_seed}), "
        f"{len(splits.test)} images held out; started from {Path(plan.weights).name} weights; "
        f"{chosen.epochs} epochs, batch {chosen.batch_size}, learning rate "
        f"{chosen.learning_rate:g}, weight decay {chosen.weight_decay:g}, seed {chosen.seed}."
    )


def _start(folder: RunFolder) -> dict[str, str]:
    """The weights that it started from and the input that these were trained with, where noted."""
    start = folder.read_json("environment.json").get("starting_weights")
    if not isinstance(start, dict) or "trained_with" not in start:
        return {}
    trained = start["trained_with"]
    words = (
        f"{start['weights']}, trained on input of mean {trained['mean']} and deviation "
        f"{trained['deviation']}; where these are not ImageNet's, the first convolution was changed "
        "so that it takes ours."
    )
    return {"Starting weights": words}


def _starting_weights(plan: Plan, folder: RunFolder) -> StartingWeights:
    """What it started from and its files' digests, as they were noted when the run was started."""
    noted = folder.read_json("environment.json").get("starting_weights")
    known = noted if isinstance(noted, dict) else {}
    return StartingWeights(
        weights=str(known.get("weights", Path(plan.weights).name)),
        sha256=list(dict.fromkeys(known.get("sha256", []))),
    )


def _seen_words(folder: RunFolder, study: StoredStudy, splits: Splits, seen: frozenset[int]) -> str:
    """Which images that a run is judged on its start had learnt from, in words; empty for none."""
    start = folder.read_json("environment.json").get("starting_weights")
    if not seen:
        return ""
    if not (isinstance(start, dict) and start.get("pretraining")):
        return (
            f"The weights that it started from had learnt from {len(seen)} of the {len(study.table)} "
            "images that it is judged on, which was accepted when it was started: its figures are "
            "too good."
        )
    tested = len(seen & set(splits.test.tolist()))
    said = (
        f"Its encoder was pretrained on {len(seen) - tested} of the images that it is validated on, "
        "without their labels: its validation figures may be too good."
    )
    if tested:
        said += (
            f" So it was on {tested} of the {len(splits.test)} test images, which was accepted when "
            "it was started: its test figures are too good."
        )
    return said


def _limits(plan: Plan, study: StoredStudy, learnt: Learnt, seen: str) -> list[str]:
    said = [
        "Judged on held-out images of its own study only; another hospital's may differ.",
        (
            "The domain check knows nothing but this study's images: it catches photographs and "
            "other modalities, other organs less well."
        ),
    ]
    if plan.split_by == "image":
        said.insert(
            0,
            "Split by image as in the paper, not by subject: images of one fetus may stand on both "
            "sides, and the figures are then too good.",
        )
    if seen:
        said.insert(0, seen)
    if not learnt.complete:
        said.append(
            "What the weights that it started from have learnt from is not known; where that was "
            "images of this study, the figures are too good."
        )
    elif plan.weights not in {"random", "imagenet"} and not seen:
        said.append(
            "It started from weights that were trained before, on none of the images that it is "
            "judged on; whether on other images of the same fetuses is not known."
        )
    return said + study.report.concerns()
