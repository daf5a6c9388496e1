"""Look for ultrasound in an archive by QIDO-RS (PS3.18, 10.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import requests
from pydicom import Dataset
from pydicom.uid import UID

from vmcore.clinic.network.accepted import IMAGE_CLASSES
from vmcore.clinic.network.dicomweb.asking import BROKE_OFF, ArchiveError, Session, asking, client
from vmcore.imaging.dicom.silence import silence
from vmcore.settings import WebArchive

MOST_STUDIES, MOST_IMAGES = 100, 2000
"""The most that one answer lists."""
_ANSWER_BYTES = 32 * 2**20
_ULTRASOUND = "US"
_STUDY_FIELDS = [
    "StudyDescription", "ModalitiesInStudy", "AccessionNumber", "NumberOfStudyRelatedInstances",
    "PatientName", "PatientID", "PatientBirthDate",
]  # fmt: skip
_IMAGE_FIELDS = ["SOPClassUID", "SeriesNumber", "NumberOfFrames", "Rows", "Columns", "Modality"]
_LONGEST = 64
_Kind = TypeVar("_Kind")
_NO_ANSWER = "The address answers, but not as an archive that can be searched: look at its URL in VMCORE_ARCHIVES."


@dataclass(frozen=True, slots=True)
class StudyQuery:
    """What somebody looks for; what is empty or None is not asked about.

    Attributes:
        first: the first day of the studies.
        last: the last day.
        accession: the order's accession number.
        patient_id: the patient's number.
        patient_name: how family name and given name begin. ``*`` stands for any letters, here and in numbers.
    """

    first: date | None = None
    last: date | None = None
    accession: str = ""
    patient_id: str = ""
    patient_name: str = ""


@dataclass(frozen=True, slots=True)
class FoundStudy:
    """A study of the archive and whose it is, by which people choose the right one; kept in memory alone.

    Attributes:
        uid: Study Instance UID.
        day: when it was; None where that is not told.
        time: hour and minute, or "".
        description: in the archive's words.
        accession: its accession number, or "".
        instances: how many it has; None where that is not told.
        patient_name: as the archive gives it, or "".
        patient_id: the patient's number, or "".
        born: the patient's birth date; None where it is not told.
    """

    uid: str
    day: date | None
    time: str
    description: str
    accession: str = field(repr=False)
    instances: int | None
    patient_name: str = field(default="", repr=False)
    patient_id: str = field(default="", repr=False)
    born: date | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image of the archive: its three UIDs, and what tells it from others of its study.

    ``frames``, ``rows`` and ``columns`` are None where they are not told.
    """

    study: str
    series: str
    instance: str
    series_number: int | None
    number: int | None
    frames: int | None
    rows: int | None
    columns: int | None


class Found(list[_Kind]):
    """What an archive has found.

    Attributes:
        more: whether it has more that would fit; which ones are here is the archive's choice then.
    """

    more = False


def find_studies(archive: WebArchive, query: StudyQuery) -> Found[FoundStudy]:
    """Studies with ultrasound that fit, those the newest first that the archive gives, 100 at the most.

    Archives do not know which ultrasound is obstetric; the description may tell.

    Args:
        archive: whom to ask.
        query: what to look for.

    Raises:
        ArchiveError: nothing is looked for, it cannot be looked for, or the archive does not answer.
    """
    filters = _filters(query)
    with asking(archive, _ANSWER_BYTES) as session:
        found = _answered(
            lambda: client(session, archive).search_for_studies(
                fields=_STUDY_FIELDS, search_filters=filters, limit=MOST_STUDIES + 1
            ),
            session,
        )
        more = len(found) > MOST_STUDIES or _tells_of_more(session)
    studies = [study for one in found if (study := _study(one)) is not None]
    studies.sort(key=lambda one: (one.day or date.min, one.time), reverse=True)
    return _at_most(studies, MOST_STUDIES, more=more)


def find_images(archive: WebArchive, study: str) -> Found[FoundImage]:
    """A study's ultrasound images and loops, in their order, 2000 at the most.

    Args:
        archive: whom to ask.
        study: the Study Instance UID, as found.

    Raises:
        ArchiveError: the archive does not answer.
    """
    with asking(archive, _ANSWER_BYTES) as session:
        found = _answered(
            lambda: client(session, archive).search_for_instances(
                study_instance_uid=study, fields=_IMAGE_FIELDS,
                search_filters={"Modality": _ULTRASOUND}, limit=MOST_IMAGES + 1,
            ),
            session,
        )  # fmt: skip
        more = len(found) > MOST_IMAGES or _tells_of_more(session)
    images = [image for one in found if (image := _image(one, study)) is not None]
    images.sort(key=lambda one: (one.series_number or 0, one.number or 0, one.instance))
    return _at_most(images, MOST_IMAGES, more=more)


def _at_most(found: list[_Kind], most: int, *, more: bool) -> Found[_Kind]:
    shown = Found(found[:most])
    shown.more = more
    return shown


def _tells_of_more(session: Session) -> bool:
    """Whether the archive warns that it gave less than it has (PS3.18, 8.3.4.4)."""
    told = session.last.headers.get("Warning", "") if session.last is not None else ""
    return told.startswith("299") and "additional results" in told.lower()


def _filters(query: StudyQuery) -> dict[str, str]:
    # a name's components are told apart by archives in ways of their own: anything may stand between
    name = "*".join([*re.split(r"[\s,^*]+", query.patient_name.strip(" ,^*")), ""])
    texts = {"AccessionNumber": query.accession, "PatientID": query.patient_id, "PatientName": name}
    if not query.patient_name.strip():
        del texts["PatientName"]
    filters = {key: text.strip() for key, text in texts.items() if text.strip()}
    if any(
        len(text) > _LONGEST or "\\" in text or not text.isprintable() for text in filters.values()
    ):
        raise ArchiveError("A number or name has at most 64 letters, and no backslash.")
    if any(not text.strip("*?") for text in filters.values()):
        raise ArchiveError("Say more of a number or name than that it is any.")
    if query.first and query.last and query.first > query.last:
        raise ArchiveError("The first day is after the last one.")
    if query.first or query.last:
        days = (f"{day:%Y%m%d}" if day else "" for day in (query.first, query.last))
        filters["StudyDate"] = "-".join(days)
    if not filters:
        raise ArchiveError("Say a day, an accession number or a patient to look for.")
    return filters | {"ModalitiesInStudy": _ULTRASOUND}


def _answered(ask: Any, session: Session) -> list[Dataset]:
    """What a search gives; the client raises in many ways at what is no DICOM JSON.

    Nothing is found where the archive says so, by status 204 or an empty list (PS3.18, 10.6.3). The client takes
    any empty body for that, also that of a connection which ended within the headers.
    """
    try:
        told = ask()
    except (ArchiveError, requests.exceptions.RequestException) as error:
        if isinstance(error, requests.exceptions.JSONDecodeError):
            raise ArchiveError(_NO_ANSWER) from None
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ArchiveError(_NO_ANSWER) from None
    answer = session.last
    if answer is None or answer.status_code not in {200, 204}:
        raise ArchiveError(_NO_ANSWER)
    if answer.status_code == 200 and not answer.content.strip():
        raise ArchiveError(BROKE_OFF)
    if not isinstance(told, list):
        raise ArchiveError(_NO_ANSWER)
    found = []
    with silence():
        for one in told:
            try:
                found.append(Dataset.from_json(one))
            except Exception:  # pydicom converts in its own ways, and quotes
                raise ArchiveError(_NO_ANSWER) from None
    return found


def _study(told: Dataset) -> FoundStudy | None:
    uid = _uid(told, "StudyInstanceUID")
    kinds = _text(told, "ModalitiesInStudy").replace("\\", " ").split()
    if uid is None or (kinds and _ULTRASOUND not in kinds):
        return None
    day, time = _text(told, "StudyDate"), _text(told, "StudyTime")
    return FoundStudy(
        uid, _day(day), f"{time[:2]}:{time[2:4]}" if time[:4].isdigit() and len(time) >= 4 else "",
        _text(told, "StudyDescription"), _text(told, "AccessionNumber"),
        _number(told, "NumberOfStudyRelatedInstances"),
        _name(told), _text(told, "PatientID"), _day(_text(told, "PatientBirthDate")),
    )  # fmt: skip


def _image(told: Dataset, study: str) -> FoundImage | None:
    series, instance = _uid(told, "SeriesInstanceUID"), _uid(told, "SOPInstanceUID")
    if series is None or instance is None or _text(told, "SOPClassUID") not in IMAGE_CLASSES:
        return None
    if _text(told, "Modality") not in {"", _ULTRASOUND}:
        return None
    return FoundImage(
        study, series, instance,
        *(_number(told, key) for key in ("SeriesNumber", "InstanceNumber", "NumberOfFrames", "Rows", "Columns")),
    )  # fmt: skip


def _uid(told: Dataset, keyword: str) -> str | None:
    """A UID, which becomes a part of URLs; None of anything else."""
    value = _text(told, keyword)
    return value if value and UID(value).is_valid else None


def _text(told: Dataset, keyword: str) -> str:
    try:
        value = told.get(keyword)
    except Exception:  # pydicom converts on access and fails in as many ways as there are values
        return ""
    if value is None:
        return ""
    parts = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else value
    return "\\".join(str(part) for part in parts).strip(" \0")


def _name(told: Dataset) -> str:
    """A patient's name in letters, family name first (PS3.5, 6.2.1.1)."""
    try:
        groups = str(told.get("PatientName") or "").split("=")
    except Exception:  # pydicom converts on access and fails in as many ways as there are values
        return ""
    letters = next((group for group in groups if group.strip(" ^")), "")
    return " ".join(letters.replace("^", " ").split())


def _number(told: Dataset, keyword: str) -> int | None:
    text = _text(told, keyword)
    return int(text) if text.isdecimal() else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
