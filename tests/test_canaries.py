"""The search that leaks are looked for with finds what was put there, wherever it was put."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom import dcmread
from pydicom.data import get_testdata_file

from tests.canaries import search

WORD = "Bakudeparimo"
CANARIES = {"the name": WORD, "another name": "Bakudenovatu"}
PIXELS = np.random.default_rng(0).integers(0, 256, (1, 30, 3), np.uint8)


def zipped(name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return stream.getvalue()


def pdf(content: bytes) -> bytes:
    packed = zlib.compress(content)
    return b"%%PDF-1.7\n1 0 obj <</Filter /FlateDecode>> stream\n%b\nendstream endobj" % packed


def picture(image: np.ndarray, told: str = "") -> bytes:
    stream, info = io.BytesIO(), PngInfo()
    info.add_text("Comment", told, zip=True)
    Image.fromarray(image).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


def scan(name: str) -> bytes:
    stream = io.BytesIO()
    dataset = dcmread(str(get_testdata_file("examples_palette.dcm", download=False)))
    dataset.PatientName = f"{name}^ERIKA"
    dataset.save_as(stream)
    return stream.getvalue()


def database(value: str, mode: str, place: Path) -> bytes:
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute(f"pragma journal_mode = {mode}")
        connection.execute("create table runs (id, told)")
        connection.execute("insert into runs values (1, ?)", (value,))
    return place.read_bytes()


def across_pages(place: Path) -> bytes:
    """A database in which the word is cut in two where a page of 4096 bytes ends."""
    content = database("y" * 1914 + WORD + "y" * 4086, "delete", place)
    assert WORD.encode() not in content
    return content


TEXT = f"Patient: {WORD}, 1990".encode()
HELD: dict[str, Callable[[Path], bytes]] = {
    "plain": lambda _: bytes(999) + TEXT + bytes(999),
    "capitals": lambda _: TEXT.upper(),
    "utf-16": lambda _: b"\xff\xfe\0" + TEXT.decode().encode("utf-16-le"),
    "json": lambda _: json.dumps({"name": WORD}).encode(),
    "dicom": lambda _: scan(WORD),
    "base64": lambda _: base64.b64encode(TEXT),
    "base64, moved by one": lambda _: base64.b64encode(b"x" + TEXT),
    "base64, moved by two": lambda _: base64.b64encode(b"xx" + TEXT),
    "zip": lambda _: zipped("a.txt", TEXT),
    "name in a zip": lambda _: zipped(f"{WORD}.txt", b"x"),
    "zip in a zip": lambda _: zipped("a.zip", zipped("b.txt", TEXT)),
    "gzip": lambda _: gzip.compress(TEXT),
    "gzip after other bytes": lambda _: b"log\n" + gzip.compress(TEXT) + b"more",
    "gzip cut short": lambda _: gzip.compress(TEXT + np.random.default_rng(0).bytes(9999))[:5000],
    "stream of a PDF": lambda _: pdf(TEXT),
    "second stream of a PDF": lambda _: pdf(b"nothing") + pdf(TEXT),
    "database": lambda place: database(WORD, "delete", place),
    "database with a log": lambda place: database(WORD, "wal", place),
    "database, across pages": across_pages,
    "picture's comment": lambda _: picture(np.zeros((9, 9), np.uint8), WORD),
    "document with a picture": lambda _: (
        b"<img src='data:image/png;base64,%b'>"
        % base64.b64encode(picture(np.zeros((9, 9), np.uint8), WORD))
    ),
}


@pytest.mark.parametrize("kind", HELD)
def test_a_word_is_found_in(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "searched/below/file"
    file.parent.mkdir(parents=True)
    file.write_bytes(HELD[kind](tmp_path / "made"))
    assert search([tmp_path / "searched"], CANARIES) == {file: {"the name"}}


@pytest.mark.parametrize("form", ["RGB", "L"])
def test_pixels_are_found_in_a_picture(form: str, tmp_path: Path) -> None:
    frame = np.zeros((40, 50, 3), np.uint8)
    frame[20, 10:40] = PIXELS
    image = np.asarray(Image.fromarray(frame).convert(form))
    row = image[20, 10:40].tobytes()
    (tmp_path / "a.png").write_bytes(picture(image))
    assert row not in (tmp_path / "a.png").read_bytes()
    assert search([tmp_path], {"pixels": row}) == {tmp_path / "a.png": {"pixels"}}


def test_a_word_is_found_in_names_of_files_folders_and_links(tmp_path: Path) -> None:
    (tmp_path / f"of {WORD}").mkdir()
    (tmp_path / f"of {WORD}" / "a.png").touch()
    (tmp_path / f"{WORD.upper()}.txt").touch()
    (tmp_path / "link").symlink_to(f"/nowhere/{WORD}")
    assert len(search([tmp_path], CANARIES)) == 4


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(HELD["plain"](tmp_path).replace(WORD.encode(), b"Bakude"))
    (tmp_path / "b").write_bytes(np.random.default_rng(1).bytes(2**20))
    assert search([tmp_path, tmp_path / "none"], CANARIES) == {}
