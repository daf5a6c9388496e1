"""A study that comes as a zip: what is unpacked, and which archives are refused with a sentence."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from tests.archived import packed, png
from vmcore.data import ManifestError, find_manifest
from vmcore.data.unpacking import Unpacked, unpack_study
from vmcore.imaging.archives import ArchiveLimits

NAME = "Bakudetorvi"


def unpacked(data: bytes, folder: Path, limits: ArchiveLimits | None = None) -> Unpacked:
    return unpack_study(io.BytesIO(data), folder, limits or ArchiveLimits())


def files_in(folder: Path) -> list[str]:
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


CLASSES = {
    "normal/p1/a.png": png(1),
    "normal/p1/b.png": png(2),
    "VM/p2/c.png": png(3),
}


@pytest.mark.parametrize("around", ["", "study/", "export/2024 \u00e4/"])
def test_class_folders_are_found_whatever_encloses_them(around: str, tmp_path: Path) -> None:
    beside = {
        "__MACOSX/study/normal/p1/._a.png": b"\0\5\x16\7",
        f"{around}.DS_Store": b"\0\0\0\1Bud1",
        f"{around}normal/.hidden.png": png(9),
        f"{around}normal/p1/letter.pdf": b"%PDF-1.4",
        f"{around}normal/p1/more.zip": packed({"x.png": png()}),
    }
    files = {around + name: data for name, data in CLASSES.items()} | beside
    told = unpacked(packed(files), tmp_path / "new")
    assert files_in(tmp_path / "new") == sorted(CLASSES)
    assert told == Unpacked(scans=3, left_out=5)
    found = find_manifest(tmp_path / "new")
    assert sorted(set(found.table["subject_id"])) == ["p1", "p2"]
    for name, data in CLASSES.items():
        assert (tmp_path / "new" / name).read_bytes() == data


def test_slashes_of_windows_make_folders_too(tmp_path: Path) -> None:
    files = {name.replace("/", "\\"): data for name, data in CLASSES.items()}
    unpacked(packed(files), tmp_path / "new")
    assert files_in(tmp_path / "new") == sorted(CLASSES)


def test_one_class_folder_alone_keeps_its_name(tmp_path: Path) -> None:
    unpacked(packed({"x/normal/a.png": png(1), "x/normal/b.png": png(2)}), tmp_path / "new")
    assert files_in(tmp_path / "new") == ["normal/a.png", "normal/b.png"]


@pytest.mark.parametrize("called", ["manifest.csv", "Liste.CSV"])
def test_the_manifest_is_found_by_any_name_where_it_is_the_only_one(
    called: str, tmp_path: Path
) -> None:
    text = "path,label,subject_id\nimages/a.png,normal,1\nimages/b.png,vm,2\n"
    files = {f"s/{called}": text.encode(), "s/images/a.png": png(1), "s/images/b.png": png(2)}
    unpacked(packed(files), tmp_path / "new")
    assert find_manifest(tmp_path / "new").table["label"].tolist() == ["normal", "vm"]
    two = files | {"s/other.csv": b"x"} if called != "manifest.csv" else None
    if two:
        with pytest.raises(ManifestError, match="2 CSV files, none of them called manifest"):
            unpacked(packed(two), tmp_path / "two")


def test_no_link_is_made_and_nothing_is_executable(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("normal/link.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        program = zipfile.ZipInfo("normal/a.png")
        program.create_system, program.external_attr = 3, (stat.S_IFREG | 0o777) << 16
        archive.writestr(program, png(1))
    unpacked(stream.getvalue(), tmp_path / "new")
    assert files_in(tmp_path / "new") == ["normal/a.png"]
    assert not (tmp_path / "new/normal/a.png").stat().st_mode & 0o111


def lying() -> bytes:
    data = png() * 40
    honest = packed({f"normal/{NAME}.png": data}, zipfile.ZIP_STORED)
    return honest.replace(len(data).to_bytes(4, "little"), (len(data) // 2).to_bytes(4, "little"))


def with_password() -> bytes:
    data = bytearray(packed({f"normal/{NAME}.png": png()}))
    for mark, at in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        data[bytes(data).find(mark) + at] |= 1
    return bytes(data)


def damaged() -> bytes:
    data = bytearray(packed({f"normal/{NAME}.png": png(1)}, zipfile.ZIP_STORED))
    data[bytes(data).find(png(1)) + 40] ^= 0xFF
    return bytes(data)


BAD = {
    "bomb": (lambda: packed({f"normal/{NAME}.png": bytes(30_000_000)}), "far more than it is"),
    "lying size": (lying, "File 1 of the archive: "),
    "password": (with_password, "password"),
    "damaged file": (damaged, "File 1 of the archive: The archive is damaged"),
    "cut short": (lambda: packed(CLASSES)[:-30], "list of files cannot be read"),
    "no archive": (png, "list of files cannot be read"),
    "path outside": (lambda: packed({f"../{NAME}.png": png()}), "write outside"),
    "absolute path": (lambda: packed({f"/{NAME}/a.png": png()}), "write outside"),
    "drive": (lambda: packed({f"C:\\{NAME}.png": png()}), "write outside"),
    "no scan": (lambda: packed({f"normal/{NAME}.txt": b"words"}), "holds no scan"),
    "nothing": (lambda: packed({}), "holds no scan"),
    "file and folder": (
        lambda: packed({f"normal/{NAME}": png(1), f"normal/{NAME}/a.png": png(2)}),
        "called like a folder",
    ),
    "twice": (
        lambda: packed({f"normal/{NAME}.png": png(1), f"normal\\{NAME}.png": png(2)}),
        "two files of one name",
    ),
    "too long a name": (lambda: packed({f"normal/{NAME * 40}.png": png(1)}), "cannot be written"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_archive_gets_a_sentence_that_names_nobody_and_leaves_nothing(
    kind: str, tmp_path: Path
) -> None:
    make, words = BAD[kind]
    with pytest.raises(ManifestError, match=words) as caught:
        unpacked(make(), tmp_path / "new")
    chain: BaseException | None = caught.value
    while chain is not None:
        assert NAME not in str(chain)
        chain = chain.__cause__ if not chain.__suppress_context__ else None
    assert list(tmp_path.iterdir()) == []


def test_too_much_is_refused_with_the_limit(tmp_path: Path) -> None:
    many = packed({f"normal/{at}.png": png(at) for at in range(30)})
    with pytest.raises(ManifestError, match="30 files, more than the limit of 20"):
        unpacked(many, tmp_path / "new", ArchiveLimits(files=20))
    with pytest.raises(ManifestError, match=r"more than the limit of 0\.0 GB"):
        unpacked(many, tmp_path / "new", ArchiveLimits(unpacked_bytes=100_000))


def test_class_folders_count_where_a_table_beside_them_is_no_manifest(tmp_path: Path) -> None:
    ages = {"study/ages.csv": b"case,weeks\np1,21\n", "study/devices.csv": b"case,device\np1,x\n"}
    told = unpacked(packed({f"study/{n}": d for n, d in CLASSES.items()} | ages), tmp_path / "new")
    assert files_in(tmp_path / "new") == sorted(CLASSES)
    assert told == Unpacked(scans=3, left_out=2)


def test_what_is_left_out_does_not_keep_the_folder_that_encloses_all(tmp_path: Path) -> None:
    files = {f"study/{name}": data for name, data in CLASSES.items()}
    unpacked(
        packed(files | {"read me.txt": b"see study", "doc/a.pdf": b"%PDF-1.4"}), tmp_path / "new"
    )
    assert files_in(tmp_path / "new") == sorted(CLASSES)
