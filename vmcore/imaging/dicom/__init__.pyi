from .opening import looks_like_dicom as looks_like_dicom
from .reading import read_dicom as read_dicom
from .source import read_source as read_source

__all__ = ["looks_like_dicom", "read_dicom", "read_source"]
