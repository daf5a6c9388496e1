from .augmentation import Augmentation
from .checking import (
    Twins,
    class_counts,
    find_twins,
    series_names,
    two_faced_subjects,
)
from .digests import pixel_digest
from .finding import FoundManifest, find_manifest, manifest_from_folders
from .manifest import (
    LABELS,
    ManifestError,
    check_manifest,
    fingerprint,
    label_numbers,
    numbered,
    pseudonyms,
    read_manifest,
    subjects_known,
)
from .measured import MEASURED_COLUMNS, MeasuredImage
from .origin import OUTDATED, outdated, refuse_other_root
from .preparing import (
    PreparationReport,
    load_prepared,
    prepare_images,
    prepared_path,
)
from .rejecting import reject, rejected
from .report import StudyReport
from .splits import Fold, Splits, make_splits, splits_from_parts
from .study import (
    StoredStudy,
    load_study,
    prepare_study,
    stored_manifest,
)

__all__ = [
    "LABELS",
    "MEASURED_COLUMNS",
    "OUTDATED",
    "Augmentation",
    "Fold",
    "FoundManifest",
    "ManifestError",
    "MeasuredImage",
    "PreparationReport",
    "Splits",
    "StoredStudy",
    "StudyReport",
    "Twins",
    "check_manifest",
    "class_counts",
    "find_manifest",
    "find_twins",
    "fingerprint",
    "label_numbers",
    "load_prepared",
    "load_study",
    "make_splits",
    "manifest_from_folders",
    "numbered",
    "outdated",
    "pixel_digest",
    "prepare_images",
    "prepare_study",
    "prepared_path",
    "pseudonyms",
    "read_manifest",
    "refuse_other_root",
    "reject",
    "rejected",
    "series_names",
    "splits_from_parts",
    "stored_manifest",
    "subjects_known",
    "two_faced_subjects",
]
