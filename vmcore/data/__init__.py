"""Studies: manifests, splits by subject, prepared images, augmentation and the phantom."""

from vmcore.data.augmentation import Augmentation
from vmcore.data.manifest import ManifestError, check_manifest, label_numbers, read_manifest
from vmcore.data.preparing import PreparationReport, load_prepared, prepare_images
from vmcore.data.splits import Fold, Splits, make_splits

__all__ = [
    "Augmentation",
    "Fold",
    "ManifestError",
    "PreparationReport",
    "Splits",
    "check_manifest",
    "label_numbers",
    "load_prepared",
    "make_splits",
    "prepare_images",
    "read_manifest",
]
