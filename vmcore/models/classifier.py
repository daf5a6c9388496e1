"""One registry and one factory for everything that tells normal from ventriculomegaly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import timm
from torch import Tensor, nn

from vmcore.models.checkpoints import WeightsError, fit_state, read_weights
from vmcore.models.usf_mae import encoder_state

CLASSES = ("normal", "ventriculomegaly")


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network that can be asked for by name: timm's name for it, and what it is."""

    timm_name: str
    title: str
    masked_autoencoder: bool = False


ARCHITECTURES: Mapping[str, Architecture] = {
    "usf-mae": Architecture("vit_base_patch16_224", "USF-MAE (ViT-B/16)", True),
    "usf-mae-small": Architecture("vit_small_patch16_224", "USF-MAE, small (ViT-S/16)", True),
    "usf-mae-tiny": Architecture("vit_tiny_patch16_224", "USF-MAE, tiny (ViT-Ti/16)", True),
    "vit-b16": Architecture("vit_base_patch16_224", "ViT-B/16"),
    "resnet50": Architecture("resnet50", "ResNet-50"),
    "vgg19": Architecture("vgg19", "VGG-19"),
}

Weights = str | Path | Mapping[str, Tensor] | None


def create_classifier(
    name: str, weights: Weights = None, *, pooling: Literal["token", "avg"] = "token"
) -> nn.Module:
    """Create a classifier with logits (B, 2); class 0 is normal, 1 ventriculomegaly.

    Args:
        name: a key of :data:`ARCHITECTURES`.
        weights: None for random ones; "imagenet" for timm's ImageNet-1k weights (needs a network
            once); a path or state dict otherwise. For ``usf-mae*`` a masked autoencoder's
            checkpoint is taken, whose decoder is dropped; a classifier's own weights fit all.
        pooling: for vision transformers, what the head reads: the class token (paper) or the mean.

    Raises:
        ValueError: the name is unknown.
        WeightsError: the weights cannot be had or do not fit; says which key is wrong.
    """
    if name not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ValueError(f"No architecture is called {name!r}; there are {known}.")
    architecture = ARCHITECTURES[name]
    options = {"global_pool": pooling} if architecture.timm_name.startswith("vit") else {}
    if isinstance(weights, str) and weights == "imagenet":
        return _from_imagenet(architecture, options)
    model: nn.Module = timm.create_model(
        architecture.timm_name, pretrained=False, num_classes=len(CLASSES), **options
    )
    if weights is None:
        return model
    state = weights if isinstance(weights, Mapping) else read_weights(Path(weights))
    if architecture.masked_autoencoder and not _has_head(state):
        state = encoder_state(state)
    fit_state(model, state, head=_head_keys(model))
    return model


def _from_imagenet(architecture: Architecture, options: Mapping[str, str]) -> nn.Module:
    try:
        return timm.create_model(
            architecture.timm_name, pretrained=True, num_classes=len(CLASSES), **options
        )
    except Exception as error:  # the hub client raises its own kinds, and httpx's
        raise WeightsError(
            f"The ImageNet weights of {architecture.title} cannot be fetched "
            f"({type(error).__name__}). Fetch them where there is a network "
            f"(timm's {architecture.timm_name}) and give the file's path instead."
        ) from error


def _has_head(state: Mapping[str, Tensor]) -> bool:
    return "head.weight" in state


def _head_keys(model: nn.Module) -> tuple[str, ...]:
    head = model.get_classifier()  # type: ignore[operator]
    owned = {id(parameter) for parameter in head.parameters()}
    return tuple(name for name, parameter in model.named_parameters() if id(parameter) in owned)


def parameter_count(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def vision_transformer(model: nn.Module) -> bool:
    """Whether the model yields patch tokens (timm's VisionTransformer)."""
    return isinstance(model, timm.models.vision_transformer.VisionTransformer)


__all__ = [
    "ARCHITECTURES",
    "CLASSES",
    "Architecture",
    "create_classifier",
    "parameter_count",
    "vision_transformer",
]
