"""What a classifier of the comparison begins with: a network, and weights that are random or learnt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from train.imagenet import lite0_weights
from vmcore.models import ARCHITECTURES, MAE_SHAPES, create_classifier
from vmcore.models.architectures import CLASSES
from vmcore.models.efficientnet_lite0 import create_lite0, load_lite0_imagenet

LITE0 = "efficientnet-lite0"


@dataclass(frozen=True, slots=True)
class Start:
    """A network and its first weights.

    Attributes:
        architecture: a masked autoencoder's, or :data:`LITE0`.
        weights: "random"; "imagenet", for :data:`LITE0` alone; or the share of patches that the masked
            autoencoder's pretraining hid, as "0.75".
    """

    architecture: str
    weights: str

    @classmethod
    def of(cls, words: str) -> Start:
        """From "ARCHITECTURE:WEIGHTS".

        Raises:
            ValueError: there is no such start.
        """
        architecture, _, weights = words.partition(":")
        start = cls(architecture, weights)
        if start.hidden:
            start = cls(architecture, f"{start.hidden:g}")  # one share, one name
        if architecture == LITE0 and weights in {"random", "imagenet"}:
            return start
        if architecture in MAE_SHAPES and (weights == "random" or 0 < start.hidden < 1):
            return start
        raise ValueError(
            f"There is no start {words!r}. There are {LITE0}:random and {LITE0}:imagenet, and for "
            f"{', '.join(MAE_SHAPES)} random or the share of patches that are hidden, as usf-mae-tiny:0.75."
        )

    @property
    def hidden(self) -> float:
        """The share of hidden patches; 0 where the weights were not pretrained here."""
        try:
            return float(self.weights)
        except ValueError:
            return 0.0

    @property
    def name(self) -> str:
        """For files and tables."""
        return f"{self.architecture}-from-{self.weights}"

    @property
    def title(self) -> str:
        """For people."""
        known = ARCHITECTURES.get(self.architecture)
        network = known.title if known else "EfficientNet-Lite0"
        words = {"random": "random weights", "imagenet": "ImageNet's weights"}
        return f"{network}, {words.get(self.weights, f'pretrained with {self.hidden:.0%} hidden')}"


def network_of(start: Start, encoder: Path | None, imagenet: Path | None) -> nn.Module:
    """A classifier at its start.

    Args:
        start: which.
        encoder: the pretrained masked autoencoder's file, for starts that have one.
        imagenet: the file of :data:`LITE0`'s weights; the installed package's without.
    """
    if start.architecture != LITE0:
        return create_classifier(start.architecture, load_file(encoder) if encoder else None)
    network = create_lite0(num_classes=len(CLASSES))
    if start.weights == "imagenet":
        load_lite0_imagenet(network, lite0_weights(imagenet))
    # a GPU has fast kernels for bfloat16 convolutions of single channels in this layout alone
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
