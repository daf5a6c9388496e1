"""A speckled fetal head with known truth: atrial width, tissue, overlay pixels and text.

Ground truth for tests and material for the tutorial and for pretraining the bundled model. It is
drawn, not scanned: a model that is right on it has proved nothing about people.
"""

from vmcore.data.phantom.anatomy import Anatomy, HeadGeometry, draw_geometry
from vmcore.data.phantom.make import Phantom, make_phantom, random_atrial_width_mm
from vmcore.data.phantom.overlays import OverlaySettings
from vmcore.data.phantom.series import series_phantom
from vmcore.data.phantom.writing import write_dicom, write_png

__all__ = [
    "Anatomy",
    "HeadGeometry",
    "OverlaySettings",
    "Phantom",
    "draw_geometry",
    "make_phantom",
    "random_atrial_width_mm",
    "series_phantom",
    "write_dicom",
    "write_png",
]
