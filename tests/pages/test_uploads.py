"""Uploads stay in memory, and take no more of it than they may."""

from __future__ import annotations

import hashlib
import io
import zipfile
from copy import deepcopy
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette import formparsers
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartParser
from starlette.requests import Request
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from pages.parts import upkeep
from pages.parts.uploaded_scan import Models, UploadedScan
from pages.parts.uploads import DroppedFile, UploadBudget, Uploads
from tests.event_loop import run_apart
from tests.imaging.test_loop_frames import broken
from vmcore.imaging import FrameError, LoopFrames, ReadLimits, ScanError
from vmcore.inference import Classifier


def png(side: int, seed: int) -> bytes:
    stream = io.BytesIO()
    grey = np.random.default_rng(seed).integers(0, 255, (side, side), np.uint8)
    Image.fromarray(grey).save(stream, "PNG")
    return stream.getvalue()


def files(*sizes: int) -> list[DroppedFile]:
    return [
        DroppedFile(f"{at}-{side}", "scan.png", lambda at=at, side=side: png(side, at))
        for at, side in enumerate(sizes)
    ]


def session(budget: UploadBudget) -> Uploads:
    uploads = Uploads(ReadLimits(), budget)
    uploads.join()
    return uploads


def judged(uploads: Uploads, models: Models, *sizes: int) -> Uploads:
    uploads.sync(files(*sizes))
    uploads.judge(models)
    assert uploads.work.wait(120)
    return uploads


@pytest.fixture(scope="module")
def models(small_bundle: Path) -> Models:
    return Models(Classifier.load(small_bundle))


def test_every_scan_is_judged_and_pixels_are_held_as_far_as_there_is_room(models: Models) -> None:
    uploads = judged(session(UploadBudget(10, 4, 100)), models, 400, 400, 400, 200)
    assert [uploaded.number for uploaded in uploads.scans] == [1, 2, 3, 4]
    assert all(uploaded.answers and uploaded.thumbnail for uploaded in uploads.scans)
    assert uploads.held <= 4e6
    assert any(uploaded.scan is None for uploaded in uploads.scans)
    assert [number for number, _ in uploads.results(models.classifier)] == [1, 2, 3, 4]
    first = uploads.scans[0]
    again = uploads.analysis(first, models, 0, "eigen-cam")  # read once more
    kept = first.answer(models, "eigen-cam")
    assert kept is not None
    assert again.prediction.probability == kept.prediction.probability
    assert kept.clean.image.size == kept.scan.frames.size == 0
    assert uploads.held <= 4e6


def test_a_file_that_is_gone_has_no_digest() -> None:
    def gone() -> bytes:
        raise ScanError("It was removed meanwhile.")

    assert UploadedScan(1, "a", gone).file_digest() is None
    here = UploadedScan(2, "b", lambda: b"abc")
    assert here.file_digest() == hashlib.sha256(b"abc").hexdigest()


def test_what_never_fits_is_refused_and_read_once_there_is_room(models: Models) -> None:
    uploads = judged(session(UploadBudget(10, 1, 100)), models, 800, 200)
    assert [uploaded.number for uploaded in uploads.scans] == [2]
    assert "this session's scans (1 MB)" in uploads.refusals[0]
    assert uploads.refusals[0].startswith("File 1:")


def test_all_sessions_together_hold_no_more_than_theirs(models: Models) -> None:
    budget = UploadBudget(10, session_mb=100, all_sessions_mb=3)
    first = judged(session(budget), models, 400, 400)
    second = judged(session(budget), models, 700)
    assert "all sessions' scans (3 MB)" in second.refusals[0]
    del first
    judged(second, models, 700)
    assert not second.refusals


def test_files_that_are_no_scans_are_told_and_counted(models: Models) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a/one.png", png(100, 1))
        archive.writestr("a/__MACOSX/._one.png", b"x")
        archive.writestr("a/broken.png", png(100, 2)[:300])
    uploads = session(UploadBudget(10, 100, 100))
    uploads.sync(
        [
            DroppedFile("zip", "Jane Doe.zip", stream.getvalue),
            DroppedFile("pdf", "Jane Doe.pdf", lambda: b"%PDF-1.4"),
        ]
    )
    uploads.judge(models)
    assert uploads.work.wait(120)
    assert len(uploads.scans) == 1
    assert uploads.skipped == {"system files": 1, "documents": 1}
    assert len(uploads.refusals) == 1
    assert "Jane" not in repr((uploads.refusals, uploads.skipped, uploads.files))


def test_stopping_leaves_the_rest_until_somebody_opens_it(models: Models) -> None:
    uploads = session(UploadBudget(100, 100, 100))
    uploads.sync(files(*(100 for _ in range(30))))
    uploads.judge(models)
    uploads.stop()
    assert uploads.work.wait(60)
    done = sum(bool(one.answers) for one in uploads.scans)
    assert done < 30
    uploads.judge(models)
    last = uploads.scans[-1]
    uploads.judge_now(last)
    assert last.answers
    assert sum(bool(one.answers) for one in uploads.scans) == done + 1


def test_a_loop_whose_middle_is_damaged_is_judged_beside_it(models: Models) -> None:
    uploads = session(UploadBudget(10, 100, 100))
    uploads.sync([DroppedFile("loop", "loop.dcm", lambda: broken(5, at=2))])
    uploads.judge(models)
    assert uploads.work.wait(120)
    (loop,) = uploads.scans
    assert (loop.frames, loop.middle) == (5, 1)
    assert loop.answers
    with pytest.raises(FrameError, match="Frame 3"):
        uploads.analysis(loop, models, 2, "eigen-cam")
    assert loop.scan is not None
    assert isinstance(loop.scan.frames, LoopFrames)
    decoded = loop.scan.frames.held
    assert decoded >= len(broken(5, at=2))
    assert decoded < uploads.held < decoded + 10_000_000
    loop.let_go()
    assert uploads.held == 0


def test_an_upload_lies_in_memory_alone_and_once(monkeypatch: Any) -> None:
    monkeypatch.setattr(formparsers, "SpooledTemporaryFile", SpooledTemporaryFile)
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1024)
    content = bytes(5 * 2**20)
    head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'
    pieces = [head, *[content[: 2**20]] * 5, b"\r\n--x--\r\n"]

    def received() -> tuple[bool, bool]:
        """Whether it lay on the disk, and whether what is read are the very bytes that are held."""
        waiting = list(pieces)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

        headers = [(b"content-type", b"multipart/form-data; boundary=x")]
        request = Request({"type": "http", "method": "POST", "headers": headers}, receive)

        async def taken() -> tuple[bool, bool]:
            form = await request.form()
            upload = form["f"]
            assert isinstance(upload, UploadFile)
            there = bool(upload.file._rolled)  # type: ignore[attr-defined]
            read = await upload.read()
            held = upload.file._file  # type: ignore[attr-defined]
            once = isinstance(held, io.BytesIO) and read is held.getvalue()
            await form.close()
            assert read == content
            return there, once

        return run_apart(taken())

    assert received() == (True, False)  # the framework's own way
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 2**30)
    assert received() == (False, False)  # in memory, and copied
    upkeep.keep_uploads_in_memory()
    assert received() == (False, True)


def test_who_asks_a_field_for_an_upload_gets_its_bytes_and_no_copy(monkeypatch: Any) -> None:
    monkeypatch.delattr(UploadedFile, "__deepcopy__", raising=False)
    record = UploadedFileRec("1", "scan.dcm", "", bytes(2**20))
    held = UploadedFile(record, FileURLs())
    assert deepcopy(held).getvalue() is not record.data  # the framework's own way
    upkeep.keep_uploads_in_memory()
    given = deepcopy(held)
    assert given.getvalue() is record.data
    assert (given.file_id, given.name, given.size) == ("1", "scan.dcm", 2**20)
    given.write(b"other")
    assert held.getvalue() == record.data
