"""Studies: manifests, preparing and checking, splits by subject, augmentation, the phantom."""

from vmcore.data.augmentation import Augmentation
from vmcore.data.checking import Twins, class_counts, find_twins, two_faced_subjects
from vmcore.data.manifest import (
    LABELS,
    ManifestError,
    check_manifest,
    find_manifest,
    fingerprint,
    label_numbers,
    manifest_from_folders,
    pseudonyms,
    read_manifest,
)
from vmcore.data.preparing import PreparationReport, load_prepared, prepare_images
from vmcore.data.splits import Fold, Splits, make_splits
from vmcore.data.study import (
    StoredStudy,
    StudyReport,
    load_study,
    pixel_digest,
    prepare_study,
    reject,
    rejected,
)

__all__ = [
    "LABELS",
    "Augmentation",
    "Fold",
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
    "pixel_digest",
    "prepare_images",
    "prepare_study",
    "pseudonyms",
    "read_manifest",
    "reject",
    "rejected",
    "two_faced_subjects",
]
