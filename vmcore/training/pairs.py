"""Pairs of a real head: once with a ventricle of normal width, once with a wide one.

Machine, callipers and skull are the same in both. In both the walls were moved apart and fluid was
drawn in, a little or much, so that neither warping nor drawn fluid alone tells which is wide. Widths are
shares of the head's short axis: on a head of 95 mm a normal one may be 11 mm, on one of 45 mm a wide one
only 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmcore.anatomy import Anatomy
from vmcore.data.widening import widen_ventricle
from vmcore.training.outlined import atrium_rectangle

RgbPicture = npt.NDArray[np.uint8]

_WIDEST_NORMAL = 0.12  # of the head's short axis
_NARROWEST_WIDE, _WIDEST = 0.145, 0.30  # 10 mm at a biparietal diameter of 69 mm, 21 mm
_SURE = 0.02  # largest standard deviation of a width that a pair is made from
_LEAST_WIDENED, _MOST_WIDENED = 1.05, 1.5  # factors of the one that stays normal


@dataclass(frozen=True, slots=True)
class WidenedPair:
    """Two pictures of one head, uint8 (H, W, 3), and their widths as shares of the short axis."""

    normal: RgbPicture
    wide: RgbPicture
    normal_share: float
    wide_share: float


def widened_pair(
    picture: RgbPicture, anatomy: Anatomy, rng: np.random.Generator
) -> WidenedPair | None:
    """Make a pair of a normal head whose atrium is surely found; None of any other.

    Args:
        picture: uint8 (H, W, 3), cleaned.
        anatomy: what was found in it.
        rng: of widths and speckle.
    """
    head, atrium = anatomy.head, anatomy.atrium
    if head is None or atrium is None:
        return None
    if atrium.uncertainty > _SURE or not 0 < atrium.head_share < _WIDEST_NORMAL:
        return None
    ends = np.array([atrium.start, atrium.end])[:, ::-1]
    rectangle, skull = atrium_rectangle(ends, head.ellipse), head.ellipse.outline()
    grey = (picture.astype(np.uint16).sum(2) // 3).astype(np.uint8)
    made = []
    highest = min(_WIDEST_NORMAL / atrium.head_share, _MOST_WIDENED)
    if highest < _LEAST_WIDENED:
        return None
    for factor in (
        float(rng.uniform(_LEAST_WIDENED, highest)),
        float(rng.uniform(_NARROWEST_WIDE, _WIDEST)) / atrium.head_share,
    ):
        one = widen_ventricle(grey, rectangle, float(np.clip(factor, 0.4, 5.0)), rng, skull=skull)
        drawn = np.where(one.changed[..., None], one.picture[..., None], picture)
        made.append((drawn.astype(np.uint8), one.factor * atrium.head_share))
    (normal, normal_share), (wide, wide_share) = made
    if wide_share < _NARROWEST_WIDE:  # the head has no room for it
        return None
    return WidenedPair(normal, wide, normal_share, wide_share)
