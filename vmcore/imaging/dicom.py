"""Read ultrasound DICOM: decode, apply the grey-scale pipeline, keep geometry, drop identity."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, config, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.pixels.utils import iter_pixels

from vmcore.imaging.scan import ReadLimits, Region, Scan, ScanError

# pydicom's log lines and warnings quote the values they complain about, names included.
logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)

_ULTRASOUND_OR_CAPTURE = {"US", "OT", "SC", "ES", ""}
_MODALITY_WORDS = {
    "CT": "a CT image",
    "MR": "an MR image",
    "CR": "an X-ray image",
    "DX": "an X-ray image",
    "MG": "a mammogram",
    "NM": "a nuclear medicine image",
    "PT": "a PET image",
    "XA": "an angiogram",
    "SR": "a report",
}
_GREY = {"MONOCHROME1", "MONOCHROME2"}
_COLOUR = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420"}
_CENTIMETRES = 3  # PhysicalUnitsXDirection, DICOM PS3.3 C.8.5.5.1.15
_TWO_DIMENSIONAL = 1  # RegionSpatialFormat, DICOM PS3.3 C.8.5.5.1.1


def looks_like_dicom(data: bytes) -> bool:
    """Tell whether bytes are DICOM: the DICM mark, or a data set that starts without a preamble."""
    if data[128:132] == b"DICM":
        return True
    return data[:2] in {b"\x08\x00", b"\x02\x00"} and data[3:4] == b"\x00"


@contextmanager
def _silence() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_dicom(data: bytes, limits: ReadLimits) -> Scan:
    """Decode every frame of an ultrasound DICOM file to 8-bit RGB.

    Grey images pass the modality and VOI transformations (DICOM PS3.4 N.2) and MONOCHROME1 is
    inverted; palettes are looked up; YCbCr becomes RGB. Spacing comes from the B-mode region's
    PhysicalDeltaX/Y (in cm) or else PixelSpacing (in mm).

    Raises:
        ScanError: not ultrasound, no pixels, more than the limits, damaged, or an encoding that
            no decoder here can read. No value of the file is quoted.
    """
    with _silence():
        try:
            dataset = dcmread(io.BytesIO(data), force=True)
            _refuse_other_modalities(dataset)
            frames = _decode(dataset, limits)
            region, spacing = _region_and_spacing(dataset)
            device = _device(dataset)
        except ScanError:
            raise
        except InvalidDicomError:
            raise ScanError("The DICOM file is damaged: its header cannot be read.") from None
        except NotImplementedError:
            raise ScanError(
                "The DICOM file is compressed in a way that cannot be decoded here; "
                "export it uncompressed."
            ) from None
        except MemoryError:
            raise ScanError("The DICOM file needs more memory than there is.") from None
        except Exception as error:  # any decoder may fail in its own way on a damaged file
            logging.getLogger(__name__).info("DICOM refused: %s", type(error).__name__)
            raise ScanError(
                "The DICOM file is damaged or incomplete: its image cannot be decoded."
            ) from None
    return Scan(frames, spacing, device, region, kind="DICOM")


def _refuse_other_modalities(dataset: Dataset) -> None:
    modality = str(dataset.get("Modality", "") or "").strip().upper()
    if modality not in _ULTRASOUND_OR_CAPTURE:
        what = _MODALITY_WORDS.get(modality, "not an ultrasound image")
        raise ScanError(f"This DICOM file is {what}; an ultrasound scan is needed.")
    if "PixelData" not in dataset:
        raise ScanError("This DICOM file holds no image, or was cut short before it.")


def _decode(dataset: Dataset, limits: ReadLimits) -> npt.NDArray[np.uint8]:
    rows, columns = int(dataset.get("Rows", 0) or 0), int(dataset.get("Columns", 0) or 0)
    count = int(dataset.get("NumberOfFrames", 1) or 1)
    limits.check_geometry(rows, columns, count)
    photometric = str(dataset.get("PhotometricInterpretation", "")).strip()
    if photometric not in _GREY | _COLOUR | {"PALETTE COLOR"}:
        raise ScanError("The DICOM file's colour coding is unknown; export it as RGB or grey.")
    frames = np.empty((count, rows, columns, 3), np.uint8)
    seen = 0
    for index, raw in enumerate(iter_pixels(dataset, raw=False)):
        if index >= count:
            break
        frames[index] = _to_rgb(raw, dataset, photometric)
        seen = index + 1
    if seen != count:
        raise ScanError("The DICOM file is incomplete: frames that it announces are missing.")
    return frames


def _to_rgb(
    raw: npt.NDArray[np.generic], dataset: Dataset, photometric: str
) -> npt.NDArray[np.uint8]:
    if photometric == "PALETTE COLOR":
        return _to_8_bits(apply_color_lut(raw, dataset), 65535 if _deep_palette(dataset) else 255)
    if photometric in _COLOUR:
        return _to_8_bits(raw, 2 ** int(dataset.BitsStored) - 1)
    grey = _window(raw, dataset)
    if photometric == "MONOCHROME1":
        grey = 255 - grey
    return np.repeat(grey[..., None], 3, axis=2)


def _deep_palette(dataset: Dataset) -> bool:
    return int(dataset.RedPaletteColorLookupTableDescriptor[2]) > 8


def _window(raw: npt.NDArray[np.generic], dataset: Dataset) -> npt.NDArray[np.uint8]:
    """Rescale and window to 0..255.

    Without a window 8-bit values are shown as they are, and deeper ones by the range they use.
    """
    values = apply_modality_lut(raw, dataset)
    if "WindowCenter" in dataset or "VOILUTSequence" in dataset:
        shown = np.asarray(apply_voi_lut(values, dataset), np.float64)
        low, high = _voi_range(dataset)
    else:
        shown = np.asarray(values, np.float64)
        deep = int(dataset.BitsStored) > 8
        low, high = (shown.min(), shown.max()) if deep else _rescaled(dataset)
    return np.rint((shown - low) * (255.0 / max(high - low, 1e-9))).clip(0, 255).astype(np.uint8)


def _stored_range(dataset: Dataset) -> tuple[float, float]:
    bits = int(dataset.BitsStored)
    if int(dataset.get("PixelRepresentation", 0)) == 1:
        return -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1
    return 0.0, 2.0**bits - 1


def _rescaled(dataset: Dataset) -> tuple[float, float]:
    low, high = _stored_range(dataset)
    slope = float(dataset.get("RescaleSlope", 1) or 1)
    intercept = float(dataset.get("RescaleIntercept", 0) or 0)
    return tuple(sorted((low * slope + intercept, high * slope + intercept)))  # type: ignore[return-value]


def _voi_range(dataset: Dataset) -> tuple[float, float]:
    """Output range of the VOI step: a LUT's own depth, or pydicom's y_min and y_max."""
    if "VOILUTSequence" in dataset:
        return 0.0, 2.0 ** int(dataset.VOILUTSequence[0].LUTDescriptor[2]) - 1
    return _rescaled(dataset) if "RescaleSlope" in dataset else _stored_range(dataset)


def _to_8_bits(values: npt.NDArray[np.generic], top: int) -> npt.NDArray[np.uint8]:
    if top <= 255 and values.dtype == np.uint8:
        return values  # type: ignore[return-value]
    scaled = values.astype(np.float64) * (255.0 / top)
    return np.rint(scaled).clip(0, 255).astype(np.uint8)


def _region_and_spacing(
    dataset: Dataset,
) -> tuple[Region | None, tuple[float, float] | None]:
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    best: tuple[int, Region, Dataset] | None = None
    for item in dataset.get("SequenceOfUltrasoundRegions", None) or ():
        if int(item.get("RegionSpatialFormat", 0)) != _TWO_DIMENSIONAL:
            continue
        top, left = int(item.RegionLocationMinY0), int(item.RegionLocationMinX0)
        bottom = min(int(item.RegionLocationMaxY1) + 1, rows)
        right = min(int(item.RegionLocationMaxX1) + 1, columns)
        region = Region(max(top, 0), max(left, 0), bottom - max(top, 0), right - max(left, 0))
        if min(region.height, region.width) < 32:
            continue
        area = region.height * region.width
        if best is None or area > best[0]:
            best = (area, region, item)
    if best is not None:
        return best[1], _region_spacing(best[2]) or _pixel_spacing(dataset)
    return None, _pixel_spacing(dataset)


def _region_spacing(item: Dataset) -> tuple[float, float] | None:
    units = (item.get("PhysicalUnitsYDirection"), item.get("PhysicalUnitsXDirection"))
    if units != (_CENTIMETRES, _CENTIMETRES):
        return None
    return _plausible(
        10.0 * abs(float(item.get("PhysicalDeltaY", 0))),
        10.0 * abs(float(item.get("PhysicalDeltaX", 0))),
    )


def _pixel_spacing(dataset: Dataset) -> tuple[float, float] | None:
    spacing = dataset.get("PixelSpacing", None)
    if spacing is None or len(spacing) != 2:
        return None
    return _plausible(float(spacing[0]), float(spacing[1]))


def _plausible(row_mm: float, column_mm: float) -> tuple[float, float] | None:
    """Refuse spacings no fetal scan can have (under 1 micrometre or over 1 cm a pixel)."""
    if all(1e-3 < value < 10.0 for value in (row_mm, column_mm)):
        return row_mm, column_mm
    return None


def _device(dataset: Dataset) -> str | None:
    words = [str(dataset.get(key, "") or "") for key in ("Manufacturer", "ManufacturerModelName")]
    name = " ".join(" ".join(words).split())
    return name[:80] or None


config.settings.reading_validation_mode = config.IGNORE
