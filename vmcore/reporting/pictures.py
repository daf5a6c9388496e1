"""The heatmap as a picture to keep: cleaned scan, colours, scale and notice."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from vmcore import RESEARCH_USE_ONLY
from vmcore.anatomy import Grades, HandCalliper
from vmcore.inference import Analysis
from vmcore.reporting.callipers import with_callipers
from vmcore.reporting.colours import BACKGROUND, INK, QUIET, ramp
from vmcore.reporting.figures import percent
from vmcore.reporting.words import Verdict, verdict

_SMALLEST = 640  # pixels: narrower scans are enlarged so that the words fit


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


def heatmap_png(
    analysis: Analysis,
    model_name: str,
    opacity: float = 0.75,
    grades: Grades = "isuog",
    hand: Sequence[HandCalliper] = (),
    said: Verdict | None = None,
) -> bytes:
    """Cleaned scan and heatmap side by side with callipers, verdict, model and notice, as PNG.

    Args:
        analysis: the frame, with a heatmap.
        model_name: that judged it.
        opacity: of the heatmap.
        grades: how a width is graded.
        hand: callipers that a person set.
        said: the verdict, where it rests on more than the analysis.

    Raises:
        ValueError: the analysis has no heatmap.
    """
    if analysis.prediction.heatmap is None:
        raise ValueError("The analysis has no heatmap.")
    blended = blend(analysis.clean.image, analysis.prediction.heatmap, opacity)
    left, right = (
        Image.fromarray(with_callipers(one, analysis.anatomy, hand))
        for one in (analysis.clean.image, blended)
    )
    scale = max(_SMALLEST / left.width, 1.0)
    size = (round(left.width * scale), round(left.height * scale))
    gap, head, foot = 16, 116, 44
    page = Image.new("RGB", (2 * size[0] + 3 * gap, size[1] + head + foot), BACKGROUND)
    page.paste(left.resize(size, Image.Resampling.BICUBIC), (gap, head))
    page.paste(right.resize(size, Image.Resampling.BICUBIC), (size[0] + 2 * gap, head))
    draw = ImageDraw.Draw(page)
    said = said or verdict(analysis, grades)
    folds = ", ".join(percent(value) for value in analysis.prediction.fold_probabilities)
    draw.text((gap, 14), said.headline, INK, ImageFont.load_default(26))
    detail = (
        f"probability {percent(analysis.prediction.probability)}  (folds {folds};  "
        f"threshold {percent(analysis.prediction.threshold)})   model: {model_name}"
    )
    draw.text((gap, 84), said.sentence, QUIET, ImageFont.load_default(15))
    draw.text((gap, 54), detail, QUIET, ImageFont.load_default(17))
    note = f"{RESEARCH_USE_ONLY}  Heatmap: Eigen-CAM, mean of the folds."
    draw.text((gap, page.height - 32), note, QUIET, ImageFont.load_default(17))
    stream = io.BytesIO()
    page.save(stream, "PNG")
    return stream.getvalue()
