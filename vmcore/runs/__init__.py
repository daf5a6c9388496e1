"""Runs: plans, workers, launching, the run store and the model registry."""

from vmcore.runs.answers import StoreSilentError
from vmcore.runs.control import (
    all_runs,
    cancel_run,
    delete_run,
    estimate_seconds,
    find_run,
    resume_run,
    start_run,
)
from vmcore.runs.decision import decided, keep_decision
from vmcore.runs.folder import RunFolder
from vmcore.runs.lineage import SeenError, seen_by_start
from vmcore.runs.plan import PAPER_SETTINGS, Plan, RunError
from vmcore.runs.record import open_store
from vmcore.runs.registry import (
    BUNDLED,
    InUse,
    Promotion,
    bundle_in_use,
    promote,
    promotions,
    roll_back,
)
from vmcore.runs.reviewing import (
    IMPORTED,
    Listed,
    Reviewed,
    imported,
    open_reviewed,
    provenance,
    reviewable,
    reviewed_digest,
)
from vmcore.runs.run_status import RunStatus, status
from vmcore.runs.studies import (
    StudyStatus,
    all_studies,
    continue_preparing,
    note_request,
    start_preparing,
    stop_preparing,
    studies_folder,
)

__all__ = [
    "BUNDLED",
    "IMPORTED",
    "PAPER_SETTINGS",
    "InUse",
    "Listed",
    "Plan",
    "Promotion",
    "Reviewed",
    "RunError",
    "RunFolder",
    "RunStatus",
    "SeenError",
    "StoreSilentError",
    "StudyStatus",
    "all_runs",
    "all_studies",
    "bundle_in_use",
    "cancel_run",
    "continue_preparing",
    "decided",
    "delete_run",
    "estimate_seconds",
    "find_run",
    "imported",
    "keep_decision",
    "note_request",
    "open_reviewed",
    "open_store",
    "promote",
    "promotions",
    "provenance",
    "resume_run",
    "reviewable",
    "reviewed_digest",
    "roll_back",
    "seen_by_start",
    "start_preparing",
    "start_run",
    "status",
    "stop_preparing",
    "studies_folder",
]
