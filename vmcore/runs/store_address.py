"""Where the run store is, told without opening it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def database_file(folder: Path) -> Path:
    """The local run store's database."""
    return folder / "mlflow.db"


def store_uri(folder: Path) -> str:
    """The tracking server that a group shares, or the local database, as MLflow takes it."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{database_file(folder)}"


def store_name(folder: Path, uri: str | None = None) -> str:
    """A name that tells run stores apart: "local", or digits that say nothing of the address."""
    uri = uri or store_uri(folder)
    local = uri == f"sqlite:///{database_file(folder)}"
    return "local" if local else hashlib.sha256(uri.encode()).hexdigest()[:16]
