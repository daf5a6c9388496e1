"""From a read scan to an answer about one of its frames."""

from __future__ import annotations

from dataclasses import dataclass

from vmcore.imaging import CleanFrame, Scan, clean_frame
from vmcore.inference.classifier import Classifier, Prediction


@dataclass(frozen=True, slots=True)
class Analysis:
    """One frame, cleaned and judged.

    Attributes:
        scan: where the frame comes from.
        frame: its number, from 0.
        clean: the cleaned frame.
        prediction: the ensemble's answer.
        bundle_digest: of the bundle that gave it, or None (:attr:`Classifier.digest`).
    """

    scan: Scan
    frame: int
    clean: CleanFrame
    prediction: Prediction
    bundle_digest: str | None = None


def analyse(
    scan: Scan, classifier: Classifier, *, frame: int = 0, heatmap: str | None = "eigen-cam"
) -> Analysis:
    """Clean a frame the way the model's training images were, and judge it.

    Raises:
        IndexError: the scan has no such frame.
    """
    if not 0 <= frame < len(scan.frames):
        raise IndexError(f"The scan has {len(scan.frames)} frames, no frame {frame + 1}.")
    clean = clean_frame(
        scan.frames[frame], region=scan.region, settings=classifier.card.preprocessing
    )
    (prediction,) = classifier.predict([clean.image], heatmap=heatmap)
    return Analysis(scan, frame, clean, prediction, classifier.digest)
