"""Fetch USF-MAE's public weights where there is a network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import gdown

from vmcore.files import write_atomically
from vmcore.models.errors import WeightsError
from vmcore.models.public_checkpoints import PUBLIC_CHECKPOINTS
from vmcore.models.usf_mae import load_usf_mae_encoder

FetchProgress = Callable[[int, int | None], None]
"""Called with (bytes done, bytes in all or None)."""


def fetch_public_weights(name: str, folder: Path, *, progress: FetchProgress | None = None) -> Path:
    """Fetch a public checkpoint once; later calls return the file that is there.

    A fetch that was interrupted is gone on with. The first time that a file is there, fetched or
    put there by hand, it is checked to be USF-MAE and its checksum is noted; later calls compare.

    Args:
        name: a key of :data:`vmcore.models.PUBLIC_CHECKPOINTS`.
        folder: where the file is kept.
        progress: called while it is fetched.

    Returns:
        the checked file.

    Raises:
        WeightsError: unknown name, no network, a file that is not USF-MAE, or one that has changed.
    """
    if name not in PUBLIC_CHECKPOINTS:
        raise WeightsError(
            f"No public weights are called {name!r}: {', '.join(PUBLIC_CHECKPOINTS)}."
        )
    target = folder / f"{name}.pt"
    if not target.is_file():
        _fetch(name, target, progress)
    noted = folder / f"{name}.sha256"
    found = _checksum(target)
    if not noted.is_file():
        load_usf_mae_encoder(target)
        write_atomically(noted, found + "\n")
    elif noted.read_text().strip() != found:
        raise WeightsError(
            f"{target.name} is no longer the file that was fetched first. Remove it to fetch it "
            f"again, or remove {noted.name} to accept it."
        )
    return target


def _fetch(name: str, target: Path, progress: FetchProgress | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{name}.part")
    try:
        gdown.download(
            id=PUBLIC_CHECKPOINTS[name], output=str(partial), quiet=True, resume=True,
            progress=progress,
        )  # fmt: skip
    except Exception as error:  # gdown passes on whatever its HTTP client raises
        raise WeightsError(
            f"{name} cannot be fetched from Google Drive ({type(error).__name__}); "
            f"fetch it by hand (file id {PUBLIC_CHECKPOINTS[name]}) and put it at {target}."
        ) from error
    try:
        load_usf_mae_encoder(partial)
    except WeightsError:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(target)


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
