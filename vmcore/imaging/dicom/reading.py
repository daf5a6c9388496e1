"""Read ultrasound DICOM: open, decode, apply grey-scale pipeline and colours, drop identity."""

from __future__ import annotations

import logging

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.errors import InvalidDicomError

from vmcore.imaging.dicom.colours import (
    PALETTE_NOTE,
    PLANES_NOTE,
    RGB,
    YCBCR,
    colour_note,
    colour_space,
    palette_to_rgb,
    settle_planes,
    to_rgb,
)
from vmcore.imaging.dicom.compressed import refuse_video
from vmcore.imaging.dicom.frames import Stored, read_frames
from vmcore.imaging.dicom.grey import show_grey
from vmcore.imaging.dicom.opening import open_dataset
from vmcore.imaging.dicom.ranges import to_8_bits, used_top
from vmcore.imaging.dicom.regions import find_geometry
from vmcore.imaging.dicom.silence import silence
from vmcore.imaging.dicom.values import whole_number
from vmcore.imaging.scan import ReadLimits, RgbFrames, Scan, ScanError

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
_COLOUR = {
    "RGB": RGB,
    # the decoders undo JPEG 2000's own transforms
    "YBR_ICT": RGB,
    "YBR_RCT": RGB,
    "YBR_FULL": YCBCR,
    "YBR_FULL_422": YCBCR,
}


def read_dicom(data: bytes, limits: ReadLimits) -> Scan:
    """Decode every frame of an ultrasound DICOM file to 8-bit RGB.

    Grey images pass the modality and VOI transformations (DICOM PS3.4 N.2) and MONOCHROME1 is
    inverted; palettes are looked up; YCbCr becomes RGB. Spacing comes from the B-mode region's
    PhysicalDeltaX/Y (in cm) or else PixelSpacing (in mm). Where the header contradicts the picture
    (colours, number of frames, display hints) the picture counts, and ``Scan.notes`` says so.

    Raises:
        ScanError: not ultrasound, no B-mode image, no pixels, more than the limits, damaged, or an
            encoding that no decoder here can read. No value of the file is quoted.
    """
    with silence():
        try:
            dataset = open_dataset(data, limits)
            _refuse_other_modalities(dataset)
            refuse_video(dataset)
            rows, columns = (whole_number(dataset, name) or 0 for name in ("Rows", "Columns"))
            geometry = find_geometry(dataset, rows, columns)
            frames, decoded = _show(dataset, limits)
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
    notes = (*decoded, *geometry.notes)
    return Scan(
        frames, geometry.spacing_mm, device, geometry.region, kind="DICOM", notes=notes,
        calibrations=geometry.calibrations,
    )  # fmt: skip


def _refuse_other_modalities(dataset: Dataset) -> None:
    modality = str(dataset.get("Modality", "") or "").strip().upper()
    if modality not in _ULTRASOUND_OR_CAPTURE:
        what = _MODALITY_WORDS.get(modality, "not an ultrasound image")
        raise ScanError(f"This DICOM file is {what}; an ultrasound scan is needed.")
    if "PixelData" not in dataset:
        raise ScanError("This DICOM file holds no image, or was cut short before it.")


def _show(dataset: Dataset, limits: ReadLimits) -> tuple[RgbFrames, tuple[str, ...]]:
    """Every frame as a screen shows it, uint8 (T, H, W, 3), and notes."""
    photometric = str(dataset.get("PhotometricInterpretation", "") or "").strip()
    if photometric not in {*_GREY, *_COLOUR, "PALETTE COLOR"}:
        raise ScanError("The DICOM file's colour coding is unknown; export it as RGB or grey.")
    dataset.PhotometricInterpretation = photometric
    stored = read_frames(dataset, limits)
    if stored.values.shape[3:] != ((3,) if photometric in _COLOUR else ()):
        raise ScanError(
            "The DICOM file contradicts itself: its colour coding does not go with its samples per "
            "pixel. Export it anew."
        )
    if photometric in _COLOUR:
        frames, notes = _show_colours(stored, int(dataset.BitsStored))
    elif photometric == "PALETTE COLOR":
        frames, scaled = palette_to_rgb(stored.values, dataset)
        notes = (PALETTE_NOTE,) if scaled else ()
    else:
        inverted = photometric == "MONOCHROME1"
        grey, notes = show_grey(stored.values, dataset, inverted=inverted)
        frames = np.repeat(grey[..., None], 3, axis=3)
    return frames, (*stored.notes, *notes)


def _show_colours(stored: Stored, bits: int) -> tuple[RgbFrames, tuple[str, ...]]:
    notes = []
    said = _COLOUR[stored.photometric]
    top = 2**bits - 1 if said == YCBCR else used_top(float(stored.values.max()), bits)
    frames: npt.NDArray[np.uint8] = to_8_bits(stored.values, top)
    if stored.planes is not None:
        frames, reordered = settle_planes(frames, stored.planes)
        if reordered:
            notes.append(PLANES_NOTE)
    space = colour_space(frames, said)
    if space != said:
        notes.append(colour_note(space))
    if space == YCBCR:
        to_rgb(frames)
    return frames, tuple(notes)


def _device(dataset: Dataset) -> str | None:
    words = [str(dataset.get(key, "") or "") for key in ("Manufacturer", "ManufacturerModelName")]
    name = " ".join(" ".join(words).split())
    return name[:80] or None
