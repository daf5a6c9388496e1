"""By which number a collection knows whose a scan is: keyed digests, so that one fetus stays one subject."""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydicom import Dataset

from vmcore.clinic.deidentification.pseudonyms import Pseudonyms
from vmcore.clinic.deidentification.values import first_text, is_placeholder


@dataclass(frozen=True, slots=True)
class SubjectNumber:
    """Whose a scan is, in numbers of one collection.

    Attributes:
        subject: of patient and issuer; of the examination, or of what was kept together, without a patient.
        patient: of the patient's identifier without its issuer, which not every file names; "" without a
            patient. Scans of one such number count as one subject as long as one of them has no issuer.
        inferred: whether that comes from what the scan was kept with, and gives way to a file's own.
    """

    subject: str
    patient: str = ""
    inferred: bool = False

    @property
    def known(self) -> bool:
        """Whether a file named its patient."""
        return bool(self.patient)


def number_in_header(header: Dataset, pseudonyms: Pseudonyms) -> SubjectNumber | None:
    """The number of whom a file names: Patient ID and Issuer of Patient ID (PS3.3 C.7.1.1).

    Args:
        header: of the original file, names and all; nothing of it is kept.
        pseudonyms: of the collection.

    Returns:
        the examination's, by its Study Instance UID, where no patient is named, or by a placeholder
        (:func:`vmcore.clinic.deidentification.values.is_placeholder`); None without either.
    """
    patient = first_text(header, "PatientID")
    if patient and not is_placeholder(patient):
        alone = _number(pseudonyms, "patient", patient)
        issuer = first_text(header, "IssuerOfPatientID")
        both = _number(pseudonyms, "patient", patient, issuer) if issuer else alone
        return SubjectNumber(both, alone)
    study = first_text(header, "StudyInstanceUID")
    return SubjectNumber(_number(pseudonyms, "study", study)) if study else None


def number_of_group(token: str, pseudonyms: Pseudonyms) -> SubjectNumber:
    """The number of scans that were kept together, of which no file says whose they are.

    Args:
        token: the same for them and for nothing else; chance.
        pseudonyms: of the collection.
    """
    return SubjectNumber(_number(pseudonyms, "group", token))


def _number(pseudonyms: Pseudonyms, *said: str) -> str:
    return pseudonyms.subject(json.dumps(said, ensure_ascii=False))
