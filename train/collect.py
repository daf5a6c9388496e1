"""Decided scans that were kept for training: ``python -m train.collect``.

Without options the collections of the store are listed. ``--prepare-as STUDY`` makes or refreshes a study of
one; ``--remove NUMBER`` takes a picture (I…) or all of a subject's (S…) out for good; ``--whose`` asks for a
patient's number and says which subject that is.
"""

from __future__ import annotations

import getpass
import sys

import tyro
from pydicom import Dataset

from train import prepare
from vmcore import RESEARCH_USE_ONLY
from vmcore.clinic import (
    AUDIT_FILE,
    DECIDED,
    AuditError,
    AuditTrail,
    Collection,
    CollectionError,
    collection_names,
    note_taken_out,
    number_in_header,
)
from vmcore.data import class_counts, read_manifest
from vmcore.file_modes import keep_private
from vmcore.runs import acting, prepared_from
from vmcore.settings import settings


def main(
    collection: tyro.conf.Positional[str] = DECIDED,
    *,
    prepare_as: str | None = None,
    remove: tyro.conf.UseAppendAction[tuple[str, ...]] = (),
    whose: bool = False,
) -> None:
    """List collections, prepare one as a study, or take pictures out of it.

    Args:
        collection: which one.
        prepare_as: the study that it is to be, or to be again.
        remove: the number of a picture (I…) or a subject (S…); may be given more than once.
        whose: ask for a patient's number, and its issuer, and say under which subject that patient is kept.
    """
    chosen = Collection(collection)
    try:
        if whose:
            _say_whose(chosen)
        if remove:
            _remove(chosen, set(remove))
        if prepare_as is not None:
            prepare.main(chosen.folder, prepare_as)
        if not (whose or remove or prepare_as):
            _list()
    except (CollectionError, AuditError) as error:
        sys.exit(str(error))
    sys.stdout.write(f"{RESEARCH_USE_ONLY}\n")


def _list() -> None:
    names = collection_names()
    if not names:
        sys.stdout.write("No scan has been kept for training so far.\n")
    for name in names:
        folder = Collection(name).folder
        sys.stdout.write(f"{name} ({folder})\n")
        for row in class_counts(read_manifest(folder / "manifest.csv")).to_dict("records"):
            sys.stdout.write(
                f"  {row['label']}: {row['images']} images of {row['subjects']} subjects\n"
            )
        for study in prepared_from(folder):
            sys.stdout.write(f"  study {study.name}: {study.state}\n")


def _remove(collection: Collection, numbers: set[str]) -> None:
    rows = collection.rows()
    unknown = numbers - rows.keys() - {row.subject_id for row in rows.values()}
    if unknown:
        raise CollectionError(f"{len(unknown)} of these numbers are not in the collection.")
    gone = collection.remove(images=numbers, subjects=numbers)
    sys.stdout.write(f"{len(gone)} pictures were taken out for good.\n")
    if settings().audit:
        trail = AuditTrail(settings().store / AUDIT_FILE)
        if left := note_taken_out(trail, acting().name, collection.name, gone):
            sys.stdout.write(f"The audit trail does not know that {left} of them were kept.\n")
    for study in prepared_from(collection.folder):
        sys.stdout.write(f"Prepare {study.name} again: it may hold copies.\n")


def _say_whose(collection: Collection) -> None:
    """Ask where no other program and no history of commands can see the answer."""
    header = Dataset()
    header.PatientID = getpass.getpass("Patient ID: ")
    header.IssuerOfPatientID = getpass.getpass("Its issuer, empty where files name none: ")
    number = number_in_header(header, collection.pseudonyms)
    held = [
        row
        for row in collection.rows().values()
        if number is not None and number.known and row.patient_number == number.patient
    ]
    if not held:
        sys.stdout.write("Nothing of this patient is kept.\n")
    for subject in sorted({row.subject_id for row in held}):
        count = sum(row.subject_id == subject for row in held)
        sys.stdout.write(f"{subject}: {count} pictures\n")


if __name__ == "__main__":
    keep_private()
    tyro.cli(main)
