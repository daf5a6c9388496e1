"""What every worker does around its work: it waits for a device, and says how the run ended."""

from __future__ import annotations

import errno
import logging
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence

import torch
from lightning_fabric import Fabric
from safetensors import SafetensorError

from vmcore.data import ManifestError
from vmcore.processor import allowed_threads
from vmcore.runs.devices import claim_device, devices_folder
from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder
from vmcore.runs.precision import settle_precision
from vmcore.runs.record import RunStore, open_store
from vmcore.settings import settings
from vmcore.training import CheckpointError, Stopped, make_fabric

log = logging.getLogger(__name__)
Work = Callable[[RunFolder, Fabric], None]


def do_work(folder: RunFolder, work: Work) -> None:
    """Have a run's work done on a device and mark how it ended; exits with 1 where it failed.

    Args:
        folder: the run.
        work: does it; raises what :func:`vmcore.runs.worker.work` does.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        _with_device(folder, work)
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


def tell_epochs(folder: RunFolder, epochs: Sequence[Mapping[str, float]], store: RunStore) -> None:
    """Note epochs in the run store, which may be away for a while; nothing is lost by it.

    Args:
        folder: the run.
        epochs: see :meth:`vmcore.runs.record.RunStore.log_epochs`.
        store: the run store.
    """
    try:
        store.log_epochs(folder.run_id, epochs)
    except Exception as error:
        log.warning("The run store did not answer (%s); later.", type(error).__name__)


def check_compiler() -> None:
    """Make sure that torch can compile networks here.

    Raises:
        RunError: it cannot; says what to do.
    """
    command = shlex.split(os.environ.get("CXX", "")) or ["g++"]
    if not shutil.which(command[0]):
        raise RunError(
            "Compiling the network needs a C++ compiler (g++) on the machine that trains, and there is "
            "none. Install one and resume, or start the run anew without compiling."
        )


def _file_trouble(error: Exception) -> str:
    code = getattr(error, "errno", None)
    if code in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} or "No space left" in str(error):
        return "The disk is full. Make room and resume: the last whole checkpoint is kept."
    if code in {errno.EACCES, errno.EROFS, errno.EPERM}:
        return "The run's folder cannot be written to. Allow it and resume."
    return f"A file could not be read or written ({type(error).__name__}); see the log."


def _with_device(folder: RunFolder, work: Work) -> None:
    waits = "SLURM_JOB_ID" not in os.environ and "LOCAL_RANK" not in os.environ
    if given := allowed_threads():
        torch.set_num_threads(given)
        log.info("Processor cores, as asked of Slurm: %d.", torch.get_num_threads())
    if not waits:  # Slurm has given the device; a second process shares the first one's
        folder.mark("started")
        _launch(folder, None, work)
        return
    with claim_device(devices_folder(), stop=lambda: folder.marked("cancelled")) as device:
        if device is None:
            raise Stopped
        folder.mark("started")
        log.info("Working on %s.", device)
        _launch(folder, device, work)


def _launch(folder: RunFolder, device: str | None, work: Work) -> None:
    precision = settle_precision(folder, device)
    fabric = make_fabric(precision, processes=folder.plan().processes, device=device)
    fabric.launch()
    if fabric.is_global_zero:
        open_store(settings().store).set_status(folder.run_id, "RUNNING")
    work(folder, fabric)
