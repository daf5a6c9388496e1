"""Where a collection's key is kept: in the store, for its owner alone, and never in an export."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from vmcore.clinic.deidentification.folder import CollectionError
from vmcore.clinic.deidentification.pseudonyms import KEY_BYTES, Pseudonyms
from vmcore.settings import settings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def collection_pseudonyms(name: str) -> Pseudonyms:
    """The numbers of a collection; its key is made at the first use (STORE/collections/NAME.key).

    Whoever has that file can find out who is who in the collection, as far as the numbers of its
    patients are known to them. Without it a collection cannot be added to.

    Raises:
        CollectionError: a name that is no plain word, or a key that cannot be read or made.
    """
    if not _NAME.fullmatch(name):
        raise CollectionError(
            "A collection's name is up to 60 letters, digits, - and _, and begins with a letter or digit."
        )
    place = settings().store / "collections" / f"{name}.key"
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not place.exists():
            _make(place)
        return Pseudonyms(bytes.fromhex(place.read_text("ascii")))
    except OSError as error:
        raise CollectionError(
            f"The collection's key cannot be kept in the store ({error.strerror})."
        ) from None
    except ValueError:
        raise CollectionError(
            "The collection's key in the store is damaged; take it from a backup, or begin another "
            "collection."
        ) from None


def _make(place: Path) -> None:
    """Write a key once: of two that begin a collection at the same time, one makes it."""
    temporary = place.with_name(f".{place.name}-{secrets.token_hex(6)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(temporary, place)
        except FileExistsError:
            return
    finally:
        temporary.unlink(missing_ok=True)
