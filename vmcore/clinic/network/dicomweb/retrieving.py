"""Bring an image from an archive into the inbox by WADO-RS (PS3.18, 10.4), as it is there."""

from __future__ import annotations

from vmcore.clinic.network.arriving import Arriving, TooLargeError
from vmcore.clinic.network.dicomweb.asking import ArchiveError, asking, refused
from vmcore.clinic.network.dicomweb.parts import boundary_of, first_part
from vmcore.clinic.network.dicomweb.searching import FoundImage
from vmcore.clinic.network.identity import DeflatedError, identity_of
from vmcore.clinic.network.inbox import Inbox, Kept
from vmcore.settings import WebArchive

_ACCEPTED = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_PIECE_BYTES = 2**18
_BESIDE = 2**16  # what a message has around its image
_TIMEOUT_S = (10, 60)
_LONGEST_S = 900  # of all of it


def retrieve(archive: WebArchive, image: FoundImage, inbox: Inbox, most_bytes: int) -> Kept:
    """Bring one image into the inbox, where it is judged like one that was sent.

    It is written as it comes, in its own transfer syntax, byte for byte. The client of the other requests
    would hold it whole and write it anew.

    Args:
        archive: where it is.
        image: which one.
        inbox: where it goes.
        most_bytes: the largest that is taken.

    Raises:
        ArchiveError: it does not come, or not whole, or is another one.
        TooLargeError, InboxFullError: it is larger than the limit, or the disk has no room.
    """
    url = f"{archive.url}/studies/{image.study}/series/{image.series}/instances/{image.instance}"
    arriving = inbox.arriving(most_bytes)
    try:
        with asking(archive, most_bytes + _BESIDE, _LONGEST_S) as session:
            how = {"headers": {"Accept": _ACCEPTED}, "timeout": _TIMEOUT_S}
            with session.request("GET", url, **how) as answer:
                if answer.status_code != 200:
                    raise refused(answer.status_code)
                if int(answer.headers.get("Content-Length") or 0) > most_bytes + _BESIDE:
                    raise TooLargeError(f"It is larger than the limit of {most_bytes // 2**20} MB.")
                boundary = boundary_of(answer.headers.get("Content-Type", ""))
                for piece in first_part(answer.iter_content(_PIECE_BYTES), boundary):
                    arriving.write(piece)
        arriving.settle()
        _check(arriving, image)
        return inbox.keep_arrived(image.instance, arriving)
    finally:
        arriving.discard()


def _check(arriving: Arriving, image: FoundImage) -> None:
    """Refuse another image than the one that was asked for, and one that only unpacking would tell."""
    try:
        told = identity_of(arriving.path).sop_instance
    except DeflatedError:
        raise ArchiveError(
            "The archive gave the image deflated, which is not taken: have it send another transfer syntax."
        ) from None
    except Exception:  # pydicom fails in as many ways as there are files, and quotes
        raise ArchiveError("The archive's answer is no DICOM image.") from None
    if told != image.instance:
        raise ArchiveError("The archive gave another image than the one that was asked for.")
