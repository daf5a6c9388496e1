"""The study that objects join: checked, and kept apart from whatever may quote it.

Objects are made of a reference that names nobody. Who the patient is joins them at the end, so that no
library on the way can put a name into a log or an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID, UltrasoundImageStorage
from pydicom.valuerep import DA, TM

from vmcore.imaging.dicom.silence import silence
from vmcore.imaging.dicom.values import numbers

UTF_8 = "ISO_IR 192"
_KEYS = {
    # what archives know patient and order by (PS3.3 C.7.1.1, C.7.2.1), longest values, words
    "PatientName": (194, "patient's name"),
    "PatientID": (64, "patient's number"),
    "IssuerOfPatientID": (64, "issuer of the patient's number"),
    "AccessionNumber": (16, "accession number"),
}
_BESIDE = {"StudyID": 16, "ReferringPhysicianName": 194, "StudyDescription": 64}
_TYPE_3 = {"IssuerOfPatientID", "StudyDescription"}
_NAMES = {"PatientName", "ReferringPhysicianName"}
_LONGEST_GROUP = 64  # characters of a name's alphabetic, ideographic or phonetic group (PS3.5 6.2)
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\\ufffd\ud800-\udfff]")
_SEXES = {"M", "F", "O"}
_LOSSY = (
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
_SHOWN_GREY = (
    "RescaleIntercept", "RescaleSlope", "RescaleType", "ModalityLUTSequence", "WindowCenter",
    "WindowWidth", "VOILUTFunction", "VOILUTSequence",
)  # fmt: skip
_WINDOW = {"WindowCenter", "WindowWidth", "VOILUTFunction"}
_CORRECT = "Correct it in the archive, and export the scan anew."


WINDOW_REFUSAL = (
    "The file's grey-scale window is not one that DICOM allows, so callipers cannot be laid over the picture "
    f"as it is shown. {_CORRECT}"
)


class StudyError(ValueError):
    """An original that no object can join, with one sentence that says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class SourceStudy:
    """The study, and the image in it that objects refer to.

    Attributes:
        reference: a data set of the image that names nobody: UIDs, size, frames, and the window of grey
            images. Its SOP class is a stand-in, since libraries know the present ones alone.
        sop_class: the image's own.
        frame: that is told of, from 1; None where the image has one.
        organisation: that made the image, or "".
        lossy: attributes of lossy compression, which stays true of what is derived.
        identity: who the patient is and which study; joins objects in :meth:`join` alone.
    """

    reference: Dataset
    sop_class: str
    frame: int | None
    organisation: str
    lossy: Dataset
    identity: Dataset

    def join(self, made: Dataset) -> Dataset:
        """Make an object the patient's and the study's, and its references true."""
        made.SpecificCharacterSet = UTF_8
        if made.Modality != "SR":
            made.Laterality = ""  # of a paired part, unknown (type 2C, PS3.3 C.7.3.1)
        for element in self.identity:
            made[element.tag] = element
        _set_class(made, str(self.reference.SOPInstanceUID), self.sop_class)
        return made


def source_study(source: Dataset, frame: int) -> SourceStudy:
    """Check an original's header, and part what names somebody from what does not.

    Dates, times, a sex and what describes the study are left empty, as unknown ones are, where DICOM does
    not allow them (type 2 and 3). Text is told in UTF-8, whatever the original's character set is.

    Args:
        source: the header (:func:`vmcore.imaging.dicom.read_source`).
        frame: the frame that is told of, from 0.

    Raises:
        StudyError: UIDs are missing or invalid, names or numbers are ones that DICOM does not allow, or
            the frame is not one that the file announces.
    """
    with silence():
        reference = Dataset()
        for keyword, what in (
            ("StudyInstanceUID", "study"),
            ("SeriesInstanceUID", "series"),
            ("SOPInstanceUID", "image"),
        ):
            setattr(reference, keyword, _uid(source, keyword, what))
        reference.SOPClassUID = UltrasoundImageStorage
        _describe(reference, source)
        return SourceStudy(
            reference,
            _uid(source, "SOPClassUID", "kind of image"),
            _frame_number(source, frame),
            _optional(source, "InstitutionName", 64),
            _copied(source, _LOSSY),
            _identity(source, reference.StudyInstanceUID),
        )


def _identity(source: Dataset, study: str) -> Dataset:
    found = Dataset()
    found.StudyInstanceUID = study
    texts = {key: _text(source, key, *told) for key, told in _KEYS.items()}
    texts |= {key: _optional(source, key, longest) for key, longest in _BESIDE.items()}
    for keyword, value in texts.items():
        if value or keyword not in _TYPE_3:
            setattr(found, keyword, value)
    for keyword in ("PatientBirthDate", "StudyDate"):
        setattr(found, keyword, _parsed(source, keyword, DA))
    found.StudyTime = _parsed(source, "StudyTime", TM)
    sex = str(_raw(source, "PatientSex") or "").strip().upper()
    found.PatientSex = sex if sex in _SEXES else ""
    return found


def _describe(reference: Dataset, source: Dataset) -> None:
    """What libraries want to know of the image, and nothing that names anybody."""
    for keyword in (
        "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID",
        "StudyDate", "StudyTime", "ReferringPhysicianName",
    ):  # fmt: skip
        setattr(reference, keyword, "")
    for keyword in ("Rows", "Columns", "SamplesPerPixel"):  # frames are told by their number alone
        number = _number(source, keyword)
        if number is not None:
            setattr(reference, keyword, number)
    reference.PhotometricInterpretation = str(
        _raw(source, "PhotometricInterpretation") or ""
    ).strip()
    if reference.PhotometricInterpretation.startswith("MONOCHROME"):
        for element in _copied(source, _SHOWN_GREY, WINDOW_REFUSAL):
            reference[element.tag] = element
        if not {"WindowCenter", "WindowWidth"} <= {one.keyword for one in reference}:
            for keyword in _WINDOW & {one.keyword for one in reference}:
                del reference[keyword]  # half a window is none
    for keyword in ("PixelSpacing", "PixelAspectRatio"):
        values = numbers(source, keyword)
        if len(values) == 2 and all(value > 0 for value in values):
            setattr(reference, keyword, [f"{value:g}" for value in values])
    if "Rows" not in reference or "Columns" not in reference:
        raise StudyError(f"The file does not say how large its image is. {_CORRECT}")


def _frame_number(source: Dataset, frame: int) -> int | None:
    announced = _number(source, "NumberOfFrames") or 1
    if frame >= announced:
        raise StudyError(
            "The file announces fewer frames than it holds, so no object can refer to this one. "
            "Export the loop anew."
        )
    return frame + 1 if announced > 1 else None


def _uid(source: Dataset, keyword: str, what: str) -> str:
    value = str(_raw(source, keyword) or "").strip(" \0")
    if not value:
        raise StudyError(
            f"The file does not say which {what} it is (no UID), so nothing can join its study. {_CORRECT}"
        )
    if not UID(value).is_valid:
        raise StudyError(
            f"The UID of the file's {what} is not valid, so nothing can join its study. {_CORRECT}"
        )
    return value


def _text(source: Dataset, keyword: str, longest: int, words: str) -> str:
    raw = _raw(source, keyword)
    if isinstance(raw, MultiValue):
        raise StudyError(f"The file gives the {words} more than once. {_CORRECT}")
    value = str(raw or "").strip(" \0")
    groups = value.split("=") if keyword in _NAMES else [value]
    too_long = max(map(len, groups)) > min(longest, _LONGEST_GROUP) or len(groups) > 3
    if too_long or _UNFIT.search(value):
        raise StudyError(f"The {words} in the file is not one that DICOM allows. {_CORRECT}")
    return value


def _optional(source: Dataset, keyword: str, longest: int) -> str:
    """A text that nobody knows a patient by; "" where it is not one that DICOM allows."""
    try:
        return _text(source, keyword, longest, keyword)
    except StudyError:
        return ""


def _parsed(source: Dataset, keyword: str, kind: type[DA | TM]) -> str:
    value = _raw(source, keyword)
    text = "" if isinstance(value, MultiValue) else str(value or "").strip(" \0")
    try:
        return text if text and kind(text) else ""
    except Exception:  # pydicom's own kinds; the value must not be quoted
        return ""


def _number(source: Dataset, keyword: str) -> int | None:
    try:
        return int(_raw(source, keyword))
    except (TypeError, ValueError):
        return None


def _copied(source: Dataset, keywords: tuple[str, ...], refusal: str | None = None) -> Dataset:
    """Elements as they are; one that cannot be converted is left out, or refused with a sentence."""
    found = Dataset()
    for keyword in keywords:
        value = _raw(source, keyword)
        if value is None or (isinstance(value, str | MultiValue) and not value):
            continue
        try:
            setattr(found, keyword, value)
        except Exception:  # pydicom converts in its own ways, and quotes
            if refusal is not None:
                raise StudyError(refusal) from None
    return found


def _raw(source: Dataset, keyword: str) -> Any:
    """An element's value; None where it is missing or cannot be converted."""
    try:
        return source.get(keyword)
    except Exception:  # pydicom converts on access and fails in as many ways as there are values
        return None


def _set_class(made: Dataset, instance: str, sop_class: str) -> None:
    """Name an image's own SOP class wherever it is referred to."""
    for element in made:
        if element.VR == "SQ":
            for item in element.value:
                if str(item.get("ReferencedSOPInstanceUID", "")) == instance:
                    item.ReferencedSOPClassUID = sop_class
                _set_class(item, instance, sop_class)
