"""The networks that can be asked for by name, and what is known of them without building one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vmcore.imaging.model_input import IMAGENET_DEVIATION, IMAGENET_MEAN

CLASSES: tuple[Literal["normal"], Literal["ventriculomegaly"]] = ("normal", "ventriculomegaly")
IMAGENET_CLASSES = 1000


@dataclass(frozen=True, slots=True)
class Normalisation:
    """What is subtracted from red, green and blue (0..1), and what they are then divided by."""

    mean: tuple[float, float, float] = IMAGENET_MEAN
    deviation: tuple[float, float, float] = IMAGENET_DEVIATION


OURS = Normalisation()
"""ImageNet's own, which :func:`vmcore.training.normalise` applies."""


@dataclass(frozen=True, slots=True)
class PretrainedWeights:
    """Weights in timm's registry: their full name with the tag, and the input they expect."""

    tag: str
    normalisation: Normalisation

    @property
    def file(self) -> str:
        """Where they are published."""
        return f"https://huggingface.co/timm/{self.tag}/resolve/main/model.safetensors"


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that can be asked for by name.

    Attributes:
        timm_name: timm's name for it.
        title: ours.
        masked_autoencoder: it starts from a masked autoencoder's encoder.
        imagenet: weights that were trained on ImageNet-1k and nothing else, or None.
        width: channels of a vision transformer's tokens; None for a convolutional network.
    """

    timm_name: str
    title: str
    masked_autoencoder: bool = False
    width: int | None = None
    imagenet: PretrainedWeights | None = None


ARCHITECTURES: Mapping[str, Architecture] = {
    "usf-mae": Architecture("vit_base_patch16_224", "USF-MAE (ViT-B/16)", True, 768),
    "usf-mae-small": Architecture("vit_small_patch16_224", "USF-MAE, small (ViT-S/16)", True, 384),
    "usf-mae-tiny": Architecture("vit_tiny_patch16_224", "USF-MAE, tiny (ViT-Ti/16)", True, 192),
    "vit-b16": Architecture(
        "vit_base_patch16_224", "ViT-B/16", width=768,
        imagenet=PretrainedWeights(
            "vit_base_patch16_224.augreg_in1k", Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
        ),
    ),
    "resnet50": Architecture(
        "resnet50", "ResNet-50", imagenet=PretrainedWeights("resnet50.tv_in1k", OURS)
    ),
    "vgg19": Architecture("vgg19", "VGG-19", imagenet=PretrainedWeights("vgg19.tv_in1k", OURS)),
}  # fmt: skip
