"""From bytes to model input: reading, de-identification, annotation removal, geometry.

One function turns pixels into model input (:func:`to_model_input`), and both the clinic and
training use it, so they cannot drift apart.
"""

from vmcore.imaging.cleaning import CleanFrame, CleaningSettings, Removal, clean_frame
from vmcore.imaging.model_input import INPUT_SIDE, normalise, to_model_input, to_model_pixels
from vmcore.imaging.reading import read_scan
from vmcore.imaging.scan import ReadLimits, Region, Scan, ScanError

__all__ = [
    "INPUT_SIDE",
    "CleanFrame",
    "CleaningSettings",
    "ReadLimits",
    "Region",
    "Removal",
    "Scan",
    "ScanError",
    "clean_frame",
    "normalise",
    "read_scan",
    "to_model_input",
    "to_model_pixels",
]
