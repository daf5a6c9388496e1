"""Every path, limit and switch in one object, settable by VMCORE_* environment variables."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from vmcore.files import expanded
from vmcore.imaging import ReadLimits

_ROOT = Path(__file__).resolve().parent.parent
_ASSETS = _ROOT / "assets"
_SECRET = 16  # characters of a secret, at least: an empty one would let everybody in


class DicomPeer(BaseModel):
    """Who may send to the DICOM node: an AE title (PS3.5, VR AE) from one address."""

    model_config = ConfigDict(frozen=True)
    ae_title: str = Field(min_length=1, max_length=16)
    host: str = Field(min_length=1)


class DicomDestination(DicomPeer):
    """Where results are sent by C-STORE."""

    name: str = Field(min_length=1)
    port: int = Field(104, ge=1, le=65535)


class WebArchive(BaseModel):
    """An archive that is reached by DICOMweb (PS3.18): reports go there, and images are asked for there."""

    model_config = ConfigDict(frozen=True)
    name: str = Field(min_length=1)
    url: str
    """Its base URL, as https://archive.example/dicom-web; without encryption on this machine alone."""
    user: str | None = None
    """Who signs in with the secret as a password; without it the secret is a bearer token."""
    secret: SecretStr | None = None
    secret_file: Path | None = None
    """A file that holds the secret alone."""
    ca_file: Path | None = None
    """Whose certificates are believed, in PEM; those that the program brings along without it."""
    ask: bool = True
    """Whether the worklist page asks it for images."""

    @field_validator("url")
    @classmethod
    def _guarded(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("this is no plain base URL: a scheme, a host and a path")
        here = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if parts.scheme != "https" and not (parts.scheme == "http" and here):
            raise ValueError("names of patients travel by https alone, or on this machine")
        return url.rstrip("/")


class Settings(BaseSettings):
    """What an installation may change."""

    model_config = SettingsConfigDict(
        env_prefix="VMCORE_",
        frozen=True,
        hide_input_in_errors=True,  # it may hold a secret
    )

    bundle: Path = _ASSETS / "model"
    """The model bundle that the classify page uses until another one is promoted."""
    anatomy: Path = _ASSETS / "anatomy"
    """The model that finds head and ventricle and measures the atrium."""
    grades: Literal["isuog", "two"] = "isuog"
    """Degrees of ventriculomegaly: mild 10 to 12, moderate, severe from 15 mm on (ISUOG 2020), or two:
    mild 10 to under 15, severe from 15 mm on."""
    examples: Path = _ASSETS / "examples"
    """Example scans offered on the classify page."""
    readable_roots: tuple[Path, ...] = ()
    """Folders, as a JSON list, below which pages and runs read scans, manifests and weights files that
    somebody names; everything that the app's user may read without it."""
    images: Path | None = None
    """Folder of the images that the bundled model's predictions name, to look at its cases."""
    device: str | None = None
    """"cuda" or "cpu"; the GPU where there is one without it."""
    largest_file_mb: int = Field(256, ge=1, le=4096)
    """Largest file that is read, in MB."""
    most_frames: int = Field(2000, ge=1)
    """Longest loop that is read, in frames."""
    most_scans: int = Field(1000, ge=1)
    """Scans that one session holds at a time."""
    session_mb: int = Field(1200, ge=16)
    """Memory that one session's scans may take, in MB of decoded pixels."""
    all_sessions_mb: int = Field(4000, ge=16)
    """Memory that the scans of all sessions together may take, in MB."""

    login: Literal["none", "oidc", "proxy"] = "none"
    """How people are known: as this machine's user, by OpenID Connect (.streamlit/secrets.toml), or by
    the header that a trusted proxy sends."""
    proxy_header: str = "X-Forwarded-User"
    """The header that names the person, where ``login`` is "proxy"."""
    proxy_secret: SecretStr | None = Field(None, min_length=_SECRET)
    """What the proxy sends as X-VentriScope-Proxy-Secret to prove that it is the proxy."""
    roles: Path | None = None
    """A TOML file of names and their roles; without it, who signs in may classify."""
    token: SecretStr | None = Field(None, min_length=_SECRET)
    """What must be known to come in, for a machine that several people share."""

    store: Path = _ROOT / "store"
    """Studies, runs, the run store's database and fetched weights."""
    audit: bool = True
    """Whether answers, decisions and what is taken away are noted in the store's audit.db: numbers, digests
    and who was at the page, no pixels and nothing of a patient."""
    store_group: str | None = None
    """A group of the system whose members may read the store; its owner alone without it."""
    host: str = Field(default_factory=socket.gethostname, min_length=1)
    """This machine's name in a store that several share; the system's own without it."""
    launcher: Literal["local", "slurm"] = "local"
    """Who does the work of a run: a process on this machine, or Slurm."""
    slurm_partition: str | None = None
    slurm_gpus: int = Field(1, ge=0, le=16)
    """GPUs of each job."""
    slurm_minutes: int = Field(720, ge=1)
    """Time limit of each job."""
    slurm_memory_gb: int | None = Field(None, ge=1)
    slurm_cpus: int = Field(4, ge=1)
    slurm_parallel: int = Field(5, ge=1)
    """Folds that are trained at the same time."""

    node_ae_title: str = Field("VENTRISCOPE", min_length=1, max_length=16)
    """The DICOM node's own AE title; whoever calls another one is refused."""
    node_port: int = Field(11112, ge=1, le=65535)
    node_bind: str = "127.0.0.1"
    """The address that the node listens at; this machine alone can reach it without another one."""
    node_peers: tuple[DicomPeer, ...] = ()
    """Who may send to the node, as a JSON list of {"ae_title": …, "host": …}."""
    node_associations: int = Field(16, ge=1, le=256)
    """Senders that are served at the same time."""
    node_free_mb: int = Field(1024, ge=0)
    """Room that the node leaves on the disk; images that would need it are refused."""
    node_days: int = Field(0, ge=0)
    """Days after which a received image is removed; 0 keeps it until somebody removes it."""

    destinations: tuple[DicomDestination, ...] = ()
    """Where results go, as a JSON list of {"name": …, "ae_title": …, "host": …, "port": …}."""
    archives: tuple[WebArchive, ...] = ()
    """Archives that are reached by DICOMweb, as a JSON list of {"name": …, "url": …}; by their names they are
    destinations too."""
    node_judges: bool = True
    """Whether the node judges what it receives; without, it only keeps it."""
    node_send_to: tuple[str, ...] = ()
    """Names of destinations that get the report of every received image by themselves, as a JSON list."""

    @model_validator(mode="after")
    def _told_apart(self) -> Settings:
        names = [one.name for one in self.destinations] + [one.name for one in self.archives]
        if len(set(names)) < len(names):
            raise ValueError("two destinations or archives have the same name")
        return self

    @field_validator("store")
    @classmethod
    def _expanded(cls, store: Path) -> Path:
        return expanded(store)

    @property
    def shared_store(self) -> bool:
        """Whether runs are kept by a tracking server (MLFLOW_TRACKING_URI)."""
        return bool(os.environ.get("MLFLOW_TRACKING_URI"))

    def read_limits(self) -> ReadLimits:
        """Limits for :func:`vmcore.imaging.read_scan`."""
        return ReadLimits(file_bytes=self.largest_file_mb * 2**20, frames=self.most_frames)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The installation's settings, read once."""
    return Settings()
