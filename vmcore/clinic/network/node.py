"""The DICOM node: archives and scanners send it images, which it keeps in the inbox (PS3.4, annex B).

    python -m vmcore.clinic.network.node

What came is judged by a second process that the node keeps alive (judging.py), and the outbox is emptied.
Only the peers of VMCORE_NODE_PEERS may send, each by its AE title from its address. What is answered
with success is on the disk. The log has counts and causes, never what an image or a peer says.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import signal
import socket
import threading
from typing import Any

from pynetdicom import _config, dimse_messages, evt
from pynetdicom.transport import ThreadedAssociationServer

from vmcore.clinic.network.accepted import IMAGE_CLASSES
from vmcore.clinic.network.arriving import Arriving, InboxFullError, TooLargeError
from vmcore.clinic.network.connections import NodeEntity, bound
from vmcore.clinic.network.delivering import Deliveries
from vmcore.clinic.network.identity import Identity, identity_of
from vmcore.clinic.network.inbox import Inbox, Kept
from vmcore.clinic.network.outbox import Destination, Outbox
from vmcore.clinic.network.quiet import say_nothing_of_images
from vmcore.clinic.network.running import JudgingProcess, hold_node
from vmcore.file_modes import keep_private
from vmcore.importing import import_in_turn
from vmcore.settings import Settings, settings

log = logging.getLogger(__name__)

SUCCESS = 0x0000
DUPLICATE_INSTANCE = 0x0111  # PS3.7, annex C.5.6
OUT_OF_RESOURCES = 0xA700  # PS3.4, table B.2-1
CLASS_DIFFERS = 0xA900
NOT_UNDERSTOOD = 0xC000

_VERIFICATION = "1.2.840.10008.1.1"
_SYNTAXES = [
    "1.2.840.10008.1.2" + number
    for number in (
        ".1", "", ".2", ".5",
        ".4.50", ".4.51", ".4.57", ".4.70", ".4.80", ".4.81", ".4.90", ".4.91",
    )
]  # fmt: skip  # not .1.99, deflated: the library unpacks such a data set without limit
_PDU_BYTES = 128 * 1024
_MOMENTS = (evt.EVT_CONN_OPEN, evt.EVT_PDU_SENT, evt.EVT_DATA_RECV)  # a message may follow
_SILENCE_S = 60
_ROUND_S = 5.0  # between looks into the outbox


def serve(
    configured: Settings, inbox: Inbox, silence_s: float = _SILENCE_S
) -> ThreadedAssociationServer:
    """Start to receive in the background; the server's ``shutdown()`` ends it.

    Args:
        configured: who may send, and where it listens.
        inbox: where instances go.
        silence_s: how long a peer that says nothing is waited for, seconds.

    Raises:
        ValueError: the settings name no peer, or the port is taken.
    """
    if not configured.node_peers:
        raise ValueError("Nobody may send to the node yet: name peers in VMCORE_NODE_PEERS.")
    say_nothing_of_images()
    inbox.sweep()
    entity = NodeEntity(ae_title=configured.node_ae_title)
    entity.maximum_associations = configured.node_associations
    entity.maximum_pdu_size = _PDU_BYTES
    entity.network_timeout = entity.dimse_timeout = entity.acse_timeout = silence_s
    entity.require_called_aet = True
    entity.add_supported_context(_VERIFICATION)
    for storage_class in IMAGE_CLASSES:
        entity.add_supported_context(storage_class, _SYNTAXES)
    allowed = {(peer.ae_title, _address(peer.host)) for peer in configured.node_peers}
    _receive_to_disk(inbox, configured.largest_file_mb * 2**20)
    try:
        server = entity.start_server(
            (configured.node_bind, configured.node_port),
            block=False,
            evt_handlers=[
                (evt.EVT_CONN_OPEN, bound, [{address for _, address in allowed}, silence_s]),
                (evt.EVT_REQUESTED, _admit, [allowed]),
                *((moment, _acknowledge) for moment in _MOMENTS),
                (evt.EVT_C_STORE, _store, [inbox]),
                (evt.EVT_CONN_CLOSE, _let_go),
                (evt.EVT_C_ECHO, lambda _: SUCCESS),
            ],
        )
    except OSError:
        raise ValueError(
            f"The node cannot listen at port {configured.node_port}: another program has it, or "
            "VMCORE_NODE_BIND is no address of this machine."
        ) from None
    if server is None:  # only where it would block
        raise RuntimeError("The node's server did not start.")
    return server


def _admit(event: Any, allowed: set[tuple[str, str]]) -> None:
    """Refuse who is not known by title and address together (PS3.8, 9.3.4: calling AE title)."""
    requestor = event.assoc.requestor
    title = str(requestor.primitive.calling_ae_title).strip()
    address = requestor.address_info.address if requestor.address_info else ""
    if (title, address) not in allowed:
        log.warning("An association was refused: its title and address are no allowed peer's.")
        event.assoc.acse.send_reject(0x01, 0x01, 0x03)
        event.assoc.kill()


def _acknowledge(event: Any) -> None:
    """Let the system acknowledge what came at once, where it knows how to (Linux, tcp(7)).

    Senders as dcmtk's write a message in parts, and hold each part back until the one before is
    acknowledged (Nagle's algorithm); a receiver that delays that by the usual 40 ms makes every image
    take them. The system forgets the wish, so it is told again.
    """
    wrapped = event.assoc.dul.socket
    if wrapped is not None and wrapped.socket is not None and hasattr(socket, "TCP_QUICKACK"):
        with contextlib.suppress(OSError):  # the peer has gone; what came is there all the same
            wrapped.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _receive_to_disk(inbox: Inbox, most_bytes: int) -> None:
    """Have the library write instances into the inbox as they come, from now on and in this process.

    It would write them into the system's folder for temporary files, which is no place for what names
    people, and knows neither limit nor full disk; so it gets the inbox's own files instead.
    """
    _config.STORE_RECV_CHUNKED_DATASET = True
    vars(dimse_messages)["NamedTemporaryFile"] = lambda **_: inbox.arriving(most_bytes)


def _let_go(event: Any) -> None:
    """Remove what a connection that has ended left half-way."""
    coming = getattr(event.assoc.dimse.message, "_data_set_file", None)
    if isinstance(coming, Arriving):
        coming.discard()


def _store(event: Any, inbox: Inbox) -> int:
    """Answer a C-STORE once its instance is on the disk."""
    try:
        arrived = event.request._dataset_file  # noqa: SLF001  the inbox's own
        arrived.settle()
        differs = _differs(event.request, identity_of(arrived.path))
        if differs is not None:
            log.warning("An image was refused: it is another one than its sender says.")
            return differs
        kept = inbox.keep_arrived(str(event.request.AffectedSOPInstanceUID), arrived)
    except TooLargeError:
        log.warning("An image was refused: it is larger than VMCORE_LARGEST_FILE_MB.")
        return OUT_OF_RESOURCES
    except InboxFullError:
        log.warning("An image was refused: the disk has no room.")
        return OUT_OF_RESOURCES
    except Exception as error:  # its text and trace may quote the image
        log.error("An image could not be kept (%s).", type(error).__name__)  # noqa: TRY400
        return NOT_UNDERSTOOD
    if kept is Kept.DIFFERENT:
        log.warning("An image was refused: another one with its number is here already.")
        return DUPLICATE_INSTANCE
    return SUCCESS


def _differs(request: Any, identity: Identity) -> int | None:
    """What to answer where a data set is not what the request says (PS3.4, table B.2-1); None where it is."""
    if identity.sop_class != str(request.AffectedSOPClassUID):
        return CLASS_DIFFERS
    if identity.sop_instance != str(request.AffectedSOPInstanceUID):
        return NOT_UNDERSTOOD
    return None


def _address(host: str) -> str:
    """The address of a peer; its name is looked up once, when the node starts."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        return socket.gethostbyname(host)
    except OSError:
        raise ValueError("A host of VMCORE_NODE_PEERS has no address in this network.") from None


def main() -> None:
    """Receive until the process is ended."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    keep_private()
    import_in_turn()
    configured = settings()
    inbox = Inbox(free_bytes=configured.node_free_mb * 2**20)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        lock = hold_node(inbox.folder.parent)
        server = None
        if configured.node_peers or not configured.archives:  # else images are asked for
            server = serve(configured, inbox)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    if server is None:
        inbox.sweep()
        log.info("Nobody may send to the node. Research use only.")
    else:
        log.info("The node receives at port %d. Research use only.", configured.node_port)
    outbox, judging = Outbox(), JudgingProcess()
    destinations: tuple[Destination, ...] = (*configured.destinations, *configured.archives)
    deliveries = Deliveries(outbox, destinations, configured.node_ae_title)
    if configured.node_judges:
        judging.keep_alive()
    else:
        log.info("The node does not judge what comes in (VMCORE_NODE_JUDGES).")
    while not ended.wait(_ROUND_S):
        if configured.node_judges and judging.keep_alive():
            log.warning("The process that judges had ended and was started again.")
        try:
            deliveries.begin()
            inbox.sweep()  # pages that fetch from archives may be killed too
            if configured.node_days:
                inbox.purge(configured.node_days)
                outbox.purge(configured.node_days)
        except Exception as error:  # receiving goes on; text and trace may quote an object
            log.error("The outbox stopped for now (%s).", type(error).__name__)  # noqa: TRY400
    if server is not None:
        server.shutdown()
    judging.end()
    os.close(lock)


if __name__ == "__main__":
    main()
