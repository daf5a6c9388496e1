"""What a pretraining's process does, once :mod:`vmcore.runs.starting` has loaded it.

Starting it again after it was stopped or killed is how the run is resumed, from the middle of an
epoch too.
"""

from __future__ import annotations

import io
import json
import logging
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import tyro
from lightning_fabric import Fabric
from safetensors.torch import save_file

from vmcore.files import replacing, write_atomically
from vmcore.models import UNKNOWN, MaskedAutoencoder, write_learnt
from vmcore.runs.epoch_under_way import noting
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder
from vmcore.runs.lineage import learnt_by_pretraining
from vmcore.runs.pretraining_plan import PretrainPlan
from vmcore.runs.pretraining_start import learnt_before, starting_autoencoder
from vmcore.runs.reconstructions import SHOWN, due_after, write_reconstruction
from vmcore.runs.record import RunStore, open_store
from vmcore.runs.unlabelled import UnlabelledImages, unlabelled_images
from vmcore.runs.working import check_compiler, do_work, tell_epochs
from vmcore.settings import settings
from vmcore.training import PretrainEpoch, pretrain, seeded
from vmcore.training.pretrain_checkpoint import finished_epochs

log = logging.getLogger(__name__)
_KEPT = ("plan.json", "environment.json", "history.json", "learnt.txt", "log.txt")


def work(folder: RunFolder, fabric: Fabric) -> None:
    """Pretrain what is left, then keep the weights and finish the run.

    Raises:
        Stopped: the run was cancelled.
        RunError, ManifestError, CheckpointError: it cannot go on; says why.
    """
    plan = folder.pretraining()
    images = unlabelled_images(plan)
    if folder.read_json("environment.json").get("images_digest") != images.digest:
        raise RunError(
            "The images have changed since this run was started (a study was added to, prepared anew "
            "or had images rejected). Start a new run with the same plan instead."
        )
    store = open_store(settings().store)
    if not folder.pretrained.is_file():
        _pretrain(folder, plan, images, fabric, store)
    if fabric.is_global_zero:
        _finish(folder, images, store)


def _pretrain(
    folder: RunFolder,
    plan: PretrainPlan,
    images: UnlabelledImages,
    fabric: Fabric,
    store: RunStore,
) -> None:
    if plan.compiling == "yes":
        check_compiler()
    model = starting_autoencoder(plan)
    checkpoint = folder.path / "checkpoint.safetensors"
    first = fabric.is_global_zero
    shown = images[_shown_rows(len(images), plan.settings.seed)] if first else None
    if first:
        log.info("%d images to learn from; %d left out.", len(images), images.left_out)
        _note_learnt(folder, plan, images, begun=checkpoint.is_file())
        if not checkpoint.is_file() and shown is not None:
            write_reconstruction(folder, model, shown, plan.settings.mask_ratio, after=0)
    due = due_after(plan.epochs)
    history = _history_of(checkpoint)

    def note(result: PretrainEpoch) -> None:
        history.append(result)
        log.info(
            "Epoch %d of %d: loss %.4f, %.1f images a second.",
            result.epoch + 1, plan.epochs, result.loss, result.images_per_s,
        )  # fmt: skip
        if shown is not None and result.epoch + 1 in due:
            after = result.epoch + 1
            write_reconstruction(folder, model, shown, plan.settings.mask_ratio, after=after)
        _note_history(folder, history, store)

    told = pretrain(
        model, images, plan.settings, fabric, checkpoint=checkpoint, on_epoch=note,
        on_step=noting(folder.path), stop=lambda: folder.marked("cancelled"),
        compiling=plan.compiling,
    )  # fmt: skip
    if first:
        _note_history(folder, list(told), store)
        _keep_weights(folder, plan, model)


def _history_of(checkpoint: Path) -> list[PretrainEpoch]:
    """The epochs that a checkpoint knows of: one may have ended just before the worker was."""
    return [PretrainEpoch(**entry) for entry in finished_epochs(checkpoint)]


def _shown_rows(count: int, seed: int) -> npt.NDArray[np.int64]:
    """The same few rows for a run's whole life."""
    order = torch.randperm(count, generator=seeded(seed, 0)).numpy()
    return np.sort(order[:SHOWN]).astype(np.int64)


def _note_learnt(
    folder: RunFolder, plan: PretrainPlan, images: UnlabelledImages, *, begun: bool
) -> None:
    """Keep what is learnt from before it is; a run that goes on keeps what it began with."""
    learnt = (learnt_by_pretraining(folder) or UNKNOWN) if begun else learnt_before(plan)
    write_learnt(folder.path, learnt | images.learnt())


def _note_history(folder: RunFolder, history: list[PretrainEpoch], store: RunStore) -> None:
    folder.write_history(".", history)
    figures = [
        {"loss": one.loss, "learning_rate": one.learning_rate, "images_per_s": one.images_per_s}
        for one in history
    ]
    tell_epochs(folder, figures, store)


def _keep_weights(folder: RunFolder, plan: PretrainPlan, model: MaskedAutoencoder) -> None:
    """Write the weights twice: as a state dict with the public files' keys, and as safetensors."""
    state = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    packed = io.BytesIO()  # torch itself says of a full disk no more than that it could not write
    torch.save(state, packed)
    write_atomically(folder.public_weights(plan.architecture), packed.getvalue())
    with replacing(folder.pretrained) as temporary:
        save_file(state, temporary)


def _finish(folder: RunFolder, images: UnlabelledImages, store: RunStore) -> None:
    """Hand the run to the run store and mark it finished; can be repeated."""
    if folder.marked("finished.json"):
        return
    last = folder.pretrain_history()[-1]
    with tempfile.TemporaryDirectory(dir=folder.path, prefix=".finishing-") as name:
        for file in (*_KEPT, folder.pretrained.name):
            (Path(name) / file).symlink_to(folder.path / file)
        store.finish(folder.run_id, {"loss": last.loss}, Path(name))
    store.set_status(folder.run_id, "FINISHED")
    folder.mark("finished.json", json.dumps({"loss": last.loss, "images": len(images)}))
    (folder.path / "checkpoint.safetensors").unlink(missing_ok=True)
    log.info("Finished.")


def main(run: tyro.conf.Positional[Path]) -> None:
    """Do a pretraining's work and say how it ended."""
    do_work(RunFolder(run.resolve()), work)
