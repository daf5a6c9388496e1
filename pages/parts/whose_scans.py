"""Whose the session's scans are, by what their files and the person at the page say.

Files are told apart by numbers of this session alone until something is kept: asking makes no key.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Literal

import streamlit as st

from pages.parts.uploaded_scan import UploadedScan
from pages.parts.uploads import Uploads
from vmcore.clinic import (
    Collection,
    NotKeptError,
    Pseudonyms,
    SubjectNumber,
    number_in_header,
    number_of_group,
)
from vmcore.imaging import ScanError, read_source_sandboxed

_TOGETHER = "scans without a patient, and whose they are"
_NAMED, _FOR_NOW = "whom the session's files name", "the session's own numbers"
UNREAD = (
    "Some files are not read yet, and may name a patient: wait until all are judged, choose “Judge the rest”, or "
    "put away those that have no room, before you keep scans that name none."
)
SEVERAL = "The list's files are of more than one patient: say whose the scans are that name none."
Whose = SubjectNumber | UploadedScan | Literal["another"]
"""What a person says of scans that name nobody: a kept subject, as a scan of the list, or another fetus."""


def named_in_list(uploads: Uploads) -> dict[str, list[UploadedScan]]:
    """The list's scans by whom their files name: a patient, or an examination where they name none.

    The keys mean nothing beyond this session. Scans that name neither are in no list, nor are those whose
    file nobody has read (:func:`are_unread`).
    """
    known: dict[str, str] = st.session_state.setdefault(_NAMED, {})
    numbers: Pseudonyms = st.session_state.setdefault(_FOR_NOW, Pseudonyms(secrets.token_bytes(32)))
    found: dict[str, list[UploadedScan]] = {}
    for one in uploads.scans:
        if not one.kind:
            continue
        if one.key not in known:
            number = _in_file(one, uploads, numbers)
            known[one.key] = "" if number is None else number.patient or number.subject
        if known[one.key]:
            found.setdefault(known[one.key], []).append(one)
    return found


def are_unread(uploads: Uploads) -> bool:
    """Whether a file that was dropped may still turn out to name a patient."""
    waits = (
        not one.kind and (one.refusal is None or one.no_room is not None) for one in uploads.files
    )
    return uploads.overflow > 0 or any(waits)


def whose(
    uploaded: UploadedScan, uploads: Uploads, collection: Collection, same_as: Whose | None = None
) -> SubjectNumber:
    """Whose a scan is: as its file says, else as the person says, else as the list's other files say.

    Args:
        uploaded: the scan.
        uploads: the session's.
        collection: whose numbers are asked for.
        same_as: whose a scan is that names nobody; without it, the one patient's whom the list's files
            name, and where they name none, that of all such scans in the list.

    Raises:
        NotKeptError: the list's files name more than one patient, or may do so once all are read, and nobody
            says whose this is.
        ScanError: a file cannot be read again.
    """
    own = _in_file(uploaded, uploads, collection.pseudonyms)
    if own is not None:
        return own
    if isinstance(same_as, SubjectNumber):
        return same_as
    if isinstance(same_as, UploadedScan):
        return _of_other(same_as, uploads, collection)
    here, together = {one.key for one in uploads.files}, _together()
    if same_as is None and uploaded.key not in together:
        if are_unread(uploads):
            raise NotKeptError(UNREAD)
        named = named_in_list(uploads)
        if len(named) > 1:
            raise NotKeptError(SEVERAL)
        for first, *_ in named.values():
            return replace(_of_other(first, uploads, collection), inferred=True)
    number = together.get(uploaded.key)
    if number is None:
        number = next((number for key, number in together.items() if key in here), None)
    if number is None:
        number = number_of_group(secrets.token_hex(16), collection.pseudonyms)
    together[uploaded.key] = number
    return number


def remember_whose(uploaded: UploadedScan, subject: str, patient: str) -> None:
    """What is kept next and names nobody is of the same fetus as a scan that named nobody."""
    _together()[uploaded.key] = SubjectNumber(subject, patient, inferred=True)


def forget_whose(uploaded: UploadedScan) -> None:
    """Ask anew whose a scan is that names no patient, once it was taken out."""
    _together().pop(uploaded.key, None)


def _in_file(
    uploaded: UploadedScan, uploads: Uploads, pseudonyms: Pseudonyms
) -> SubjectNumber | None:
    if uploaded.kind != "DICOM":
        return None
    header = read_source_sandboxed(uploaded.content(), limits=uploads.limits)
    return number_in_header(header, pseudonyms)


def _of_other(other: UploadedScan, uploads: Uploads, collection: Collection) -> SubjectNumber:
    number = _in_file(other, uploads, collection.pseudonyms)
    if number is None:
        raise ScanError("A file that named a patient cannot be read any more.")
    return number


def _together() -> dict[str, SubjectNumber]:
    kept: dict[str, SubjectNumber] = st.session_state.setdefault(_TOGETHER, {})
    return kept
