"""Read ultrasound DICOM: open, decode, apply grey-scale pipeline and colours, drop identity."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from pydicom import Dataset
from pydicom.errors import InvalidDicomError

from vmcore.imaging.dicom.coding import Values
from vmcore.imaging.dicom.colours import sampled
from vmcore.imaging.dicom.compressed import refuse_video
from vmcore.imaging.dicom.display import COLOUR, GREY, PALETTE, Looked, decide
from vmcore.imaging.dicom.frames import Stored, find_frames
from vmcore.imaging.dicom.opening import open_in_place
from vmcore.imaging.dicom.recipe import DicomFrames
from vmcore.imaging.dicom.regions import find_geometry
from vmcore.imaging.dicom.silence import silence
from vmcore.imaging.dicom.values import whole_number
from vmcore.imaging.loop_frames import Picture, whole_or_on_demand
from vmcore.imaging.scan import Content, Frames, ReadLimits, Scan, ScanError

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


def read_dicom(data: Content, limits: ReadLimits) -> Scan:
    """Read an ultrasound DICOM file, whose frames are 8-bit RGB.

    Stills and short loops are decoded at once, the frames of longer ones when they are asked for.

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
            dataset, content = open_in_place(data, limits)
            _refuse_other_modalities(dataset)
            refuse_video(dataset)
            rows, columns = (whole_number(dataset, name) or 0 for name in ("Rows", "Columns"))
            geometry = find_geometry(dataset, rows, columns)
            frames, decoded = _show(dataset, content, limits, in_place=content is data)
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
        calibrations=geometry.calibrations, pixel_aspect=geometry.pixel_aspect,
    )  # fmt: skip


def _refuse_other_modalities(dataset: Dataset) -> None:
    modality = str(dataset.get("Modality", "") or "").strip().upper()
    if modality not in _ULTRASOUND_OR_CAPTURE:
        what = _MODALITY_WORDS.get(modality, "not an ultrasound image")
        raise ScanError(f"This DICOM file is {what}; an ultrasound scan is needed.")
    if "PixelData" not in dataset:
        raise ScanError("This DICOM file holds no image, or was cut short before it.")


def _show(
    dataset: Dataset, content: Content, limits: ReadLimits, *, in_place: bool
) -> tuple[Frames, tuple[str, ...]]:
    """The frames as a screen shows them, (T, H, W, 3), and notes."""
    photometric = str(dataset.get("PhotometricInterpretation", "") or "").strip()
    if photometric not in {*GREY, *COLOUR, PALETTE}:
        raise ScanError("The DICOM file's colour coding is unknown; export it as RGB or grey.")
    dataset.PhotometricInterpretation = photometric
    stored = find_frames(dataset, content, limits)
    found = _found(stored, content)
    display, notes = decide(dataset, _looked(stored, content, photometric, found))
    count = len(stored)
    height, width = display.shape[:2]
    if stored.coding is not None and display.compute is None and in_place:
        recipe = DicomFrames((count, height, width, 3), stored.spans, stored.coding, display)

        def decode(at: int) -> Picture:
            values, _ = found.get(at) or stored.values(content, at)
            return display.show(values)

        frames = whole_or_on_demand(content, recipe, decode)
    else:
        limits.check_whole(height, width, count)
        frames = np.empty((count, height, width, 3), np.uint8)
        for at in range(count):
            frames[at] = display.show(stored.values(content, at)[0])
    return frames, (*stored.notes, *notes)


def _found(stored: Stored, content: Content) -> dict[int, tuple[Values, str]]:
    """The frames that tell how all are shown; those that are damaged are passed over.

    Raises:
        Exception: what the decoder raises, where none of them can be decoded.
    """
    count, failure = len(stored), None
    found: dict[int, tuple[Values, str]] = {}
    for at in sorted({*sampled(count), count // 2}):
        try:
            values, photometric = stored.values(content, at)
        except Exception as error:  # any decoder may fail in its own way on a damaged frame
            failure = failure or error
        else:
            if not found or values.shape == next(iter(found.values()))[0].shape:
                found[at] = values, photometric
    if not found:
        raise failure or ScanError("The DICOM file holds no image.")
    return found


def _looked(
    stored: Stored, content: Content, said: str, found: dict[int, tuple[Values, str]]
) -> Looked:
    count = len(stored)
    some = [at for at in sampled(count) if at in found] or list(found)
    middle = min(found, key=lambda at: abs(at - count // 2))

    def each() -> Iterator[Values]:
        for at in range(count):
            with suppress(Exception):
                yield stored.values(content, at)[0]

    return Looked(
        found[some[0]][0][None] if len(some) == 1 else np.stack([found[at][0] for at in some]),
        found[middle][0][None], said,
        next(iter(found.values()))[1], stored.planes, each,
    )  # fmt: skip


def _device(dataset: Dataset) -> str | None:
    words = [str(dataset.get(key, "") or "") for key in ("Manufacturer", "ManufacturerModelName")]
    name = " ".join(" ".join(words).split())
    return name[:80] or None
