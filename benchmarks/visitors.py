"""What an app keeps of visitors who have left: ``python -m benchmarks.visitors``.

The app runs in this process, on the framework's own server without the network: visitors open the classify page
side by side, each drops scans, all are judged, they leave, and memory is looked at a minute later. The reference
is the memory before the first came. What grows from round to round is kept for good.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import tempfile
from pathlib import Path

import cv2
import psutil
import tyro
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.session_manager import SessionClient
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from benchmarks.loop_memory import memory_mb
from pages.parts import uploads
from vmcore.data.phantom import OverlaySettings, make_phantom
from vmcore.files import write_atomically

_ROOT = Path(__file__).resolve().parent.parent
_SETTLED_S = 60.0
_TTL_S = 5  # after which who has left is forgotten


class Visitor(SessionClient):
    """Somebody at the classify page."""

    def __init__(self) -> None:
        """Nobody has come yet."""
        self.field = ""
        self.drawn = asyncio.Event()

    def write_forward_msg(self, msg: ForwardMsg) -> None:
        """Notice the field for scans, and when the page is drawn."""
        if msg.WhichOneof("type") == "script_finished":
            self.drawn.set()
        uploader = msg.delta.new_element.file_uploader
        if uploader.label.startswith("Scans"):
            self.field = uploader.id

    async def see(self, server: Runtime, session: str, message: BackMsg) -> None:
        """Ask for the page, and wait until it is drawn."""
        self.drawn.clear()
        server.handle_backmsg(session, message)
        await self.drawn.wait()


async def visit(server: Runtime, files: MemoryUploadedFileManager, scans: list[bytes]) -> str:
    """Open the page and drop scans; returns the session."""
    visitor = Visitor()
    session = server.connect_session(visitor, {})
    message = BackMsg()
    message.rerun_script.query_string = ""
    await visitor.see(server, session, message)
    state = message.rerun_script.widget_states.widgets.add(id=visitor.field)
    for number, scan in enumerate(scans):
        (urls,) = files.get_upload_urls(session, ["scan.png"])
        files.add_file(session, UploadedFileRec(urls.file_id, "scan.png", "image/png", scan))
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.file_id, info.name, info.size = urls.file_id, f"{number}.png", len(scan)
        info.file_urls.file_id = urls.file_id
    await visitor.see(server, session, message)
    return session


async def rounds_of(visitors: int, scans: list[bytes], rounds: int) -> list[float]:
    """Memory before all, and a while after each round's visitors have left, MB."""
    files = MemoryUploadedFileManager("/upload")
    config = RuntimeConfig(
        str(_ROOT / "app.py"), MemoryMediaFileStorage("/media"), files,
        session_storage=MemorySessionStorage(ttl_seconds=_TTL_S),
    )  # fmt: skip
    server, process = Runtime(config), psutil.Process()
    await server.start()
    server.disconnect_session(await visit(server, files, []))
    await asyncio.sleep(_SETTLED_S)
    found = [memory_mb(process)]
    for _ in range(rounds):
        come = [visit(server, files, scans) for _ in range(visitors)]
        sessions = await asyncio.gather(*come)
        for one in list(uploads._all):
            await asyncio.to_thread(one.work.wait)
        for session in sessions:
            server.disconnect_session(session)
        await asyncio.sleep(_SETTLED_S)
        found.append(memory_mb(process))
        print(f"{len(found) - 1}. round: {found[-1] - found[0]:.0f} MB kept", flush=True)
    server.stop()
    await server.stopped
    return found


def main(
    visitors: int = 10,
    scans: int = 3,
    rounds: int = 4,
    out: Path = Path("benchmarks/visitors.json"),
) -> None:
    """Let visitors come and go.

    Args:
        visitors: at a time.
        scans: of each.
        rounds: how often they come.
        out: where the figures go.
    """
    pictures = [
        make_phantom(8.0 + at, at, shape=(540, 800), overlays=OverlaySettings()).image
        for at in range(scans)
    ]
    encoded = [cv2.imencode(".png", picture)[1].tobytes() for picture in pictures]
    with tempfile.TemporaryDirectory() as name:
        os.environ["VMCORE_STORE"] = name
        found = asyncio.run(rounds_of(visitors, encoded, rounds))
    figures = {
        "processor": platform.processor() or platform.machine(),
        "visitors": visitors,
        "scans_of_each": scans,
        "before_mb": round(found[0]),
        "kept_after_each_round_mb": [round(one - found[0]) for one in found[1:]],
    }
    write_atomically(out, json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
