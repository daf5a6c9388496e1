"""What starting weights have learnt from, and whether a run would be judged on any of it.

Each fold of a run keeps digests of the images that its weights have learnt from
(``fold-K/learnt.txt``): its training images, and all that the weights it started from had learnt
from. So the list goes with the weights, from run to run and into bundles, whatever a study is called.
The images that chose an epoch (a fold's own validation images) are not in it; the test images decide
nothing in a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from vmcore.data import Fold, ManifestError, Splits, StoredStudy, fingerprint, load_study
from vmcore.data.preparing import prepared_path
from vmcore.models import PUBLIC_CHECKPOINTS, UNKNOWN, Learnt, WeightsError, read_learnt
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder, runs_folder
from vmcore.runs.named_files import weights_file
from vmcore.runs.plan import Plan
from vmcore.runs.start import SeenError, Start, refusal
from vmcore.settings import settings

Identities = Sequence[frozenset[str]]


def find_starts(plan: Plan, study: StoredStudy, splits: Splits) -> list[Start]:
    """Choose what each fold of a plan starts from, and hold it against what the fold is judged on.

    From a former run with the same splits the same fold is taken; from another one the first fold
    that saw nothing of it; the one that saw least where the plan accepts weights that saw some.
    A pretraining's one encoder serves all folds: it may have seen, without labels, what they validate,
    which the run then says; it must not have seen what they are tested on.

    Args:
        plan: names the weights.
        study: the plan's study.
        splits: the plan's splits of it.

    Returns:
        one a fold.

    Raises:
        SeenError: a fold would be judged on images that its weights have learnt from, and the plan
            does not accept it; says how many, and what to do.
        RunError: the former run or the list is not there or damaged.
    """
    unlabelled = plan.weights.startswith("run:") and former_run(plan.weights).is_pretraining
    candidates, same = _candidates(plan, splits.table(study.table).astype(str))
    listed = any(learnt.digests for learnt in candidates.values() if learnt is not None)
    identities = study.identities() if listed else []
    starts = []
    for number, fold in enumerate(splits.folds, start=1):
        choices = [
            _start(former, learnt, identities, fold, splits.test, unlabelled=unlabelled)
            for former, learnt in candidates.items()
        ]
        if same:
            choices.insert(0, choices.pop(number - 1))
        known = [choice for choice in choices if choice.seen is not None]
        start = min(known, key=lambda choice: choice.seen or 0) if known else choices[0]
        if start.must_be_accepted and not plan.accept_seen:
            raise SeenError(refusal(plan.weights, number, start))
        starts.append(start)
    return starts


def _start(
    former: int, learnt: Learnt | None, identities: Identities, fold: Fold,
    test: Iterable[int], *, unlabelled: bool,
) -> Start:  # fmt: skip
    held, judged = set(test), len(fold.validation) + len(list(test))
    if learnt is None:
        return Start(former, UNKNOWN, None, judged, unlabelled=unlabelled)
    seen = _seen(learnt, identities, fold.train, [*fold.validation, *held])
    return Start(former, learnt, len(seen), judged, len(seen & held), unlabelled)


def seen_by_start(plan: Plan) -> str:
    """Why a plan's weights must not be judged on its images, in a sentence; empty where they may.

    Raises:
        RunError, ManifestError: the plan cannot be run for another reason.
    """
    if plan.weights in {"random", "imagenet", *PUBLIC_CHECKPOINTS}:
        return ""
    study = load_study(plan.study)
    strict = plan.model_copy(update={"accept_seen": False})
    try:
        find_starts(strict, study, plan.splits(study))
    except SeenError as error:
        return str(error)
    return ""


def validated_unlabelled(plan: Plan) -> int:
    """How many of the images that a plan's folds validate a pretraining saw without their labels.

    Raises:
        RunError, ManifestError: the plan cannot be run.
    """
    if not plan.weights.startswith("run:") or not former_run(plan.weights).is_pretraining:
        return 0
    study = load_study(plan.study)
    accepted = plan.model_copy(update={"accept_seen": True})
    starts = find_starts(accepted, study, plan.splits(study))
    return sum((start.seen or 0) - start.tested for start in starts)


def learnt_by(start: Start, study: StoredStudy, train: Iterable[int]) -> Learnt:
    """What a fold's weights have learnt from when it has been trained on these rows."""
    identities = study.identities()
    return start.learnt | Learnt(_union(identities, train))


def learnt_by_fold(folder: RunFolder, number: int) -> Learnt | None:
    """What a fold of a run has learnt from; None where it cannot be told.

    For a run of before these lists were kept it is told from its splits, where its study has not
    changed since.

    Raises:
        RunError: the list is damaged.
    """
    kept = _read(folder.fold(number))
    return kept if kept is not None else _from_splits(folder, number)


def learnt_by_pretraining(folder: RunFolder) -> Learnt | None:
    """What a pretraining has learnt from; None where its list is lost.

    Raises:
        RunError: the list is damaged.
    """
    return _read(folder.path)


def seen_in_run(
    folder: RunFolder, study: StoredStudy, splits: Splits
) -> tuple[Learnt, frozenset[int]]:
    """What a run's folds have learnt from together, and which images they are wrongly judged on.

    Those are rows that a fold validates or tests on though the weights it started from had learnt
    from them.

    Raises:
        RunError: a list is damaged.
    """
    identities = study.identities()
    together, wrongly = Learnt(), set[int]()
    for number, fold in enumerate(splits.folds, start=1):
        learnt = learnt_by_fold(folder, number) or UNKNOWN
        wrongly |= _seen(learnt, identities, fold.train, [*fold.validation, *splits.test])
        together |= learnt | Learnt(_union(identities, fold.train))
    return together, frozenset(wrongly)


def unchanged(folder: RunFolder, study: StoredStudy) -> bool:
    """Whether a study is what a run was started on.

    A run of before pixels were compared is held to the list of images, subjects and labels.
    """
    told = folder.read_json("environment.json").get("study_digest")
    return told in {study.digest, fingerprint(study.table)}


def former_run(weights: str) -> RunFolder:
    """The finished run that ``run:ID`` names.

    Raises:
        RunError: there is none.
    """
    run_id = weights.removeprefix("run:")
    former = RunFolder(runs_folder() / run_id)
    if not run_id.isalnum() or not former.marked("finished.json"):
        raise RunError(f"There is no finished run {run_id} to start from.")
    return former


def _candidates(plan: Plan, splits: pd.DataFrame) -> tuple[dict[int, Learnt | None], bool]:
    """What a fold may start from, by the former run's fold, and whether that run's splits are ours."""
    if not plan.weights.startswith("run:"):
        return {1: learnt_by_weights(plan.weights)}, False
    former = former_run(plan.weights)
    if former.is_pretraining:
        return {1: learnt_by_pretraining(former)}, False
    numbers = range(1, former.cross_validation().folds + 1)
    learnt = {number: learnt_by_fold(former, number) for number in numbers}
    return learnt, former.splits().equals(splits)


def learnt_by_weights(weights: str) -> Learnt:
    """What weights that are no former run's have learnt from, by how a plan names them.

    Raises:
        RunError: the list beside them is damaged.
    """
    if weights in {"random", "imagenet"}:
        return Learnt()  # nothing, or photographs
    if weights in PUBLIC_CHECKPOINTS:
        return UNKNOWN
    folder = settings().bundle if weights == "bundled" else weights_file(weights).parent
    return _read(folder) or UNKNOWN


def _read(folder: Path) -> Learnt | None:
    try:
        return read_learnt(folder)
    except WeightsError as error:
        raise RunError(str(error)) from error


def _from_splits(folder: RunFolder, number: int) -> Learnt | None:
    plan = folder.cross_validation()
    try:
        study = load_study(plan.study)
        if not _untouched(folder, study):
            return None
        identities = study.identities()
    except (ManifestError, OSError):
        return None
    before = _before(plan, number)
    if before is None:
        return None
    parts = folder.splits()["part"]
    rows = [row for row, part in enumerate(parts) if part not in {"test", str(number)}]
    return before | Learnt(_union(identities, rows))


def _untouched(folder: RunFolder, study: StoredStudy) -> bool:
    """Whether nothing of a study is younger than a run of before these lists were kept."""
    environment = folder.read_json("environment.json")
    if environment.get("study_digest") != fingerprint(study.table) or "started" not in environment:
        return False
    started = datetime.fromisoformat(str(environment["started"])).timestamp()
    files = (prepared_path(study.folder / "prepared", str(path)) for path in study.table["path"])
    return all(file.stat().st_mtime <= started + 1 for file in files)


def _before(plan: Plan, number: int) -> Learnt | None:
    """What an old run's fold started from: of a run on the same study its fold, else the first."""
    if not plan.weights.startswith("run:"):
        return learnt_by_weights(plan.weights)
    try:
        former = former_run(plan.weights)
    except RunError:
        return None
    if former.is_pretraining:
        return learnt_by_pretraining(former)
    same = former.cross_validation().study.resolve() == plan.study.resolve()
    return learnt_by_fold(former, number if same else 1)


def _union(identities: Identities, rows: Iterable[int]) -> frozenset[str]:
    return frozenset().union(*(identities[row] for row in rows))


def _seen(
    learnt: Learnt, identities: Identities, train: Iterable[int], judged: Iterable[int]
) -> set[int]:
    """Judged rows that weights learnt from before; what the fold's own images repeat is not new."""
    if not learnt.digests:
        return set()
    before = learnt.digests - _union(identities, train)
    return {int(row) for row in judged if not before.isdisjoint(identities[row])}
