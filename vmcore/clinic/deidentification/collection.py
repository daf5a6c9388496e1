"""Many files as a de-identified collection that training can read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vmcore.clinic.deidentification.deidentify import deidentify
from vmcore.clinic.deidentification.folder import (
    CollectionError,
    CollectionFolder,
    Row,
    label_word,
)
from vmcore.clinic.deidentification.header import DeidentifyOptions
from vmcore.clinic.deidentification.pseudonyms import Pseudonyms
from vmcore.imaging import ReadLimits, ScanError
from vmcore.imaging.reading import bytes_of

log = logging.getLogger(__name__)

_TWICE = "It is the same image, by its own number, as file {first}; one of them is enough."
_SUBJECTS_BY = "patient and issuer; examination where the patient's number is none"
_EVERY = 20  # images between two writings of the tables


@dataclass(frozen=True, slots=True)
class CollectionFile:
    """A file for a collection.

    Attributes:
        source: its bytes, or its path.
        label: what a person calls it, as in a manifest; None while nobody has decided.
        subject: what tells its patient (or fetus) from others, in place of the file's Patient ID.
        place: the site that it comes from, by a name that may be told; "" where that is nobody's business.
    """

    source: bytes | Path
    label: str | None = None
    subject: str | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """What became of the files that were given.

    Attributes:
        folder: of the collection.
        exported: how many files were written.
        listed: how many images the collection holds, those of earlier times included.
        undecided: how many of those written have no label, and so stand in undecided.csv.
        refused: a file's number, from 1 in the order given, and a sentence that says why it is not in it.
    """

    folder: Path
    exported: int
    listed: int
    undecided: int
    refused: tuple[tuple[int, str], ...]


def export_collection(
    files: Sequence[CollectionFile],
    out: Path,
    pseudonyms: Pseudonyms,
    options: DeidentifyOptions | None = None,
    *,
    limits: ReadLimits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CollectionReport:
    """De-identify files into a study's folder, with a manifest that ``train.prepare`` reads.

    A file that is refused stops none of the others. Run it again with the same files, with more, or
    after it was cut off: an image has the same name each time, and a new label takes the old one's place.

    Args:
        files: in any order.
        out: a new or empty folder, or a collection that the same key and options made.
        pseudonyms: by the collection's key, which stays in the store.
        options: what may stay beyond the Basic Profile.
        limits: the most that a file may claim.
        progress: told how many files are done, of how many.

    Raises:
        CollectionError: ``out`` is something else, or cannot be written to.
    """
    options = options or DeidentifyOptions()
    folder = CollectionFolder(out, _rules(pseudonyms, options))
    refused: list[tuple[int, str]] = []
    first_with: dict[str, int] = {}
    undecided = 0
    try:
        for number, file in enumerate(files, start=1):
            try:
                row, content = _image(file, pseudonyms, options, limits)
                if row.path in first_with:
                    raise ScanError(_TWICE.format(first=first_with[row.path]))
                folder.put(row, content)
                first_with[row.path] = number
                undecided += row.label is None
            except ScanError as error:
                refused.append((number, str(error)))
            if number % _EVERY == 0 and len(folder):
                folder.write_tables()
            if progress:
                progress(number, len(files))
        if len(folder):
            folder.write_tables()
    except OSError as error:
        raise CollectionError(
            f"The collection's folder cannot be written to ({error.strerror})."
        ) from None
    log.info("Collection: %d files written, %d refused", len(first_with), len(refused))
    return CollectionReport(out, len(first_with), len(folder), undecided, tuple(refused))


def _rules(pseudonyms: Pseudonyms, options: DeidentifyOptions) -> dict[str, Any]:
    """What tells this way of numbering from others; made by another one, images would stand twice."""
    return {"key": pseudonyms.fingerprint, **asdict(options), "subjects": _SUBJECTS_BY}


def _image(
    file: CollectionFile,
    pseudonyms: Pseudonyms,
    options: DeidentifyOptions,
    limits: ReadLimits | None,
) -> tuple[Row, bytes]:
    data = bytes_of(file.source, limits or ReadLimits())
    made = deidentify(data, pseudonyms, options, patient=file.subject, limits=limits)
    row = Row(
        f"{made.subject}/{made.name}.dcm",
        label_word(file.label),
        made.subject,
        made.subject_known,
        made.device,
        file.place,
    )
    return row, made.content
