"""The first part of a multipart message, as it comes and without holding it (RFC 2046, 5.1.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email.message import Message

from vmcore.clinic.network.dicomweb.asking import BROKE_OFF, ArchiveError

_LONGEST_HEADER = 16_384  # bytes of a part's own headers
_NO_IMAGE = "The archive's answer is no DICOM image."


def boundary_of(content_type: str) -> bytes:
    """What parts the message, by its media type (PS3.18, 8.6.1.2).

    Raises:
        ArchiveError: it is none of parts.
    """
    told = Message()
    told["Content-Type"] = content_type
    boundary = told.get_param("boundary")
    if told.get_content_type() != "multipart/related" or not isinstance(boundary, str):
        raise ArchiveError(_NO_IMAGE)
    return boundary.encode("latin-1", "replace")


def first_part(chunks: Iterable[bytes], boundary: bytes) -> Iterator[bytes]:
    """The content of the first part, in pieces.

    Args:
        chunks: the message, in pieces of any size.
        boundary: what parts it.

    Raises:
        ArchiveError: there is no part, or the message breaks off before the part's end.
    """
    mark = b"\r\n--" + boundary
    coming = iter(chunks)
    held = b"\r\n"  # the first mark may be the very beginning
    for ending in (mark, b"\r\n\r\n"):  # to the part, and past its headers
        while ending not in held:
            if len(held) > _LONGEST_HEADER + len(mark):
                raise ArchiveError(_NO_IMAGE)
            held += _next(coming)
        held = held.split(ending, 1)[1]
    while mark not in held:
        sure = max(len(held) - len(mark) + 1, 0)
        if sure:
            yield held[:sure]
        held = held[sure:] + _next(coming)
    yield held.split(mark, 1)[0]


def _next(coming: Iterator[bytes]) -> bytes:
    more = next(coming, None)
    if more is None:
        raise ArchiveError(BROKE_OFF)
    return more
