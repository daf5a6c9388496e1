"""A drawn scan, and DICOM data sets of it that can be made wrong in every way."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit, UltrasoundImageStorage

from vmcore.data.phantom import make_phantom

ROWS, COLUMNS = 160, 200


@cache
def picture() -> np.ndarray:
    """A grey scan, uint8 (160, 200, 3)."""
    grey = make_phantom(8.0, 1, shape=(ROWS, COLUMNS)).image[..., 1]
    return np.repeat(grey[..., None], 3, axis=2)


def speckled() -> np.ndarray:
    """The scan with white noise, in which no pixel is like its neighbour."""
    noise = np.random.default_rng(7).rayleigh(0.8, (ROWS, COLUMNS, 1))
    return np.clip(picture() * noise, 0, 255).astype(np.uint8)


def as_ycbcr(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).convert("YCbCr"))


def dataset_of(
    pixels: np.ndarray, *, colour: str = "RGB", syntax: str = ExplicitVRLittleEndian
) -> Dataset:
    """An ultrasound data set of one frame (H, W[, 3]) or several, without compression."""
    samples = 3 if pixels.shape[-1] == 3 else 1
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = UltrasoundImageStorage, "1.2.3"
    dataset.Modality, dataset.SamplesPerPixel = "US", samples
    dataset.PhotometricInterpretation = colour
    dataset.Rows, dataset.Columns = pixels.shape[-3:-1] if samples == 3 else pixels.shape[-2:]
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.itemsize
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    if samples == 3:
        dataset.PlanarConfiguration = 0
    if pixels.ndim == 3 + (samples == 3):
        dataset.NumberOfFrames = len(pixels)
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW" if pixels.itemsize > 1 else "OB"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return dataset


def compressed(
    frames: list[bytes],
    *,
    syntax: str = JPEGBaseline8Bit,
    colour: str = "YBR_FULL_422",
    **how: bool,
) -> Dataset:
    """An ultrasound data set of the drawn scan's size with these compressed frames."""
    dataset = dataset_of(picture(), colour=colour, syntax=syntax)
    dataset.PixelData = encapsulate(frames, **how)
    dataset["PixelData"].is_undefined_length = True
    if len(frames) > 1:
        dataset.NumberOfFrames = len(frames)
    return dataset


def jpeg(pixels: np.ndarray, **how: bool) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95, **how)
    return stream.getvalue()


def without_markers(stream: bytes) -> bytes:
    """A JPEG without APP0 and APP14, its components numbered: nothing says what its colours are."""
    place, kept = 2, bytearray(stream[:2])
    while stream[place + 1] != 0xDA:
        length = 2 + int.from_bytes(stream[place + 2 : place + 4], "big")
        segment = bytearray(stream[place : place + length])
        if segment[1] in {0xC0, 0xC2}:
            segment[10::3] = bytes(range(1, 1 + segment[9]))
        if segment[1] not in {0xE0, 0xEE}:
            kept += segment
        place += length
    scan = bytearray(stream[place:])
    scan[5 : 5 + 2 * scan[4] : 2] = bytes(range(1, 1 + scan[4]))
    return bytes(kept + scan)


def saved(dataset: Dataset) -> bytes:
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def reopened(data: bytes) -> Dataset:
    return dcmread(io.BytesIO(data))
