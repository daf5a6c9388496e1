"""Show what a masked autoencoder draws where patches were hidden from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from vmcore.imaging.model_input import IMAGENET_DEVIATION, IMAGENET_MEAN
from vmcore.models import MaskedAutoencoder
from vmcore.models.masked_autoencoder import PATCH_EPSILON
from vmcore.training.normalise import normalise
from vmcore.training.steps import seeded

_HIDDEN_GREY = 96


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """Pictures of the same images, each uint8 (N, 224, 224).

    Attributes:
        original: as given.
        masked: hidden patches are an even grey.
        reconstructed: hidden patches are the network's; the others too where it was taught to draw
            every patch.
    """

    original: npt.NDArray[np.uint8]
    masked: npt.NDArray[np.uint8]
    reconstructed: npt.NDArray[np.uint8]


@torch.no_grad()
def reconstruct(
    model: MaskedAutoencoder, images: npt.NDArray[np.uint8], mask_ratio: float, *, seed: int = 0
) -> Reconstruction:
    """Hide patches of images and have them drawn, without augmentation.

    Args:
        model: the masked autoencoder, on any device; left in the mode that it was in.
        images: uint8 (N, 224, 224).
        mask_ratio: share of patches that are hidden.
        seed: of which ones; the same seed hides the same.
    """
    device, training = model.cls_token.device, model.training
    inputs = normalise(torch.from_numpy(images)[:, None].expand(-1, 3, -1, -1).to(device))
    noise = torch.rand(len(images), model.patch_embed.num_patches, generator=seeded(seed))
    model.eval()
    try:
        _, drawn, mask = model(inputs, mask_ratio, noise.to(device))
    finally:
        model.train(training)
    patches = model.patchify(inputs)
    if model.normalise_patches:
        mean, variance = patches.mean(-1, keepdim=True), patches.var(-1, keepdim=True)
        drawn = drawn * (variance + PATCH_EPSILON).sqrt() + mean
    hidden = mask[..., None].bool()
    shown = drawn if model.loss_on == "all" else torch.where(hidden, drawn, patches)
    where = _grey_mask(model, hidden)
    masked = np.where(where, np.uint8(_HIDDEN_GREY), images).astype(np.uint8)
    return Reconstruction(images, masked, _grey(model.unpatchify(shown)))


def _grey_mask(model: MaskedAutoencoder, hidden: Tensor) -> npt.NDArray[np.bool_]:
    """(N, 224, 224), true where a patch (N, L, 1) is hidden."""
    side = model.shape.patch_side
    whole: npt.NDArray[np.bool_] = (
        model.unpatchify(hidden.float().expand(-1, -1, 3 * side**2))[:, 0].cpu().numpy() > 0.5
    )
    return whole


def _grey(normalised: Tensor) -> npt.NDArray[np.uint8]:
    """Undo the normalisation of (N, 3, 224, 224); the channels' mean, uint8 (N, 224, 224)."""
    mean = torch.tensor(IMAGENET_MEAN).view(3, 1, 1)
    deviation = torch.tensor(IMAGENET_DEVIATION).view(3, 1, 1)
    values = (normalised.float().cpu() * deviation + mean).mean(1) * 255
    return values.round().clamp(0, 255).to(torch.uint8).numpy()
