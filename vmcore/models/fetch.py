"""Fetch USF-MAE's public weights where there is a network."""

from __future__ import annotations

from pathlib import Path

import gdown

from vmcore.models.checkpoints import WeightsError
from vmcore.models.usf_mae import PUBLIC_CHECKPOINTS, load_usf_mae_encoder


def fetch_public_weights(name: str, folder: Path) -> Path:
    """Fetch a public checkpoint once; later calls return the file that is there.

    Args:
        name: a key of :data:`vmcore.models.PUBLIC_CHECKPOINTS`.
        folder: where the file is kept.

    Returns:
        the checked file.

    Raises:
        WeightsError: unknown name, no network, or a file that is not USF-MAE.
    """
    if name not in PUBLIC_CHECKPOINTS:
        raise WeightsError(
            f"No public weights are called {name!r}: {', '.join(PUBLIC_CHECKPOINTS)}."
        )
    target = folder / f"{name}.pt"
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.part"
    try:
        gdown.download(id=PUBLIC_CHECKPOINTS[name], output=str(partial), quiet=True, resume=True)
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
    return target
