"""Pairs of a real head: once with a ventricle of normal width, once with a wide one.

Machine, callipers and skull are the same in both. In both the walls were moved apart and fluid was
drawn in, a little or much, so that neither warping nor drawn fluid alone tells which is wide. What is
normal and what wide is told in millimetres: a picture without a scale gives no pair, since the same share
of the head is a wide ventricle at 30 weeks and a normal one at 20.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmcore.anatomy import Anatomy
from vmcore.anatomy.views import grey_of
from vmcore.data import Fold
from vmcore.data.widening import widen_ventricle
from vmcore.imaging import to_model_pixels
from vmcore.training.finetune import LabelledImages
from vmcore.training.outlined import atrium_rectangle

RgbPicture = npt.NDArray[np.uint8]

_WIDEST_NORMAL_MM, _NARROWEST_WIDE_MM, _WIDEST_MM = 9.0, 10.5, 20.0
_WIDEST_SHARE = 0.35  # of the short axis: more, and the head is another one
_SURE = 0.02  # largest standard deviation of a width that a pair is made from
_LEAST_WIDENED, _MOST_WIDENED = 1.05, 1.5  # factors of the one that stays normal


@dataclass(frozen=True, slots=True)
class WidenedPair:
    """Two pictures of one head, uint8 (H, W, 3), and their widths as shares of the short axis."""

    normal: RgbPicture
    wide: RgbPicture
    normal_share: float
    wide_share: float


@dataclass(frozen=True, slots=True)
class PairedHeads:
    """Pairs of a study's normal heads, as the networks take them.

    Attributes:
        rows: int64 (N,), which image of the study each pair is of.
        images: uint8 (N, 2, 3, 224, 224); the first of each pair is normal, the second wide.
    """

    rows: npt.NDArray[np.int64]
    images: npt.NDArray[np.uint8]

    def added(self, study: LabelledImages, fold: Fold) -> tuple[LabelledImages, Fold]:
        """The study and a fold of it with the pairs of those heads that the fold trains on."""
        learnt = np.isin(self.rows, fold.train)
        images = self.images[learnt].reshape(-1, *self.images.shape[2:])
        labels = np.tile(np.array([0, 1], np.int64), int(learnt.sum()))
        weights = None if study.weights is None else np.append(study.weights, np.ones(len(labels)))
        more = np.arange(len(study.labels), len(study.labels) + len(labels))
        return (
            LabelledImages(
                np.concatenate([study.images, images]), np.append(study.labels, labels), weights
            ),
            Fold(np.append(fold.train, more), fold.validation),
        )


def model_pair(
    picture: RgbPicture, anatomy: Anatomy, rng: np.random.Generator
) -> npt.NDArray[np.uint8] | None:
    """:func:`widened_pair` as the networks take it, uint8 (2, 3, 224, 224)."""
    pair = widened_pair(picture, anatomy, rng)
    if pair is None:
        return None
    return np.stack(
        [to_model_pixels(image).transpose(2, 0, 1) for image in (pair.normal, pair.wide)]
    )


def widened_pair(
    picture: RgbPicture, anatomy: Anatomy, rng: np.random.Generator
) -> WidenedPair | None:
    """Make a pair of a normal head whose atrium is surely found and known in mm; None of any other.

    Args:
        picture: uint8 (H, W, 3), cleaned.
        anatomy: what was found in it.
        rng: of widths and speckle.
    """
    head, atrium = anatomy.head, anatomy.atrium
    if head is None or atrium is None or atrium.width_mm is None or not atrium.head_share > 0:
        return None
    head_mm = atrium.width_mm / atrium.head_share
    widest_normal = _WIDEST_NORMAL_MM / head_mm
    narrowest, widest = _NARROWEST_WIDE_MM / head_mm, min(_WIDEST_MM / head_mm, _WIDEST_SHARE)
    if (
        atrium.uncertainty > _SURE
        or not 0 < atrium.head_share < widest_normal
        or narrowest >= widest
    ):
        return None
    ends = np.array([atrium.start, atrium.end])[:, ::-1]
    rectangle, skull = atrium_rectangle(ends, head.ellipse), head.ellipse.outline()
    grey = grey_of(picture)
    made = []
    highest = min(widest_normal / atrium.head_share, _MOST_WIDENED)
    if highest < _LEAST_WIDENED:
        return None
    for factor in (
        float(rng.uniform(_LEAST_WIDENED, highest)),
        float(rng.uniform(narrowest, widest)) / atrium.head_share,
    ):
        one = widen_ventricle(grey, rectangle, float(np.clip(factor, 0.4, 5.0)), rng, skull=skull)
        drawn = np.where(one.changed[..., None], one.picture[..., None], picture)
        made.append((drawn.astype(np.uint8), one.factor * atrium.head_share))
    (normal, normal_share), (wide, wide_share) = made
    if wide_share < narrowest:  # the head has no room for it
        return None
    return WidenedPair(normal, wide, normal_share, wide_share)
