"""Bytes that a process and its workers both see, in memory that has no name anywhere."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vmcore.imaging.scan import Content, Encoded

_BY_MESSAGE = 2**20  # bytes up to which a message is as quick


class OutOfReachError(Exception):
    """A worker cannot see its parent's memory, as in some containers."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a worker gets: bytes, or the place of so many of them."""

    data: bytes
    place: str
    size: int

    @contextmanager
    def content(self) -> Iterator[Content]:
        """The bytes, mapped where they have a place.

        Raises:
            OutOfReachError: the place cannot be seen from here.
        """
        if not self.place:
            yield self.data
            return
        try:
            with Path(self.place).open("rb") as memory:
                mapped = mmap.mmap(memory.fileno(), self.size, access=mmap.ACCESS_READ)
        except OSError:
            raise OutOfReachError from None
        yield mapped  # unmapped when nobody has it any more


@contextmanager
def nameless() -> Iterator[int]:
    """A descriptor of memory that has no name, so that nothing is left of it whatever happens."""
    descriptor = os.memfd_create("scan", os.MFD_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)  # a mapping of it stays


def place_of(descriptor: int) -> str:
    """Where another process of the same user finds a descriptor of this one."""
    return f"/proc/{os.getpid()}/fd/{descriptor}"


@contextmanager
def given(parts: Sequence[Encoded]) -> Iterator[Given]:
    """Parts, one after the other, for a worker to see as long as the block lasts."""
    size = sum(map(len, parts))
    if size <= _BY_MESSAGE:
        yield by_message(parts)
        return
    with nameless() as memory:
        for part in parts:
            view = memoryview(part)
            while view:
                view = view[os.write(memory, view) :]
        yield Given(b"", place_of(memory), size)


def by_message(parts: Sequence[Encoded]) -> Given:
    """The same without memory that both see."""
    return Given(b"".join(parts), "", 0)
