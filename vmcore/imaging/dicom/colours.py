"""What the colours of a picture are, by the header and by the samples themselves.

Ultrasound is mostly grey, whatever is drawn on it. Grey is R = G = B as RGB, and Cb = Cr = 128 as
YCbCr, black background included. Where nearly nothing of a picture is grey as the header reads it and
much of it is grey as the other, the header is wrong. In the same way planes that are read as pixels,
or pixels as planes, show as a picture that repeats itself in thirds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut

from vmcore.imaging.dicom.ranges import to_8_bits, used_top

RGB, YCBCR = "RGB", "YCbCr"
_NEAR = 8  # how far grey may be from grey after lossy compression, of 255
_HARDLY = 0.1  # of what is grey as the other colour space
_DARK = 24  # up to which a sample counts as background
_FRAMES, _SIDE = 3, 400  # what is looked at of a loop: frames, and pixels along each side
_TORN = 0.7  # of the difference that there is elsewhere

Frames = npt.NDArray[np.uint8]
PALETTE_NOTE = (
    "The file's palette uses only part of its range; its brightness was scaled to that part."
)
PLANES_NOTE = "The file is wrong about the order of its colour samples; they were read in the order they have."


def colour_note(space: str) -> str:
    """What the reader is told where the header names the wrong colour space."""
    return f"The file is wrong about its colours; they were read as {space}, which they are."


def colour_space(frames: Frames, said: str) -> str:
    """Tell RGB from YCbCr: what the header says, unless the samples contradict it.

    Args:
        frames: uint8 (T, H, W, 3), samples of some frames (:func:`sampled`) as they were decoded.
        said: ``RGB`` or ``YCBCR``.
    """
    sample = _sample(frames).astype(np.int16)
    as_rgb = np.ptp(sample, axis=-1) <= _NEAR
    as_ycbcr = (np.abs(sample[..., 1:] - 128) <= _NEAR).all(axis=-1)
    rgb, ycbcr = float((as_rgb & ~as_ycbcr).mean()), float((as_ycbcr & ~as_rgb).mean())
    if said == RGB and ycbcr >= 0.2 and rgb <= _HARDLY * ycbcr:
        return YCBCR
    if said == YCBCR and rgb >= 0.1 and ycbcr <= _HARDLY * rgb:
        return RGB
    return said


def to_rgb(frames: Frames) -> None:
    """Turn YCbCr frames (full range, PS3.3 C.7.6.3.1.2) into RGB in place."""
    height, width = frames.shape[1:3]
    for frame in frames:
        data = frame.tobytes()
        picture = Image.frombuffer("YCbCr", (width, height), data, "raw", "YCbCr", 0, 1)
        frame[:] = np.asarray(picture.convert("RGB"))


def planes_are_wrong(frames: Frames, middle: Frames, *, planes: bool) -> bool:
    """Whether PlanarConfiguration of uncompressed frames is wrong.

    Args:
        frames: uint8 (T, H, W, 3), some frames read as the header says.
        middle: uint8 (1, H, W, 3), the loop's middle one.
        planes: whether it says that each colour is a plane of its own.
    """
    here = _repetition(middle, planes=planes)
    there = _repetition(reordered(middle, planes=planes), planes=not planes)
    if there is None or there < _TORN:
        return False
    torn = here is not None and here < _TORN
    return torn or _greyness(reordered(frames, planes=planes)) > max(0.9, _greyness(frames) + 0.2)


def reordered(frames: Frames, *, planes: bool) -> Frames:
    """Frames whose samples were read as planes (or as pixels), read the other way."""
    count, height, width, _ = frames.shape
    if planes:  # the samples in the file's order, read pixel by pixel
        return frames.transpose(0, 3, 1, 2).reshape(count, height, width, 3)
    return frames.reshape(count, 3, height, width).transpose(0, 2, 3, 1)


def palette_table(dataset: Dataset) -> tuple[npt.NDArray[np.uint8], int, bool]:
    """A palette's colours, uint8 (N, 3), the value of the first, and whether their range was guessed."""
    entries, first, _ = (int(value) for value in dataset.RedPaletteColorLookupTableDescriptor)
    entries = entries or 2**16
    colours = np.asarray(apply_color_lut(np.arange(first, first + entries), dataset))[..., :3]
    bits = 8 * colours.dtype.itemsize
    top = used_top(float(colours.max()), bits)
    return to_8_bits(colours, top), first, top != 2**bits - 1


def sampled(count: int) -> list[int]:
    """Which frames of a loop are looked at to tell what its colours are."""
    return list(range(0, count, max(count // _FRAMES, 1)))[:_FRAMES]


def _sample(frames: Frames) -> Frames:
    """Some pixels of the frames: enough to tell, and quick."""
    height, width = frames.shape[1:3]
    return frames[:, :: max(height // _SIDE, 1), :: max(width // _SIDE, 1)]


def _repetition(frames: Frames, *, planes: bool) -> float | None:
    """How a picture differs from itself a third on, as a share of how it differs elsewhere.

    Pixels read as planes: each row holds a third of a true row, so that a row is like the third one
    below it rather than the next. Planes read as pixels: each row holds three true rows side by side.

    Returns:
        well below 1 where it repeats itself; None where it is too even to tell.
    """
    picture = frames[len(frames) // 2].astype(np.int16)
    if planes:
        elsewhere = _change(picture[:-3], picture[1:-2])
        here = _change(picture[:-3], picture[3:])
    else:
        third = picture.shape[1] // 3
        beside = third - 7  # as far away, but not the same place in the row
        elsewhere = _change(picture[:, :beside], picture[:, beside : 2 * beside])
        here = _change(picture[:, :beside], picture[:, third : third + beside])
    return here / elsewhere if elsewhere > 0.5 else None


def _change(one: npt.NDArray[np.int16], other: npt.NDArray[np.int16]) -> float:
    return float(np.abs(one - other).mean())


def _greyness(frames: Frames) -> float:
    """The share of what is not background that is grey, as RGB or as YCbCr."""
    sample = _sample(frames).astype(np.int16)
    chroma = np.abs(sample[..., 1:] - 128).max(axis=-1)
    as_rgb = np.ptp(sample, axis=-1)[sample.max(axis=-1) > _DARK]
    as_ycbcr = chroma[(sample[..., 0] > _DARK) | (chroma > _NEAR)]
    shares = [float((found <= _NEAR).mean()) for found in (as_rgb, as_ycbcr) if found.size]
    return max(shares, default=0.0)
