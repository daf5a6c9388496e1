"""The header of a de-identified ultrasound image, made anew from what may stay of the old one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.tag import BaseTag

from vmcore.clinic.deidentification.kept import (
    APPLICATIONS,
    DATES,
    DEVICE,
    MAKE,
    NUMBERS,
    SEQUENCES,
    TERMS,
)
from vmcore.clinic.deidentification.profile import Action, action_of
from vmcore.clinic.deidentification.pseudonyms import Pseudonyms
from vmcore.clinic.deidentification.values import (
    day_of,
    dummy,
    empty,
    first_text,
    is_placeholder,
    numbers_or_terms,
    plain_text,
    replaced_uids,
    values_of,
)
from vmcore.imaging import Region
from vmcore.imaging.dicom.values import whole_number

_FIRST_GROUP = 0x0008  # below are meta information, commands and directories, no data set's
_EMPTY = (  # Type 2 and 2C of the image's modules
    "AccessionNumber", "Manufacturer", "ReferringPhysicianName", "PatientBirthDate", "PatientSex",
    "StudyDate", "StudyTime", "StudyID", "SeriesNumber", "InstanceNumber", "PatientOrientation",
    "Laterality",  # Type 2C: empty where nobody knows
)  # fmt: skip
_DEEPEST = 3  # sequences within sequences


@dataclass(frozen=True, slots=True)
class DeidentifyOptions:
    """What may stay beyond the Basic Profile.

    Attributes:
        retain_device: which device it was, by serial number and station name (Retain Device Identity
            Option); make and model stay without it.
        shift_dates: days, moved back by a number of a patient's own, in place of none (Retain
            Longitudinal Temporal Information With Modified Dates Option).
    """

    retain_device: bool = False
    shift_dates: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a file is of: what the numbers in it are made from. It stays within this package.

    Attributes:
        patient: what tells the patient from all others; of one study alone where none is named.
        known: whether that is a patient's number.
        instance: the image's own UID.
    """

    patient: str
    known: bool
    instance: str


def deidentified_header(
    source: Dataset,
    identity: Identity,
    pseudonyms: Pseudonyms,
    options: DeidentifyOptions,
    region: Region | None,
) -> Dataset:
    """What may stay of a header, with the profile's replacements.

    Args:
        source: the whole data set as it was read.
        identity: whose it is.
        pseudonyms: of the collection.
        options: what stays beyond the Basic Profile.
        region: the part of the picture that is not black; regions outside of it are left out.

    Returns:
        a data set without pixels, without their description, and without the record of what was done.
    """
    made = _protected(source, pseudonyms, options)
    if "SequenceOfUltrasoundRegions" in made:
        items = made.SequenceOfUltrasoundRegions
        made.SequenceOfUltrasoundRegions = [item for item in items if _shown(item, region)]
        if not made.SequenceOfUltrasoundRegions:
            del made.SequenceOfUltrasoundRegions
    for keyword in _EMPTY:
        if keyword not in made:
            setattr(made, keyword, None)
    made.PatientName = made.PatientID = pseudonyms.subject(identity.patient)
    made.SOPInstanceUID = pseudonyms.uid(identity.instance)
    for keyword, other in (
        ("StudyInstanceUID", identity.patient + "\0study"),
        ("SeriesInstanceUID", identity.instance + "\0series"),
    ):
        if not made.get(keyword):
            setattr(made, keyword, pseudonyms.uid(other))
    if options.shift_dates:
        _move_dates(source, made, identity, pseudonyms)
    made.ImageType = _image_type(source)
    return made


def _protected(
    source: Dataset, pseudonyms: Pseudonyms, options: DeidentifyOptions, depth: int = 0
) -> Dataset:
    """The attributes of a data set or of a sequence's item that stay or are replaced."""
    made = Dataset()
    for tag in source.keys():  # noqa: SIM118  tags alone: a data set's own iteration reads values
        keyword = keyword_for_tag(tag)
        if tag.group < _FIRST_GROUP or not keyword:
            continue
        if keyword in SEQUENCES or (keyword in DEVICE and options.retain_device):
            element = _retained(source, tag, keyword, pseudonyms, options, depth)
        elif (action := action_of(tag)) is not None:
            element = _replaced(source, tag, action, pseudonyms)
        elif keyword in NUMBERS or keyword in TERMS:
            element = _element(tag, numbers_or_terms(keyword, values_of(source, tag)))
        elif keyword in MAKE:
            element = _element(tag, [plain_text(values_of(source, tag))])
        else:
            continue
        if element is not None:
            made.add(element)
    return made


def _replaced(
    source: Dataset, tag: BaseTag, action: Action, pseudonyms: Pseudonyms
) -> DataElement | None:
    if action is Action.EMPTY:
        return empty(tag)
    is_uid = dictionary_VR(tag) == "UI"
    if action is Action.DUMMY and not is_uid:
        return dummy(tag)
    if action in {Action.UID, Action.DUMMY}:
        return _element(tag, replaced_uids(values_of(source, tag), pseudonyms))
    return None


def _retained(
    source: Dataset,
    tag: BaseTag,
    keyword: str,
    pseudonyms: Pseudonyms,
    options: DeidentifyOptions,
    depth: int,
) -> DataElement | None:
    """What tells the device, and sequences, to whose items the same rules apply."""
    vr, values = dictionary_VR(keyword), values_of(source, tag)
    if vr == "SQ":
        if depth >= _DEEPEST:
            return None
        items = [_protected(item, pseudonyms, options, depth + 1) for item in values]
        return _element(tag, [item for item in items if len(item)])
    if vr == "UI":
        return _element(tag, [str(value) for value in values])
    if vr in {"DA", "TM"}:
        return _element(tag, [str(value) for value in values if str(value).isdigit()])
    return _element(tag, [plain_text(values)])


def _element(tag: BaseTag, values: list[Any]) -> DataElement | None:
    if not values or values == [""]:
        return None
    vr = dictionary_VR(tag)
    one = values[0] if len(values) == 1 and vr != "SQ" else values
    return DataElement(tag, vr, one)


def _shown(item: Dataset, region: Region | None) -> bool:
    """Whether most of a region of the file lies in the part of the picture that is not black."""
    if region is None:
        return True
    corners = [
        whole_number(item, f"RegionLocation{corner}")
        for corner in ("MinY0", "MinX0", "MaxY1", "MaxX1")
    ]
    if any(corner is None for corner in corners):
        return False
    top, left, bottom, right = (int(corner or 0) for corner in corners)
    height = min(bottom + 1, region.row + region.height) - max(top, region.row)
    width = min(right + 1, region.column + region.width) - max(left, region.column)
    # a region may claim more than the picture holds
    whole = region.height * region.width
    own = min(max((bottom + 1 - top) * (right + 1 - left), 1), whole)
    return max(height, 0) * max(width, 0) >= 0.5 * own


def _move_dates(source: Dataset, made: Dataset, identity: Identity, pseudonyms: Pseudonyms) -> None:
    for keyword in sorted(DATES):
        day = day_of(source, keyword)
        moved = pseudonyms.moved(day, identity.patient) if day else None
        if moved is not None:
            setattr(made, keyword, moved.strftime("%Y%m%d").zfill(8))


def _image_type(source: Dataset) -> list[str]:
    """Derived, since pixels were changed, and of what, where that is a term of the standard's."""
    said = [str(value) for value in values_of(source, 0x00080008)] + [""] * 4
    kind = ["DERIVED", "PRIMARY" if said[1] == "PRIMARY" else "SECONDARY"]
    if APPLICATIONS.fullmatch(said[2]):
        kind.append(said[2])
        if said[3].isdigit() and len(said[3]) == 4:
            kind.append(said[3])
    return kind


def identity_of(source: Dataset, digest: str, patient: str | None = None) -> Identity:
    """Who a data set is of: Patient ID and Issuer of Patient ID (PS3.3 C.7.1.1), or the study alone.

    One number from two issuers is two patients; a placeholder names none.

    Args:
        source: as it was read.
        digest: of the whole file, for one that names nobody and has no number.
        patient: what tells the patient, where somebody knows better than the file.
    """
    instance = first_text(source, "SOPInstanceUID") or digest
    named = patient or _patient_named_in(source)
    if named:
        return Identity(named, known=True, instance=instance)
    study = first_text(source, "StudyInstanceUID") or digest
    return Identity(f"study {study}", known=False, instance=instance)


def _patient_named_in(source: Dataset) -> str:
    """What tells the patient of a file from all others; "" where the file names none."""
    patient, issuer = first_text(source, "PatientID"), first_text(source, "IssuerOfPatientID")
    if not patient or is_placeholder(patient):
        return ""
    # no text of a file holds the sign between them; without an issuer the number stands alone
    return f"{patient}\0issuer {issuer}" if issuer else patient
