"""A real MLflow tracking server on this machine, with its own database and artifacts."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.runs.slurm_cluster import free_port

NEEDS = "MLflow's server needs flask and flask-cors (requirements-test.txt)"


def has_server() -> bool:
    """Whether one can be started here."""
    return all(importlib.util.find_spec(name) for name in ("flask", "flask_cors"))


@dataclass(frozen=True)
class TrackingServer:
    """A running server: its address, its log, its process."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def downloads(self, run_id: str) -> list[str]:
        """Every file of a run that was fetched from it, as its own log tells."""
        asked = [line.split('"GET ')[1].split(" HTTP")[0]
                 for line in self.log.read_text().splitlines() if '"GET ' in line]  # fmt: skip
        return [path for path in asked if f"/{run_id}/artifacts/" in path]

    def stop(self) -> None:
        """End it with all its processes."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all its processes."""
        os.killpg(self.process.pid, number)


@contextmanager
def tracking_server(folder: Path) -> Iterator[TrackingServer]:
    """Start one on a free port; it is ended with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    port, log = free_port(), folder / "server.log"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/server.db",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    surroundings = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    surroundings.pop("MLFLOW_TRACKING_URI", None)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=folder, stdout=stream, stderr=stream, env=surroundings,
            start_new_session=True,
        )  # fmt: skip
    server = TrackingServer(f"http://127.0.0.1:{port}", log, process)
    try:
        _wait(server)
        yield server
    finally:
        server.stop()


def _wait(server: TrackingServer) -> None:
    for _ in range(480):
        if server.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{server.url}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"the tracking server did not come up:\n{server.log.read_text()[-3000:]}")
