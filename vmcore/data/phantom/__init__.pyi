from .anatomy import HeadGeometry, PhantomAnatomy, draw_geometry
from .make import Phantom, make_phantom, random_atrial_width_mm
from .overlays import OverlaySettings
from .series import series_phantom
from .writing import write_dicom, write_png

__all__ = [
    "HeadGeometry",
    "OverlaySettings",
    "Phantom",
    "PhantomAnatomy",
    "draw_geometry",
    "make_phantom",
    "random_atrial_width_mm",
    "series_phantom",
    "write_dicom",
    "write_png",
]
