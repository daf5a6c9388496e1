"""Every frame of a loop, judged and measured in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from vmcore.anatomy import Anatomy, AnatomyModel
from vmcore.imaging import FrameError, Scan, ask_ahead, clean_frame, still_text
from vmcore.inference.classifier import Classifier, Prediction
from vmcore.resting import rest_idle


@dataclass(frozen=True, slots=True)
class FrameAnswer:
    """What was answered about one frame of a loop, without any picture.

    Attributes:
        frame: its number, from 0.
        probability: of ventriculomegaly, 0..1, the mean of the folds; ``spread``: their standard deviation.
        in_domain: whether the classifier knows such pictures; None where it cannot tell.
        head_found: whether a skull was found; None where nobody looked.
        width_mm: the atrium's width, and ``width_mm_sd`` one standard deviation; None without mm.
        share: the width over the head's short axis, and ``share_sd``; None where none was measured.
        side: in which half of the head, by its distance from the probe.
    """

    frame: int
    probability: float
    spread: float
    in_domain: bool | None
    head_found: bool | None
    width_mm: float | None = None
    width_mm_sd: float | None = None
    share: float | None = None
    share_sd: float | None = None
    side: Literal["near", "far"] | None = None


class LoopReader:
    """Judges frames of one loop; text that stands still is looked for once, not in every frame.

    Args:
        scan: the loop.
        classifier: what judges.
        anatomy_model: what measures; nothing is measured without it.

    Attributes:
        refused: a sentence for each frame that was asked for and cannot be decoded, by its number.
    """

    def __init__(
        self, scan: Scan, classifier: Classifier, anatomy_model: AnatomyModel | None = None
    ) -> None:
        self._scan, self._classifier, self._anatomy_model = scan, classifier, anatomy_model
        self._text: npt.NDArray[np.bool_] | None = None
        self.refused: dict[int, str] = {}

    def answer(self, frames: Sequence[int], then: Sequence[int] = ()) -> list[FrameAnswer]:
        """Judge these frames as one batch, those that can be decoded.

        Args:
            frames: their numbers, from 0.
            then: the frames that will be asked for next: they are decoded meanwhile.

        Raises:
            IndexError: the loop has no such frame.
            vmcore.imaging.ScanError: no frame can be decoded just now.
        """
        scan, settings = self._scan, self._classifier.card.preprocessing
        if any(not 0 <= frame < len(scan.frames) for frame in frames):
            raise IndexError(f"The loop has {len(scan.frames)} frames.")
        ask_ahead(scan.frames, frames)
        if self._text is None:
            rest_idle(0.0)  # what single pictures took; the search takes much by itself
            self._text = still_text(scan.frames, region=scan.region, settings=settings)
            rest_idle(0.0)  # and a batch of frames takes less
        decoded = {}
        for frame in frames:
            try:
                decoded[frame] = scan.frames[frame]
            except FrameError as error:
                self.refused[frame] = str(error)
        ask_ahead(scan.frames, then)
        images = [
            clean_frame(picture, region=scan.region, settings=settings, still_text=self._text).image
            for picture in decoded.values()
        ]
        predictions = self._classifier.predict(images, heatmap=None)
        return [
            _answer(frame, prediction, self._measured(image, decoded[frame]))
            for frame, prediction, image in zip(decoded, predictions, images, strict=True)
        ]

    def _measured(
        self, image: npt.NDArray[np.uint8], uncleaned: npt.NDArray[np.uint8]
    ) -> Anatomy | None:
        if self._anatomy_model is None:
            return None
        return self._anatomy_model.find(
            image, self._scan.spacing_mm, pixel_aspect=self._scan.pixel_aspect, uncleaned=uncleaned
        )


def _answer(frame: int, prediction: Prediction, anatomy: Anatomy | None) -> FrameAnswer:
    head_found = None if anatomy is None else anatomy.head is not None
    told = (frame, prediction.probability, prediction.spread, prediction.in_domain, head_found)
    atrium = anatomy.atrium if anatomy else None
    if atrium is None:
        return FrameAnswer(*told)
    return FrameAnswer(
        *told, atrium.width_mm, atrium.uncertainty_mm, atrium.head_share, atrium.uncertainty, atrium.side
    )  # fmt: skip
