"""One DICOM file without identity: header by PS3.15's Basic Profile, text off every frame."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
)

from vmcore import RESEARCH_USE_ONLY
from vmcore.clinic.deidentification.header import (
    DeidentifyOptions,
    Identity,
    deidentified_header,
    identity_of,
)
from vmcore.clinic.deidentification.pixels import OnFrame, clean_loop
from vmcore.clinic.deidentification.profile import EDITION
from vmcore.clinic.deidentification.pseudonyms import Pseudonyms
from vmcore.imaging import ReadLimits, Scan, ScanError, read_sandboxed, whole
from vmcore.imaging.dicom import looks_like_dicom
from vmcore.imaging.dicom.lossy import say_what_is_lost
from vmcore.imaging.dicom.opening import open_dataset
from vmcore.imaging.dicom.silence import silence

_IMPLEMENTATION = UID("2.25.285417986792726258530264418240331895855")
_ULTRASOUND = {
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    "1.2.840.10008.5.1.4.1.1.6",  # both retired
    "1.2.840.10008.5.1.4.1.1.3",
}
_CAPTURE = {
    SecondaryCaptureImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
}
_BASIC = ("113100", "Basic Application Confidentiality Profile")
_PIXELS = ("113101", "Clean Pixel Data Option")
_DATES = ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
_DEVICE = ("113109", "Retain Device Identity Option")


@dataclass(frozen=True, slots=True)
class DeidentifiedScan:
    """A file that may leave, and what a collection lists of it.

    Attributes:
        content: the DICOM file (Explicit VR Little Endian, uncompressed).
        frames: uint8 (T, H, W, 3), RGB, as they stand in it; for somebody to look at.
        mask: bool (H, W), True where pixels were blackened or painted over.
        subject: the patient's pseudonym.
        subject_known: whether the file, or who gave it, told one patient from another.
        name: what the file is to be called, without an extension.
        device: manufacturer and model, or "".
    """

    content: bytes
    frames: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_]
    subject: str
    subject_known: bool
    name: str
    device: str


def deidentify(
    data: bytes,
    pseudonyms: Pseudonyms,
    options: DeidentifyOptions | None = None,
    *,
    patient: str | None = None,
    limits: ReadLimits | None = None,
    on_frame: OnFrame | None = None,
) -> DeidentifiedScan:
    """Make a file without identity of a DICOM file with an ultrasound image or loop.

    Nothing of the old file is passed on as it stands: the header is made anew of what may stay
    (PS3.15 Annex E), the file meta information is this program's own, and the pixels are written as a
    screen shows them, 8 bits, with text and all that lies beside the scan removed in every frame.

    Args:
        data: the file's bytes.
        pseudonyms: of the collection that it belongs to.
        options: what may stay beyond the Basic Profile.
        patient: what tells the patient from others, in place of the file's own Patient ID.
        limits: the most that a file may claim.
        on_frame: called with (frames looked through for text, all frames); raising ends the work.

    Raises:
        ScanError: no DICOM file, none with an ultrasound image, damaged, or text stays in the picture;
            with one sentence that quotes nothing of the file.
    """
    limits = limits or ReadLimits()
    if not looks_like_dicom(data):
        raise ScanError("This is no DICOM file; only DICOM can be de-identified as DICOM.")
    scan = read_sandboxed(data, limits=limits)
    cleaned = clean_loop(whole(scan.frames, limits), scan.region, on_frame)
    with silence():
        try:
            made, identity = _made(data, scan, cleaned.frames, pseudonyms, options, patient, limits)
            content = _written(made)
        except ScanError:
            raise
        except Exception:  # what it says may quote a value
            raise ScanError(
                "The DICOM file's header cannot be made anew without identity; it is damaged or unusual."
            ) from None
    words = [str(made.get(keyword) or "") for keyword in ("Manufacturer", "ManufacturerModelName")]
    return DeidentifiedScan(
        content,
        cleaned.frames,
        cleaned.mask,
        pseudonyms.subject(identity.patient),
        identity.known,
        pseudonyms.image(identity.instance),
        " ".join(" ".join(words).split()),
    )


def _made(
    data: bytes,
    scan: Scan,
    frames: npt.NDArray[np.uint8],
    pseudonyms: Pseudonyms,
    options: DeidentifyOptions | None,
    patient: str | None,
    limits: ReadLimits,
) -> tuple[Dataset, Identity]:
    options = options or DeidentifyOptions()
    source = open_dataset(data, limits)
    identity = identity_of(source, hashlib.sha256(data).hexdigest(), patient)
    made = deidentified_header(source, identity, pseudonyms, options, scan.region)
    grey = str(source.get("PhotometricInterpretation", "")).strip().startswith("MONOCHROME")
    made.SOPClassUID = _class_of(source, len(frames), grey=grey)
    _put_pixels(made, frames, grey=grey)
    _complete_capture(made)
    say_what_is_lost(made, source.file_meta.TransferSyntaxUID)
    _say_what_was_done(made, options)
    return made, identity


def _class_of(source: Dataset, frames: int, *, grey: bool) -> UID:
    """The class of the new image: its source's, for as many frames as there are."""
    said = str(source.get("SOPClassUID", "")).strip("\0 ")
    if said in _ULTRASOUND:
        return UltrasoundMultiFrameImageStorage if frames > 1 else UltrasoundImageStorage
    if said not in _CAPTURE:
        raise ScanError(
            "This kind of DICOM image cannot be de-identified here; ultrasound images, loops and "
            "secondary captures can."
        )
    if frames == 1:
        return SecondaryCaptureImageStorage
    if grey:
        return MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    return MultiFrameTrueColorSecondaryCaptureImageStorage


def _put_pixels(made: Dataset, frames: npt.NDArray[np.uint8], *, grey: bool) -> None:
    """8 bits as a screen shows them; one sample where the source had one grey value a pixel."""
    made.SamplesPerPixel = 1 if grey else 3
    made.PhotometricInterpretation = "MONOCHROME2" if grey else "RGB"
    if not grey:
        made.PlanarConfiguration = 0
    made.Rows, made.Columns = frames.shape[1:3]
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    if len(frames) > 1:
        made.NumberOfFrames = len(frames)
        _say_when_frames_were(made)
    else:
        for keyword in ("FrameTime", "FrameTimeVector", "FrameIncrementPointer"):
            made.pop(keyword, None)
    pixels = np.ascontiguousarray(frames[..., 0] if grey else frames).tobytes()
    made.add_new("PixelData", "OB", pixels + b"\0" * (len(pixels) % 2))
    made.BurnedInAnnotation = "NO"


def _complete_capture(made: Dataset) -> None:
    """What a secondary capture must say beside its pixels (PS3.3 A.8 and C.8.6)."""
    if made.SOPClassUID not in _CAPTURE:
        return
    if "ConversionType" not in made:
        made.ConversionType = "WSD"
    if made.SOPClassUID == MultiFrameGrayscaleByteSecondaryCaptureImageStorage:
        made.PresentationLUTShape = "IDENTITY"
        made.RescaleSlope, made.RescaleIntercept, made.RescaleType = 1, 0, "US"


def _say_when_frames_were(made: Dataset) -> None:
    """Frames need a time between them, or a list of such (PS3.3 C.7.6.5, C.7.6.6)."""
    for keyword, tag in (("FrameTimeVector", 0x00181065), ("FrameTime", 0x00181063)):
        if keyword in made:
            made.FrameIncrementPointer = tag
            return
    made.FrameTime, made.FrameIncrementPointer = 0, 0x00181063  # not known


def _say_what_was_done(made: Dataset, options: DeidentifyOptions) -> None:
    codes = [_BASIC, _PIXELS]
    codes += [_DATES] if options.shift_dates else []
    codes += [_DEVICE] if options.retain_device else []
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = [
        f"VentriScope: DICOM PS3.15 {EDITION} Annex E, Basic Profile",
        "All that is not known to be safe was removed",
        "Text, drawing and all beside the scan were removed from pixels",
    ]
    made.DeidentificationMethodCodeSequence = [_code(*code) for code in codes]
    moved = options.shift_dates
    made.LongitudinalTemporalInformationModified = "MODIFIED" if moved else "REMOVED"
    made.DerivationDescription = (
        "De-identified: burned-in text, drawing and what lies beside the scan were removed. "
        f"{RESEARCH_USE_ONLY}"
    )


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def _written(made: Dataset) -> bytes:
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.ImplementationClassUID = _IMPLEMENTATION
    made.file_meta.ImplementationVersionName = "VENTRISCOPE"
    file = io.BytesIO()
    dcmwrite(file, made, enforce_file_format=True)
    return file.getvalue()
