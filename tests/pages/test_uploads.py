"""Uploads stay in memory, and take no more of it than they may."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import numpy as np
from PIL import Image
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartParser
from starlette.requests import Request

from pages.parts import upkeep
from pages.parts.uploads import UploadBudget, Uploads
from vmcore.imaging import ReadLimits


def png(side: int, seed: int) -> bytes:
    stream = io.BytesIO()
    grey = np.random.default_rng(seed).integers(0, 255, (side, side), np.uint8)
    Image.fromarray(grey).save(stream, "PNG")
    return stream.getvalue()


def files(*sizes: int) -> dict[str, Any]:
    return {
        f"{at}-{side}": (lambda at=at, side=side: png(side, at)) for at, side in enumerate(sizes)
    }


def test_a_session_holds_no_more_than_its_budget() -> None:
    uploads = Uploads(ReadLimits(), UploadBudget(10, session_mb=1, all_sessions_mb=100))
    uploads.sync(files(400, 400, 400, 200), {})  # 480 KB each, the last 120 KB
    assert [uploaded.number for uploaded in uploads.scans] == [1, 2]
    assert uploads.held == 2 * 400 * 400 * 3
    assert len(uploads.refusals) == 2
    assert all("this session's scans (1 MB)" in why for why in uploads.refusals)
    uploads.sync(files(400, 200, 200), {})  # what was removed makes room
    assert [uploaded.scan.frames.shape[1] for uploaded in uploads.scans] == [400, 200, 200]


def test_all_sessions_together_hold_no_more_than_theirs() -> None:
    budget = UploadBudget(10, session_mb=100, all_sessions_mb=1)
    first, second = Uploads(ReadLimits(), budget), Uploads(ReadLimits(), budget)
    for uploads in (first, second):
        uploads.join()
    first.sync(files(400, 400), {})
    second.sync(files(400), {})
    assert (len(first.scans), len(second.scans)) == (2, 0)
    assert "all sessions' scans (1 MB)" in second.refusals[0]
    del first
    second.sync({}, {})
    second.sync(files(400), {})
    assert len(second.scans) == 1


def test_an_upload_never_lies_in_a_temporary_file(monkeypatch: Any) -> None:
    monkeypatch.setattr(MultiPartParser, "spool_max_size", 1024)
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n%s\r\n--x--\r\n'
    content = bytes(5 * 2**20)

    def on_disk() -> bool:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body % content, "more_body": False}

        headers = [(b"content-type", b"multipart/form-data; boundary=x")]
        request = Request({"type": "http", "method": "POST", "headers": headers}, receive)

        async def rolled() -> bool:
            form = await request.form()
            upload = form["f"]
            assert isinstance(upload, UploadFile)
            there = bool(upload.file._rolled)  # type: ignore[attr-defined]
            await form.close()
            return there

        return asyncio.run(rolled())

    assert on_disk()  # the framework's own way
    upkeep.keep_uploads_in_memory()
    assert not on_disk()
