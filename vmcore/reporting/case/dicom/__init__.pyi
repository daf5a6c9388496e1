from .objects import case_objects, objects_zip
from .study import StudyError

__all__ = ["StudyError", "case_objects", "objects_zip"]
