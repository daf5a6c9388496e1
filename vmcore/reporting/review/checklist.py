"""What TRIPOD+AI and CLAIM ask, as far as a run's own record can answer it.

TRIPOD+AI: Collins et al., BMJ 2024;385:e078378. CLAIM: Mongan et al., Radiol Artif Intell
2020;2(2):e200029. Items are paraphrased; those that only the authors can answer are said to be theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vmcore.evaluation import OperatingPredictions
from vmcore.reporting.figures import decimal

YOURS = "for the authors to answer"


@dataclass(frozen=True, slots=True)
class Item:
    """What is asked, where, and what the run can say of it."""

    asked: str
    tripod: str
    claim: str
    answer: str

    @property
    def answered(self) -> bool:
        """Whether the run itself can answer."""
        return self.answer != YOURS


def checklist(
    operating: OperatingPredictions,
    *,
    split_by: str,
    plan: Mapping[str, Any],
    environment: Mapping[str, Any],
    training_data: Mapping[str, Any],
    limits: list[str],
    unknown_subjects: int = 0,
    compared: bool = False,
) -> list[Item]:
    """Both checklists' items that concern data, model and evaluation, answered from the record.

    Args:
        operating: the predictions with threshold and calibration.
        split_by: "subject", "subject where known", "image" or "unknown".
        plan: the run's plan; empty where there is none.
        environment: versions and machine; empty where unknown.
        training_data: the card's.
        limits: the card's.
        unknown_subjects: images that name no subject; each counts as a subject of its own.
        compared: whether the report compares models.
    """
    own = bool(plan or training_data)  # else nobody here knows how images and model were made
    counts = _counts(operating, unknown_subjects)
    level = _level(split_by, unknown_subjects)
    settings = plan.get("settings", {})
    training = (
        ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in settings.items())
        if settings
        else str(training_data.get("Recipe", YOURS))
    )
    versions = environment.get("packages", {})
    software = (
        f"VentriScope {environment.get('ventriscope')}, revision {environment.get('revision')}; "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        if versions
        else YOURS
    )
    calibrated = (
        "Probabilities are not recalibrated."
        if operating.calibration is None
        else f"{operating.calibration.method.capitalize()} scaling fitted on validation folds."
    )
    start = _start(plan, environment)
    explained = (
        "what the last block puts out"
        if plan.get("pooling") == "avg"
        else "what the last attention takes in"
    )
    model = str(plan.get("architecture", "")) or YOURS
    unread = "Unreadable files are left out and counted in the study's check."
    tests = "; comparisons by DeLong, McNemar and bootstrap, corrected by Holm" if compared else ""
    weighted = "Class-weighted cross-entropy; nothing was over- or undersampled."
    return [
        Item("Source of data, dates, setting", "5a 5b 6a", "7", YOURS),
        Item("Eligibility of participants", "6b", "8", YOURS),
        Item(
            "Data preparation", "7", "9",
            (
                "Read, cut to the ultrasound region, annotations painted over (Navier-Stokes), resized "
                "to 224 x 224 by nearest neighbour, ImageNet normalisation."
            ) if own else YOURS,
        ),
        Item(
            "De-identification", "", "12",
            "Metadata never copied; burned-in text removed by OCR; images and subjects by number." if own else YOURS,
        ),
        Item("Reference standard and who applied it", "8a 8b", "14 15 16", YOURS),
        Item("Sample size", "10", "19", f"Not computed beforehand by this program; {counts}"),
        Item("Missing data", "11", "13", unread if own else YOURS),
        Item("Partitions", "12a", "20", _partitions(operating)),
        Item("Level at which partitions are disjoint", "12a", "21", level),
        Item("Model", "12c 22", "22", model),
        Item("Software", "12g", "23", software),
        Item("Starting weights", "12c", "24", start),
        Item("Training", "12c", "25", training),
        Item(
            "Choice of the final model", "12c", "26",
            "The epoch with the highest validation accuracy in each fold; ties by lower loss." if own else YOURS,
        ),
        Item("Ensembling", "12c", "27", f"Mean of {_folds(operating)} folds' probabilities."),
        Item(
            "Measures of performance", "12e", "28",
            "Discrimination, calibration and net benefit; per fold, and all cases together.",
        ),
        Item(
            "Uncertainty", "12e 23a", "29 36",
            f"95 % intervals: bootstrap over subjects (BCa), Wilson for proportions{tests}."
            f"{_too_narrow(unknown_subjects)}",
        ),
        Item("Class imbalance", "13", "", weighted if plan else YOURS),
        Item("Fairness across groups of people", "14", "", YOURS),
        Item("Output and threshold", "15", "", f"Threshold {decimal(operating.threshold)}: {operating.rule}."),
        Item("Recalibration", "12f", "", calibrated),
        Item("Explanation of single results", "", "31", f"Eigen-CAM of {explained}." if own else YOURS),
        Item("Validation on external data", "16", "32", YOURS),
        Item("Ethics approval, protocol, registration, funding", "17 18", "40 41 42", YOURS),
        Item("Flow and characteristics of participants", "20a 20b", "33 34", YOURS),
        Item("Numbers in each analysis", "21", "35", counts),
        Item("Failure analysis", "", "37", "False negatives and false positives are listed in this report."),
        Item("Limitations", "26", "38", " ".join(limits) or YOURS),
    ]  # fmt: skip


def _folds(operating: OperatingPredictions) -> int:
    return int(operating.predictions.table["fold"].nunique())


def _level(split_by: str, unknown: int) -> str:
    if split_by == "subject" and not unknown:
        return "Folds and test are disjoint by subject."
    if split_by == "image" and not unknown:
        return "Split by image, as in the paper: one fetus may stand on both sides."
    if not unknown:
        return YOURS
    by = "Split by image" if split_by == "image" else "Split by subject only where it is known"
    by = "Not known" if split_by == "unknown" else by
    return f"{by}: {unknown:,} images name no subject, and one fetus may stand on both sides."


def _too_narrow(unknown: int) -> str:
    if not unknown:
        return ""
    return f" {unknown:,} images name no subject and are drawn singly: intervals may be too narrow."


def _counts(operating: OperatingPredictions, unknown: int) -> str:
    said = []
    of = "at most " if unknown else ""
    for split in operating.predictions.splits():
        cases = operating.cases(split)
        sick = int(cases.labels.sum())
        said.append(
            f"{split}: {len(cases):,} images of {of}{cases.subject_count:,} subjects, {sick:,} with "
            "ventriculomegaly"
        )
    return "; ".join(said) + "."


def _partitions(operating: OperatingPredictions) -> str:
    has_test = "test" in operating.predictions.splits()
    held = "a held-out test set" if has_test else "no held-out test set"
    return f"{_folds(operating)} cross-validation folds and {held}."


def _start(plan: Mapping[str, Any], environment: Mapping[str, Any]) -> str:
    """What the training started from, and which file that was, where it is known."""
    if "weights" not in plan:
        return YOURS
    noted = environment.get("starting_weights")
    digests = noted.get("sha256", []) if isinstance(noted, Mapping) else []
    known = f" (SHA-256 {', '.join(dict.fromkeys(digests))})" if digests else ""
    return f"Started from {plan['weights']} weights{known}."
