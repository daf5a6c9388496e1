from .background import BackgroundWork, Progress
from .deidentification import (
    CollectionError,
    CollectionFile,
    CollectionReport,
    DeidentifiedScan,
    DeidentifyOptions,
    Pseudonyms,
    collection_pseudonyms,
    deidentify,
    export_collection,
)
from .intake import IncomingFile, Intake, IntakeLimits, take_in

__all__ = [
    "BackgroundWork",
    "CollectionError",
    "CollectionFile",
    "CollectionReport",
    "DeidentifiedScan",
    "DeidentifyOptions",
    "IncomingFile",
    "Intake",
    "IntakeLimits",
    "Progress",
    "Pseudonyms",
    "collection_pseudonyms",
    "deidentify",
    "export_collection",
    "take_in",
]
