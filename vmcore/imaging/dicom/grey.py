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
_TABLE_VALUES = 2**17  # loops with a wider range of values are computed pixel by pixel

Values = npt.NDArray[np.float64]
Step = Callable[[Values], Values]


class _Pipeline(NamedTuple):
    rescale: Step
    window: Step | None
    """From rescaled values to 0 (black) to 1 (white)."""


def show_grey(
    raw: npt.NDArray[np.generic], dataset: Dataset, *, inverted: bool
) -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """Bring stored values to what a screen shows.

    Without a window 8-bit values are shown as they are, and deeper ones by the range they use.

    Args:
        raw: stored values, (T, H, W).
        dataset: whose rescale and window apply.
        inverted: MONOCHROME1, where the lowest value is white.

    Returns:
        uint8 (T, H, W), 0 black, and notes about hints that were left out.
    """
    low, high = raw.min(), raw.max()
    used = np.array([low, high], np.float64)
    pipeline, notes = _pipeline(dataset, used)
    if pipeline.window is not None and low < high:
        sample = pipeline.rescale(np.linspace(used[0], used[1], 257))
        if np.ptp(pipeline.window(sample)) < 1 / 255:
            pipeline = pipeline._replace(window=None)
            notes = (*notes, _WINDOW_HIDES)
    bottom, top = _shown_range(dataset, pipeline.rescale, used)

    def shown(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
        rescaled = pipeline.rescale(values.astype(np.float64))
        if pipeline.window is not None:
            share = pipeline.window(rescaled)
        else:
            share = (rescaled - bottom) / max(top - bottom, 1e-9)
        grey = np.rint(share * 255.0).clip(0, 255).astype(np.uint8)
        return 255 - grey if inverted else grey

    if used[1] - used[0] >= _TABLE_VALUES:
        return np.stack([shown(frame) for frame in raw]), notes
    table = shown(np.arange(int(low), int(high) + 1))
    grey = np.empty(raw.shape, np.uint8)
    for index, frame in enumerate(raw):
        grey[index] = table[frame.astype(np.int64) - int(low)]
    return grey, notes


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
