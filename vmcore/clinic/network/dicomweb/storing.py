"""Store an object in an archive by STOW-RS (PS3.18, 10.5)."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pydicom
import requests
from pydicom import Dataset

from vmcore.clinic.network.dicomweb.asking import SILENT, ArchiveError, asking, client
from vmcore.clinic.network.sending import SILENT as DESTINATION_SILENT
from vmcore.clinic.network.sending import State, outcome
from vmcore.imaging.dicom.silence import silence
from vmcore.settings import WebArchive

_ANSWER_BYTES = 2**20
_LONGEST_S = 300  # of all of it
_FINAL = {400, 406, 409, 413, 415}
_SAYS_NOTHING = (
    "The address answers, but not as an archive that stores: look at its URL in VMCORE_ARCHIVES."
)


def store(content: bytes, archive: WebArchive, *, again: bool = False) -> tuple[State, str]:
    """Store one object; how it stands then, and why.

    It has arrived where the archive names it among those it has stored, and nowhere else.

    Args:
        content: the object, a DICOM file.
        archive: where it goes.
        again: it was tried before, so that the archive may have it already.
    """
    item = pydicom.dcmread(BytesIO(content))
    try:
        with asking(archive, _ANSWER_BYTES, _LONGEST_S) as session:
            try:
                client(session, archive).store_instances([item])
            except requests.exceptions.HTTPError:
                if session.last is None or session.last.status_code != 409:
                    raise
            except ArchiveError:
                raise
            except (
                ValueError,
                KeyError,
                TypeError,
                AttributeError,
                RecursionError,
            ):  # what it makes of the answer
                if session.last is None:
                    raise
            answer = session.last
            said = _said(answer.content) if answer is not None else None
    except ArchiveError as error:
        if str(error) == SILENT:
            return State.WAITING, DESTINATION_SILENT
        return State.FAILED if error.status in _FINAL else State.WAITING, str(error)
    return _outcome(said, str(item.SOPInstanceUID), again=again)


def _outcome(said: Dataset | None, instance: str, *, again: bool) -> tuple[State, str]:
    """What the archive says of an instance (PS3.18, annex I.2: Store Instances Response Module)."""
    if said is None:
        return State.WAITING, _SAYS_NOTHING
    for failed in said.get("FailedSOPSequence", ()):
        if str(failed.get("ReferencedSOPInstanceUID", "")) == instance:
            return outcome(int(failed.get("FailureReason", 0x0110)) or 0x0110, again=again)
    stored = said.get("ReferencedSOPSequence", ())
    if any(str(one.get("ReferencedSOPInstanceUID", "")) == instance for one in stored):
        return State.SENT, ""
    return State.FAILED, "The archive does not say that it has stored the object."


def _said(content: bytes) -> Dataset | None:
    """The answer as a data set; None where it is none."""
    try:
        with silence():
            told: Any = json.loads(content)
            return Dataset.from_json(told[0] if isinstance(told, list) else told)
    except Exception:  # pydicom converts in its own ways, and quotes
        return None
