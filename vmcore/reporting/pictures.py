"""The heatmap as a picture to keep: cleaned scan, colours, scale and notice."""

from __future__ import annotations

import base64
import io

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from vmcore import RESEARCH_USE_ONLY
from vmcore.inference import HEATMAP_NAMES
from vmcore.reporting.callipers import with_callipers
from vmcore.reporting.case.comparison import case_verdict
from vmcore.reporting.case.decided import answer_holds, decision_words
from vmcore.reporting.case.reported import ReportedCase
from vmcore.reporting.colours import BACKGROUND, INK, QUIET, ramp
from vmcore.reporting.figures import percent
from vmcore.reporting.lettering import letters, wrapped

_SMALLEST = 640  # pixels: narrower scans are enlarged
_GAP, _LEADING = 16, 145  # pixels around pictures; a line's height in per cent of its letters'


def blend(
    image: npt.NDArray[np.uint8], heatmap: npt.NDArray[np.float32], opacity: float = 0.75
) -> npt.NDArray[np.uint8]:
    """Lay a heatmap over an image.

    Args:
        image: uint8 (H, W, 3).
        heatmap: float32 (H, W) in [0, 1].
        opacity: 0 shows the image alone.
    """
    colour, cover = ramp(heatmap)
    cover = cover[..., None] * opacity
    return np.rint(image * (1 - cover) + colour * cover).astype(np.uint8)


def png_data_uri(image: npt.NDArray[np.uint8]) -> str:
    """An image, uint8 (H, W, 3) RGB, as a PNG that stands in a page itself."""
    done, encoded = cv2.imencode(
        ".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 2]
    )
    if not done:
        raise ValueError("The image cannot be encoded.")
    return "data:image/png;base64," + base64.b64encode(encoded.tobytes()).decode("ascii")


def heatmap_png(case: ReportedCase, opacity: float = 0.75) -> bytes:
    """Cleaned scan and heatmap side by side with callipers, verdict, model and notice, as PNG.

    What a person decided stands above the verdict. Lines that are too long are wrapped.

    Args:
        case: the frame, with a heatmap.
        opacity: of the heatmap.

    Raises:
        ValueError: the analysis has no heatmap.
    """
    analysis = case.analysis
    if analysis.prediction.heatmap is None:
        raise ValueError("The analysis has no heatmap.")
    blended = blend(analysis.clean.image, analysis.prediction.heatmap, opacity)
    left, right = (
        Image.fromarray(with_callipers(one, analysis.anatomy, case.hand))
        for one in (analysis.clean.image, blended)
    )
    scale = max(_SMALLEST / left.width, 1.0)
    size = (round(left.width * scale), round(left.height * scale))
    width = 2 * size[0] + 3 * _GAP
    above = _wrapped(_head_words(case), width)
    below = _wrapped([(_foot_words(case), 15, QUIET)], width)
    head, foot = (_GAP + _height(lines) for lines in (above, below))
    page = Image.new("RGB", (width, head + size[1] + foot), BACKGROUND)
    page.paste(left.resize(size, Image.Resampling.BICUBIC), (_GAP, head))
    page.paste(right.resize(size, Image.Resampling.BICUBIC), (size[0] + 2 * _GAP, head))
    draw = ImageDraw.Draw(page)
    _write(draw, above, _GAP // 2)
    _write(draw, below, head + size[1] + _GAP // 2)
    stream = io.BytesIO()
    page.save(stream, "PNG")
    return stream.getvalue()


_Line = tuple[str, int, str]  # a text, its size in pixels, its colour


def _head_words(case: ReportedCase) -> list[_Line]:
    """What a person decided, the verdict, the model's numbers, and the sentence that explains it."""
    prediction, said = case.analysis.prediction, case_verdict(case)
    folds = ", ".join(percent(float(value)) for value in prediction.fold_probabilities)
    numbers = (
        f"probability {percent(prediction.probability)}  (folds {folds};  "
        f"threshold {percent(prediction.threshold)})   model: {case.card.name}"
    )
    decided = decision_words(case)
    verdict: list[_Line] = [(said.headline, 24, INK)]
    if decided is not None and answer_holds(case):
        verdict.append((decided, 17, INK))
    elif decided is not None:
        verdict = [(decided, 24, INK), (f"The machine said: {said.headline}", 17, QUIET)]
    return [*verdict, (numbers, 15, QUIET), (said.sentence, 14, QUIET)]


def _foot_words(case: ReportedCase) -> str:
    method = HEATMAP_NAMES[case.analysis.prediction.heatmap_method]
    return f"{RESEARCH_USE_ONLY}  Heatmap: {method}, mean of the folds."


def _wrapped(lines: list[_Line], width: int) -> list[_Line]:
    return [
        (part, points, colour)
        for text, points, colour in lines
        for part in wrapped(text, letters(points), width - 2 * _GAP)
    ]


def _write(draw: ImageDraw.ImageDraw, lines: list[_Line], top: int) -> None:
    for text, points, colour in lines:
        draw.text((_GAP, top), text, colour, letters(points))
        top += _LEADING * points // 100


def _height(lines: list[_Line]) -> int:
    return sum(_LEADING * points // 100 for _, points, _ in lines)
