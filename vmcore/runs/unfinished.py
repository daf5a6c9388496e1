"""Runs that have not ended and what they read, so that nobody takes it from under them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from vmcore.runs.errors import RunError
from vmcore.runs.folder import RunFolder, runs_folder
from vmcore.runs.locks import alone, held
from vmcore.runs.run_plan import RunPlan
from vmcore.runs.run_status import state_of
from vmcore.runs.study_status import studies_folder, study_status

BUSY = "Somebody else is just adding, continuing, changing or stopping this study; look again."
"""Said where another one holds a study's control.lock for long."""
_ENDED = {"finished", "failed", "cancelled"}


def refuse_read_study(study: Path) -> None:
    """Refuse to change a study that a run reads or waits to read.

    Raises:
        RunError: one does.
    """
    place = study.resolve()

    def reads(plan: RunPlan) -> bool:
        return place in {one.resolve() for one in plan.studies_read}

    if any(_unfinished(reads)):
        raise RunError("A run that has not ended works on this study; let it end or stop it first.")


def refuse_needed_run(run_id: str) -> None:
    """Refuse to remove a run from whose weights another one starts that has not ended.

    Raises:
        RunError: one does.
    """
    if any(_unfinished(lambda plan: plan.weights == f"run:{run_id}")):
        raise RunError("A run that has not ended starts from this one's weights; stop it first.")


@contextmanager
def reading(plan: RunPlan) -> Iterator[None]:
    """Keep others from changing a plan's studies, until its run is under way and keeps them itself.

    Raises:
        RunError: one of them is being prepared or changed, or is gone.
    """
    places = sorted({study.resolve() for study in plan.studies_read})
    kept = [study for study in places if study.parent == studies_folder().resolve()]
    with ExitStack() as stack:
        for study in kept:
            try:
                stack.enter_context(alone(study / "control.lock", BUSY))
            except FileNotFoundError as error:
                raise RunError("There is no such study any more.") from error
            if study_status(study).state == "preparing":
                raise RunError(f"{study.name} is being prepared; wait for it, or stop it first.")
        yield


def _unfinished(concerned: Callable[[RunPlan], bool]) -> Iterator[RunFolder]:
    """Runs of such plans that have not ended; of others nobody is asked."""
    place = runs_folder()
    for path in place.iterdir() if place.is_dir() else ():
        run = RunFolder(path)
        try:
            if not (path.name.isalnum() and concerned(run.plan())):
                continue
            # one that somebody is just starting or resuming has not ended, whatever it was before
            if held(run.control_lock) or state_of(run, deciding=True)[0] not in _ENDED:
                yield run
        except RunError:  # damaged: it does not work
            continue
