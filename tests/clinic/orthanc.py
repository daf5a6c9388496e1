"""An archive of another maker, started for a test."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
needs_orthanc = pytest.mark.skipif(
    shutil.which("Orthanc") is None or not PLUGIN.exists(),
    reason="Orthanc or its DICOMweb plug-in is not installed (tests/clinic/install-dicom-tools.sh)",
)
USER, SECRET = "ventriscope", "Geheimnis-471"
PATIENCE_S = 120


class Orthanc:
    """A real Orthanc with an empty archive, spoken to by its own REST interface."""

    def __init__(self, folder: Path) -> None:
        self.http, self.dicom = free_port(), free_port()
        self.web = f"http://127.0.0.1:{self.http}/dicom-web"
        self._folder = folder

    def start(self, node_port: int = 104) -> None:
        """Wait until it answers."""
        (self._folder / "orthanc.json").write_text(
            json.dumps(
                {
                    "StorageDirectory": str(self._folder / "db"),
                    "IndexDirectory": str(self._folder / "db"),
                    "HttpPort": self.http,
                    "DicomPort": self.dicom,
                    "DicomAet": "ORTHANC",
                    "RemoteAccessAllowed": False,
                    "AuthenticationEnabled": True,
                    "RegisteredUsers": {USER: SECRET},
                    "DicomModalities": {"node": ["VENTRISCOPE", "127.0.0.1", node_port]},
                    "DicomAlwaysAllowStore": True,
                    "Plugins": [str(PLUGIN)],
                    "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
                }
            )
        )
        self.process = subprocess.Popen(
            ["Orthanc", str(self._folder / "orthanc.json")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(self.is_up)

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self.ask("/system"))
        except OSError:
            return False

    def ask(self, path: str, body: bytes | None = None) -> Any:
        """GET, or POST with a body; JSON."""
        return json.loads(self.read(path, body))

    def read(self, path: str, body: bytes | None = None, method: str | None = None) -> bytes:
        """GET, or POST with a body, or by another method."""
        url = f"http://127.0.0.1:{self.http}{path}"
        request = urllib.request.Request(url, body, method=method)
        known = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
        request.add_header("Authorization", f"Basic {known}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())

    def end(self) -> None:
        """End it kindly."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < ends, "it takes too long"
        time.sleep(0.2)
