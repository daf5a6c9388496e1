"""Look for canaries in files: plain, in other encodings, packed, in databases, pictures and names.

A canary is a made-up word (or row of pixels) that stands nowhere but where a test has put it.
"""

from __future__ import annotations

import base64
import io
import itertools
import os
import re
import sqlite3
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

from PIL import Image

Canaries = Mapping[str, str | bytes]
"""What each is, and the word in any case, or the bytes."""
Found = dict[Path, set[str]]
_DEEPEST = 4  # a picture in a document in an archive in an archive
_MOST = 64 * 2**20  # bytes that a stream is unpacked to
_SHORTEST_STEM = 6
_SHORTEST_IN_BASE64 = 8  # signs: fewer stand in any weights by chance
_DEFLATED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")  # gzip, and zlib as in PDF and PNG
_EMBEDDED = re.compile(rb"base64,([A-Za-z0-9+/]{16,}={0,2})")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"BM")


def search(places: Iterable[Path], canaries: Canaries) -> Found:
    """Files (or links and folders, by their names) below these places that hold a canary.

    Args:
        places: files and folders; one that is not there holds nothing.
        canaries: what is looked for.

    Returns:
        which canaries each holds, in its content or its path below the place.
    """
    needles = _Needles(canaries)
    found: Found = {}
    for place in places:
        for path in [place, *place.rglob("*")]:
            held = needles.within(os.fsencode(str(path.relative_to(place.parent))))
            with suppress(OSError):  # gone meanwhile
                for content in _contents(path):
                    held |= needles.within(content)
            if held:
                found[path] = held
    return found


class _Needles:
    """Canaries as they may be written."""

    def __init__(self, canaries: Canaries) -> None:
        words = {name: word for name, word in canaries.items() if isinstance(word, str)}
        self._exact = {name: [word] for name, word in canaries.items() if isinstance(word, bytes)}
        self._plain = {
            name: [word.lower().encode(code) for code in ("utf-8", "utf-16-le")]
            for name, word in words.items()
        }
        for name, word in words.items():
            self._exact[name] = _in_base64(word)
        stem = os.path.commonprefix([*words.values()])  # noqa: RUF071  letters are meant, not folders
        stem = stem if len(stem) >= _SHORTEST_STEM else ""  # all are found where this is
        self._stems = [stem.lower().encode(code) for code in ("utf-8", "utf-16-le")]

    def within(self, content: bytes) -> set[str]:
        """Names of the canaries that bytes hold."""
        lower = content.lower()
        held = {name for name, forms in self._exact.items() if any(f in content for f in forms)}
        if any(stem in lower for stem in self._stems):
            plain = self._plain.items()
            held |= {name for name, forms in plain if any(form in lower for form in forms)}
        return held


def _in_base64(word: str) -> list[bytes]:
    """The middle of a word in base64, at each of three places, as written, in capitals and small."""
    forms = set()
    for text, before in itertools.product((word, word.upper(), word.lower()), range(3)):
        encoded = base64.b64encode(bytes(before) + text.encode())
        whole = (before + len(text)) // 3 * 4  # signs that do not depend on what follows
        forms.add(encoded[4 if before else 0 : whole])
    return sorted(form for form in forms if len(form) >= _SHORTEST_IN_BASE64)


def _contents(path: Path) -> Iterator[bytes]:
    if path.is_symlink():
        yield os.fsencode(path.readlink())
    elif path.is_file():
        yield from _unpacked(path.read_bytes())


def _unpacked(content: bytes, depth: int = 0) -> Iterator[bytes]:
    """Bytes, and all that is packed within them."""
    yield content
    if depth < _DEEPEST:
        parts = (_members(content), _streams(content), _rows(content), _embedded(content))
        for part in itertools.chain(*parts):
            yield from _unpacked(part, depth + 1)
        yield from _pixels(content)


def _members(content: bytes) -> Iterator[bytes]:
    if b"PK\x05\x06" not in content:
        return
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield archive.comment
        for member in archive.infolist():
            yield member.filename.encode()
            if member.file_size <= _MOST:
                yield archive.read(member)


def _streams(content: bytes) -> Iterator[bytes]:
    view, end = memoryview(content), 0
    for start in (match.start() for match in _DEFLATED.finditer(content)):
        if start < end:
            continue  # within a stream that has been read
        reader = zlib.decompressobj(wbits=47)  # of either kind
        with suppress(zlib.error):
            yield reader.decompress(view[start:], _MOST)
            if reader.eof:
                end = len(content) - len(reader.unused_data)


def _rows(content: bytes) -> Iterator[bytes]:
    """A database's rows, as SQL: a long value lies on pages that do not follow each other."""
    if not content.startswith(b"SQLite format 3\0"):
        return
    closed = content[:18] + b"\x01\x01" + content[20:]  # what says that a log lies beside it
    with closing(sqlite3.connect(":memory:")) as database, suppress(sqlite3.Error):
        database.deserialize(closed)
        database.text_factory = lambda value: value.decode(errors="replace")
        yield "\n".join(database.iterdump()).encode()


def _embedded(content: bytes) -> Iterator[bytes]:
    for match in _EMBEDDED.finditer(content):
        with suppress(ValueError):
            yield base64.b64decode(match[1])


def _pixels(content: bytes) -> Iterator[bytes]:
    if not content.startswith(_PICTURES):
        return
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        picture = Image.open(io.BytesIO(content))
        yield picture.convert("RGB").tobytes()
        yield picture.convert("L").tobytes()
        yield repr(picture.info).encode()
