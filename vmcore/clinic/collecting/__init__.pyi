from .collected import DECIDED, Collection, Kept, collection_names
from .decided import DecidedScan, NotKeptError, decided_scan, why_not_kept
from .rows import merged_subjects
from .subjects import SubjectNumber, number_in_header, number_of_group
from .withdrawing import TakenOut, note_taken_out, take_out

__all__ = [
    "DECIDED",
    "Collection",
    "DecidedScan",
    "Kept",
    "NotKeptError",
    "SubjectNumber",
    "TakenOut",
    "collection_names",
    "decided_scan",
    "merged_subjects",
    "note_taken_out",
    "number_in_header",
    "number_of_group",
    "take_out",
    "why_not_kept",
]
