"""Studies: manifests, preparing and checking, splits by subject, augmentation, the phantom."""

from vmcore.data.augmentation import Augmentation
from vmcore.data.checking import (
    Twins,
    class_counts,
    find_twins,
    series_names,
    two_faced_subjects,
)
from vmcore.data.finding import FoundManifest, find_manifest, manifest_from_folders
from vmcore.data.manifest import (
    LABELS,
    ManifestError,
    check_manifest,
    fingerprint,
    label_numbers,
    pseudonyms,
    read_manifest,
    subjects_known,
)
from vmcore.data.origin import OUTDATED, outdated, refuse_other_root
from vmcore.data.preparing import (
    PreparationReport,
    load_prepared,
    prepare_images,
    prepared_path,
)
from vmcore.data.rejecting import reject, rejected
from vmcore.data.report import StudyReport
from vmcore.data.splits import Fold, Splits, make_splits, splits_from_parts
from vmcore.data.study import (
    StoredStudy,
    load_study,
    pixel_digest,
    prepare_study,
    stored_manifest,
)

__all__ = [
    "LABELS",
    "OUTDATED",
    "Augmentation",
    "Fold",
    "FoundManifest",
    "ManifestError",
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
