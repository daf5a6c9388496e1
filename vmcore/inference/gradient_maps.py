"""Other heatmaps, for comparison with Eigen-CAM: by gradients (pytorch-grad-cam), and Score-CAM."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from pytorch_grad_cam import EigenGradCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from vmcore.inference.engine import Array
from vmcore.inference.heatmap import Heatmap
from vmcore.inference.score_cam import score_cam
from vmcore.models import reads_mean, vision_transformer


class _OrientedEigenGradCAM(EigenGradCAM):  # type: ignore[misc]
    """The library's, with the sign that a principal component does not have by itself.

    Its map is turned to where gradient times activation is positive, so that it shows what speaks for the
    class and not, as often by chance, what speaks against it.
    """

    def get_cam_image(
        self,
        input_tensor: Tensor,
        target_layer: nn.Module,
        targets: list[nn.Module],
        activations: Array,
        grads: Array,
        eigen_smooth: bool,
    ) -> Array:
        found = super().get_cam_image(
            input_tensor, target_layer, targets, activations, grads, eigen_smooth
        )
        speaks_for = (activations * grads).sum(axis=1)
        agrees = (found * (speaks_for - speaks_for.mean((1, 2), keepdims=True))).sum((1, 2))
        return np.asarray(np.where(agrees[:, None, None] < 0, -found, found))


_METHODS: dict[str, Any] = {
    "grad-cam": GradCAM,
    "grad-cam++": GradCAMPlusPlus,
    "eigen-grad-cam": _OrientedEigenGradCAM,
    "layer-cam": LayerCAM,
    "hires-cam": HiResCAM,
}
VENTRICULOMEGALY = 1


def gradient_maps(model: nn.Module, images: Array, method: str) -> list[Heatmap]:
    """Explain the logit of ventriculomegaly.

    Args:
        model: a float32 classifier.
        images: (B, 3, 224, 224), normalised.
        method: one of :data:`vmcore.inference.HEATMAP_METHODS` except "eigen-cam".

    Returns:
        float32 (224, 224) in [0, 1] for each image.

    Raises:
        ValueError: Score-CAM of a network with too many channels.
    """
    layer, reshape = target_layer(model)
    if method == "score-cam":
        return score_cam(model, images, layer, reshape, VENTRICULOMEGALY)
    targets = [ClassifierOutputTarget(VENTRICULOMEGALY) for _ in range(len(images))]
    with _METHODS[method](model, [layer], reshape_transform=reshape) as cam:
        return [
            np.asarray(found, np.float32)
            for found in cam(input_tensor=torch.from_numpy(images), targets=targets)
        ]


def target_layer(model: nn.Module) -> tuple[nn.Module, Any]:
    """The layer to explain, and what turns a transformer's tokens into a map."""
    if reads_mean(model):
        return model.blocks[-1], _tokens_to_map  # type: ignore[index, return-value]
    if vision_transformer(model):
        # what the last attention takes in: behind it patch tokens reach no class-token head
        return model.blocks[-1].norm1, _tokens_to_map  # type: ignore[index, union-attr]
    children = dict(model.named_children())
    return (children["layer4"] if "layer4" in children else children["features"]), None


def _tokens_to_map(tokens: Tensor) -> Tensor:
    side = round((tokens.shape[1] - 1) ** 0.5)
    return tokens[:, 1:].transpose(1, 2).reshape(len(tokens), -1, side, side)
