"""What every object says of the program that made it, and who may be named in it."""

from __future__ import annotations

import re
import uuid
from typing import Any

from pydicom.uid import UID, generate_uid

import vmcore

NAME = "VentriScope"
DEVICE = f"{NAME} {NAME}"
"""Manufacturer and model of what it made, as a scan that is read says its device."""
PURPOSE = "Research use only."
_LONGEST_NAME = 63


def made_by() -> dict[str, Any]:
    """Arguments of highdicom's objects: General Equipment (PS3.3 C.7.5.1) and whom it is for (C.12.1)."""
    return {
        "manufacturer": NAME,
        "manufacturer_model_name": NAME,
        "software_versions": vmcore.__version__,
        "content_qualification": "RESEARCH",
        "specific_character_set": "ISO_IR 192",
    }


def new_uid() -> UID:
    """A UID that nobody else has (PS3.5 B.2)."""
    return generate_uid(prefix=None)


def device_uid() -> UID:
    """The UID of this version of the program as an observer, always the same."""
    named = uuid.uuid5(uuid.NAMESPACE_OID, f"{NAME} {vmcore.__version__}")
    return UID(f"2.25.{named.int}")


def person_name(text: str) -> str:
    """A name that somebody typed as a person name (PS3.5 6.2), without what parts its components.

    It is the first component whole, since nobody knows which part is the family name; a caret at its end
    says that this is meant.
    """
    plain = " ".join(re.sub(r"[\x00-\x1f\x7f\\=^]", " ", text).split())
    return f"{plain[:_LONGEST_NAME].strip()}^" if plain else ""
