from .access import NotAllowedError, Person, acting, identify_by, local_user, require
from .control import (
    all_runs,
    cancel_run,
    delete_run,
    estimate_seconds,
    find_run,
    resume_run,
    start_run,
)
from .decision import decided, keep_decision
from .errors import RunError, StoreSilentError
from .folder import RunFolder
from .lineage import seen_by_start, validated_unlabelled
from .model_in_use import BUNDLED, InUse, bundle_in_use
from .plan import PAPER_SETTINGS, Plan
from .preparing_here import prepare_here
from .pretraining_plan import HeldOut, PretrainPlan
from .promotion_check import (
    NotComparableError,
    PromotionCheck,
    WorseCase,
    WorseCasesError,
    check_promotion,
)
from .reconstructions import reconstructions
from .record import open_store
from .registry import Promotion, promote, promotions, roll_back
from .regression_choice import choose_regression_set
from .regression_set import (
    RegressionSet,
    forget_cases,
    read_regression_set,
    remove_regression_set,
)
from .reviewing import (
    IMPORTED,
    ReviewableModel,
    Reviewed,
    imported,
    open_reviewed,
    provenance,
    reviewable,
    reviewed_digest,
)
from .run_plan import RunPlan
from .run_status import RunStatus, status
from .start import SeenError
from .studies import (
    continue_preparing,
    corpora_folder,
    corpus_folder,
    delete_study,
    note_request,
    reject_images,
    start_preparing,
    stop_preparing,
    study_measure,
    take_back_images,
)
from .study_status import (
    StudyStatus,
    all_studies,
    came_as_zip,
    prepared_from,
    studies_folder,
    study_status,
)
from .unlabelled import prepared_corpora
from .unpacking_places import sweep_unpacked
from .weights import report_on_file
from .zipped_studies import start_from_zip

__all__ = [
    "BUNDLED",
    "IMPORTED",
    "PAPER_SETTINGS",
    "HeldOut",
    "InUse",
    "NotAllowedError",
    "NotComparableError",
    "Person",
    "Plan",
    "PretrainPlan",
    "Promotion",
    "PromotionCheck",
    "RegressionSet",
    "ReviewableModel",
    "Reviewed",
    "RunError",
    "RunFolder",
    "RunPlan",
    "RunStatus",
    "SeenError",
    "StoreSilentError",
    "StudyStatus",
    "WorseCase",
    "WorseCasesError",
    "acting",
    "all_runs",
    "all_studies",
    "bundle_in_use",
    "came_as_zip",
    "cancel_run",
    "check_promotion",
    "choose_regression_set",
    "continue_preparing",
    "corpora_folder",
    "corpus_folder",
    "decided",
    "delete_run",
    "delete_study",
    "estimate_seconds",
    "find_run",
    "forget_cases",
    "identify_by",
    "imported",
    "keep_decision",
    "local_user",
    "note_request",
    "open_reviewed",
    "open_store",
    "prepare_here",
    "prepared_corpora",
    "prepared_from",
    "promote",
    "promotions",
    "provenance",
    "read_regression_set",
    "reconstructions",
    "reject_images",
    "remove_regression_set",
    "report_on_file",
    "require",
    "resume_run",
    "reviewable",
    "reviewed_digest",
    "roll_back",
    "seen_by_start",
    "start_from_zip",
    "start_preparing",
    "start_run",
    "status",
    "stop_preparing",
    "studies_folder",
    "study_measure",
    "study_status",
    "sweep_unpacked",
    "take_back_images",
    "validated_unlabelled",
]
