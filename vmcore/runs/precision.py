"""The precision that a run computes in: decided once, by the device that begins it, and kept."""

from __future__ import annotations

import logging

import torch
from filelock import FileLock

from vmcore.models import Precision, emulated, training_precision
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder
from vmcore.runs.record import as_json

log = logging.getLogger(__name__)
_WORDS = {"bf16-mixed": "bfloat16", "16-mixed": "float16", "32-true": "float32"}


def settle_precision(folder: RunFolder, device: str | None) -> Precision:
    """The run's precision; the first worker decides it and writes it to ``environment.json``.

    Args:
        folder: the run.
        device: "cpu" or "cuda:1"; without it the GPU where there is one.

    Raises:
        RunError: the run was begun in a precision that this device could only emulate.
    """
    here = _device(device)
    wished = folder.plan().precision
    with FileLock(folder.path / "environment.lock"):
        environment = folder.read_json("environment.json")
        kept: Precision | None = environment.get("precision")  # type: ignore[assignment]
        if kept is None:
            kept = training_precision(here) if wished == "auto" else wished
            folder.mark("environment.json", as_json(environment | {"precision": kept}))
    if emulated(kept, here):
        if wished == "auto":
            raise RunError(
                f"The run was begun in {_WORDS[kept]}, which this machine can only emulate, hundreds "
                "of times slower. Resume it on a machine like the first one, or clone it: a clone "
                "takes the precision that is fast here."
            )
        log.warning("%s is only emulated here, which is very slow.", _WORDS[kept])
    log.info("Computing in %s.", _WORDS[kept])
    return kept


def _device(name: str | None) -> torch.device:
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)
