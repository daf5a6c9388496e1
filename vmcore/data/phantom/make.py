"""Draw a phantom scan: a head in a convex sector, speckled, attenuated and shadowed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from vmcore.data.phantom.anatomy import HeadGeometry, PhantomAnatomy, draw_geometry
from vmcore.data.phantom.frame import HeadFrame
from vmcore.data.phantom.overlays import Drawn, Measured, OverlaySettings, draw_overlays
from vmcore.data.phantom.speckle import ScanPhysics, render_echoes
from vmcore.imaging.scan import Region

DILATED_MM = 10.0


@dataclass(frozen=True, slots=True)
class Phantom:
    """A drawn scan and everything that is true of it.

    Attributes:
        image: uint8 (H, W, 3), RGB, overlays included.
        clean: uint8 (H, W, 3), the same scan without overlays.
        sector: bool (H, W), where echoes are.
        overlay: bool (H, W), pixels drawn over the scan: measurements, arrows, coloured text.
        text: bool (H, W), pixels of burned-in grey or white text.
        text_boxes: a rectangle for every piece of text.
        region: the B-mode region.
        geometry: the head's parts.
        atrium: the far atrium's inner walls, (row, column) each: its width at the plexus's glomus,
            perpendicular to the ventricle's course.
        head: the skull's outer ellipse as OpenCV writes it: centre (x, y), axes, angle in degrees.
        atrial_width_mm: inner width of the far atrium; label is 1 from 10 mm on.
        spacing_mm: (row, column) millimetres per pixel.
    """

    image: npt.NDArray[np.uint8]
    clean: npt.NDArray[np.uint8]
    sector: npt.NDArray[np.bool_]
    overlay: npt.NDArray[np.bool_]
    text: npt.NDArray[np.bool_]
    text_boxes: tuple[Region, ...]
    region: Region
    geometry: HeadGeometry
    atrium: tuple[tuple[float, float], tuple[float, float]]
    head: tuple[tuple[float, float], tuple[float, float], float]
    atrial_width_mm: float
    spacing_mm: tuple[float, float]

    @property
    def label(self) -> int:
        """0 normal, 1 ventriculomegaly (10 mm or more)."""
        return int(self.atrial_width_mm >= DILATED_MM)


def random_atrial_width_mm(rng: np.random.Generator, *, dilated: bool) -> float:
    """Draw a width: normal 4.5 to 9, dilated 10.5 to 20 mm, denser near the limit."""
    if dilated:
        return float(10.5 + 9.5 * rng.beta(1.2, 1.6))
    return float(rng.uniform(4.5, 9.0))


def make_phantom(
    atrial_width_mm: float,
    seed: int | np.random.Generator,
    *,
    shape: tuple[int, int] = (480, 640),
    overlays: OverlaySettings | None = None,
) -> Phantom:
    """Draw one phantom; the same arguments give the same pixels.

    Args:
        atrial_width_mm: inner width of the far ventricle's atrium, 2 to 30 mm.
        seed: seed or generator of everything that varies.
        shape: (height, width) in pixels, each at least 96.
        overlays: what a scanner would draw over it; nothing without it.

    Raises:
        ValueError: a width or shape out of range.
    """
    if min(shape) < 96:
        raise ValueError(f"A phantom needs at least 96 pixels on each side, not {shape}.")
    rng = np.random.default_rng(seed)
    anatomy = PhantomAnatomy.draw(atrial_width_mm, rng)
    physics = ScanPhysics.draw(rng)
    banner = round(0.1 * shape[0]) if overlays is not None and overlays.banner else 0
    field = (shape[0] - banner, shape[1])
    mm = anatomy.biparietal_mm / (field[0] * rng.uniform(0.55, 0.86))
    if anatomy.occipitofrontal_mm > 0.95 * field[1] * mm:
        mm = anatomy.occipitofrontal_mm / (0.95 * field[1])
    frame = HeadFrame.draw(field, mm, rng)
    along, across = frame.coordinates_mm(field)
    rows, columns = np.mgrid[0 : field[0], 0 : field[1]].astype(np.float32)
    geometry = draw_geometry(along, across, anatomy, rng)
    depth, lateral = rows * mm, (columns - field[1] / 2) * mm
    grey, sector = render_echoes(geometry, across, depth, lateral, physics, rng)
    measured = Measured(
        atrium=frame.atrium_ends(geometry, anatomy.atrial_width_mm),
        head=frame.ellipse(anatomy.occipitofrontal_mm, anatomy.biparietal_mm),
    )

    near, far = measured.atrium
    pad = ((banner, 0), (0, 0))
    clean = np.repeat(np.pad(grey, pad)[..., None], 3, axis=2)
    drawn = Drawn.blank(clean)
    if overlays is not None:
        drawn = draw_overlays(clean, banner, mm, measured, overlays, rng)
    return Phantom(
        image=drawn.image,
        clean=clean,
        sector=np.pad(sector, pad),
        overlay=drawn.overlay,
        text=drawn.text,
        text_boxes=drawn.boxes,
        region=Region(banner, 0, *field),
        geometry=_padded(geometry, pad),
        atrium=((near[0] + banner, near[1]), (far[0] + banner, far[1])),
        head=((measured.head[0][0], measured.head[0][1] + banner), *measured.head[1:]),
        atrial_width_mm=float(atrial_width_mm),
        spacing_mm=(mm, mm),
    )


def _padded(geometry: HeadGeometry, pad: tuple[tuple[int, int], ...]) -> HeadGeometry:
    names: tuple[str, ...] = (
        "skull",
        "brain",
        "far_ventricle",
        "near_ventricle",
        "choroid",
        "cavum",
        "cavum_wall",
        "falx",
        "sulci",
    )
    parts: dict[str, Any] = {name: np.pad(getattr(geometry, name), pad) for name in names}
    outside = np.pad(geometry.outside_mm, pad, mode="edge")
    return replace(geometry, outside_mm=outside, **parts)
