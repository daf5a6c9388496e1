"""A real Slurm controller and one node on this machine, with a configuration of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_NEEDED = ("munged", "slurmctld", "slurmd", "sbatch")
_CONF = """
ClusterName=ventriscope
SlurmctldHost={host}
SlurmctldPort={ctld}
SlurmdPort={slurmd}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
JobRequeue=0
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmdTimeout=10
InactiveLimit=0
KillWait=3
MinJobAge=300
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=short Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def why_not() -> str:
    """Why no cluster can be started here; empty where one can."""
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        return f"Slurm is not installed ({', '.join(missing)}); on Debian: slurm-wlm and munge"
    return "" if os.geteuid() == 0 else "Slurm's node daemon needs root"


@contextmanager
def slurm_cluster(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[str]]]:
    """Start munge, controller and node; SLURM_CONF points to them while the block runs.

    Yields:
        the daemons, the node's last, so that a test can kill it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir()
    host = socket.gethostname().split(".")[0]
    text = _CONF.format(
        host=host, folder=folder, ctld=free_port(), slurmd=free_port(), cpus=os.cpu_count()
    )
    (folder / "slurm.conf").write_text(text.lstrip())
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
    munge = [
        "munged", "--foreground", "--force", f"--key-file={folder}/munge.key",
        f"--socket={folder}/munge.socket", f"--pid-file={folder}/munge.pid",
        f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed",
    ]  # fmt: skip
    commands = [munge, ["slurmctld", "-D"], ["slurmd", "-D", "-N", host]]
    daemons: list[subprocess.Popen[str]] = []
    with (folder / "daemons.log").open("w") as log:
        try:
            for command in commands:
                daemons.append(subprocess.Popen(command, stdout=log, stderr=log, text=True))
                time.sleep(0.5)
            _wait_idle(folder)
            yield daemons
        finally:
            _end_jobs(daemons)
            for daemon in reversed(daemons):
                daemon.terminate()
            for daemon in reversed(daemons):
                try:
                    daemon.wait(timeout=2)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()


def recover(daemons: list[subprocess.Popen[str]]) -> None:
    """As after its start: every daemon goes on, no job is left, and the node takes new ones."""
    _end_jobs(daemons)
    said = subprocess.run(
        ["sinfo", "-h", "-o", "%n %T"], capture_output=True, text=True, check=True
    )
    name, state = said.stdout.split()
    if state.rstrip("*").startswith(("down", "drain")):
        order = ["scontrol", "update", f"nodename={name}", "state=resume"]
        subprocess.run(order, check=True, capture_output=True)
    _wait_idle(Path(os.environ["SLURM_CONF"]).parent)


def _end_jobs(daemons: list[subprocess.Popen[str]]) -> None:
    for daemon in daemons:
        daemon.send_signal(signal.SIGCONT)  # a test may have held it
    subprocess.run(["scancel", "--user=root"], check=False, capture_output=True)
    _wait_empty()


def _wait_empty() -> None:
    """Wait for a while until no job is left: what ends after its controller lingers on."""
    for _ in range(180):
        said = subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=False)
        if said.returncode or not said.stdout.strip():
            return
        time.sleep(0.1)


def _wait_idle(folder: Path) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        said = subprocess.run(
            ["sinfo", "-h", "-o", "%T"], capture_output=True, text=True, check=False
        )
        if said.stdout.strip() == "idle":
            return
        time.sleep(0.1)
    logs = "".join(path.read_text()[-1500:] for path in sorted(folder.glob("*.log")))
    pytest.fail(f"the Slurm node did not come up: {said.stdout}{said.stderr}\n{logs}")
