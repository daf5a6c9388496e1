"""The node's server in this process, and a peer that sends to it over a real connection."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundImageStorage, generate_uid
from pynetdicom import AE, _config, dimse_messages
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import encode

from tests.clinic.orthanc import free_port
from vmcore.clinic.network.inbox import Inbox
from vmcore.clinic.network.node import serve
from vmcore.settings import Settings


@contextmanager
def receiving(folder: Path, silence_s: float = 30.0, **more: Any) -> Iterator[int]:
    """A server that one peer, SCANNER, may send to; its port."""
    port = free_port()
    peers = more.pop("node_peers", [{"ae_title": "SCANNER", "host": "127.0.0.1"}])
    configured = Settings(node_port=port, node_peers=peers, **more)
    before = _config.STORE_RECV_CHUNKED_DATASET, vars(dimse_messages)["NamedTemporaryFile"]
    server = serve(configured, Inbox(folder), silence_s)
    try:
        yield port
    finally:
        server.shutdown()
        _config.STORE_RECV_CHUNKED_DATASET = before[0]  # which the node sets for its whole process
        vars(dimse_messages)["NamedTemporaryFile"] = before[1]


@contextmanager
def connected(port: int, *said: bytes) -> Iterator[socket.socket]:
    """A bare connection that has said something."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        for part in said:
            link.sendall(part)
        yield link


def associated(port: int, syntax: str = ExplicitVRLittleEndian) -> Association:
    """An association that sends ultrasound images, established or not."""
    entity = AE("SCANNER")
    entity.add_requested_context(UltrasoundImageStorage, syntax)
    return entity.associate("127.0.0.1", port, ae_title="VENTRISCOPE")


def small_image() -> Dataset:
    """An instance with little in it."""
    image = Dataset()
    image.SOPClassUID, image.SOPInstanceUID = UltrasoundImageStorage, generate_uid()
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    return image


def stored(link: Association, image: Dataset, folder: Path, instance: str = "") -> int:
    """Send a data set, under another SOP Instance UID than its own if one is given; what is answered.

    The library takes what it tells beside a data set from the file's meta information.
    """
    image.file_meta = FileMetaDataset()
    image.file_meta.MediaStorageSOPClassUID = UltrasoundImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = instance or image.SOPInstanceUID
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path = folder / f"{generate_uid()}.dcm"
    with path.open("wb") as stream:
        stream.write(bytes(128) + b"DICM")
        write_file_meta_info(stream, image.file_meta)
        stream.write(encode(image, False, True) or b"")
    _config.STORE_SEND_CHUNKED_DATASET = True
    try:
        return int(link.send_c_store(path).Status)
    finally:
        _config.STORE_SEND_CHUNKED_DATASET = False


def send_half(link: Association, sop_class: str = UltrasoundImageStorage) -> None:
    """Send the beginning of an image, and not the rest of it."""
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID = sop_class
    request.AffectedSOPInstanceUID = generate_uid()
    request.DataSet = BytesIO(bytes(2**20))
    message = dimse_messages.C_STORE_RQ()
    message.primitive_to_message(request)
    (context,) = link.accepted_contexts
    for part in islice(message.encode_msg(context.context_id, 16_382), 20):
        link.dul.send_pdu(part)
    while not link.dul.to_provider_queue.empty():
        time.sleep(0.01)
