"""One object on its way to one destination: how it stands afterwards, and why."""

from __future__ import annotations

import logging
from enum import StrEnum
from io import BytesIO
from typing import Any

import pydicom
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from vmcore.clinic.network.quiet import say_nothing_of_images
from vmcore.settings import DicomDestination, WebArchive

log = logging.getLogger(__name__)

SILENT = "The destination does not answer."
BROKEN = "The connection ended before the destination had the object."
CROWDED = "The destination takes no more connections now."
NO_ROOM = "The destination has no room now."
NOT_THIS_KIND = "The destination takes no objects of this kind."
_SILENCE_S = 30
_DUPLICATE = 0x0111  # PS3.7, annex C.5.6
_TRANSIENT, _PRESENTATION = 0x02, 0x03  # PS3.8, 9.3.4: result, and its source


class State(StrEnum):
    """How a parcel stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    """The destination refused it, or takes no such objects: trying again by itself would not help."""
    CANCELLED = "cancelled"
    GIVEN_UP = "given up"
    """It had not arrived when its days were over, and its content is gone."""


def send(
    content: bytes,
    destination: DicomDestination | WebArchive,
    calling: str,
    *,
    again: bool = False,
) -> tuple[State, str]:
    """Send one object by C-STORE or STOW-RS; one that cannot even be encoded must not stop the others.

    Args:
        content: the object, a DICOM file.
        destination: where it goes.
        calling: the AE title that calls.
        again: it was tried before, so that the destination may have it already.

    Returns:
        how it stands then, and one sentence that says why; empty where it arrived.
    """
    say_nothing_of_images()
    try:
        if isinstance(destination, WebArchive):
            from vmcore.clinic.network.dicomweb import store  # noqa: PLC0415  for those who have one

            return store(content, destination, again=again)
        return _by_c_store(content, destination, calling, again=again)
    except (OSError, RuntimeError):  # the connection broke in between
        return State.WAITING, BROKEN
    except Exception as error:  # its text may quote the object
        log.error("An object could not be sent (%s).", type(error).__name__)  # noqa: TRY400
        return State.FAILED, "The object cannot be sent; the node's log says why."


def outcome(code: int | None, *, again: bool = False) -> tuple[State, str]:
    """What a storage status or failure reason says (PS3.4, table B.2-1; PS3.18, annex I.2).

    Args:
        code: the status or reason; None where there was no answer.
        again: the object was tried before. Its UID is nobody else's, so that a duplicate is itself, stored
            when the connection ended before the answer.
    """
    if code == _DUPLICATE and again:
        return State.SENT, ""
    if code is None:
        return State.WAITING, BROKEN
    if code == 0 or code & 0xF000 == 0xB000:  # stored, if with a warning
        return State.SENT, ""
    if code & 0xFF00 == 0xA700:
        return State.WAITING, NO_ROOM
    if code == 0x0122:
        return State.FAILED, NOT_THIS_KIND
    return State.FAILED, f"The destination refused the object (status {code:04X})."


def _by_c_store(
    content: bytes, destination: DicomDestination, calling: str, *, again: bool
) -> tuple[State, str]:
    """Send one object by C-STORE (PS3.4, annex B)."""
    from pynetdicom import AE  # noqa: PLC0415  for those who send alone

    item = pydicom.dcmread(BytesIO(content))
    entity = AE(ae_title=calling)
    entity.connection_timeout = entity.acse_timeout = _SILENCE_S
    entity.dimse_timeout = entity.network_timeout = _SILENCE_S
    syntax = item.file_meta.TransferSyntaxUID
    plain = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]  # either is made of the other
    entity.add_requested_context(item.SOPClassUID, plain if syntax in plain else syntax)
    link = entity.associate(destination.host, destination.port, ae_title=destination.ae_title)
    if link.is_rejected:
        return State.WAITING, _why_rejected(link.acceptor.primitive)
    if link.rejected_contexts and not link.accepted_contexts:
        return State.FAILED, NOT_THIS_KIND
    if not link.is_established:
        return State.WAITING, SILENT
    try:
        status = link.send_c_store(item)
    finally:
        if link.is_established:
            link.release()
    return outcome(status.get("Status"), again=again)


def _why_rejected(answer: Any) -> str:
    """What an A-ASSOCIATE-RJ says: who calls is not known, or it is too much just now."""
    if answer is not None and (
        answer.result == _TRANSIENT or answer.result_source == _PRESENTATION
    ):
        return CROWDED
    return "The destination does not accept this AE title, or its own is another."
