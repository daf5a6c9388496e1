"""Which engine answers for a bundle: torch on a graphics card, OpenVINO everywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vmcore.inference.engine import Engine
from vmcore.inference.openvino_engine import OpenVinoEngine, Precision
from vmcore.inference.vit_graph import vit_width
from vmcore.models.bundle_card import BundleCard
from vmcore.models.bundle_weights import load_weights
from vmcore.models.errors import BundleError, WeightsError

if TYPE_CHECKING:
    from torch import nn

_GRAPHICS = [Path(f"/dev/{name}") for name in ("nvidiactl", "dxg", "kfd")]
"""What drivers of graphics cards put there: NVIDIA's, Windows' for its subsystem, AMD's."""

__all__ = ["Precision", "engine_of_bundle", "engine_of_models"]


def engine_of_bundle(
    bundle: Path, card: BundleCard, device: str | None, precision: Precision | None
) -> Engine:
    """The engine of a bundle's networks. On a processor, transformers need no torch.

    Raises:
        BundleError: weights that are missing, damaged or do not fit.
    """
    try:
        width = vit_width(card)
        if width is not None and _on_processor(device):
            weights = load_weights(bundle, card)
            return OpenVinoEngine.of_transformers(weights, width, card.pooling, precision)
    except WeightsError as error:
        raise BundleError(f"The bundle's weights are not those of its card. {error}") from error
    from vmcore.models.bundle import load_models  # noqa: PLC0415  it loads torch

    _, models = load_models(bundle)
    return engine_of_models(card, models, device, precision)


def engine_of_models(
    card: BundleCard,
    models: Sequence[nn.Module],
    device: str | None,
    precision: Precision | None,
) -> Engine:
    """The engine of torch modules, whose weights it takes as they are now.

    Raises:
        WeightsError: they are not of the card's architecture.
    """
    if not _on_processor(device):
        import torch  # noqa: PLC0415

        from vmcore.inference.torch_engine import TorchEngine  # noqa: PLC0415

        dtype = None if precision is None else getattr(torch, precision)
        return TorchEngine(models, torch.device(device or "cuda"), dtype)
    width = vit_width(card)
    if width is None:
        return OpenVinoEngine.of_modules(models, precision)
    weights = [
        {name: values.detach().float().cpu().numpy() for name, values in model.state_dict().items()}
        for model in models
    ]
    return OpenVinoEngine.of_transformers(weights, width, card.pooling, precision)


def _on_processor(device: str | None) -> bool:
    if device is not None:
        return device == "cpu"
    if not any(
        device_file.exists() for device_file in _GRAPHICS
    ):  # then torch need not be loaded to say that there is none
        return True
    import torch  # noqa: PLC0415

    return not torch.cuda.is_available()
