from .asking import ArchiveError
from .retrieving import retrieve
from .searching import FoundImage, FoundStudy, StudyQuery, find_images, find_studies
from .storing import store

__all__ = [
    "ArchiveError",
    "FoundImage",
    "FoundStudy",
    "StudyQuery",
    "find_images",
    "find_studies",
    "retrieve",
    "store",
]
