"""The inbox: each instance once, durable, named by no identity, whole or not at all."""

from __future__ import annotations

import gc
import os
import resource
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from pynetdicom import _config, dimse_messages
from pynetdicom.dimse_primitives import C_STORE

from vmcore.clinic.network.arriving import InboxFullError, TooLargeError
from vmcore.clinic.network.inbox import Inbox, Kept, file_name

UID = "1.2.826.0.1.3680043.8.498.77"


def test_an_instance_that_is_sent_twice_is_kept_once(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    assert [inbox.keep(UID, b"scan"), inbox.keep(UID, b"scan")] == [Kept.NEW, Kept.SAME]
    (path,) = inbox.instances()
    assert path.read_bytes() == b"scan"


def test_another_content_does_not_replace_the_first(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    inbox.keep(UID, b"first")
    assert inbox.keep(UID, b"second") is Kept.DIFFERENT
    assert [path.read_bytes() for path in inbox.instances()] == [b"first"]


def test_of_many_senders_at_once_exactly_one_is_new(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    with ThreadPoolExecutor(8) as senders:
        kept = list(senders.map(lambda _: inbox.keep(UID, b"scan" * 1000), range(16)))
    assert sorted(each.value for each in kept) == ["new"] + ["same"] * 15
    assert len(list(inbox.folder.iterdir())) == 1


def test_files_are_private_and_named_by_no_identity(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    inbox.keep(UID, b"scan")
    (path,) = inbox.instances()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(inbox.folder.stat().st_mode) == 0o700
    assert UID not in path.name
    assert path.name == file_name(UID)


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    code = (
        "import signal, sys; from pathlib import Path\n"
        "from vmcore.clinic.network import Inbox, InboxFullError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "inbox = Inbox(Path(sys.argv[1]))\n"
        "inbox.keep('1.2', b'small')\n"
        "try: inbox.keep('1.3', bytes(100_000))\n"
        "except InboxFullError as error: print(error)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "inbox")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "no room" in answer.stdout
    assert [path.name for path in (tmp_path / "inbox").iterdir()] == [file_name("1.2")]


def test_room_is_left_for_others(tmp_path: Path) -> None:
    with pytest.raises(InboxFullError, match="no room"):
        Inbox(tmp_path / "inbox", free_bytes=2**62).keep(UID, b"scan")


def test_old_instances_are_purged_and_new_ones_stay(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    inbox.keep("1.2", b"old")
    inbox.keep("1.3", b"new")
    three_days_ago = time.time() - 3 * 86_400
    os.utime(inbox.folder / file_name("1.2"), (three_days_ago, three_days_ago))
    assert inbox.purge(days=2) == 1
    assert [path.read_bytes() for path in inbox.instances()] == [b"new"]


def test_nothing_outside_the_inbox_is_removed(tmp_path: Path) -> None:
    other = tmp_path / "other.dcm"
    other.write_bytes(b"theirs")
    with pytest.raises(ValueError, match="no instance"):
        Inbox(tmp_path / "inbox").remove("../other.dcm")
    assert other.exists()


def test_what_is_too_large_takes_no_more_of_the_disk_than_the_limit(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    arriving = inbox.arriving(most_bytes=3 * 2**20)
    for _ in range(50):
        assert arriving.write(bytes(2**20)) == 2**20
        assert sum(path.stat().st_size for path in inbox.folder.iterdir()) <= 3 * 2**20
    with pytest.raises(TooLargeError, match="limit of 3 MB"):
        inbox.keep_arrived(UID, arriving)
    assert not list(inbox.folder.iterdir())


def test_what_nobody_keeps_leaves_with_its_last_owner(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    arriving = inbox.arriving()
    arriving.write(b"half of it")
    assert len(list(inbox.folder.iterdir())) == 1
    assert inbox.instances() == []
    del arriving
    gc.collect()
    assert not list(inbox.folder.iterdir())


def test_a_sweep_leaves_what_somebody_still_writes(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    arriving = inbox.arriving()
    arriving.write(b"half, ")
    (inbox.folder / ".half-left").write_bytes(b"by who was killed")
    Inbox(tmp_path / "inbox").sweep()
    assert [path.name for path in inbox.folder.iterdir()] == [arriving.path.name]
    arriving.write(b"whole")
    assert inbox.keep_arrived(UID, arriving) is Kept.NEW
    assert [path.read_bytes() for path in inbox.instances()] == [b"half, whole"]


def test_what_is_whole_is_not_swept_before_it_is_kept(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "inbox")
    arriving = inbox.arriving()
    arriving.write(b"whole")
    arriving.settle()
    Inbox(tmp_path / "inbox").sweep()
    assert inbox.keep_arrived(UID, arriving) is Kept.NEW
    assert [path.read_bytes() for path in inbox.folder.iterdir()] == [b"whole"]


def written(item: pydicom.Dataset, **how: object) -> bytes:
    stream = BytesIO()
    pydicom.dcmwrite(stream, item, enforce_file_format=True, **how)
    return stream.getvalue()


def scan(name: str = "CT_small.dcm") -> pydicom.Dataset:
    item = pydicom.dcmread(get_testdata_file(name))
    for tag in [tag for tag in item.keys() if tag.is_private]:  # noqa: SIM118
        del item[tag]  # their kind is lost in implicit encodings
    return item


def other_meta(item: pydicom.Dataset) -> bytes:
    item.file_meta.ImplementationVersionName = "ANOTHER"
    return written(item)


def implicit(item: pydicom.Dataset) -> bytes:
    item.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return written(item)


def big(item: pydicom.Dataset) -> bytes:
    item.PixelData = item.pixel_array.astype(">i2").tobytes()
    item.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    return written(item)


def compressed(item: pydicom.Dataset) -> bytes:
    item.compress("1.2.840.10008.1.2.5", generate_instance_uid=False)
    return written(item)


@pytest.mark.parametrize("change", [other_meta, implicit, big, compressed])
def test_an_image_that_comes_by_another_way_is_the_same(tmp_path: Path, change: object) -> None:
    inbox = Inbox(tmp_path / "inbox")
    first, second = written(scan()), change(scan())  # type: ignore[operator]
    assert first != second
    assert [inbox.keep(UID, first), inbox.keep(UID, second)] == [Kept.NEW, Kept.SAME]
    assert [path.read_bytes() for path in inbox.folder.iterdir()] == [first]


@pytest.mark.parametrize("change", [other_meta, implicit, big])
@pytest.mark.parametrize("what", ["a pixel", "the patient", "a row"])
def test_another_image_stays_another_one_however_it_comes(
    tmp_path: Path, change: object, what: str
) -> None:
    inbox = Inbox(tmp_path / "inbox")
    inbox.keep(UID, written(scan()))
    other = scan()
    if what == "a pixel":
        other.PixelData = bytes([other.PixelData[0] ^ 1]) + other.PixelData[1:]
    elif what == "the patient":
        other.PatientID = "another"
    else:
        other.Rows -= 1
        other.PixelData = other.PixelData[: -2 * other.Columns]
    assert inbox.keep(UID, change(other)) is Kept.DIFFERENT  # type: ignore[operator]


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (_config, "STORE_RECV_CHUNKED_DATASET"),
        (dimse_messages, "NamedTemporaryFile"),
        (dimse_messages.C_STORE_RQ(), "_data_set_file"),
        (C_STORE(), "_dataset_file"),
    ],
)
def test_the_library_still_has_what_the_node_reaches_for(place: object, name: str) -> None:
    assert hasattr(place, name), (
        f"pynetdicom has no {name} any more, by which images are written into the inbox as they come: adapt "
        "vmcore/clinic/network/node.py."
    )
