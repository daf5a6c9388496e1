"""A collection on disk: images, manifest.csv that training reads, and whose numbers are in it.

    FOLDER/
      S…/I….dcm         a folder a patient, a file an image, both by pseudonym
      manifest.csv      path, label, subject_id, subject_known, device, source, notice (docs/data-format.md)
      undecided.csv     the same for images that nobody has called normal or ventriculomegaly
      collection.json   which key and which rules it was made with

An image's file is there before its row is, and every file is renamed into place: what the tables list
is whole, whenever the making of it was cut off.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vmcore import RESEARCH_USE_ONLY
from vmcore.clinic.deidentification.profile import EDITION
from vmcore.data.manifest import LABELS
from vmcore.files import write_atomically
from vmcore.reporting.spreadsheet import as_csv

_MANIFEST, _UNDECIDED, _ABOUT = "manifest.csv", "undecided.csv", "collection.json"
_COLUMNS = ["path", "label", "subject_id", "subject_known", "device", "source", "notice"]
_UNLABELLED = "undecided"
_OTHER = (
    "This folder's collection was made with another key or by other rules; numbers would not fit. "
    "Take another folder."
)


class CollectionError(ValueError):
    """A collection that cannot be made or added to, with one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One image of a collection, by pseudonyms alone."""

    path: str
    label: str | None
    subject_id: str
    subject_known: bool
    device: str
    source: str


class CollectionFolder:
    """The folder that a collection is put in.

    Args:
        folder: new, empty, or a collection of the same key and rules.
        rules: what tells this way of making it from others; plain values.

    Raises:
        CollectionError: a folder of something else, or that cannot be read.
    """

    def __init__(self, folder: Path, rules: dict[str, Any]) -> None:
        self.folder = folder
        self._about = {"profile": f"DICOM PS3.15 {EDITION}", **rules, "notice": RESEARCH_USE_ONLY}
        try:
            self._rows = self._read()
        except (OSError, UnicodeError, KeyError, TypeError, pd.errors.ParserError):
            raise CollectionError("The folder's collection cannot be read.") from None

    def put(self, row: Row, content: bytes) -> None:
        """Write an image, and list it with the next :meth:`write_tables`."""
        write_atomically(self.folder / row.path, content)
        self._rows[row.path] = row

    def write_tables(self) -> None:
        """List all images that are there."""
        write_atomically(self.folder / _ABOUT, json.dumps(self._about, indent=1) + "\n")
        rows = [self._rows[path] for path in sorted(self._rows)]
        decided = [row for row in rows if row.label is not None]
        undecided = [row for row in rows if row.label is None]
        for name, some in ((_MANIFEST, decided), (_UNDECIDED, undecided)):
            if some:
                write_atomically(self.folder / name, _csv(some))
            else:
                (self.folder / name).unlink(missing_ok=True)

    def __len__(self) -> int:
        """How many images are listed."""
        return len(self._rows)

    def _read(self) -> dict[str, Row]:
        if not self.folder.exists():
            return {}
        if not self.folder.is_dir() or (
            any(self.folder.iterdir()) and not (self.folder / _ABOUT).is_file()
        ):
            raise CollectionError("The folder holds something else; name a new or empty one.")
        if not (self.folder / _ABOUT).is_file():
            return {}
        try:
            about = json.loads((self.folder / _ABOUT).read_text("utf-8"))
        except ValueError:
            raise CollectionError("The folder's collection cannot be read.") from None
        if about != self._about:
            raise CollectionError(_OTHER)
        rows: dict[str, Row] = {}
        for name in (_MANIFEST, _UNDECIDED):
            if (self.folder / name).is_file():
                table = pd.read_csv(self.folder / name, dtype=str, keep_default_na=False)
                rows |= {row["path"]: _row(row) for row in table.to_dict("records")}
        return rows


def label_word(label: str | None) -> str | None:
    """A label as "normal" or "ventriculomegaly", however a manifest says it; None for anything else."""
    number = LABELS.get(str(label or "").strip().lower())
    return None if number is None else ("normal", "ventriculomegaly")[number]


def _row(told: dict[Any, str]) -> Row:
    return Row(
        told["path"],
        label_word(told["label"]),
        told["subject_id"],
        told["subject_known"] == "true",
        told["device"],
        told["source"],
    )


def _csv(rows: Iterable[Row]) -> str:
    cells = [
        [
            row.path,
            row.label or _UNLABELLED,
            row.subject_id,
            str(row.subject_known).lower(),
            row.device,
            row.source,
            RESEARCH_USE_ONLY,
        ]
        for row in rows
    ]
    return as_csv(pd.DataFrame(cells, columns=_COLUMNS))
