from .asking import ArchiveError
from .retrieving import retrieve
from .searching import Found, FoundImage, FoundStudy, StudyQuery, find_images, find_studies
from .storing import store

__all__ = [
    "ArchiveError",
    "Found",
    "FoundImage",
    "FoundStudy",
    "StudyQuery",
    "find_images",
    "find_studies",
    "retrieve",
    "store",
]
