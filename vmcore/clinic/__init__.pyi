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

__all__ = [
    "CollectionError",
    "CollectionFile",
    "CollectionReport",
    "DeidentifiedScan",
    "DeidentifyOptions",
    "Pseudonyms",
    "collection_pseudonyms",
    "deidentify",
    "export_collection",
]
