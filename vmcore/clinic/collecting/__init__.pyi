from .collected import DECIDED, Collection, Kept, collection_names
from .decided import DecidedScan, NotKeptError, decided_scan, why_not_kept
from .subjects import SubjectNumber, number_in_header, number_of_group
from .withdrawing import note_taken_out

__all__ = [
    "DECIDED",
    "Collection",
    "DecidedScan",
    "Kept",
    "NotKeptError",
    "SubjectNumber",
    "collection_names",
    "decided_scan",
    "note_taken_out",
    "number_in_header",
    "number_of_group",
    "why_not_kept",
]
