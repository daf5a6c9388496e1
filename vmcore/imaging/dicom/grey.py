"""The grey-scale pipeline (PS3.4 N.2): rescale, window, invert. A bad hint never costs the picture."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from vmcore.imaging.dicom.ranges import used_top
from vmcore.imaging.dicom.values import numbers

_NO_RESCALE = "The file's rescale values make no sense and were left out."
_NO_WINDOW = "The file's brightness window makes no sense and was left out."
_WINDOW_HIDES = "The file's brightness window would hide the whole picture and was left out."

Values = npt.NDArray[np.float64]
Step = Callable[[Values], Values]


class _Pipeline(NamedTuple):
    rescale: Step
    window: Step | None
    """From rescaled values to 0 (black) to 1 (white)."""


class GreyDisplay(NamedTuple):
    """How stored values are shown.

    Attributes:
        pipeline: rescales, and windows where there is a window.
        bottom: the rescaled value that is black without a window, and ``top``: the one that is white.
        notes: about hints that were left out.
        steady: whether the same holds for all values between those that it was found for and others
            for which it is the same: nothing but linear steps and windows that only rise.
    """

    pipeline: _Pipeline
    bottom: float
    top: float
    notes: tuple[str, ...]
    steady: bool

    def agrees(self, other: GreyDisplay) -> bool:
        """Whether it is the same for these values as for others."""
        one, two = self.pipeline.window is None, other.pipeline.window is None
        black_to_white = (self.bottom, self.top) == (other.bottom, other.top)
        return self.notes == other.notes and one == two and (black_to_white or not one)

    def show(self, values: npt.NDArray[np.generic], *, inverted: bool) -> npt.NDArray[np.uint8]:
        """Bring stored values, of any shape, to 0 (black) to 255.

        Args:
            values: stored ones.
            inverted: MONOCHROME1, where the lowest value is white.
        """
        rescaled = self.pipeline.rescale(values.astype(np.float64))
        if self.pipeline.window is not None:
            share = self.pipeline.window(rescaled)
        else:
            share = (rescaled - self.bottom) / max(self.top - self.bottom, 1e-9)
        grey = np.rint(share * 255.0).clip(0, 255).astype(np.uint8)
        return 255 - grey if inverted else grey


def grey_display(dataset: Dataset, low: float, high: float) -> GreyDisplay:
    """How a file's grey values are brought to what a screen shows.

    Without a window 8-bit values are shown as they are, and deeper ones by the range they use.

    Args:
        dataset: whose rescale and window apply.
        low: the lowest of all frames' stored values.
        high: the highest.
    """
    used = np.array([low, high], np.float64)
    pipeline, notes = _pipeline(dataset, used)
    if pipeline.window is not None and low < high:
        sample = pipeline.rescale(np.linspace(used[0], used[1], 257))
        if np.ptp(pipeline.window(sample)) < 1 / 255:
            pipeline = pipeline._replace(window=None)
            notes = (*notes, _WINDOW_HIDES)
    bottom, top = _shown_range(dataset, pipeline.rescale, used)
    steady = not dataset.get("ModalityLUTSequence") and not dataset.get("VOILUTSequence")
    return GreyDisplay(pipeline, bottom, top, notes, steady)


def _pipeline(dataset: Dataset, used: Values) -> tuple[_Pipeline, tuple[str, ...]]:
    notes = []
    try:
        rescale = _rescaling(dataset)
        if not np.isfinite(rescale(used)).all():
            raise ValueError
    except Exception:  # a table may be wrong in any way
        rescale = _unchanged
        notes.append(_NO_RESCALE)
    window: Step | None
    try:
        window = _windowing(dataset)
        if window is not None and not np.isfinite(window(rescale(used))).all():
            raise ValueError
    except Exception:
        window = None
        notes.append(_NO_WINDOW)
    return _Pipeline(rescale, window), tuple(notes)


def _unchanged(values: Values) -> Values:
    return values


def _rescaling(dataset: Dataset) -> Step:
    """The modality transformation (PS3.3 C.11.1).

    Raises:
        ValueError: slope or intercept are no numbers, or the slope is 0.
    """
    if dataset.get("ModalityLUTSequence"):
        return lambda values: np.asarray(
            apply_modality_lut(np.rint(values).astype(np.int64), dataset), np.float64
        )
    slope, intercept = (numbers(dataset, f"Rescale{what}") for what in ("Slope", "Intercept"))
    if not slope or not intercept:
        return _unchanged
    if not all(math.isfinite(value) for value in slope + intercept) or slope[0] == 0:
        raise ValueError
    return lambda values: values * slope[0] + intercept[0]


def _windowing(dataset: Dataset) -> Step | None:
    """The VOI transformation (PS3.3 C.11.2) to 0..1; None where the file has none.

    Raises:
        ValueError: none of the windows makes sense.
    """
    if dataset.get("VOILUTSequence"):
        entries = np.asarray(dataset.VOILUTSequence[0].LUTDescriptor, int)
        full = apply_voi(np.arange(entries[1], entries[1] + (entries[0] or 2**16)), dataset)
        top = used_top(float(full.max()), int(entries[2]))
        return lambda values: (
            apply_voi(np.rint(values).astype(np.int64), dataset).astype(np.float64) / top
        )
    centres, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    if not centres and not widths:
        return None
    shape = str(dataset.get("VOILUTFunction", "") or "LINEAR").strip().upper()
    narrowest = 1.0 if shape == "LINEAR" else np.nextafter(0.0, 1.0)
    for centre, width in zip(centres, widths, strict=False):
        if math.isfinite(centre) and math.isfinite(width) and width >= narrowest:
            return _window_function(shape, centre, width)
    raise ValueError


def _window_function(shape: str, centre: float, width: float) -> Step:
    """The formulas of PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 and C.11.2.1.3.2."""
    if shape == "SIGMOID":
        return lambda values: 1 / (1 + np.exp(np.clip(-4 * (values - centre) / width, -700, 700)))
    if shape == "LINEAR_EXACT":
        return lambda values: np.clip((values - centre) / width + 0.5, 0, 1)
    if shape != "LINEAR":
        raise ValueError
    if width == 1:
        return lambda values: (values > centre - 0.5).astype(np.float64)
    return lambda values: np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)


def _shown_range(dataset: Dataset, rescale: Step, used: Values) -> tuple[float, float]:
    """Values that are black and white without a window."""
    bits = int(dataset.BitsStored)
    by_table = rescale is not _unchanged and "ModalityLUTSequence" in dataset
    if bits > 8 or by_table:
        ends = rescale(used)
    elif int(dataset.get("PixelRepresentation", 0) or 0) == 1:
        ends = rescale(np.array([-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1]))
    else:
        ends = rescale(np.array([0.0, 2.0**bits - 1]))
    return float(ends.min()), float(ends.max())
