"""From the network's maps to a skull's ellipse and an atrium's calliper, both in the view's pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.anatomy.head import HeadEllipse
from vmcore.anatomy.views import VIEW_HEIGHT, VIEW_WIDTH

Map = npt.NDArray[np.float32]
STRIDE = 2
"""View pixels per map pixel."""
WIDTH_UNIT_PX = 16.0
"""The width's unit in the network's output, pixels of the view: keeps its values near 1."""
_SMALLEST_HEAD = 0.02  # of the view
_SEEN_OUTLINE = 0.35  # of the head's outline that must not lie on the picture's edge
_EDGE_PX = 3.0
_PART_OF_PEAK = 0.35  # of the likeliest place: what still belongs to the atrium


@dataclass(frozen=True, slots=True)
class MapOutput:
    """What the network says of one view; see :class:`vmcore.anatomy.network.StructureNetwork`.

    Attributes:
        structures: (3, h, w) probabilities of head, cavum and ventricle.
        calliper: (4, h, w) width in units of 16 pixels, cosine and sine of twice the direction, and
            the logarithm of the width's expected error.
        visible: (2,) probabilities that ventricle and cavum are visible.
    """

    structures: Map
    calliper: Map
    visible: Map

    def mirrored(self) -> MapOutput:
        """The same for the view mirrored left to right."""
        calliper = self.calliper[..., ::-1] * np.array([1, 1, -1, 1], np.float32)[:, None, None]
        return MapOutput(self.structures[..., ::-1], calliper, self.visible)


@dataclass(frozen=True, slots=True)
class ViewCalliper:
    """An atrium's calliper in a view.

    Attributes:
        ends: (2, 2) points (x, y).
        width_px: between them.
        expected_error_px: of the width, as the network says.
        probability: of the likeliest place.
    """

    ends: npt.NDArray[np.float64]
    width_px: float
    expected_error_px: float
    probability: float


def decode_head(share: Map, inside: npt.NDArray[np.bool_]) -> HeadEllipse | None:
    """The ellipse around the largest part that is likelier head than not.

    Where the picture cuts the head, the ellipse goes through the rest of its outline.

    Args:
        share: (h, w) probability of head.
        inside: (192, 256), where the view shows the picture.
    """
    full = cv2.resize(share, (VIEW_WIDTH, VIEW_HEIGHT), interpolation=cv2.INTER_LINEAR)
    head = ((full > 0.5) & inside).astype(np.uint8)
    contours, _ = cv2.findContours(head, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    largest = max(contours, key=cv2.contourArea)
    if cv2.contourArea(largest) < _SMALLEST_HEAD * head.size:
        return None
    points = largest[:, 0].astype(np.float64)
    framed = np.pad(inside.astype(np.uint8), 1)
    to_edge = cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1]
    seen = points[to_edge[largest[:, 0, 1], largest[:, 0, 0]] > _EDGE_PX]
    if len(seen) < max(_SEEN_OUTLINE * len(points), 24):
        return None
    try:
        ellipse = HeadEllipse.through(seen)
    except ValueError:
        return None
    # the contour runs through the outermost pixels' centres, half a pixel inside of the edge
    long, short = ellipse.half_axes
    if long > 2.2 * short or short > VIEW_WIDTH:
        return None
    return HeadEllipse(ellipse.centre, (long + 0.5, short + 0.5), ellipse.angle)


def decode_atrium(output: MapOutput, inside: npt.NDArray[np.bool_]) -> ViewCalliper | None:
    """The calliper at the likeliest ventricle, or None where nothing stands out or the picture cuts it.

    Args:
        output: the network's.
        inside: (192, 256), where the view shows the picture.
    """
    share = cv2.GaussianBlur(np.ascontiguousarray(output.structures[2]), (0, 0), 1.0)
    peak = float(share.max())
    if peak < 0.05:
        return None
    _, parts = cv2.connectedComponents((share > _PART_OF_PEAK * peak).astype(np.uint8))
    atrium = parts == parts.flat[int(share.argmax())]
    beside = cv2.dilate(atrium.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    if (beside & ~inside[::STRIDE, ::STRIDE]).any():
        return None  # how wide the rest of it is nobody sees
    weight = np.where(atrium, output.structures[2], 0.0)
    weight = weight.astype(np.float64)
    total = weight.sum()
    rows, columns = np.indices(weight.shape)
    middle = np.array([(weight * columns).sum(), (weight * rows).sum()]) / total
    middle = (middle + 0.5) * STRIDE - 0.5
    width, cosine, sine, scale = (float((weight * one).sum() / total) for one in output.calliper)
    if width <= 0:
        return None
    half = WIDTH_UNIT_PX * width / 2
    angle = np.arctan2(sine, cosine) / 2
    arm = half * np.array([np.cos(angle), np.sin(angle)])
    error = WIDTH_UNIT_PX * float(np.exp(np.clip(scale, -4.0, 1.0)))
    return ViewCalliper(np.stack([middle - arm, middle + arm]), 2 * half, error, peak)
