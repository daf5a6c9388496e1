"""Prepared images: each its own, kept only where it is the same, never wrong after a crash."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT, Configure
from train.prepare import main
from vmcore.data import (
    ManifestError,
    StoredStudy,
    load_prepared,
    load_study,
    prepare_images,
    prepare_study,
    prepared_path,
    reject,
    rejected,
)
from vmcore.data.phantom import make_phantom, write_dicom, write_png
from vmcore.imaging import CleaningSettings, clean_frame, read_scan, to_model_pixels
from vmcore.runs import RunError, all_studies, start_preparing, studies_folder


def grey(value: int) -> bytes:
    done, encoded = cv2.imencode(".png", np.full((48, 64), value, np.uint8))
    assert done
    return encoded.tobytes()


def place(root: Path, files: dict[str, int]) -> pd.DataFrame:
    """Grey pictures by name; their manifest."""
    for name, value in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(grey(value))
    return pd.DataFrame({"path": list(files)})


def values(manifest: pd.DataFrame, folder: Path) -> list[int]:
    return [int(image[0, 0, 0]) for image in load_prepared(manifest, folder)]


def test_every_name_is_an_image_of_its_own(tmp_path: Path) -> None:
    root = tmp_path / "raw"
    files = {"a/1.2.840.1": 10, "a/1.2.840.2": 20, "a/x.png": 30, "a/x.jpg": 40, "a/x": 50}
    place(root, files)
    phantom = make_phantom(9.0, 1, shape=(200, 260))
    write_dicom(root / "a/x.dcm", phantom)
    manifest = pd.DataFrame({"path": [*files, "a/x.dcm"]})
    report = prepare_images(manifest, root, tmp_path / "p", workers=1)
    assert report.made == 6
    assert values(manifest, tmp_path / "p")[:5] == list(files.values())
    scan = read_scan(root / "a/x.dcm")
    expected = to_model_pixels(clean_frame(scan.frames[0], region=scan.region).image)
    own = load_prepared(manifest.iloc[5:], tmp_path / "p")[0]
    np.testing.assert_array_equal(own.transpose(1, 2, 0), expected)
    assert (tmp_path / "p/a/x.dcm.png").is_file()


def test_an_image_is_kept_only_for_the_same_file_settings_and_version(tmp_path: Path) -> None:
    root, folder = tmp_path / "raw", tmp_path / "p"
    manifest = place(root, {"a.png": 10, "b.png": 20})
    usual, other = CleaningSettings(), CleaningSettings(top_strip=0.2)

    def made(settings: CleaningSettings) -> int:
        return prepare_images(manifest, root, folder, settings=settings, workers=1).made

    assert [made(usual), made(usual)] == [2, 0]
    (root / "b.png").write_bytes(grey(77))
    assert [made(usual), made(usual)] == [1, 0]
    assert values(manifest, folder) == [10, 77]
    assert [made(other), made(other)] == [2, 0]
    record = folder / "a.png.png.json"
    known = json.loads(record.read_text())
    assert known["source"] == hashlib.sha256(grey(10)).hexdigest()
    record.write_text(json.dumps(known | {"version": known["version"] - 1}))
    assert [made(other), made(other)] == [1, 0]
    record.write_text("{")
    assert [made(other), made(other)] == [1, 0]
    prepared_path(folder, "a.png").write_bytes(grey(3))  # not what the record was written for
    assert made(other) == 1
    assert values(manifest, folder) == [10, 77]


def test_an_image_that_became_unreadable_is_not_there_any_more(tmp_path: Path) -> None:
    root, folder = tmp_path / "raw", tmp_path / "p"
    manifest = place(root, {"a.png": 10})
    prepare_images(manifest, root, folder, workers=1)
    (root / "a.png").write_bytes(b"nothing")
    report = prepare_images(manifest, root, folder, workers=1)
    assert list(report.unreadable) == ["a.png"]
    with pytest.raises(FileNotFoundError, match="Image 1 is not prepared"):
        load_prepared(manifest, folder)
    (root / "a.png").unlink()
    assert "cannot be opened" in prepare_images(manifest, root, folder).unreadable["a.png"]


_CRASH = """
import os, signal, sys
from pathlib import Path
import pandas as pd
from vmcore.data import prepare_images
root, folder, names, stop = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(), int(sys.argv[4])
def counted(call, seen=[0]):
    def step(*given, **named):
        seen[0] += 1
        if seen[0] == stop:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*given, **named)
    return step
os.replace = counted(os.replace)
os.unlink = counted(os.unlink)
prepare_images(pd.DataFrame({"path": names}), root, folder, workers=1)
"""


@pytest.mark.long
def test_a_crash_at_any_moment_leaves_no_wrong_image(tmp_path: Path) -> None:
    """The process is killed before each of its changes in turn; the files have changed before."""
    names = {"a.png": 10, "b.png": 20}
    for step in range(1, 7):  # a record removed, an image and a record put in place, for each file
        root, folder = tmp_path / f"raw-{step}", tmp_path / f"p-{step}"
        manifest = place(root, names)
        prepare_images(manifest, root, folder, workers=1)
        place(root, {"a.png": 110, "b.png": 120})
        given = [str(root), str(folder), " ".join(names), str(step)]
        ended = subprocess.run([sys.executable, "-c", _CRASH, *given], cwd=ROOT, check=False)
        assert ended.returncode == -signal.SIGKILL
        report = prepare_images(manifest, root, folder, workers=1)
        assert report.made + report.kept == 2
        assert values(manifest, folder) == [110, 120]


def clinic(root: Path, count: int = 4) -> Path:
    """Class folders with a subject a folder."""
    for seed in range(count):
        label = "normal" if seed % 2 == 0 else "vm"
        (root / label / f"p{seed}").mkdir(parents=True, exist_ok=True)
        phantom = make_phantom(8.0 + 3 * (seed % 2), seed, shape=(120, 160))
        write_png(root / f"{label}/p{seed}/1.png", phantom)
    return root


def prepared(source: Path, folder: Path) -> StoredStudy:
    return prepare_study(source, folder, workers=1)


def test_a_study_of_another_folder_is_refused_and_stays(tmp_path: Path) -> None:
    first, other = clinic(tmp_path / "first"), clinic(tmp_path / "other")
    study = prepared(first, tmp_path / "study")
    reject(study.folder, ["vm/p1/1.png"])
    before = {file: file.read_bytes() for file in study.folder.rglob("*") if file.is_file()}
    with pytest.raises(ManifestError, match="prepared from another folder"):
        prepared(other, study.folder)
    assert {f: f.read_bytes() for f in study.folder.rglob("*") if f.is_file()} == before
    (study.folder / "study.json").unlink()  # as while it is prepared again
    with pytest.raises(ManifestError, match="prepared from another folder"):
        prepared(other, study.folder)


def test_the_same_folder_again_takes_in_what_is_new_changed_or_gone(tmp_path: Path) -> None:
    root, folder = clinic(tmp_path / "scans", 6), tmp_path / "study"
    prepared(root, folder)
    reject(folder, ["normal/p0/1.png", "vm/p1/1.png"])
    write_png(root / "normal/p0/2.png", make_phantom(7.0, 50, shape=(120, 160)))
    write_png(root / "vm/p1/1.png", make_phantom(14.0, 51, shape=(120, 160)))
    (root / "vm/p5/1.png").unlink()
    study = prepared(root, folder)
    paths = study.table["path"].tolist()
    assert "normal/p0/2.png" in paths
    assert "vm/p1/1.png" in paths  # a person rejected another picture
    assert rejected(folder) == {"normal/p0/1.png"}
    assert "1 images that were rejected have another content" in " ".join(study.report.concerns())
    assert not list(folder.glob("prepared/vm/p5*"))
    expected = [hashlib.sha256((root / path).read_bytes()).hexdigest() for path in paths]
    assert study.source_digests() == expected
    for path, image in zip(paths, study.images(), strict=True):
        clean = clean_frame(read_scan(root / path).frames[0]).image
        np.testing.assert_array_equal(image.transpose(1, 2, 0), to_model_pixels(clean))
    (folder / "prepared" / f"{paths[0]}.png.json").unlink()
    with pytest.raises(ManifestError, match="1 images are not prepared"):
        study.source_digests()


def as_an_older_version_left_it(folder: Path) -> None:
    for file in (folder / "prepared").rglob("*.png"):
        file.rename(file.with_name(file.name.removesuffix(".png")))
    for file in (folder / "prepared").rglob("*.json"):
        file.unlink()
    (folder / "source.json").unlink()
    report = json.loads((folder / "study.json").read_text())
    for name in ("unknown_subjects", "series_names", "no_scans", "beside", "changed_rejected"):
        del report[name]
    (folder / "study.json").write_text(json.dumps(report))
    (folder / "rejected.csv").write_text("path\nvm/p1/1.png\n")


def test_a_study_of_an_older_version_is_told_so_and_prepared_again(
    tmp_path: Path, store: Path
) -> None:
    root, folder = clinic(tmp_path / "scans"), studies_folder() / "old"
    prepared(root, folder)
    as_an_older_version_left_it(folder)
    with pytest.raises(ManifestError, match=r"another version.*Prepare it again from the same"):
        load_study(folder)
    (stands,) = all_studies()
    assert stands.state == "stopped"  # so that the page offers to go on
    assert "another version" in stands.reason
    with pytest.raises(ManifestError, match="prepared from another folder"):
        start_preparing(clinic(tmp_path / "other"), "old")
    study = prepared(root, folder)
    assert len(study.table) == 3  # what was rejected stays
    assert len(list((folder / "prepared").rglob("*.png"))) == 4
    assert [one.state for one in all_studies()] == ["ready"]


def test_the_command_prepares_again_and_refuses_another_folder(tmp_path: Path, store: Path) -> None:
    root = clinic(tmp_path / "scans")
    main(root, "clinic", workers=1)
    write_png(root / "normal/p0/2.png", make_phantom(7.0, 50, shape=(120, 160)))
    main(root, "clinic", workers=1)
    assert len(load_study(studies_folder() / "clinic").table) == 5
    request = (studies_folder() / "clinic/request.json").read_bytes()
    with pytest.raises(SystemExit, match="prepared from another folder"):
        main(clinic(tmp_path / "other"), "clinic", workers=1)
    assert (studies_folder() / "clinic/request.json").read_bytes() == request
    with pytest.raises(SystemExit, match="no folder"):
        main(tmp_path / "nowhere", "none", workers=1)
    assert [one.name for one in all_studies()] == ["clinic"]
    with pytest.raises(RunError, match="already"):
        start_preparing(root, "clinic")


def greys(root: Path) -> Path:
    """Class folders with two grey pictures."""
    place(root, {"normal/p0/1.png": 90, "vm/p1/1.png": 160})
    return root


@pytest.mark.parametrize("as_written", ["now", "in full, as older versions did"])
def test_a_study_whose_store_was_moved_knows_its_originals(
    tmp_path: Path, configured: Configure, as_written: str
) -> None:
    configured(store=str(tmp_path / "here"))
    root = greys(tmp_path / "here/collections/kept")
    study = prepared(root, studies_folder() / "clinic")
    assert study.originals == root
    report = study.folder / "study.json"
    if as_written == "now":
        assert str(tmp_path) not in report.read_text()
    else:
        report.write_text(json.dumps(json.loads(report.read_text()) | {"root": str(root)}))
        assert load_study(study.folder).originals == root
    (tmp_path / "here").rename(tmp_path / "there")
    configured(store=str(tmp_path / "there"))
    moved = load_study(studies_folder() / "clinic")
    assert moved.originals == tmp_path / "there/collections/kept"
    before = [path.stat().st_mtime_ns for path in moved.folder.rglob("*.png")]
    assert len(prepared(moved.originals, moved.folder).table) == 2
    assert [path.stat().st_mtime_ns for path in moved.folder.rglob("*.png")] == before


def test_originals_in_the_study_move_with_it_and_others_stay(tmp_path: Path) -> None:
    inside = prepared(greys(tmp_path / "study/originals"), tmp_path / "study")
    outside = prepared(greys(tmp_path / "scans"), tmp_path / "other")
    for study in (inside, outside):
        study.folder.rename(tmp_path / f"moved-{study.folder.name}")
    assert load_study(tmp_path / "moved-study").originals == tmp_path / "moved-study/originals"
    assert load_study(tmp_path / "moved-other").originals == tmp_path / "scans"
