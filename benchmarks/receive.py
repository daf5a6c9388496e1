"""Images a second that the DICOM node receives, beside dcmtk's storescp: ``python -m benchmarks.receive``.

The same images go to both in turn, by dcmtk's storescu, in one association and in several at once: as it
comes, and told to hold nothing back (TCP_NODELAY=1), which spares receivers that acknowledge late. The node
brings each image to the disk before it says so, which storescp leaves to the system; what that costs by
itself is measured beside them.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pydicom
import tyro
from pydicom.uid import generate_uid

from vmcore.clinic.network.inbox import Inbox
from vmcore.data.phantom import make_phantom, write_dicom
from vmcore.files import write_atomically

_SHAPE = (480, 640)
_ASSOCIATIONS = (1, 4)  # at once
_SENDERS: dict[str, dict[str, str]] = {
    "as it comes": {},
    "holding nothing back": {"TCP_NODELAY": "1"},
}


def images(folder: Path, count: int) -> list[Path]:
    """Images of a usual size (0.9 MB), each a new instance."""
    folder.mkdir()
    item = pydicom.dcmread(write_dicom(folder / "0.dcm", make_phantom(8.0, 1, shape=_SHAPE)))
    paths = []
    for number in range(count):
        item.SOPInstanceUID = generate_uid()
        item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID
        paths.append(folder / f"{number}.dcm")
        item.save_as(paths[-1])
    return paths


def sent_per_second(port: int, paths: list[Path], senders: int, how: dict[str, str]) -> float:
    """Images a second, sent over so many associations at once, with variables for storescu.

    Raises:
        RuntimeError: not all of them arrived.
    """
    parts = [paths[start::senders] for start in range(senders)]
    command = ["storescu", "-aet", "SCANNER", "-aec", "VENTRISCOPE", "127.0.0.1", str(port)]
    start = time.perf_counter()
    with ThreadPoolExecutor(senders) as pool:
        codes = list(
            pool.map(
                lambda part: subprocess.call([*command, *map(str, part)], env=os.environ | how),
                parts,
            )
        )
    if any(codes):
        raise RuntimeError("Not every image was received.")
    return len(paths) / (time.perf_counter() - start)


@contextmanager
def listening(command: list[str], port: int, **environment: str) -> Iterator[None]:
    """A program that receives at a port."""
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kept_per_second(folder: Path, paths: list[Path]) -> float:
    """Images a second that the inbox brings to this disk, without any network."""
    inbox, contents = Inbox(folder), [path.read_bytes() for path in paths]
    start = time.perf_counter()
    for number, content in enumerate(contents):
        inbox.keep(f"1.2.{number}", content)
    return len(contents) / (time.perf_counter() - start)


def main(count: int = 100, rounds: int = 3, out: Path = Path("benchmarks/receive.json")) -> None:
    """Measure the node and storescp in turn.

    Args:
        count: images a round.
        rounds: how often; the medians count.
        out: where the figures go.
    """
    if shutil.which("storescp") is None:
        raise SystemExit("dcmtk's storescp is not installed (apt-get install dcmtk).")
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder, node, other = Path(name), free_port(), free_port()
        (folder / "storescp").mkdir()
        environment = {
            "VMCORE_STORE": str(folder / "store"),
            "VMCORE_NODE_PORT": str(node),
            "VMCORE_NODE_PEERS": json.dumps([{"ae_title": "SCANNER", "host": "127.0.0.1"}]),
            "VMCORE_NODE_JUDGES": "false",
            "VMCORE_NODE_FREE_MB": "0",
        }
        received = [
            "storescp",
            "--fork",
            "--output-directory",
            str(folder / "storescp"),
            str(other),
        ]
        program = [sys.executable, "-m", "vmcore.clinic.network.node"]
        with listening(program, node, **environment), listening(received, other):
            for turn, (sender, how), senders in product(
                range(rounds), _SENDERS.items(), _ASSOCIATIONS
            ):
                sent = folder / "sent"  # new to both, each time
                paths = images(sent, count)
                for what, port in (("storescp", other), ("node", node)):
                    rate = sent_per_second(port, paths, senders, how)
                    rates.setdefault(f"{what}, {senders} {sender}", []).append(rate)
                rates.setdefault("the inbox alone", []).append(
                    kept_per_second(folder / f"kept-{turn}-{sender}-{senders}", paths)
                )
                shutil.rmtree(sent)
    medians = {what: statistics.median(each) for what, each in rates.items()}
    figures = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "images_a_second": {what: round(each, 1) for what, each in sorted(medians.items())},
        "node_to_storescp": {
            f"{senders} {sender}": round(
                medians[f"node, {senders} {sender}"] / medians[f"storescp, {senders} {sender}"], 2
            )
            for sender, senders in product(_SENDERS, _ASSOCIATIONS)
        },
    }
    write_atomically(out, json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    tyro.cli(main)
