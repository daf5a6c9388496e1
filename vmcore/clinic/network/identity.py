"""Which instance a file holds, as its own data set says and not what came beside it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pydicom.filereader import read_file_meta_info, read_partial
from pydicom.uid import DeflatedExplicitVRLittleEndian

from vmcore.imaging.dicom.silence import silence

_LAST = 0x00080018  # SOP Instance UID; what is asked for comes no later


class DeflatedError(ValueError):
    """The data set is deflated, and the library would unpack all of it, however large."""


class Identity(NamedTuple):
    """SOP Class and SOP Instance UID; empty where the data set has none."""

    sop_class: str
    sop_instance: str


def refuse_deflated(path: Path) -> None:
    """Raise :class:`DeflatedError` if a file's meta information says that its data set is deflated."""
    if read_file_meta_info(path).get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        raise DeflatedError("The data set is deflated.")


def identity_of(path: Path) -> Identity:
    """Read what a DICOM file's data set says that it is, and no more of it than that.

    Raises:
        DeflatedError: it would have to be unpacked.
        Exception: of as many kinds as there are files that are no DICOM; its text may quote them.
    """
    with silence():
        refuse_deflated(path)
        with path.open("rb") as stream:
            head = read_partial(stream, stop_when=lambda tag, _vr, _length: tag > _LAST)
        uids = (str(head.get(keyword, "")) for keyword in ("SOPClassUID", "SOPInstanceUID"))
        return Identity(*(uid.strip(" \0") for uid in uids))
