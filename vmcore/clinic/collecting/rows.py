"""A collection's list: what is known of each kept picture, and how new ones join it.

One line a picture in manifest.csv (docs/data-format.md), by numbers alone; no date, which could tell
whose a picture is, and no name of whoever decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import pandas as pd

from vmcore import RESEARCH_USE_ONLY
from vmcore.reporting.spreadsheet import as_csv

IMAGES = "images"
"""The folder of the pictures."""
_CONTRADICTION = (
    "Somebody else called these very pixels {before}, you call them {now}: they stay as they are until that "
    "is taken out of the collection."
)
_TWO_PATIENTS = (
    "These very pixels are kept already under another patient's number; one of both files is not of whom it "
    "says."
)


class JoiningError(ValueError):
    """A picture that contradicts what is kept, with one sentence that says how."""


@dataclass(frozen=True, slots=True)
class Row:
    """A kept picture; "" is what nobody knows.

    Attributes:
        image: its number.
        label: what a person called it.
        subject_id: whose it is; ``subject_known``: "true" where a file or a person said so.
        gestational_age_weeks: as told.
        device: manufacturer and model.
        plane_fits: "true" where an atrium was measured in the plane.
        atrial_width_mm: a person's.
        label_from: accepted or corrected.
        answered_by: digest of the bundle that had answered.
        decided_by: a number for who decided.
        patient_number: the subject's without the number's issuer (:class:`SubjectNumber`).
        own_subject: whose the picture's own file, or a person, said that it is; "" where that was inferred
            from what it was kept together with. It differs from ``subject_id`` where a file without issuer
            made one subject of two.
    """

    image: str
    label: str
    subject_id: str
    subject_known: str
    gestational_age_weeks: str = ""
    device: str = ""
    plane_fits: str = ""
    atrial_width_mm: str = ""
    label_from: str = ""
    answered_by: str = ""
    decided_by: str = ""
    patient_number: str = ""
    own_subject: str = ""

    @property
    def path(self) -> str:
        """Where its picture lies in the collection."""
        return f"{IMAGES}/{self.image}.png"


_FIELDS = tuple(field.name for field in fields(Row))
Rows = dict[str, Row]
"""Rows by their image's number."""


def joined(rows: Rows, new: Row) -> tuple[Rows, Row]:
    """A row as it joins others, and these, in which subjects that turn out to be one are one.

    Args:
        rows: what is kept.
        new: of a picture that may be kept already.

    Raises:
        JoiningError: somebody else called the same pixels otherwise, or they are another patient's.
    """
    before = rows.get(new.image)
    if before is not None:
        if before.label != new.label and before.decided_by != new.decided_by:
            raise JoiningError(_CONTRADICTION.format(before=before.label, now=new.label))
        rows, new = _joined_again(rows, new, before)
    if not new.patient_number:
        return rows, new
    others = [row for row in rows.values() if row.patient_number == new.patient_number]
    if any(row.subject_id == row.patient_number for row in (*others, new)):  # one has no issuer
        new = replace(new, subject_id=new.patient_number)
        for other in {row.subject_id for row in others}:
            rows = _same(rows, other, new)
    return rows, new


def _joined_again(rows: Rows, new: Row, before: Row) -> tuple[Rows, Row]:
    """The same for pixels that are kept already: what was inferred of whose they are gives way."""
    if before.patient_number and new.patient_number not in {"", before.patient_number}:
        if before.own_subject and new.own_subject:
            raise JoiningError(_TWO_PATIENTS)
        if new.own_subject:
            return rows, new  # what is kept was but inferred
        return rows, replace(of_subject(new, before), own_subject=before.own_subject)
    if not new.patient_number:
        rows, new = _same(rows, new.subject_id, before), of_subject(new, before)
    elif not before.patient_number:
        rows = _same(rows, before.subject_id, new)
    return rows, replace(new, own_subject=new.own_subject or before.own_subject)


def parted(rows: Rows) -> Rows:
    """Rows in which issuers' patients are apart again once no picture without an issuer makes them one."""
    together = {
        row.subject_id
        for row in rows.values()
        if row.patient_number and row.own_subject in {"", row.patient_number}
    }
    return {
        image: replace(row, subject_id=row.own_subject)
        if row.own_subject and row.subject_id == row.patient_number not in together
        else row
        for image, row in rows.items()
    }


def merged_subjects(rows: Iterable[Row]) -> list[str]:
    """Subjects that a picture without an issuer has made of patients of more than one."""
    owns: dict[str, set[str]] = {}
    for row in rows:
        if row.own_subject and row.own_subject != row.patient_number == row.subject_id:
            owns.setdefault(row.subject_id, set()).add(row.own_subject)
    return sorted(subject for subject, own in owns.items() if len(own) > 1)


def _same(rows: Rows, subject: str, other: Row) -> Rows:
    """Rows in which all of one subject's are of another row's."""
    return {
        image: of_subject(row, other) if row.subject_id == subject else row
        for image, row in rows.items()
    }


def of_subject(row: Row, other: Row) -> Row:
    """A row that is of the same fetus as another one."""
    return replace(
        row, subject_id=other.subject_id, subject_known=other.subject_known,
        patient_number=other.patient_number,
    )  # fmt: skip


def rows_as_csv(rows: Iterable[Row]) -> str:
    """The list, ordered by images' numbers, so that it does not tell what came when."""
    ordered = sorted(rows, key=lambda row: row.image)
    cells = [[row.path, *(getattr(row, name) for name in _FIELDS[1:])] for row in ordered]
    table = pd.DataFrame(cells, columns=["path", *_FIELDS[1:]])
    return as_csv(table.assign(notice=RESEARCH_USE_ONLY))


def rows_of_table(table: pd.DataFrame) -> Rows:
    """The list as it was written, read as text.

    Raises:
        KeyError: it lacks a column.
    """
    rows: Rows = {}
    if (
        "own_subject" not in table.columns
    ):  # written before it was noted: then it counts as inferred
        table = table.assign(own_subject="")
    table = table[["path", *_FIELDS[1:]]]
    for told in table.to_dict("records"):
        image = str(told["path"]).removeprefix(f"{IMAGES}/").removesuffix(".png")
        values: dict[str, Any] = {name: str(told[name]) for name in _FIELDS[1:]}
        rows[image] = Row(image, **values)
    return rows
