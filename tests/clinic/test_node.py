"""The node among dcmtk's programs: who may send, what is kept, and what a kill leaves."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid
from pynetdicom import AE

from tests.clinic.sending_dicom import send_half
from vmcore.clinic.network.inbox import Inbox, file_name

pytestmark = pytest.mark.skipif(
    shutil.which("storescu") is None, reason="dcmtk's storescu is not installed"
)
NAME = "Sonnenschein^Anna"


class Node:
    """The program, as a person starts it."""

    def __init__(self, store: Path, largest_written: int = -1, **more: str) -> None:
        self.store, self.more = store, {f"VMCORE_{name.upper()}": more[name] for name in more}
        self.largest_written = largest_written
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Wait until it listens."""
        peers = [
            {"ae_title": "SCANNER", "host": "127.0.0.1"},
            {"ae_title": "AFAR", "host": "192.0.2.7"},
        ]
        self.log = (self.store / "log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vmcore.clinic.network.node"],
            env=os.environ
            | {
                "VMCORE_STORE": str(self.store),
                "VMCORE_NODE_PORT": str(self.port),
                "VMCORE_NODE_PEERS": json.dumps(peers),
                "VMCORE_NODE_FREE_MB": "0",
                "VMCORE_NODE_JUDGES": "false",
            }
            | self.more,
            stderr=self.log,
        )
        if self.largest_written > 0:  # as a disk that has no more room
            limit = (self.largest_written, self.largest_written)
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limit)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("the node does not start")

    def end(self, how: int = signal.SIGTERM) -> None:
        """End it, kindly or not."""
        self.process.send_signal(how)
        self.process.wait(60)
        self.log.close()

    def memory_mb(self) -> int:
        """The most that it has held so far."""
        told = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(told.split("VmHWM:")[1].split()[0]) // 1024

    def call(self, *command: str, title: str = "SCANNER", called: str = "VENTRISCOPE") -> str:
        """Run one of dcmtk's programs against it."""
        done = subprocess.run(
            [command[0], "-v", "-aet", title, "-aec", called, "127.0.0.1", str(self.port), *command[1:]],
            check=False, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        return f"rc={done.returncode}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("store"))
    yield node
    node.end()


def written(folder: Path, count: int) -> list[Path]:
    """Small ultrasound images that name a person."""
    folder.mkdir()
    paths = []
    for number in range(count):
        image = Dataset()
        image.SOPClassUID, image.SOPInstanceUID = UltrasoundImageStorage, generate_uid()
        image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
        image.PatientName, image.PatientID, image.Modality = NAME, "4711-0815", "US"
        image.Rows = image.Columns = 16
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 8
        image.HighBit, image.PixelRepresentation = 7, 0
        image.PixelData = np.full((16, 16), number % 256, np.uint8).tobytes()
        image.file_meta = FileMetaDataset()
        image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        paths.append(folder / f"{number}.dcm")
        image.save_as(paths[-1], enforce_file_format=True)
    return paths


def names(paths: list[Path]) -> set[str]:
    return {file_name(pydicom.dcmread(path).SOPInstanceUID) for path in paths}


def test_an_echo_is_answered(node: Node) -> None:
    assert node.call("echoscu").startswith("rc=0")


@pytest.mark.parametrize(
    ("title", "called", "cause"),
    [
        ("STRANGER", "VENTRISCOPE", "Calling AE Title Not Recognized"),
        ("AFAR", "VENTRISCOPE", "Calling AE Title Not Recognized"),
        ("SCANNER", "ANOTHER", "Called AE Title Not Recognized"),
    ],
    ids=["unknown title", "known title from another address", "another node is called"],
)
def test_others_are_refused_with_the_cause(node: Node, title: str, called: str, cause: str) -> None:
    answer = node.call("echoscu", title=title, called=called)
    assert not answer.startswith("rc=0")
    assert cause in answer


def test_a_compressed_image_is_kept_as_it_is(node: Node) -> None:
    source = get_testdata_file("examples_ybr_color.dcm")
    sent = pydicom.dcmread(source)
    answer = node.call("storescu", "--propose-jpeg8", source)
    assert answer.startswith("rc=0"), answer
    kept = pydicom.dcmread(Inbox(node.store / "inbox").folder / file_name(sent.SOPInstanceUID))
    assert kept.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
    assert kept.PixelData == sent.PixelData


@pytest.mark.long
def test_of_eight_senders_no_image_is_lost_and_no_name_is_logged(
    node: Node, tmp_path: Path
) -> None:
    paths = written(tmp_path / "sent", 1000)
    parts = [paths[start::8] for start in range(8)]
    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda part: node.call("storescu", *map(str, part)), parts))
    assert all(answer.startswith("rc=0") for answer in answers)
    inbox = Inbox(node.store / "inbox")
    assert names(paths) <= {path.name for path in inbox.instances()}
    log = (node.store / "log").read_text()
    assert not [word for word in ("Sonnenschein", "4711", "1.2.826") if word in log]


def test_an_association_that_is_dropped_half_way_leaves_nothing(node: Node) -> None:
    before = Inbox(node.store / "inbox").instances()
    image = pydicom.dcmread(get_testdata_file("examples_rgb_color.dcm"))
    entity = AE("SCANNER")
    entity.add_requested_context(image.SOPClassUID, ExplicitVRLittleEndian)
    link = entity.associate("127.0.0.1", node.port, ae_title="VENTRISCOPE")
    send_half(link, image.SOPClassUID)
    link.abort()
    assert node.call("echoscu").startswith("rc=0")
    inbox = Inbox(node.store / "inbox")
    assert inbox.instances() == before
    assert not list(inbox.folder.glob(".half*"))


def test_what_the_disk_has_no_room_for_is_refused_and_the_rest_is_kept(tmp_path: Path) -> None:
    small, other = written(tmp_path / "sent", 2)
    large = get_testdata_file("examples_rgb_color.dcm")
    (tmp_path / "store").mkdir()
    node = Node(tmp_path / "store", largest_written=100_000)
    answers = [node.call("storescu", str(path)) for path in (small, large, other)]
    node.end()
    assert "Refused: OutOfResources" in answers[1]
    assert [answer.startswith("rc=0") for answer in answers] == [True, False, True]
    here = Inbox(node.store / "inbox").folder.iterdir()
    assert {path.name for path in here} == names([small, other])
    assert "the disk has no room" in (node.store / "log").read_text()


def test_a_large_image_goes_by_the_memory_and_a_larger_one_than_the_limit_is_refused(
    tmp_path: Path,
) -> None:
    """Ten times as much as the limit comes, is never held, and what follows it is kept."""
    (small,) = written(tmp_path / "sent", 1)
    large = tmp_path / "large.dcm"
    item = pydicom.dcmread(small)
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    item.Rows = item.Columns = 8_000
    item.PixelData = bytes(8_000 * 8_000)
    item.save_as(large)
    (tmp_path / "store").mkdir()
    node = Node(tmp_path / "store", largest_file_mb="64")
    before = node.memory_mb()
    kept = node.call("storescu", str(large))
    grown = node.memory_mb() - before
    node.end()
    assert kept.startswith("rc=0"), kept
    assert grown < 48, "it was held in memory"
    (path,) = Inbox(node.store / "inbox").instances()
    assert pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID == item.SOPInstanceUID
    node.more["VMCORE_LARGEST_FILE_MB"] = "6"
    path.unlink()
    node.start()
    answer = node.call("storescu", "--no-halt", str(large), str(small))
    node.end()
    assert "Refused: OutOfResources" in answer
    assert {path.name for path in (node.store / "inbox").iterdir()} == names([small])
    assert "larger than VMCORE_LARGEST_FILE_MB" in (node.store / "log").read_text()


def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    paths = written(tmp_path / "sent", 250)  # many, so that a busy machine kills it among them
    (tmp_path / "store").mkdir()
    node = Node(tmp_path / "store")
    inbox = Inbox(node.store / "inbox")
    with ThreadPoolExecutor(1) as sender:
        sending = sender.submit(node.call, "storescu", *map(str, paths))
        deadline = time.monotonic() + 60
        while len(inbox.instances()) < 20:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        node.end(signal.SIGKILL)
        answer = sending.result()
    acknowledged = answer.count("Received Store Response (Success)")
    assert 0 < acknowledged < len(paths)
    here = {path.name for path in inbox.instances()}
    assert names(paths[:acknowledged]) <= here
    node.start()
    assert node.call("storescu", *map(str, paths)).startswith("rc=0")
    node.end()
    assert sorted(path.name for path in inbox.folder.iterdir()) == sorted(names(paths))
    assert all(len(pydicom.dcmread(path).PixelData) == 256 for path in inbox.instances())
