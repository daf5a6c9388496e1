"""From a read scan to an answer about one of its frames."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vmcore.anatomy import Anatomy, AnatomyModel
from vmcore.imaging import CleanFrame, Scan, clean_frame, rest_text_search
from vmcore.inference.classifier import Classifier, Prediction

_NO_PICTURE = np.empty((0, 0, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Analysis:
    """One frame, cleaned, measured and judged.

    Attributes:
        scan: where the frame comes from.
        frame: its number, from 0.
        clean: the cleaned frame.
        prediction: the ensemble's answer.
        bundle_digest: of the bundle that gave it, or None (:attr:`Classifier.digest`).
        anatomy: what was found in the cleaned frame and measured; None where nobody looked.
        anatomy_digest: of the anatomy model that found it (:attr:`AnatomyModel.digest`).
    """

    scan: Scan
    frame: int
    clean: CleanFrame
    prediction: Prediction
    bundle_digest: str | None = None
    anatomy: Anatomy | None = None
    anatomy_digest: str | None = None


def analyse(
    scan: Scan,
    classifier: Classifier,
    *,
    frame: int = 0,
    heatmap: str | None = "eigen-cam",
    anatomy_model: AnatomyModel | None = None,
) -> Analysis:
    """Clean a frame the way the model's training images were, measure and judge it.

    Args:
        scan: a read scan.
        classifier: what judges.
        frame: which, from 0.
        heatmap: its method, or None for none.
        anatomy_model: what measures; nothing is measured without it.

    Raises:
        IndexError: the scan has no such frame.
        vmcore.imaging.FrameError: the frame cannot be decoded.
    """
    if not 0 <= frame < len(scan.frames):
        raise IndexError(f"The scan has {len(scan.frames)} frames, no frame {frame + 1}.")
    picture = scan.frames[frame]
    clean = clean_frame(picture, region=scan.region, settings=classifier.card.preprocessing)
    if len(scan.frames) > 1:
        rest_text_search()  # a loop holds enough by itself
    (prediction,) = classifier.predict([clean.image], heatmap=heatmap)
    if anatomy_model is None:
        return Analysis(scan, frame, clean, prediction, classifier.digest)
    anatomy = anatomy_model.find(
        clean.image, scan.spacing_mm, pixel_aspect=scan.pixel_aspect, uncleaned=picture
    )
    return Analysis(
        scan, frame, clean, prediction, classifier.digest, anatomy, anatomy_model.digest
    )


def without_pixels(analysis: Analysis) -> Analysis:
    """The same answer without any picture: no frames, no heatmap, no outlines of structures."""
    scan, clean, anatomy = analysis.scan, analysis.clean, analysis.anatomy
    return replace(
        analysis,
        scan=replace(scan, frames=np.empty((0, *scan.frames.shape[1:]), np.uint8)),
        clean=replace(clean, image=_NO_PICTURE, mask=np.empty((0, 0), bool)),
        prediction=replace(analysis.prediction, heatmap=None),
        anatomy=anatomy and replace(anatomy, structures=np.empty((0, 0), np.uint8)),
    )
