"""A de-identified collection: text off every frame, a manifest that training reads, nobody named."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from tests.canaries import search
from tests.clinic.test_deidentify import errors
from tests.conftest import Configure
from tests.imaging.drawn import dataset_of, picture
from train.deidentify import DeidentifyArguments, main
from vmcore import RESEARCH_USE_ONLY
from vmcore.clinic import (
    CollectionError,
    CollectionFile,
    CollectionReport,
    Pseudonyms,
    collection_pseudonyms,
    deidentify,
    export_collection,
)
from vmcore.clinic.deidentification.pixels import clean_loop
from vmcore.data import prepare_study, read_manifest
from vmcore.imaging import Region, find_text, read_scan

NAME, NUMBER, HOSPITAL = "QUINTAVALLE", "PID-4711-08", "ST ELSEWHERE"
PSEUDONYMS = Pseudonyms(bytes(32))
INK = (240, 250, 235)


def named(dataset: Dataset, number: str = NUMBER, instance: str = "1.2.3") -> bytes:
    dataset.PatientName, dataset.PatientID = f"{NAME}^Ada", number
    dataset.InstitutionName, dataset.SOPInstanceUID = HOSPITAL, instance
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"1.2.9.{number[-2:]}", "1.2.8"
    dataset.Manufacturer, dataset.ManufacturerModelName = "=Maker", "Echo 7"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = instance
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def still(number: str = NUMBER, instance: str = "1.2.3") -> bytes:
    return named(dataset_of(picture()), number, instance)


def loop_with_names() -> tuple[bytes, np.ndarray, np.ndarray]:
    """30 frames of a real loop with a name over the tissue in each; which pixels it is; and the frames."""
    source = dcmread(get_testdata_file("examples_ybr_color.dcm"))
    frames = read_scan(Path(get_testdata_file("examples_ybr_color.dcm"))).frames.copy()
    frames = np.repeat(frames[::5, :, 84:], 5, axis=0)  # each held for a while, as in a slow loop
    inked = np.zeros(frames.shape[:3], np.uint8)
    for at, (frame, ink) in enumerate(zip(frames, inked, strict=True)):
        places = [(NAME, (60, 130)), ("ADA", (20, 60) if at // 5 % 2 else (170, 60))]
        for words, place in places:
            cv2.putText(ink, words, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1, 1, cv2.LINE_8)
        frame[ink > 0] = INK
    dataset = dataset_of(np.ascontiguousarray(frames), syntax=ExplicitVRLittleEndian)
    dataset.SOPClassUID = source.SOPClassUID
    dataset.FrameTime, dataset.FrameIncrementPointer = "33.3", 0x00181063
    return named(dataset, "PID-4711-09", "1.2.4"), inked > 0, frames


@pytest.fixture(scope="module")
def loop() -> tuple[bytes, np.ndarray, np.ndarray]:
    return loop_with_names()


@pytest.fixture(scope="module")
def collection(
    tmp_path_factory: pytest.TempPathFactory, loop: tuple[bytes, np.ndarray, np.ndarray]
) -> CollectionReport:
    files = [
        CollectionFile(still(), "VM", place="site-a"),
        CollectionFile(loop[0], "normal"),
        CollectionFile(still(instance="1.2.5")),
        CollectionFile(b"\x89PNG\r\n\x1a\n" + NAME.encode(), "normal"),
        CollectionFile(still(), "normal"),
    ]
    out = tmp_path_factory.mktemp("collections") / "out"
    done: list[tuple[int, int]] = []
    report = export_collection(files, out, PSEUDONYMS, progress=lambda *told: done.append(told))
    assert done == [(number, 5) for number in range(1, 6)]
    return report


def test_text_is_gone_from_every_frame_and_nothing_else_is(
    collection: CollectionReport, loop: tuple[bytes, np.ndarray, np.ndarray]
) -> None:
    _, inked, frames = loop
    (path,) = (path for path in collection.folder.rglob("*.dcm") if path.stat().st_size > 10**6)
    made = dcmread(path)
    after = made.pixel_array
    assert made.NumberOfFrames == 30
    assert after.shape == frames.shape
    changed = (after != frames).any(axis=(0, 3))
    for before, now, ink in zip(frames, after, inked, strict=True):
        assert ink.sum() > 300
        kept = (now == before).all(axis=2)
        assert not kept[ink].any()  # no pixel of a letter is as it was drawn
        assert np.corrcoef(now.max(axis=2)[ink | _ring(ink)], ink[ink | _ring(ink)])[0, 1] < 0.3
    assert [find_text(after[at]) for at in (0, 29)] == [(), ()]
    assert changed.mean() < 0.75  # most of it is the black beside the scan
    tissue = frames.mean(axis=0).mean(axis=2)[100:120, 60:110]
    assert not changed[100:110, 80:100].any()
    assert tissue.mean() > 1


def _ring(ink: np.ndarray) -> np.ndarray:
    """The pixels next to a letter's, which would show its shape by contrast."""
    return cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~ink


def test_what_is_refused_is_told_by_its_number_alone(collection: CollectionReport) -> None:
    assert (collection.exported, collection.listed, collection.undecided) == (3, 3, 1)
    (first, why), (second, twice) = collection.refused
    assert (first, second) == (4, 5)
    assert "no DICOM" in why
    assert "as file 1" in twice


def test_nobody_is_named_anywhere(collection: CollectionReport) -> None:
    canaries = {"name": NAME, "number": NUMBER, "hospital": HOSPITAL, "uid": "1.2.9.08"}
    assert search([collection.folder], canaries) == {}
    assert search([collection.folder], {"ours": "VENTRISCOPE"})  # the search reads these files


def test_the_manifest_says_what_is_known(collection: CollectionReport) -> None:
    table = read_manifest(collection.folder / "manifest.csv")
    assert sorted(table["label"]) == ["normal", "ventriculomegaly"]
    undecided = read_undecided(collection.folder)
    images = {*table["path"], *undecided}
    assert images == {
        str(path.relative_to(collection.folder)) for path in collection.folder.rglob("*.dcm")
    }
    of_one = table["subject_id"][table["label"] == "ventriculomegaly"].item()
    assert undecided[0].startswith(of_one)  # the same patient's
    assert table["subject_known"].all()
    assert set(table["notice"]) == {RESEARCH_USE_ONLY}
    assert set(table["device"]) == {"'=Maker Echo 7"}  # no formula to a spreadsheet
    assert "site-a" in table["source"].to_list()
    about = json.loads((collection.folder / "collection.json").read_text())
    assert about["key"] == PSEUDONYMS.fingerprint
    assert bytes(32).hex() not in (collection.folder / "collection.json").read_text()


def read_undecided(folder: Path) -> list[str]:
    rows = (folder / "undecided.csv").read_text().splitlines()[1:]
    return [row.split(",")[0] for row in rows]


def test_a_loop_is_valid_in_both_ways_to_write_it(
    collection: CollectionReport, tmp_path: Path
) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    capture = dataset_of(np.stack([picture()[..., 0]] * 2), colour="MONOCHROME2")
    capture.SOPClassUID, capture.ConversionType = SecondaryCaptureImageStorage, "SYN"
    made = deidentify(named(capture), PSEUDONYMS).content
    (tmp_path / "capture.dcm").write_bytes(made)
    for path in (*collection.folder.rglob("*.dcm"), tmp_path / "capture.dcm"):
        assert errors(path) == set()


def test_training_prepares_it(collection: CollectionReport, tmp_path: Path) -> None:
    study = prepare_study(collection.folder, tmp_path / "study", workers=1)
    assert {row["label"]: row["images"] for row in study.report.counts} == {
        "normal": 1,
        "ventriculomegaly": 1,
    }


def test_a_label_that_comes_later_takes_its_place(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_collection([CollectionFile(still())], out, PSEUDONYMS)
    assert not (out / "manifest.csv").exists()
    before = (out / read_undecided(out)[0]).read_bytes()
    report = export_collection([CollectionFile(still(), "normal")], out, PSEUDONYMS)
    assert report.listed == 1
    assert not (out / "undecided.csv").exists()
    (path,) = read_manifest(out / "manifest.csv")["path"]
    assert (out / path).read_bytes() == before
    with pytest.raises(CollectionError, match="another key"):
        export_collection([CollectionFile(still())], out, Pseudonyms(bytes(31) + b"1"))
    about = json.loads((out / "collection.json").read_text())
    del about["subjects"]  # as of the versions that numbered patients otherwise
    (out / "collection.json").write_text(json.dumps(about))
    with pytest.raises(CollectionError, match="by other rules"):
        export_collection([CollectionFile(still())], out, PSEUDONYMS)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(CollectionError, match="something else"):
        export_collection([CollectionFile(still())], tmp_path, PSEUDONYMS)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_command_keeps_the_key_in_the_store(
    tmp_path: Path, configured: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    configured(store=str(tmp_path / "store"))
    folder = tmp_path / "scans" / NAME
    folder.mkdir(parents=True)
    (folder / "a.dcm").write_bytes(still())
    main(DeidentifyArguments(tmp_path / "scans", tmp_path / "out", collection="heads"))
    told = capsys.readouterr()
    assert "1 files de-identified, 0 left out" in told.out
    assert RESEARCH_USE_ONLY in told.out
    assert NAME not in told.out + told.err
    key = tmp_path / "store" / "collections" / "heads.key"
    assert key.stat().st_mode & 0o077 == 0
    assert collection_pseudonyms("heads").fingerprint == collection_pseudonyms("heads").fingerprint
    assert search([tmp_path / "out"], {"key": key.read_text()[:20], "name": NAME}) == {}
    with pytest.raises(CollectionError, match="name is up to"):
        collection_pseudonyms("../heads")


def test_without_a_region_the_top_is_black() -> None:
    frames = np.stack([picture()] * 2)
    cleaned = clean_loop(frames, None)
    assert not cleaned.frames[:, :13].any()
    assert cleaned.mask[:13].all()
    inside = clean_loop(frames, Region(40, 50, 100, 100))
    assert inside.mask[:40].all()
    assert inside.mask[:, :50].all()


def test_cleaning_a_loop_tells_how_far_it_is_and_can_be_stopped() -> None:
    first, second = picture(), picture().copy()
    second[100:120, 60:90] += 20
    frames = np.stack([first, first, second])
    told: list[tuple[int, int]] = []
    clean_loop(frames, None, lambda *done: told.append(done))
    assert told[-1] == (3, 3)
    assert (2, 3) in told  # a frame that is there twice is looked through once

    def stop(done: int, count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        clean_loop(frames, None, stop)
