"""Pictures with outlined structures, and how they become a network's views and their truth.

Outlines are polygons in the picture's pixels, so they go through any turn and scale exactly and are
drawn in the view, where edges keep the share of a pixel that they cover. What an outline set does not
say is unknown, and nothing is learnt there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.anatomy.decoding import STRIDE, WIDTH_UNIT_PX
from vmcore.anatomy.head import HeadEllipse
from vmcore.anatomy.views import VIEW_HEIGHT, VIEW_WIDTH, View, level_view, whole_view
from vmcore.data.widening import widen_ventricle

Polygon = npt.NDArray[np.float64]
_SHIFT = 4  # bits of a pixel's share when a polygon is drawn
_FINE = 4  # points per map pixel and direction

HEAD, CAVUM, VENTRICLE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class OutlinedPicture:
    """A grey picture and what is known of it.

    Attributes:
        grey: uint8 (H, W).
        subject_id: whose head it is; a subject stays on one side of every split.
        source: the set that it comes from.
        head: the skull's ellipse; None where there is none or where it is not known.
        ventricle: (4, 2) corners (x, y) of the atrium's rectangle: the first side is the calliper.
        cavum: (4, 2) corners of the cavum's rectangle.
        known: which of head, cavum and ventricle are known; a known one that is None is absent.
        ignored: polygons in which nothing is known of the ventricle.
        visible: whether (ventricle, cavum) are visible in this plane; None where nobody said.
        spacing_mm: millimetres per pixel, where that is known.
        widenable: whether its ventricle may get other widths (those of phantoms have them already).
        often: how often it is shown, against the others of its source.
    """

    grey: npt.NDArray[np.uint8]
    subject_id: str
    source: str
    head: HeadEllipse | None = None
    ventricle: Polygon | None = None
    cavum: Polygon | None = None
    known: tuple[bool, bool, bool] = (False, False, False)
    ignored: tuple[Polygon, ...] = field(default=())
    visible: tuple[bool | None, bool | None] = (None, None)
    spacing_mm: float | None = None
    widenable: bool = False
    often: float = 1.0


@dataclass(frozen=True, slots=True)
class Example:
    """One view and its truth; float32 maps (h, w) at half the view's size.

    Attributes:
        view: uint8 (192, 256).
        structures: (3, h, w), the share of each pixel that head, cavum and ventricle cover.
        known: (3, h, w), 1 where that is known.
        calliper: (3,), width in the network's unit, cosine and sine of twice its direction.
        visible: (2,), 1 or 0, and -1 where nobody said.
    """

    view: npt.NDArray[np.uint8]
    structures: npt.NDArray[np.float32]
    known: npt.NDArray[np.float32]
    calliper: npt.NDArray[np.float32]
    visible: npt.NDArray[np.float32]


def atrium_rectangle(ends: Polygon, head: HeadEllipse) -> Polygon:
    """The rectangle that an expert draws around an atrium whose calliper (2, 2), points (x, y), is known.

    Experts draw it longer than wide, by 0.085 of the head's short axis in the median of
    fetal-head-structures.
    """
    across = ends[1] - ends[0]
    width = np.hypot(*across)
    along = np.array([-across[1], across[0]]) / width
    half = (width + 0.085 * 2 * head.half_axes[1]) / 2
    return np.array(
        [
            ends[0] - half * along,
            ends[1] - half * along,
            ends[1] + half * along,
            ends[0] + half * along,
        ]
    )


def example(picture: OutlinedPicture, view: View) -> Example:
    """A picture's view and its truth in it."""
    polygons = (
        None if picture.head is None else picture.head.outline(),
        picture.cavum,
        picture.ventricle,
    )
    moved = [None if polygon is None else view.to_view(polygon) for polygon in polygons]
    structures = np.stack([covered(polygon) for polygon in moved])
    known = np.ones_like(structures) * np.asarray(picture.known, np.float32)[:, None, None]
    for polygon in picture.ignored:
        known[VENTRICLE] *= covered(view.to_view(polygon)) < 0.01
    visible = [-1.0 if value is None else float(value) for value in picture.visible]
    return Example(
        view.take(picture.grey),
        structures,
        known,
        _calliper(moved[VENTRICLE]),
        np.array(visible, np.float32),
    )


def covered(polygon: Polygon | None) -> npt.NDArray[np.float32]:
    """The share of each map pixel that a polygon of the view covers."""
    size = (VIEW_HEIGHT // STRIDE, VIEW_WIDTH // STRIDE)
    if polygon is None:
        return np.zeros(size, np.float32)
    fine = np.zeros((size[0] * _FINE, size[1] * _FINE), np.uint8)
    scaled = (polygon + 0.5) * (_FINE / STRIDE) - 0.5
    points = [np.round(scaled * 2**_SHIFT).astype(np.int32)]
    cv2.fillPoly(fine, points, 2, shift=_SHIFT)
    # all that the line touches is filled, half a point too much: the line counts half
    cv2.polylines(fine, points, isClosed=True, color=1, shift=_SHIFT)
    return fine.reshape(size[0], _FINE, size[1], _FINE).mean((1, 3), dtype=np.float32) / 2


def _calliper(rectangle: Polygon | None) -> npt.NDArray[np.float32]:
    if rectangle is None:
        return np.zeros(3, np.float32)
    x, y = rectangle[1] - rectangle[0]
    angle = np.arctan2(y, x)
    return np.array(
        [np.hypot(x, y) / WIDTH_UNIT_PX, np.cos(2 * angle), np.sin(2 * angle)], np.float32
    )


def random_example(
    picture: OutlinedPicture, rng: np.random.Generator, *, level: float = 0.7, widen: float = 0.6
) -> Example:
    """An augmented view: turned, scaled, shifted, stretched and mirrored, then other gain and grain.

    Args:
        picture: what to look at.
        rng: of everything that varies.
        level: how often a picture with a known head is shown as in the second look, turned level.
        widen: how often a ventricle that may gets another width.
    """
    if picture.widenable and rng.random() < widen:
        picture = _widened(picture, rng)
    is_level = picture.head is not None and rng.random() < level
    base = (
        level_view(picture.head)
        if is_level and picture.head is not None
        else whole_view(picture.grey.shape)
    )
    view = View(_jitter(rng, is_level=is_level) @ np.vstack([base.matrix, [0.0, 0.0, 1.0]]))
    shown = example(picture, view)
    return Example(
        _photometric(shown.view, rng),
        shown.structures,
        shown.known,
        shown.calliper,
        shown.visible,
    )


def _widened(picture: OutlinedPicture, rng: np.random.Generator) -> OutlinedPicture:
    """The same head with an atrium of 0.6 to 2.8 times its width."""
    if picture.ventricle is None:
        return picture
    factor = float(np.exp(rng.uniform(np.log(0.6), np.log(2.8))))
    skull = None if picture.head is None else picture.head.outline()
    other = widen_ventricle(picture.grey, picture.ventricle, factor, rng, skull=skull)
    return replace(picture, grey=other.picture, ventricle=other.rectangle)


def _jitter(rng: np.random.Generator, *, is_level: bool) -> npt.NDArray[np.float64]:
    """(2, 3) a random change of a view around its middle."""
    turn = np.deg2rad(rng.normal(0, 7 if is_level else 20))
    scale = np.exp(rng.normal(0, 0.06) if is_level else rng.uniform(np.log(0.6), np.log(1.5)))
    aspect = np.exp(rng.normal(0, 0.05))
    shear = rng.normal(0, 0.03)
    cos, sin = np.cos(turn), np.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.array([[aspect, shear], [0, 1 / aspect]])
    # left to right only: what is far from the probe lies below in every picture
    linear = scale * linear @ np.diag([rng.choice([-1.0, 1.0]), 1.0])
    middle = np.array([(VIEW_WIDTH - 1) / 2, (VIEW_HEIGHT - 1) / 2])
    shift = rng.normal(0, 5 if is_level else 14, 2)
    return np.column_stack([linear, middle - linear @ middle + shift])


def _photometric(view: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Other gain, dynamic range, sharpness, speckle, depth gain and shadows."""
    image = view.astype(np.float32) / 255
    image = image ** np.exp(rng.normal(0, 0.3)) * np.exp(rng.normal(0, 0.2))
    if rng.random() < 0.3:
        ramp = np.linspace(-1, 1, VIEW_HEIGHT, dtype=np.float32)[:, None]
        image *= np.exp(rng.normal(0, 0.35) * ramp)
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.5:
        grain = rng.normal(0, 1, image.shape).astype(np.float32)
        grain = cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.4, 1.2))
        image *= 1 + rng.uniform(0.03, 0.2) * grain / grain.std()
    if rng.random() < 0.3:
        x = np.arange(VIEW_WIDTH, dtype=np.float32)
        centre, width = rng.uniform(0, VIEW_WIDTH), rng.uniform(8, 40)
        image *= 1 - rng.uniform(0.2, 0.8) * np.exp(-(((x - centre) / width) ** 2))
    image += rng.normal(0, 0.03)
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)
