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
    is_placeholder,
    number_in_header,
    take_out,
)
from vmcore.data import class_counts, read_manifest
from vmcore.file_modes import keep_private
from vmcore.runs import RunError, prepared_from
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
    except (CollectionError, AuditError, RunError) as error:
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
    told = take_out(collection, numbers, _trail if settings().audit else None)
    sys.stdout.write(f"{told.pictures} pictures were taken out for good.\n")
    if told.unknown:
        sys.stdout.write(f"The audit trail does not know that {told.unknown} of them were kept.\n")
    for name in told.studies:
        sys.stdout.write(f"Prepare {name} again: it may hold copies.\n")
    if told.unnoted:
        raise AuditError(f"It is not in the audit trail. {told.unnoted}")


def _trail() -> AuditTrail:
    return AuditTrail(settings().store / AUDIT_FILE)


def _say_whose(collection: Collection) -> None:
    """Ask where no other program and no history of commands can see the answer."""
    rows = collection.rows()
    if not rows:  # no key is made either
        raise CollectionError(
            f"There is no collection called {collection.name} that holds a picture."
        )
    header = Dataset()
    header.PatientID = getpass.getpass("Patient ID: ")
    header.IssuerOfPatientID = getpass.getpass("Its issuer, empty where files name none: ")
    if is_placeholder(str(header.PatientID)):
        sys.stdout.write("This is no patient's number: such files count by their examination.\n")
        return
    number = number_in_header(header, collection.pseudonyms)
    held = [
        row
        for row in rows.values()
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
