"""Class folders: what a file is, its content decides; whose it is, its folder says or nobody does."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from tests.conftest import Configure
from vmcore.data import (
    ManifestError,
    find_manifest,
    fingerprint,
    load_study,
    manifest_from_folders,
    prepare_images,
    prepare_study,
    read_manifest,
    series_names,
    subjects_known,
    two_faced_subjects,
)
from vmcore.data.phantom import make_phantom, write_dicom, write_png
from vmcore.imaging import ScanError, read_scan
from vmcore.imaging.kinds import HEAD_BYTES, looks_like_scan
from vmcore.runs.errors import RunError
from vmcore.runs.named_files import weights_file


def picture(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), (9, 9, 9)).save(stream, kind)
    return stream.getvalue()


def place(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def test_every_kind_that_is_read_looks_like_a_scan_and_others_do_not(tmp_path: Path) -> None:
    phantom = make_phantom(9.0, 1, shape=(120, 160))
    dicom = write_dicom(tmp_path / "a.dcm", phantom).read_bytes()
    for content in (
        *(picture(kind) for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP")),
        dicom,
        dicom[132:],  # some exports lack the preamble
    ):
        read_scan(content)
        assert looks_like_scan(content[:HEAD_BYTES])
    for content in (
        picture("GIF"), b"%PDF-1.7", b"", b"Patient list", b"RIFF\x24\0\0\0AVI LIST",
        b"\xd0\xcf\x11\xe0" + bytes(200), b"[Desktop]",
    ):  # fmt: skip
        assert not looks_like_scan(content[:HEAD_BYTES])
        with pytest.raises(ScanError):
            read_scan(content)


def test_class_folders_are_a_manifest(tmp_path: Path) -> None:
    png = picture("PNG")
    names = ("Normal/a/1.png", "Normal/a/b/2.png", "VM/b.png", "other/c.png", "loose.png")
    place(tmp_path, dict.fromkeys(names, png) | {"VM/notes.txt": b"n", "readme.txt": b"r"})
    found = find_manifest(tmp_path)
    assert found.table["path"].tolist() == ["Normal/a/1.png", "Normal/a/b/2.png", "VM/b.png"]
    assert found.table["label"].tolist() == ["Normal", "Normal", "VM"]
    assert found.root == tmp_path
    assert found.table.equals(manifest_from_folders(tmp_path))
    assert (found.no_scans, found.beside) == (1, 2)


def test_uid_names_are_found_and_what_is_no_scan_is_counted(tmp_path: Path) -> None:
    dicom = write_dicom(tmp_path / "one", make_phantom(9.0, 1, shape=(120, 160))).read_bytes()
    root = place(
        tmp_path / "scans",
        {
            "normal/p1/1.2.840.113619.7": dicom,
            "normal/p1/1.2.840.113619.8": dicom,
            "normal/p2/IM_0001": dicom,
            "normal/p2/Thumbs.db": b"\xd0\xcf\x11\xe0",
            "normal/p2/.DS_Store": b"hidden",
            "normal/p2/._IM_0001": dicom,
            "normal/.trash/x.png": picture("PNG"),
            "vm/p3/scan.txt": picture("PNG"),
            "vm/notes.txt": b"notes",
        },
    )
    found = find_manifest(root)
    assert found.table["path"].tolist() == [
        "normal/p1/1.2.840.113619.7", "normal/p1/1.2.840.113619.8", "normal/p2/IM_0001",
        "vm/p3/scan.txt",
    ]  # fmt: skip
    assert found.no_scans == 2


def test_links_are_followed_and_what_cannot_be_opened_is_not_dropped(
    tmp_path: Path, configured: Configure
) -> None:
    configured(readable_roots=json.dumps([str(tmp_path)]))
    place(tmp_path / "archive", {"p9/a.png": picture("PNG")})
    root = place(tmp_path / "scans", {"normal/p1/a.png": picture("PNG")})
    (root / "vm").mkdir()
    (root / "vm/p9").symlink_to(tmp_path / "archive/p9")
    (root / "vm/gone.png").symlink_to(tmp_path / "nowhere.png")
    (root / "normal/p1/again").symlink_to(root / "normal")
    os.mkfifo(root / "vm/pipe")
    found = find_manifest(root)
    assert found.table["path"].tolist() == ["normal/p1/a.png", "vm/gone.png", "vm/p9/a.png"]
    assert found.no_scans == 1


def test_a_link_out_of_the_folder_is_refused_and_never_read(
    tmp_path: Path, configured: Configure
) -> None:
    secret = place(tmp_path / "elsewhere", {"p9/a.png": picture("PNG")})
    root = place(
        tmp_path / "scans", {"normal/p1/a.png": picture("PNG"), "vm/p2/a.png": picture("PNG")}
    )
    study = prepare_study(root, tmp_path / "study", workers=1)
    assert study.report.unreadable == {}
    (root / "vm/p2/a.png").unlink()
    (root / "vm/p2/a.png").symlink_to(secret / "p9/a.png")
    for source in (root, listed_in(root, ["normal/p1/a.png", "vm/p2/a.png"])):
        with pytest.raises(ManifestError, match="1 of 2 images are links that lead out") as error:
            find_manifest(source)
        assert "elsewhere" not in str(error.value)
    table = pd.DataFrame({"path": ["vm/p2/a.png"]})
    unreadable = prepare_images(table, root, tmp_path / "again", workers=1).unreadable
    assert "leads out" in unreadable["vm/p2/a.png"]
    configured(readable_roots=json.dumps([str(tmp_path)]))
    assert len(find_manifest(root).table) == 2


def test_a_folder_outside_of_the_readable_ones_says_nothing_of_what_is_there(
    tmp_path: Path, configured: Configure
) -> None:
    there = place(tmp_path / "elsewhere", {"normal/p1/a.png": picture("PNG")})
    configured(readable_roots=json.dumps([str(tmp_path / "scans")]))
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans/out").symlink_to(there)
    said = set()
    for source in (
        there,
        tmp_path / "nothing",
        tmp_path / "scans/out",
        tmp_path / "scans/../elsewhere",
    ):
        with pytest.raises(ManifestError) as error:
            find_manifest(source)
        said.add(str(error.value))
    assert len(said) == 1
    with pytest.raises(RunError, match="VMCORE_READABLE_ROOTS"):
        weights_file(str(there / "weights.safetensors"))


def listed_in(root: Path, paths: list[str]) -> Path:
    labels = ["normal" if path.startswith("normal") else "vm" for path in paths]
    table = pd.DataFrame({"path": paths, "label": labels, "subject_id": ["s1", "s2"]})
    table.to_csv(root / "manifest.csv", index=False)
    return root / "manifest.csv"


def test_one_subject_in_both_classes_is_one_and_noticed(tmp_path: Path) -> None:
    png = picture("PNG")
    names = ("normal/p1/a.png", "normal/p2/a.png", "VM/p1/b.png", "VM/c.png", "normal/c.png")
    table = find_manifest(place(tmp_path, dict.fromkeys(names, png))).table
    assert two_faced_subjects(table) == ["p1"]
    known = dict(zip(table["path"], subjects_known(table), strict=True))
    assert known == {name: name.count("/") == 2 for name in names}
    assert table["subject_id"].nunique() == 4  # p1, p2 and two that are not known


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Patient00709_Plane3_1_of_3.png", "Patient00709_Plane3_2_of_3.png", "x.png"], 2),
        (["case12_a.png", "case12_b.png", "case13_a.png"], 2),
        (["case12a.jpg", "case12b.jpg", "case13.jpg"], 2),
        (["Case 7 (1).png", "case 7 (2).png"], 2),
        (["1.2.840.5.1", "1.2.840.5.2", "1.2.840.6.1"], 2),
        ([f"IMG_{number:04d}.png" for number in range(9)], 0),
        ([f"patient{number:03d}.png" for number in range(9)], 0),
        ([f"{number}.png" for number in range(9)], 0),
        ([f"1.2.826.0.1.3680043.8.498.{7**40 + number}" for number in range(9)], 0),
        (["a/case12_a.png", "b/case12_b.png"], 2),
        (["doe_1", "doe_2", "roe_1", "roe_2", "poe_1"], 4),
    ],
)
def test_names_that_share_a_stem_before_a_counter_suggest_one_fetus(
    names: list[str], expected: int
) -> None:
    assert series_names(names) == expected


def test_unknown_subjects_are_counted_and_said_without_names(tmp_path: Path) -> None:
    root = tmp_path / "scans"
    for seed, name in enumerate(("normal/doe12_a", "normal/doe12_b", "normal/NA/1", "vm/roe/1")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(root / f"{name}.png", make_phantom(8.0, seed, shape=(120, 160)))
    place(root, {"vm/roe/Thumbs.db": b"x"})
    study = prepare_study(root, tmp_path / "study", workers=1)
    report = study.report
    assert (report.unknown_subjects, report.series_names, report.no_scans) == (2, 2, 1)
    said = " ".join(report.concerns())
    assert "2 images name no subject; each counts as a fetus of its own" in said
    assert "2 of these images share their fetus" in said
    assert "1 files in the class folders are no scans" in said
    assert "doe" not in said
    assert study.unknown_subjects() == 2
    stored = load_study(tmp_path / "study").table
    assert set(stored["subject_id"]) == {"normal/doe12_a.png", "normal/doe12_b.png", "NA", "roe"}


def test_a_list_may_say_that_a_subject_is_not_known(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    lines = "path,label,subject_id{}\na,normal,x{}\nb,vm,y{}\nc,vm,z{}\n"
    file.write_text(lines.format("", "", "", ""))
    plain = read_manifest(file)
    assert subjects_known(plain).tolist() == [True] * 3
    file.write_text(lines.format(",subject_known", ",no", ",", ",TRUE"))
    table = read_manifest(file)
    assert table["subject_known"].tolist() == [False, True, True]
    assert fingerprint(table) != fingerprint(plain)
    file.write_text(lines.format(",subject_known", ",1", ",1", ",1"))
    assert fingerprint(read_manifest(file)) == fingerprint(plain)


def test_lines_are_those_of_the_file_whatever_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    rows = {"path": ["a", "b", "c"], "label": ["other", "vm", "normal"], "subject_id": list("xyz")}
    pd.DataFrame(rows).to_csv(file, index=False)
    (tmp_path / "b").touch()
    with pytest.raises(ManifestError, match=r"1 of 2 listed images are not there.* line 4"):
        find_manifest(file, leave_out=["other"])


def test_names_that_differ_in_case_only_are_refused_in_folders_too(tmp_path: Path) -> None:
    place(tmp_path, {"vm/p/A.png": picture("PNG"), "vm/p/a.png": picture("PNG")})
    if len(list((tmp_path / "vm/p").iterdir())) < 2:
        pytest.skip("this disk cannot hold both")
    with pytest.raises(ManifestError, match="only in upper and lower case"):
        find_manifest(tmp_path)


def test_class_folders_within_a_class_folder_are_no_subjects(tmp_path: Path) -> None:
    for name in ("VM/normal/P1/a.png", "VM/ventriculomegaly/P2/b.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        write_png(tmp_path / name, make_phantom(8.0, 1, shape=(120, 160)))
    with pytest.raises(ManifestError, match="folders for both classes itself"):
        find_manifest(tmp_path)
    assert len(find_manifest(tmp_path / "VM").table) == 2


def test_a_fetus_is_one_in_however_many_spellings(tmp_path: Path) -> None:
    names = ("normal/Case0/a.png", "VM/case0/b.png", "normal/Zo\u00eb/a.png", "VM/Zoe\u0308/b.png")
    for seed, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True)
        write_png(tmp_path / name, make_phantom(8.0, seed, shape=(120, 160)))
    found = find_manifest(tmp_path)
    assert (found.table["subject_id"].nunique(), found.respelt) == (2, 2)
    listed = tmp_path / "list.csv"
    listed.write_text("path,label,subject_id\na.png,normal,P3\n\nb.png,vm, p3 \nc.png,vm,  \n")
    with pytest.raises(ManifestError, match="line 5 has no subject_id"):
        read_manifest(listed)
    listed.write_text("path,label,subject_id\na.png,normal,P3\n\nb.png,vm, p3 \n")
    assert read_manifest(listed)["subject_id"].tolist() == ["P3", "P3"]
    listed.write_text('\npath,label,subject_id,site\n"a\nb.png",normal,P3,3\n\nb.png,odd,P4,4\n\n')
    with pytest.raises(ManifestError, match="line 6 has a label"):
        read_manifest(listed)
    listed.write_text("\npath,label,subject_id,site\na.png,normal,P3,3\nb.png,vm,P4,4\n\n")
    assert read_manifest(listed)["site"].tolist() == [3, 4]
