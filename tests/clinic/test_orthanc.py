"""An archive of another maker: it sends a scan, and finds the report in the same study."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clinic.orthanc import SECRET, USER, Orthanc, needs_orthanc, until
from tests.clinic.test_node import Node
from vmcore.clinic.network import Answers, Judged, Outbox, State
from vmcore.data.phantom import make_phantom, write_dicom

pytestmark = needs_orthanc


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
        node_send_to='["archive", "web"]',
        destinations=json.dumps([destination]),
        archives=json.dumps([{"name": "web", "url": orthanc.web, "user": USER, "secret": SECRET}]),
    )
    try:
        orthanc.start(node.port)
        yield orthanc, node
    finally:
        node.end()
        orthanc.end()


@pytest.mark.long
def test_what_an_archive_sends_comes_back_both_ways_as_a_report_of_the_same_study(
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
    ways = [parcel.destination for parcel in outbox.parcels()]
    assert (ways.count("archive"), ways.count("web")) == (3, 3)  # by C-STORE, and by STOW-RS
    (study,) = orthanc.ask("/studies")
    series = orthanc.ask(f"/studies/{study}/series")
    assert {one["MainDicomTags"]["Modality"] for one in series} == {"US", "OT", "SR", "PR"}
    log = (node.store / "log").read_text()
    assert "PHANTOM" not in log
    assert "PH-0012345" not in log
    assert SECRET not in log
