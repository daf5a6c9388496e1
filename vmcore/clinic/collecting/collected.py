"""A collection of decided scans in the store, that a study is prepared from.

    STORE/collections/NAME/
      images/I….png     cleaned pictures, lossless, each under a number made of its pixels
      manifest.csv      path, label, subject_id, and what else is known (rows.py)
    STORE/collections/NAME.key   what the numbers are made with (deidentification/key.py)

A picture's file is there before the list names it and goes after the list has forgotten it, and the list is
renamed into place: what it names is whole, whenever something was cut off.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Collection as Some
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd
from filelock import FileLock, Timeout

from vmcore.clinic.collecting.decided import DecidedScan, told_of, why_not_kept
from vmcore.clinic.collecting.picture import picture_in, picture_png
from vmcore.clinic.collecting.rows import (
    IMAGES,
    JoiningError,
    Row,
    Rows,
    joined,
    of_subject,
    parted,
    rows_as_csv,
    rows_of_table,
)
from vmcore.clinic.collecting.subjects import SubjectNumber
from vmcore.clinic.deidentification.folder import CollectionError
from vmcore.clinic.deidentification.key import collection_pseudonyms
from vmcore.clinic.deidentification.pseudonyms import Pseudonyms
from vmcore.data.containment import COLLECTIONS
from vmcore.files import replacing
from vmcore.reporting.case import ReportedCase, picture_digest
from vmcore.runs import forget_cases
from vmcore.runs.access import require
from vmcore.settings import settings

DECIDED = "decided-scans"
"""The collection that the classify page keeps scans in."""
_MANIFEST = "manifest.csv"
_DECIDED_FIELDS = ("label", "label_from", "gestational_age_weeks", "atrial_width_mm")
_PATIENCE_S = 20.0
_NO_TIME = 315_532_800
_BOTH = "The same picture was decided twice, as normal and as ventriculomegaly; decide which it is first."


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one scan.

    Attributes:
        state: it is new, was there already, took the place of what was kept of the same pixels, or was
            refused.
        image: its number in the collection, also where it was refused.
        subject: whose it is by now: the row's own number, or that of another it turned out to be.
        said: a sentence about a label that changed, or why it was refused; else "".
    """

    state: Literal["new", "same", "replaced", "refused"]
    image: str
    subject: str
    said: str = ""


class Collection:
    """Decided scans that were kept for training; safe to share between threads and processes.

    Args:
        name: its name; the folder and the key are made with the first scan.
    """

    def __init__(self, name: str = DECIDED) -> None:
        self.name = name
        self.folder = settings().store / COLLECTIONS / name

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        """Numbers by the collection's key, which is made where there is none.

        Raises:
            CollectionError: an odd name, or a key that cannot be read or made.
        """
        return collection_pseudonyms(self.name)

    def rows(self) -> Rows:
        """What is kept, by images' numbers; read afresh.

        Raises:
            CollectionError: the list cannot be read.
        """
        try:
            table = pd.read_csv(self.folder / _MANIFEST, dtype=str, keep_default_na=False)
            return rows_of_table(table)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError):
            raise CollectionError("The collection's list cannot be read.") from None

    def number(self, pixels: str) -> str:
        """The number of a picture in this collection, by its digest (:func:`picture_digest`)."""
        return self.pseudonyms.image(pixels)

    def add(self, scans: Sequence[DecidedScan]) -> list[Kept]:
        """Keep scans: the same pixels once, with the newest decision of the same person.

        Returns:
            what became of each, in their order.

        Raises:
            NotAllowedError: it is not this person's to do.
            CollectionError: the store cannot be written to, or the list not read; nothing has changed.
        """
        require("classify")
        numbers = [self.number(picture_digest(scan.image)) for scan in scans]
        labels = Counter(
            {(number, scan.label) for number, scan in zip(numbers, scans, strict=True)}
        )
        twice = {number for number, count in Counter(n for n, _ in labels).items() if count > 1}
        with self._alone():
            before = rows = self.rows()
            self._sweep(before)
            said: list[Kept] = []
            turned_out: Rows = {}  # whose scans are that named no patient
            for number, scan in zip(numbers, scans, strict=True):
                new = self._row(number, scan)
                if scan.subject.subject in turned_out:
                    new = of_subject(new, turned_out[scan.subject.subject])
                try:
                    if number in twice:
                        raise JoiningError(_BOTH)
                    rows, new = joined(rows, new)
                except JoiningError as error:
                    said.append(Kept("refused", number, new.subject_id, str(error)))
                    continue
                if number not in rows:
                    _write(self.folder / new.path, picture_png(scan.image))
                if not scan.subject.known and new.subject_id != scan.subject.subject:
                    turned_out[scan.subject.subject] = new
                said.append(_became(rows.get(number), new))
                rows = rows | {number: new}
            if rows != before:
                _write(self.folder / _MANIFEST, rows_as_csv(rows.values()))
        # a later picture may have told whose an earlier one is
        return [
            Kept(one.state, one.image, rows[one.image].subject_id, one.said)
            if one.image in rows and one.state != "refused"
            else one
            for one in said
        ]

    def differs(self, row: Row, case: ReportedCase, *, weeks: float | None = None) -> bool:
        """Whether what would be kept of a frame now says something else than what is kept of its pixels.

        Asked are finding, whether it was accepted or corrected, width and gestational age: what a person
        says. Where nothing would be kept of it any more, that is something else, too.

        Args:
            row: what is kept.
            case: the answer and what was decided about it; its pixels are not asked for.
            weeks: gestational age, where it was told.
        """
        if why_not_kept(case, looked=True) is not None:
            return True
        scan = told_of(case, SubjectNumber(row.subject_id, row.patient_number), weeks=weeks)
        now = self._row(row.image, scan)
        return any(getattr(now, name) != getattr(row, name) for name in _DECIDED_FIELDS)

    def remove(self, *, images: Some[str] = (), subjects: Some[str] = ()) -> dict[str, str]:
        """Take pictures out for good, by their numbers or by whose they are.

        They go from the old cases that models are held against, too, and from these first: whatever was cut
        off can be done again. Studies that were prepared from the
        collection hold their copies until they are prepared again.

        Returns:
            the digest of each picture's pixels, by the number that it had; "" where its file was gone.

        Raises:
            NotAllowedError: it is not this person's to do.
            CollectionError: the store cannot be written to, or the list not read.
            RunError: the list of the old cases is damaged; the collection has not changed.
        """
        require("classify", "train")
        with self._alone():
            rows = self.rows()
            gone = {n: row for n, row in rows.items() if n in images or row.subject_id in subjects}
            if not gone:
                self._sweep(rows)  # what an earlier try could not remove
                return {}
            digests, sources = {}, set()
            for number, row in gone.items():
                digests[number], source = _digests(self.folder / row.path)
                sources.add(source)
            # first of all: once the list has forgotten a picture, nothing tells which old case is its copy
            forget_cases(sources - {""})
            left = parted({number: row for number, row in rows.items() if number not in gone})
            _write(self.folder / _MANIFEST, rows_as_csv(left.values()))
            self._sweep(left)
        return digests

    def _row(self, number: str, scan: DecidedScan) -> Row:
        weeks, width = scan.gestational_age_weeks, scan.atrial_width_mm
        return Row(
            number, scan.label, scan.subject.subject, str(scan.subject.known).lower(),
            "" if weeks is None else f"{weeks:.2f}", " ".join((scan.device or "").split()),
            "" if scan.plane_fits is None else str(scan.plane_fits).lower(),
            "" if width is None else f"{width:.1f}", scan.label_from, scan.answered_by or "",
            self.pseudonyms.person(scan.person), scan.subject.patient,
            scan.subject.subject if scan.subject.known and not scan.subject.inferred else "",
        )  # fmt: skip

    def _sweep(self, rows: Rows) -> None:
        """Remove pictures that the list does not name: taken out, or left by a crash."""
        if not (self.folder / _MANIFEST).is_file():  # then nothing says what is wanted
            return
        named = {row.path for row in rows.values()}
        for file in (self.folder / IMAGES).glob("*"):
            if f"{IMAGES}/{file.name}" not in named:
                file.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The collection, which nobody else changes meanwhile."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = self.folder.with_name(f"{self.name}.lock")
            with FileLock(lock, timeout=_PATIENCE_S):
                yield
        except Timeout:
            raise CollectionError("Somebody else is changing the collection; try again.") from None
        except OSError as error:
            raise CollectionError(
                f"The collection cannot be kept in the store ({error.strerror})."
            ) from None


def collection_names() -> list[str]:
    """The collections that hold anything, by name.

    Raises:
        CollectionError: the list of one cannot be read.
    """
    place = settings().store / COLLECTIONS
    names = sorted(file.parent.name for file in place.glob(f"*/{_MANIFEST}"))
    return [name for name in names if Collection(name).rows()]


def _write(path: Path, data: bytes | str) -> None:
    """Write atomically, with a time that does not tell when it was kept: 1 January 1980, as zips begin."""
    with replacing(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)
        os.utime(temporary, (_NO_TIME, _NO_TIME))


def _became(before: Row | None, new: Row) -> Kept:
    if before is None:
        return Kept("new", new.image, new.subject_id)
    if before == new:
        return Kept("same", new.image, new.subject_id)
    changed = before.label != new.label
    said = f"It was kept as {before.label}, and is kept as {new.label} now." if changed else ""
    return Kept("replaced", new.image, new.subject_id, said)


def _digests(png: Path) -> tuple[str, str]:
    """Of a kept picture's pixels, and of its file; "" for both where it is gone."""
    try:
        data = png.read_bytes()
        return picture_digest(picture_in(data)), hashlib.sha256(data).hexdigest()
    except (OSError, ValueError):
        return "", ""
