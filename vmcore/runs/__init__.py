"""Runs: plans, workers, launching, the run store and the model registry."""

from vmcore.runs.control import (
    RunStatus,
    all_runs,
    cancel_run,
    delete_run,
    estimate_seconds,
    find_run,
    resume_run,
    start_run,
    status,
)
from vmcore.runs.folder import RunFolder
from vmcore.runs.plan import PAPER_SETTINGS, Plan, RunError
from vmcore.runs.record import open_store
from vmcore.runs.registry import (
    BUNDLED,
    Promotion,
    bundle_in_use,
    promote,
    promotions,
    roll_back,
)
from vmcore.runs.studies import (
    StudyStatus,
    all_studies,
    continue_preparing,
    start_preparing,
    stop_preparing,
    studies_folder,
)

__all__ = [
    "BUNDLED",
    "PAPER_SETTINGS",
    "Plan",
    "Promotion",
    "RunError",
    "RunFolder",
    "RunStatus",
    "StudyStatus",
    "all_runs",
    "all_studies",
    "bundle_in_use",
    "cancel_run",
    "continue_preparing",
    "delete_run",
    "estimate_seconds",
    "find_run",
    "open_store",
    "promote",
    "promotions",
    "resume_run",
    "roll_back",
    "start_preparing",
    "start_run",
    "status",
    "stop_preparing",
    "studies_folder",
]
