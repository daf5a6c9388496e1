"""What a cross-validation's process does, once :mod:`vmcore.runs.starting` has loaded it.

It trains what is not trained yet and finishes the run when every fold is done, so starting it again
after it was stopped or killed is how a run is resumed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import torch
import tyro
from filelock import FileLock
from lightning_fabric import Fabric
from safetensors.torch import save_file

from vmcore.data import (
    Splits,
    StoredStudy,
    label_numbers,
    load_study,
    numbered,
)
from vmcore.files import replacing, write_atomically
from vmcore.models import UNKNOWN, Learnt, create_classifier, write_learnt
from vmcore.runs.case_images import note_images
from vmcore.runs.epoch_under_way import noting
from vmcore.runs.errors import RunError
from vmcore.runs.finishing import finish
from vmcore.runs.folder import RunFolder
from vmcore.runs.lineage import find_starts, learnt_by, learnt_by_fold, unchanged
from vmcore.runs.paired_heads import paired_heads
from vmcore.runs.plan import Plan
from vmcore.runs.record import RunStore, open_store
from vmcore.runs.weights import refuse_changed_start, starting_model
from vmcore.runs.working import do_work, tell_epochs
from vmcore.settings import settings
from vmcore.training import (
    EpochResult,
    LabelledImages,
    PairedHeads,
    finetune_fold,
    fold_predictions,
    known_epochs,
    make_fabric,
    seeded,
)

log = logging.getLogger(__name__)
_CURVES = ("accuracy", "f1", "auc", "recall", "specificity")


def work(folder: RunFolder, fabric: Fabric, only: int | None = None) -> None:
    """Train the folds that are not done, then finish the run if all are.

    Raises:
        Stopped: the run was cancelled.
        RunError, ManifestError, CheckpointError: it cannot go on; says why.
    """
    plan = folder.cross_validation()
    stored = load_study(plan.study)
    splits = plan.splits(stored)
    _check_splits(folder, stored, splits)
    if fabric.is_global_zero:
        note_images(folder, stored)
    study = LabelledImages(stored.images(), label_numbers(stored.table))
    _check_splits(folder, load_study(plan.study), splits)  # nor while they were read
    pairs = paired_heads(folder, stored, splits) if plan.pairs else None
    store = open_store(settings().store)
    for number in [only] if only else range(1, plan.folds + 1):
        if not folder.fold_done(number):
            _fold(folder, plan, stored, study, splits, number, fabric, store, pairs)
    if not fabric.is_global_zero:
        return
    with FileLock(folder.path / "finishing.lock"):
        complete = all(folder.fold_done(number) for number in range(1, plan.folds + 1))
        if complete and not folder.marked("finished.json"):
            log.info("Judging the folds and writing the bundle.")
            finish(folder, stored, splits, store)
            log.info("Finished.")


def _fold(
    folder: RunFolder,
    plan: Plan,
    stored: StoredStudy,
    study: LabelledImages,
    splits: Splits,
    number: int,
    fabric: Fabric,
    store: RunStore,
    pairs: PairedHeads | None,
) -> None:
    # not those of history.json: one may have ended just before the worker was
    history = known_epochs(folder.checkpoint(number))
    part = plan.parts[number - 1]

    def note(result: EpochResult) -> None:
        del history[result.epoch :]
        history.append(result)
        folder.write_history(part, history)
        log.info(
            "Fold %d, epoch %d of %d: loss %.4f, validation loss %.4f, accuracy %.3f, F1 %.3f.",
            number, result.epoch + 1, plan.settings.epochs, result.train_loss,
            result.validation_loss, result.validation["accuracy"], result.validation["f1"],
        )  # fmt: skip
        _tell_curves(folder, number, history, store)

    torch.manual_seed(seeded(plan.settings.seed, number).initial_seed())  # a fresh head's weights
    learnt, fold = study, splits.folds[number - 1]
    if pairs is not None:
        learnt, fold = pairs.added(study, fold)
    log.info("Fold %d: %d images to learn from.", number, len(fold.train))
    start = find_starts(plan, stored, splits)[number - 1]
    model = starting_model(plan, start)
    if not folder.checkpoint(number).is_file():
        refuse_changed_start(folder, plan, start, number)
    if fabric.is_global_zero:
        _note_learnt(folder, learnt_by(start, stored, splits.folds[number - 1].train), number)
    result = finetune_fold(
        model, learnt, fold, plan.settings,
        fabric, number=number, checkpoint=folder.checkpoint(number), on_epoch=note,
        on_step=noting(folder.fold(number)), stop=lambda: folder.marked("cancelled"),
    )  # fmt: skip
    if not fabric.is_global_zero:
        return
    folder.write_history(part, result.history)
    with replacing(folder.fold(number) / "best.safetensors") as temporary:
        save_file(result.state, temporary)
    model = create_classifier(plan.architecture, result.state, pooling=plan.pooling)
    exact = make_fabric("32-true", device=str(fabric.device))
    table = fold_predictions(model, stored.table, study, splits, number, exact)
    table = numbered(table, stored.table)
    write_atomically(folder.fold(number) / "predictions.csv", table.to_csv(index=False))
    folder.checkpoint(number).unlink(missing_ok=True)
    _tell_curves(folder, number, result.history, store)


def _tell_curves(
    folder: RunFolder, number: int, history: Sequence[EpochResult], store: RunStore
) -> None:
    tell_epochs(folder, [_figures(number, result) for result in history], store)


def _figures(number: int, result: EpochResult) -> dict[str, float]:
    figures = {"train_loss": result.train_loss, "validation_loss": result.validation_loss}
    figures["learning_rate"] = result.learning_rate
    figures |= {f"validation_{key}": result.validation[key] for key in _CURVES}
    return {f"fold_{number}.{key}": value for key, value in figures.items()}


def _note_learnt(folder: RunFolder, learnt: Learnt, number: int) -> None:
    """Keep what a fold learns from before it does; one that goes on keeps what it began with."""
    if folder.checkpoint(number).is_file():
        learnt |= learnt_by_fold(folder, number) or UNKNOWN
    write_learnt(folder.fold(number), learnt)


def _check_splits(folder: RunFolder, stored: StoredStudy, splits: Splits) -> None:
    now = splits.table(stored.table).astype(str)
    if not now.equals(folder.splits()) or not unchanged(folder, stored):
        raise RunError(
            "The study has changed since this run was started (images added, rejected, relabelled "
            "or prepared anew). Start a new run with the same plan instead."
        )


def main(run: tyro.conf.Positional[Path], fold: int | None = None) -> None:
    """Do a run's work and say how it ended."""
    do_work(RunFolder(run.resolve()), lambda folder, fabric: work(folder, fabric, fold))
