"""Numbers in place of people's: the same for the same person within one collection, and in no other."""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from datetime import date, timedelta

from pydicom.uid import UID

KEY_BYTES = 32
_MOST_DAYS = 5 * 365
_SIGNS = 16  # of 5 bits each


class Pseudonyms:
    """What stands for people, images and days in a collection, by HMAC-SHA-256 under its key.

    Who does not hold the key can neither turn a number back nor try names and numbers until one fits
    (PS3.15 E.1.1 warns of hashes without a key).

    Args:
        key: 32 bytes that nobody can guess, the same for the whole collection.

    Raises:
        ValueError: a key of another length.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"The key of a collection has {KEY_BYTES} bytes, not {len(key)}.")
        self._key = bytes(key)

    def uid(self, original: str) -> UID:
        """A UID in place of another: a UUID's number under the arc 2.25 (PS3.5 B.2)."""
        digest = bytearray(self._digest("uid", original.strip("\0 "))[:16])
        digest[6] = digest[6] & 0x0F | 0x80  # version 8 of RFC 9562: the maker's own digest
        digest[8] = digest[8] & 0x3F | 0x80
        return UID(f"2.25.{int.from_bytes(digest, 'big')}")

    def subject(self, patient: str) -> str:
        """What stands for a patient's number: "S" and 16 letters and digits."""
        return "S" + self._word("subject", patient)

    def image(self, sop_instance_uid: str) -> str:
        """What a file of an image is called: "I" and 16 letters and digits."""
        return "I" + self._word("image", sop_instance_uid.strip("\0 "))

    def person(self, name: str) -> str:
        """What stands for who decided something: "P" and 16 letters and digits."""
        return "P" + self._word("person", name)

    def moved(self, day: date, patient: str) -> date | None:
        """A day moved back by 1 to 1825 days, by the same number for all of a patient's.

        Returns:
            None where that is before the calendar's beginning.
        """
        number = int.from_bytes(self._digest("days", _folded(patient))[:8], "big")
        try:
            return day - timedelta(days=1 + number % _MOST_DAYS)
        except OverflowError:
            return None

    @property
    def fingerprint(self) -> str:
        """Tells one collection's key from another's, and nothing else of it."""
        return self._digest("collection", "").hex()[:16]

    def _word(self, what: str, value: str) -> str:
        return base64.b32encode(self._digest(what, _folded(value))).decode()[:_SIGNS]

    def _digest(self, what: str, value: str) -> bytes:
        return hmac.digest(self._key, f"{what}\0{value}".encode(), hashlib.sha256)

    def __repr__(self) -> str:
        """Without the key."""
        return f"Pseudonyms({self.fingerprint})"


def _folded(value: str) -> str:
    return unicodedata.normalize("NFC", " ".join(value.replace("\0", " ").split()))
