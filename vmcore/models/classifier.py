"""One registry and one factory for everything that tells normal from ventriculomegaly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import timm
import torch
from torch import Tensor, nn

from vmcore.models.architectures import (
    ARCHITECTURES,
    CLASSES,
    IMAGENET_CLASSES,
    OURS,
    Architecture,
    Normalisation,
)
from vmcore.models.checkpoints import fit_state, read_weights
from vmcore.models.errors import WeightsError
from vmcore.models.fitting import for_classifier
from vmcore.models.normalisation import to_our_input

Weights = str | Path | Mapping[str, Tensor] | None


def create_classifier(
    name: str, weights: Weights = None, *, pooling: Literal["token", "avg"] = "token"
) -> nn.Module:
    """Create a classifier with logits (B, 2); class 0 is normal, 1 ventriculomegaly.

    Args:
        name: a key of :data:`ARCHITECTURES`.
        weights: None for random ones; "imagenet" for the ImageNet-1k weights that
            :data:`ARCHITECTURES` names (needs a network once); a path or state dict otherwise. For
            ``usf-mae*`` a masked autoencoder's checkpoint is taken, whose decoder is dropped; a
            classifier's own weights fit all. Weights with a head of 1000 classes are taken to be
            those named ones, and brought to our normalisation of the input. Position embeddings of
            another number of patches are interpolated.
        pooling: for vision transformers, what the head reads: the class token (paper), or the mean of
            the patches through a norm of its own, ``fc_norm`` (He et al. 2022), which starts anew
            where the weights were trained with the class token.

    Raises:
        ValueError: the name is unknown.
        WeightsError: the weights cannot be had or do not fit; says which key is wrong.
    """
    if name not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise ValueError(f"No architecture is called {name!r}; there are {known}.")
    architecture = ARCHITECTURES[name]
    options = {"global_pool": pooling} if architecture.timm_name.startswith("vit") else {}
    state = _state(architecture, weights)
    model: nn.Module = timm.create_model(
        architecture.timm_name, pretrained=False, num_classes=len(CLASSES), **options
    )
    if state is None:
        return model
    head = head_keys(model)
    trained = input_of(name, state, head)
    taken = for_classifier(architecture, state, pooling)
    fit_state(model, to_our_input(model, taken.state, trained), head=(*head, *taken.fresh))
    return model


def _state(architecture: Architecture, weights: Weights) -> Mapping[str, Tensor] | None:
    if weights is None or isinstance(weights, Mapping):
        return weights
    if isinstance(weights, str) and weights == "imagenet":
        return _from_imagenet(architecture)
    return read_weights(Path(weights))


def _from_imagenet(architecture: Architecture) -> Mapping[str, Tensor]:
    """The weights as timm publishes them, with their head."""
    published = architecture.imagenet
    if published is None:
        raise WeightsError(
            f"{architecture.title} starts from a masked autoencoder's weights, not from ImageNet's; "
            "for those take vit-b16, resnet50 or vgg19."
        )
    try:
        return timm.create_model(published.tag, pretrained=True).state_dict()
    except Exception as error:  # the hub client raises its own kinds, and httpx's
        raise WeightsError(
            f"The ImageNet weights of {architecture.title} cannot be fetched "
            f"({type(error).__name__}). Fetch {published.tag} where there is a network "
            f"({published.file}) and give the file's path instead."
        ) from error


def input_of(
    name: str, state: Mapping[str, Tensor], head: tuple[str, ...] | None = None
) -> Normalisation:
    """The normalisation of input that weights expect, told by the classes of their head.

    A head of two classes is our own classifier's, and no head an encoder's: both expect ours. One of
    1000 classes is that of the architecture's published ImageNet-1k weights.

    Args:
        name: a key of :data:`ARCHITECTURES`.
        state: the weights.
        head: names of the head's parameters, where they are known already.

    Raises:
        WeightsError: a head whose classes tell of weights that are not known here.
    """
    architecture = ARCHITECTURES[name]
    if head is None:
        with torch.device("meta"):
            head = head_keys(timm.create_model(architecture.timm_name, num_classes=len(CLASSES)))
    sizes = {state[key].shape[0] for key in head if key in state and state[key].ndim}
    published = architecture.imagenet
    if sizes <= {len(CLASSES)}:
        return OURS
    if published is None:
        raise WeightsError(
            f"These weights have a head of {max(sizes)} classes: they are no masked autoencoder's, "
            f"which {architecture.title} starts from. Take vit-b16 for ImageNet's."
        )
    if published.normalisation != OURS and "fc_norm.weight" in state:
        raise WeightsError(
            f"These weights end in fc_norm, so they are not {published.tag}, and it is not known how "
            "their input was normalised. Take those, or a classifier of this program."
        )
    if sizes != {IMAGENET_CLASSES} and published.normalisation != OURS:
        raise WeightsError(
            f"These weights have a head of {max(sizes)} classes, so it is not known how their input "
            f"was normalised. Take {published.tag}, or a classifier of this program."
        )
    return published.normalisation


def head_keys(model: nn.Module) -> tuple[str, ...]:
    """Names of the parameters of a classifier's last layer."""
    head = model.get_classifier()  # type: ignore[operator]
    owned = {id(parameter) for parameter in head.parameters()}
    return tuple(name for name, parameter in model.named_parameters() if id(parameter) in owned)


def parameter_count(model: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def vision_transformer(model: nn.Module) -> bool:
    """Whether the model yields patch tokens (timm's VisionTransformer)."""
    return isinstance(model, timm.models.vision_transformer.VisionTransformer)


def reads_mean(model: nn.Module) -> bool:
    """Whether a vision transformer's head reads the mean of its patches, not the class token."""
    return vision_transformer(model) and model.global_pool == "avg"
