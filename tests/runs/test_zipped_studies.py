"""A study that comes as a zip is prepared like any other, and its originals do not stay."""

from __future__ import annotations

import io
import os
import shutil
import time
import zipfile
from pathlib import Path
from typing import IO

import pytest

from tests.canaries import search
from tests.conftest import Configure
from vmcore.data import ManifestError, StoredStudy, load_study, refuse_other_root
from vmcore.data.origin import note_origin
from vmcore.data.phantom import make_phantom, write_png
from vmcore.data.unpacking import Unpacked
from vmcore.runs import (
    NotAllowedError,
    Person,
    RunError,
    all_studies,
    came_as_zip,
    continue_preparing,
    delete_study,
    identify_by,
    local_user,
    note_request,
    prepared_from,
    start_from_zip,
    start_preparing,
    stop_preparing,
    study_status,
    sweep_unpacked,
    zipped_studies,
)
from vmcore.runs.locks import hold

NAMES = {"file": "Bakudemilorat", "subject": "Bakudepanivos", "enclosing": "Bakudesiteral"}


@pytest.fixture
def own_store(configured: Configure, tmp_path: Path) -> Path:
    configured(store=str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Class folders of two subjects, called after people."""
    place, stream = tmp_path_factory.mktemp("phantoms"), io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for seed, label in enumerate(("normal", "VM")):
            file = write_png(place / f"{seed}.png", make_phantom(12.0, seed, shape=(120, 160)))
            name = f"{NAMES['enclosing']}/{label}/{NAMES['subject']}/{NAMES['file']}-{seed}.png"
            made.writestr(name, file.read_bytes())
    return stream.getvalue()


def until_done(folder: Path, seconds: float = 60) -> str:
    ends = time.monotonic() + seconds
    while study_status(folder).state == "preparing":
        assert time.monotonic() < ends
        time.sleep(0.1)
    return study_status(folder).state


def test_a_zip_becomes_a_study_whose_names_stay_in_its_own_list(
    own_store: Path, archive: bytes
) -> None:
    folder, told = start_from_zip(io.BytesIO(archive), "clinic")
    assert told.scans == 2
    assert until_done(folder) == "ready", (folder / "log.txt").read_text()
    study = load_study(folder)
    assert study.table["subject_id"].tolist() == [NAMES["subject"]] * 2
    assert study.images().shape == (2, 3, 224, 224)
    assert came_as_zip(folder)
    assert not (folder / "originals").exists()
    prepared = set((folder / "prepared").rglob("*"))
    named = {path for path in search([own_store], NAMES) if path not in prepared}
    assert {path.name for path in named} == {"manifest.csv", "study.json", "anatomy.csv"}
    assert not search([own_store], {"enclosing": NAMES["enclosing"]})
    with pytest.raises(RunError, match="called clinic already"):
        start_from_zip(io.BytesIO(archive), "clinic")
    (folder / "originals").mkdir()  # as a crash in the last moment leaves it
    sweep_unpacked()
    assert not (folder / "originals").exists()
    (folder / "study.json").unlink()  # as if it had been stopped
    with pytest.raises(RunError, match="Give the zip once more"):
        continue_preparing(folder)
    with pytest.raises(ManifestError, match="damaged"):
        start_from_zip(io.BytesIO(archive[:-40]), "clinic")
    assert (folder / "manifest.csv").is_file()  # what is there stays
    delete_study(folder)
    assert all_studies() == []


def test_what_is_wrong_is_said_at_once_and_leaves_nothing(own_store: Path, archive: bytes) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made, zipfile.ZipFile(io.BytesIO(archive)) as good:
        made.writestr("scans/a.png", good.read(good.infolist()[0]))  # in no class
    with pytest.raises(ManifestError, match="no scans in folders called normal"):
        start_from_zip(stream, "clinic")
    with pytest.raises(ManifestError, match="damaged"):
        start_from_zip(io.BytesIO(archive[:-40]), "clinic")
    with pytest.raises(RunError, match="name is up to 60"):
        start_from_zip(io.BytesIO(archive), "../clinic")
    identify_by(lambda: Person("eve", frozenset({"classify"})))
    try:
        with pytest.raises(NotAllowedError):
            start_from_zip(io.BytesIO(archive), "clinic")
    finally:
        identify_by(local_user)
    assert list((own_store / "studies").glob("*")) == []


def test_a_study_of_a_folder_is_not_taken_over(own_store: Path, archive: bytes) -> None:
    other = own_store / "studies/other"
    other.mkdir(parents=True)
    (other / "request.json").write_text('{"source": "/somewhere"}')
    with pytest.raises(RunError, match="prepared from a folder"):
        start_from_zip(io.BytesIO(archive), "other")
    assert [path.name for path in other.iterdir()] == ["request.json"]


def test_a_study_is_prepared_again_only_where_that_is_asked_for(
    own_store: Path, phantom_study: StoredStudy
) -> None:
    scans, folder = phantom_study.originals, own_store / "studies/clinic"
    shutil.copytree(phantom_study.folder, folder)
    note_request(folder, scans, ())
    with pytest.raises(RunError, match="already"):
        start_preparing(scans, "clinic")
    start_preparing(scans, "clinic", again=True)
    with pytest.raises(RunError, match="already"):  # it is being prepared now
        start_preparing(scans, "clinic", again=True)
    stop_preparing(folder)
    assert [study.name for study in prepared_from(scans)] == ["clinic"]
    assert prepared_from(scans.parent) == []


def test_of_two_that_come_under_one_name_the_first_keeps_its_files(
    own_store: Path, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second comes in whole while the first is being unpacked; the first then finds the name taken."""
    unpack, came = zipped_studies.unpack_study, []

    def slowly(stream: IO[bytes], folder: Path) -> Unpacked:
        if not came:
            came.append(folder)
            came.append(start_from_zip(io.BytesIO(archive), "clinic")[0])
        return unpack(stream, folder)

    monkeypatch.setattr(zipped_studies, "unpack_study", slowly)
    with pytest.raises(RunError, match="already"):
        start_from_zip(io.BytesIO(archive), "clinic")
    folder = own_store / "studies/clinic"
    assert len(list((folder / "originals").rglob("*.png"))) == 2
    assert [path.name for path in (own_store / "studies").iterdir()] == ["clinic"]
    stop_preparing(folder)


def test_a_zip_that_is_no_study_leaves_the_originals_of_one_that_was_stopped(
    own_store: Path, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = own_store / "studies/clinic"
    (folder / "originals/normal").mkdir(parents=True)
    (folder / "originals/normal/1.png").write_bytes(b"a scan")
    note_request(folder, folder / "originals", ())
    stray = io.BytesIO()
    with zipfile.ZipFile(stray, "w") as made, zipfile.ZipFile(io.BytesIO(archive)) as good:
        made.writestr("scans/a.png", good.read(good.infolist()[0]))
    with pytest.raises(ManifestError):
        start_from_zip(stray, "clinic")
    assert (folder / "originals/normal/1.png").read_bytes() == b"a scan"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "/secret/name")

    monkeypatch.setattr(zipped_studies, "begin_preparing", full)
    with pytest.raises(RunError, match=r"\(No space left on device\)") as said:
        start_from_zip(io.BytesIO(archive), "clinic")
    assert "secret" not in str(said.value)
    assert (folder / "originals/normal/1.png").read_bytes() == b"a scan"
    with pytest.raises(RunError, match="No space"):
        start_from_zip(io.BytesIO(archive), "new")
    assert [path.name for path in (own_store / "studies").iterdir()] == ["clinic"]


def test_what_a_crash_left_while_unpacking_is_swept_and_what_is_under_way_is_not(
    own_store: Path,
) -> None:
    left, used = (own_store / f"studies/.unpacking-{name}" for name in ("left", "used"))
    for place in (left, used):
        (place / "originals").mkdir(parents=True)
        (place / "unpacking.lock").touch()
    descriptor = hold(used / "unpacking.lock")
    sweep_unpacked()
    assert [path.name for path in (own_store / "studies").iterdir()] == [used.name]
    assert descriptor is not None
    os.close(descriptor)


def test_a_store_that_was_moved_knows_what_its_studies_were_prepared_from(
    own_store: Path, configured: Configure, tmp_path: Path
) -> None:
    zipped, collected = own_store / "studies/zipped", own_store / "studies/collected"
    collection = own_store / "collections/decided-scans"
    for folder, source in ((zipped, zipped / "originals"), (collected, collection)):
        folder.mkdir(parents=True)
        note_request(folder, source, ())
        note_origin(folder, source)
        (folder / "manifest.csv").touch()
    moved = tmp_path / "moved"
    own_store.rename(moved)
    configured(store=str(moved))
    assert came_as_zip(moved / "studies/zipped")
    there = moved / "collections/decided-scans"
    assert [study.name for study in prepared_from(there)] == ["collected"]
    refuse_other_root(moved / "studies/collected", there)
    with pytest.raises(ManifestError, match="another folder"):
        refuse_other_root(moved / "studies/collected", tmp_path)
