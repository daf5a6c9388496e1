"""The process that does a run's work: ``python -m vmcore.runs.worker RUN [--fold K]``.

It trains what is not trained yet and finishes the run when every fold is done, so starting it again
after it was stopped or killed is how a run is resumed.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
from pathlib import Path

import torch
import tyro
from filelock import FileLock
from lightning_fabric import Fabric
from safetensors import SafetensorError
from safetensors.torch import save_file

from vmcore.data import (
    ManifestError,
    Splits,
    StoredStudy,
    label_numbers,
    load_study,
    numbered,
)
from vmcore.file_modes import keep_private
from vmcore.files import replacing, write_atomically
from vmcore.models import UNKNOWN, Learnt, create_classifier, write_learnt
from vmcore.processor import allowed_threads
from vmcore.runs.case_images import note_images
from vmcore.runs.devices import claim_device, devices_folder
from vmcore.runs.errors import RunError
from vmcore.runs.finishing import finish
from vmcore.runs.folder import RunFolder
from vmcore.runs.lineage import find_starts, learnt_by, learnt_by_fold, unchanged
from vmcore.runs.plan import Plan
from vmcore.runs.precision import settle_precision
from vmcore.runs.record import RunStore, open_store
from vmcore.runs.weights import starting_model
from vmcore.settings import settings
from vmcore.training import (
    CheckpointError,
    EpochResult,
    LabelledImages,
    Stopped,
    finetune_fold,
    fold_predictions,
    make_fabric,
    seeded,
)

log = logging.getLogger(__name__)


def work(folder: RunFolder, fabric: Fabric, only: int | None = None) -> None:
    """Train the folds that are not done, then finish the run if all are.

    Raises:
        Stopped: the run was cancelled.
        RunError, ManifestError, CheckpointError: it cannot go on; says why.
    """
    plan = folder.plan()
    stored = load_study(plan.study)
    splits = plan.splits(stored)
    _check_splits(folder, stored, splits)
    if fabric.is_global_zero:
        note_images(folder, stored)
    study = LabelledImages(stored.images(), label_numbers(stored.table))
    store = open_store(settings().store)
    for number in [only] if only else range(1, plan.folds + 1):
        if not folder.fold_done(number):
            _fold(folder, plan, stored, study, splits, number, fabric, store)
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
) -> None:
    history: list[EpochResult] = folder.history(number)

    def note(result: EpochResult) -> None:
        del history[result.epoch :]
        history.append(result)
        folder.write_history(number, history)
        log.info(
            "Fold %d, epoch %d of %d: loss %.4f, validation loss %.4f, accuracy %.3f, F1 %.3f.",
            number, result.epoch + 1, plan.settings.epochs, result.train_loss,
            result.validation_loss, result.validation["accuracy"], result.validation["f1"],
        )  # fmt: skip
        _tell_curves(folder, number, history, store)

    torch.manual_seed(seeded(plan.settings.seed, number).initial_seed())  # a fresh head's weights
    log.info("Fold %d: %d images to learn from.", number, len(splits.folds[number - 1].train))
    start = find_starts(plan, stored, splits)[number - 1]
    if fabric.is_global_zero:
        _note_learnt(folder, learnt_by(start, stored, splits.folds[number - 1].train), number)
    result = finetune_fold(
        starting_model(plan, start), study, splits.folds[number - 1], plan.settings,
        fabric, number=number, checkpoint=folder.checkpoint(number), on_epoch=note,
        stop=lambda: folder.marked("cancelled"),
    )  # fmt: skip
    if not fabric.is_global_zero:
        return
    folder.write_history(number, list(result.history))
    with replacing(folder.fold(number) / "best.safetensors") as temporary:
        save_file(result.state, temporary)
    model = create_classifier(plan.architecture, result.state, pooling=plan.pooling)
    exact = make_fabric("32-true", device=str(fabric.device))
    table = fold_predictions(model, stored.table, study, splits, number, exact)
    table = numbered(table, stored.table)
    write_atomically(folder.fold(number) / "predictions.csv", table.to_csv(index=False))
    folder.checkpoint(number).unlink(missing_ok=True)
    _tell_curves(folder, number, list(result.history), store)


def _tell_curves(
    folder: RunFolder, number: int, history: list[EpochResult], store: RunStore
) -> None:
    """Note a fold's epochs in the run store, which may be away for a while; nothing is lost by it."""
    try:
        store.log_curves(folder.run_id, number, history)
    except Exception as error:
        log.warning("The run store did not answer (%s); later.", type(error).__name__)


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
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    folder = RunFolder(run.resolve())
    try:
        _with_device(folder, fold)
    except Stopped:
        log.info("Stopped; it can be resumed.")
    except (RunError, ManifestError, CheckpointError) as error:
        log.exception("The run failed.")
        folder.fail(str(error))
        sys.exit(1)
    except (OSError, SafetensorError) as error:
        log.exception("The run failed.")
        folder.fail(_file_trouble(error))
        sys.exit(1)
    except Exception as error:
        log.exception("The run failed.")
        folder.fail(f"The training stopped with an error ({type(error).__name__}); see the log.")
        sys.exit(1)


def _file_trouble(error: Exception) -> str:
    code = getattr(error, "errno", None)
    if code in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} or "No space left" in str(error):
        return "The disk is full. Make room and resume: the last whole checkpoint is kept."
    if code in {errno.EACCES, errno.EROFS, errno.EPERM}:
        return "The run's folder cannot be written to. Allow it and resume."
    return f"A file could not be read or written ({type(error).__name__}); see the log."


def _with_device(folder: RunFolder, fold: int | None) -> None:
    plan = folder.plan()
    waits = "SLURM_JOB_ID" not in os.environ and "LOCAL_RANK" not in os.environ
    if given := allowed_threads():
        torch.set_num_threads(given)
        log.info("Processor cores, as asked of Slurm: %d.", torch.get_num_threads())
    if not waits:  # Slurm has given the device; a second process shares the first one's
        folder.mark("started")
        _launch(folder, plan, None, fold)
        return
    with claim_device(devices_folder(), stop=lambda: folder.marked("cancelled")) as device:
        if device is None:
            raise Stopped
        folder.mark("started")
        log.info("Working on %s.", device)
        _launch(folder, plan, device, fold)


def _launch(folder: RunFolder, plan: Plan, device: str | None, fold: int | None) -> None:
    precision = settle_precision(folder, device)
    fabric = make_fabric(precision, processes=plan.processes, device=device)
    fabric.launch()
    if fabric.is_global_zero:
        open_store(settings().store).set_status(folder.run_id, "RUNNING")
    work(folder, fabric, fold)


if __name__ == "__main__":
    keep_private()
    tyro.cli(main)
