"""An archive of another maker: it sends a scan, and finds the report in the same study."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clinic.test_node import Node
from vmcore.clinic.network.answers import Answers, Judged
from vmcore.clinic.network.outbox import Outbox, State
from vmcore.data.phantom import make_phantom, write_dicom

pytestmark = pytest.mark.skipif(shutil.which("Orthanc") is None, reason="Orthanc is not installed")
PATIENCE_S = 120


class Orthanc:
    """A real Orthanc with an empty archive, spoken to by its REST interface."""

    def __init__(self, folder: Path) -> None:
        self.http, self.dicom = _free_port(), _free_port()
        self._folder = folder

    def start(self, node_port: int) -> None:
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
                    "AuthenticationEnabled": False,
                    "DicomModalities": {"node": ["VENTRISCOPE", "127.0.0.1", node_port]},
                    "DicomAlwaysAllowStore": True,
                    "Plugins": [],
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
        """GET, or POST with a body."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", body)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def end(self) -> None:
        """End it kindly."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < ends, "it takes too long"
        time.sleep(0.2)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[tuple[Orthanc, Node]]:
    orthanc = Orthanc(tmp_path)
    (tmp_path / "store").mkdir()
    destination = {
        "name": "archive", "ae_title": "ORTHANC", "host": "127.0.0.1", "port": orthanc.dicom,
    }  # fmt: skip
    node = Node(
        tmp_path / "store",
        node_peers=json.dumps([{"ae_title": "ORTHANC", "host": "127.0.0.1"}]),
        node_judges="true",
        node_send_to='["archive"]',
        destinations=json.dumps([destination]),
    )
    try:
        orthanc.start(node.port)
        yield orthanc, node
    finally:
        node.end()
        orthanc.end()


def test_what_an_archive_sends_comes_back_as_a_report_of_the_same_study(
    archive: tuple[Orthanc, Node], tmp_path: Path
) -> None:
    orthanc, node = archive
    scan = write_dicom(tmp_path / "scan.dcm", make_phantom(15.0, 3, shape=(240, 320)))
    uploaded = orthanc.ask("/instances", scan.read_bytes())
    sent = orthanc.ask("/modalities/node/store", uploaded["ID"].encode())
    assert sent["FailedInstancesCount"] == 0
    answers, outbox = Answers(node.store / "answers.db"), Outbox(node.store / "outbox.db")
    until(lambda: any(one.state is Judged.ANSWERED for one in answers.all().values()))
    until(lambda: {parcel.state for parcel in outbox.parcels()} == {State.SENT})
    (study,) = orthanc.ask("/studies")
    series = orthanc.ask(f"/studies/{study}/series")
    assert {one["MainDicomTags"]["Modality"] for one in series} == {"US", "OT", "SR", "PR"}
    log = (node.store / "log").read_text()
    assert "PHANTOM" not in log
    assert "PH-0012345" not in log
