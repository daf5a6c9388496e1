from .collection import CollectionFile, CollectionReport, export_collection
from .deidentify import DeidentifiedScan, deidentify
from .folder import CollectionError
from .header import DeidentifyOptions
from .key import collection_pseudonyms
from .pseudonyms import Pseudonyms
from .values import is_placeholder

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
    "is_placeholder",
]
