"""Keep a network's weights in a work folder, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from vmcore.files import replacing


def keep_state(state: Mapping[str, Tensor], path: Path) -> None:
    """Write a state dict as safetensors under a temporary name, then rename it."""
    with replacing(path) as temporary:
        save_file(
            {name: value.detach().cpu().contiguous() for name, value in state.items()}, temporary
        )
