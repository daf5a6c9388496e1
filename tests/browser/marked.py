"""Scans, a study and a table of predictions that hold made-up names wherever a name can stand."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
from pydicom import dcmread
from pydicom.dataset import Dataset

from tests.canaries import Canaries
from tests.evaluation.support import table_of
from vmcore.data.phantom import Phantom, make_phantom, write_dicom, write_png
from vmcore.data.phantom.overlays import Drawn

IN_UPLOADS = (
    "patient", "number", "birthplace", "physician", "institution", "operator", "comment", "private",
    "seen", "upload",
)  # fmt: skip
IN_TABLES = ("case", "mother", "remark", "table")
IN_STUDIES = ("folder", "subject", "image", "referrer")
_SCAN = (600, 800)  # uncompressed, 1.4 MB: what is larger than 1 MiB went to the disk once
_WHITE = (255, 255, 255)


def made_up() -> dict[str, str]:
    """Names that stand nowhere else, by what they name; they begin alike and can be read by OCR."""
    stem = "".join(secrets.choice("BDFKMPRTV") + secrets.choice("AEU") for _ in range(5)).title()
    return {kind: stem + kind for kind in (*IN_UPLOADS, *IN_TABLES, *IN_STUDIES)}


def written_over(phantom: Phantom, words: str) -> tuple[Phantom, bytes]:
    """A phantom with a name in its picture, and a row of pixels that crosses the name."""
    height = phantom.image.shape[0]
    drawn = Drawn.blank(phantom.image)
    width = drawn.write(words, height - 60, 10, 28, _WHITE)
    row = drawn.text.sum(axis=1).argmax()
    return replace(phantom, image=drawn.image), drawn.image[row, 10 : 10 + width].tobytes()


def uploads(folder: Path, names: Mapping[str, str]) -> tuple[list[Path], Canaries]:
    """A DICOM file, a PNG file and a DICOM file that breaks off; and the name as they show it."""
    dicom, seen = written_over(make_phantom(14.0, 901, shape=_SCAN), names["seen"])
    png, seen_too = written_over(make_phantom(6.0, 902, shape=(360, 480)), names["seen"])
    whole = marked_dicom(folder / f"{names['upload']}-1.dcm", dicom, names)
    broken = folder / f"{names['upload']}-3.dcm"
    broken.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    files = [whole, write_png(folder / f"{names['upload']}-2.png", png), broken]
    return files, {"pixels of a DICOM file": seen, "pixels of a PNG file": seen_too}


def marked_dicom(path: Path, phantom: Phantom, names: Mapping[str, str]) -> Path:
    """A phantom whose header names people, in attributes, a sequence and private ones."""
    dataset = dcmread(write_dicom(path, phantom))
    dataset.PatientName, dataset.PatientID = f"{names['patient']}^ERIKA", names["number"]
    dataset.OtherPatientIDs, dataset.AccessionNumber = names["number"], names["number"]
    dataset.PatientAddress, dataset.PatientComments = names["birthplace"], names["comment"]
    dataset.ReferringPhysicianName = names["physician"]
    dataset.OperatorsName, dataset.InstitutionName = names["operator"], names["institution"]
    dataset.StationName, dataset.StudyDescription = names["number"], names["comment"]
    request = Dataset()
    request.RequestingPhysician, request.RequestedProcedureDescription = (
        names["physician"], names["comment"],
    )  # fmt: skip
    dataset.RequestAttributesSequence = [request]
    block = dataset.private_block(0x0011, "VENTRISCOPE TEST", create=True)
    block.add_new(0x01, "LO", names["private"])
    dataset.save_as(path, enforce_file_format=True)
    return path


def study(root: Path, names: Mapping[str, str], subjects: int = 12) -> Path:
    """A manifest whose folder, files, subjects and a column of its own are made-up names."""
    folder, rows = root / names["folder"], []
    for number in range(subjects):
        wide, subject = number % 2 == 1, f"{names['subject']}-{number}"
        path = f"{subject}/{names['image']}-{number}.dcm"
        (folder / path).parent.mkdir(parents=True)
        phantom = make_phantom(15.0 if wide else 6.0, 7000 + number, shape=(200, 260))
        marked_dicom(folder / path, phantom, names)
        rows.append((path, "vm" if wide else "normal", subject, names["referrer"]))
    broken = folder / f"{names['image']}-broken.dcm"
    broken.write_bytes((folder / rows[0][0]).read_bytes()[:9000])
    rows.append((broken.name, "normal", f"{names['subject']}-broken", names["referrer"]))
    table = pd.DataFrame(rows, columns=["path", "label", "subject_id", "referred_by"])
    table.to_csv(folder / "manifest.csv", index=False)
    return folder


def predictions(folder: Path, names: Mapping[str, str]) -> Path:
    """A table of predictions that names cases and people."""
    table = table_of(count=40)
    table["image"], table["subject"] = (
        names["case"] + table["image"], names["mother"] + table["subject"],
    )  # fmt: skip
    table["remark"] = names["remark"]
    path = folder / f"{names['table']}.csv"
    table.to_csv(path, index=False)
    return path
