"""Who is silent, claims too much or is unknown holds nobody up, and nothing of the node."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from tests.clinic.orthanc import until
from tests.clinic.sending_dicom import (
    associated,
    connected,
    receiving,
    send_half,
    small_image,
    stored,
)

BEGUN = b"\x01\x00\x00"  # half of what a request for an association begins with
CLAIMED = b"\x01\x00\xff\xff\xff\xff"


def sent(port: int, folder: Path) -> bool:
    """Whether an image is taken that is sent as it should be."""
    link = associated(port)
    if not link.is_established:
        return False
    status = stored(link, small_image(), folder)
    link.release()
    return status == 0


def _drip(link: socket.socket) -> None:
    for _ in range(60):
        link.sendall(b"\0")
        time.sleep(0.2)


@pytest.mark.parametrize("said", [(), (BEGUN,)], ids=["no word", "half a word"])
def test_who_has_not_asked_yet_takes_no_place(tmp_path: Path, said: tuple[bytes, ...]) -> None:
    with receiving(tmp_path / "inbox", node_associations=1) as port, connected(port, *said):
        time.sleep(0.2)
        assert sent(port, tmp_path)


def test_who_stops_half_way_is_let_go_of(tmp_path: Path) -> None:
    with receiving(tmp_path / "inbox", 1.0, node_associations=1) as port:
        with connected(port, BEGUN) as silent:
            assert silent.recv(1) == b""
        assert sent(port, tmp_path)


def test_who_drips_bytes_is_let_go_of(tmp_path: Path) -> None:
    with (
        receiving(tmp_path / "inbox", 1.0) as port,
        connected(port, b"\x01\x00\x00\x00\x10\x00") as slow,
        pytest.raises(OSError),  # noqa: PT011  broken pipe or reset
    ):
        _drip(slow)


def test_a_place_and_a_file_are_free_again_after_a_sender_that_fell_silent(tmp_path: Path) -> None:
    with receiving(tmp_path / "inbox", 2.0, node_associations=1) as port:
        silent = associated(port)
        assert silent.is_established
        assert not associated(port).is_established
        send_half(silent)
        until(lambda: list(tmp_path.rglob(".half*")))
        silent.dul.socket.send(b"\x04\x00\x00")  # what a further part begins with
        until(lambda: sent(port, tmp_path))
        assert not list(tmp_path.rglob(".half*"))
        silent.abort()


def test_a_pdu_that_claims_gigabytes_is_not_waited_for(tmp_path: Path) -> None:
    with receiving(tmp_path / "inbox") as port:
        begun = time.monotonic()
        with connected(port, CLAIMED) as greedy:
            assert greedy.recv(1) == b""
        assert time.monotonic() - begun < 10
        assert sent(port, tmp_path)


def test_an_address_of_no_peer_is_not_listened_to(tmp_path: Path) -> None:
    afar = [{"ae_title": "AFAR", "host": "192.0.2.7"}]
    with receiving(tmp_path / "inbox", node_peers=afar) as port, connected(port) as stranger:
        begun = time.monotonic()
        assert stranger.recv(1) == b""
        assert time.monotonic() - begun < 10
