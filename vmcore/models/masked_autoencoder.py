"""The masked autoencoder that USF-MAE is (He et al. 2022; Megahed et al., USF-MAE).

Numerically the published model: parameter names and arithmetic follow the public checkpoints
``mae_vit_base_patch16_dec512d8b``, so their state dicts load as they are.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from timm.models.vision_transformer import Block, PatchEmbed
from torch import Tensor, nn
from torch.nn import functional

from vmcore.models.mae_shapes import MaeShape

PATCH_EPSILON = 1e-6
"""Added to a patch's variance where patches are normalised, as in He et al.'s code."""


class MaskedAutoencoder(nn.Module):
    """Encode the visible patches of an image, and draw the hidden ones.

    Args:
        shape: sizes; ViT-B/16 with a 512-wide, 8-block decoder by default.
        loss_on: "masked" averages the error over hidden patches (the public checkpoints),
            "all" over every patch (the paper's equation).
        normalise_patches: whether each patch's own mean and deviation are taken out of what is to
            be drawn (He et al.'s choice for ImageNet).
    """

    def __init__(
        self,
        shape: MaeShape | None = None,
        *,
        loss_on: Literal["masked", "all"] = "masked",
        normalise_patches: bool = False,
    ) -> None:
        super().__init__()
        if loss_on not in ("masked", "all"):
            raise ValueError(f"loss_on must be 'masked' or 'all', not {loss_on!r}.")
        self.shape = shape = shape or MaeShape()
        self.loss_on, self.normalise_patches = loss_on, normalise_patches
        norm = partial(nn.LayerNorm, eps=1e-6)
        self.patch_embed = PatchEmbed(shape.image_side, shape.patch_side, 3, shape.width)
        patches = self.patch_embed.num_patches
        self.cls_token = nn.Parameter(torch.zeros(1, 1, shape.width))
        self.pos_embed = _fixed_positions(patches, shape.width)
        self.blocks = nn.ModuleList(
            Block(shape.width, shape.heads, 4, qkv_bias=True, norm_layer=norm)
            for _ in range(shape.depth)
        )
        self.norm = norm(shape.width)
        self.decoder_embed = nn.Linear(shape.width, shape.decoder_width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, shape.decoder_width))
        self.decoder_pos_embed = _fixed_positions(patches, shape.decoder_width)
        self.decoder_blocks = nn.ModuleList(
            Block(shape.decoder_width, shape.decoder_heads, 4, qkv_bias=True, norm_layer=norm)
            for _ in range(shape.decoder_depth)
        )
        self.decoder_norm = norm(shape.decoder_width)
        self.decoder_pred = nn.Linear(shape.decoder_width, 3 * shape.patch_side**2)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        kernel = self.patch_embed.proj.weight
        nn.init.xavier_uniform_(kernel.data.view(kernel.shape[0], -1))
        nn.init.normal_(self.cls_token, std=0.02)
        nn.init.normal_(self.mask_token, std=0.02)

    def patchify(self, images: Tensor) -> Tensor:
        """Cut images (B, 3, S, S) into patches (B, L, 3 * P * P), pixel by pixel, channel last."""
        batch, _, height, width = images.shape
        side = self.shape.patch_side
        tiles = images.reshape(batch, 3, height // side, side, width // side, side)
        return tiles.permute(0, 2, 4, 3, 5, 1).reshape(batch, -1, 3 * side**2)

    def unpatchify(self, patches: Tensor) -> Tensor:
        """Undo :meth:`patchify`."""
        batch, side = patches.shape[0], self.shape.patch_side
        grid = self.shape.image_side // side
        tiles = patches.reshape(batch, grid, grid, side, side, 3).permute(0, 5, 1, 3, 2, 4)
        return tiles.reshape(batch, 3, grid * side, grid * side)

    def target(self, images: Tensor) -> Tensor:
        """What is to be drawn, (B, L, 3 * P * P): the patches, or the patches normalised each."""
        patches = self.patchify(images)
        if not self.normalise_patches:
            return patches
        mean, variance = patches.mean(-1, keepdim=True), patches.var(-1, keepdim=True)
        return (patches - mean) / (variance + PATCH_EPSILON).sqrt()

    def encode(self, images: Tensor, visible: Tensor | None = None) -> Tensor:
        """Encode images (B, 3, S, S) to tokens (B, 1 + V, width), the class token first.

        Args:
            images: normalised images.
            visible: (B, V) indices of the patches to keep, in order; all without it.
        """
        patches, positions = self.patchify(images), self.pos_embed[:, 1:]
        if visible is not None:  # before they are embedded: hidden ones cost nothing
            patches, positions = _take(patches, visible), positions[0, visible]
        kernel = self.patch_embed.proj  # a convolution whose steps are its own size is a product
        weight = kernel.weight.permute(0, 2, 3, 1).flatten(1)
        tokens = functional.linear(patches, weight, kernel.bias) + positions
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(tokens), -1, -1)
        tokens = torch.cat([first, tokens], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)

    def decode(self, tokens: Tensor, restore: Tensor) -> Tensor:
        """Predict every patch, (B, L, 3 * P * P), from the visible patches' tokens.

        Args:
            tokens: (B, 1 + V, width) from :meth:`encode`.
            restore: (B, L), where each patch stands in the order visible, hidden.
        """
        known = self.decoder_embed(tokens)
        hidden = self.mask_token.expand(len(known), restore.shape[1] + 1 - known.shape[1], -1)
        everything = _put_back(torch.cat([known[:, 1:], hidden.to(known.dtype)], dim=1), restore)
        everything = torch.cat([known[:, :1], everything], dim=1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            everything = block(everything)
        return self.decoder_pred(self.decoder_norm(everything))[:, 1:]

    def forward(
        self, images: Tensor, mask_ratio: float = 0.25, noise: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Hide patches and draw them.

        Args:
            images: (B, 3, 224, 224), ImageNet-normalised.
            mask_ratio: share of patches to hide, 0 <= ratio < 1; the paper's is 0.25.
            noise: (B, 196) numbers that decide which patches stay (the smallest); drawn without.

        Returns:
            loss (scalar), prediction (B, 196, 768) and mask (B, 196), 1 where hidden.

        Raises:
            ValueError: the ratio hides every patch or is negative.
        """
        if not 0.0 <= mask_ratio < 1.0:
            raise ValueError(f"mask_ratio must be at least 0 and under 1, not {mask_ratio}.")
        count = self.patch_embed.num_patches
        if noise is None:
            noise = torch.rand(len(images), count, device=images.device)
        order = noise.argsort(dim=1)
        restore = order.argsort(dim=1)
        kept = int(count * (1 - mask_ratio))
        mask = (restore >= kept).to(images.dtype)
        prediction = self.decode(self.encode(images, order[:, :kept]), restore)
        error = (prediction - self.target(images)).square().mean(dim=-1)
        if self.loss_on == "all" or kept == count:
            return error.mean(), prediction, mask
        return (error * mask).sum() / mask.sum(), prediction, mask


def _take(tokens: Tensor, index: Tensor) -> Tensor:
    return tokens.gather(1, index.unsqueeze(-1).expand(-1, -1, tokens.shape[-1]))


class _Permutation(torch.autograd.Function):
    """Tokens in another order; gradients are taken back by the inverse order, not added up."""

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, index: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(inverse)
        return _take(tokens, index)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (inverse,) = ctx.saved_tensors
        return _take(gradients[0], inverse), None, None


def _put_back(tokens: Tensor, index: Tensor) -> Tensor:
    put: Tensor = _Permutation.apply(tokens, index, index.argsort(dim=1))
    return put


def _fixed_positions(patches: int, width: int) -> nn.Parameter:
    grid = round(patches**0.5)
    table = torch.from_numpy(sine_cosine_positions(grid, width)).float().unsqueeze(0)
    return nn.Parameter(table, requires_grad=False)


def sine_cosine_positions(grid: int, width: int) -> npt.NDArray[np.float64]:
    """Two-dimensional sine-cosine position table (1 + grid², width), zero for the class token.

    The first half encodes columns, the second rows; each is sines, then cosines, with
    frequencies ``10000 ** (-2 k / (width / 2))`` (Vaswani et al. 2017; He et al. 2022).
    """
    rows, columns = np.divmod(np.arange(grid * grid, dtype=np.float64), grid)
    frequency = 10000.0 ** (-np.arange(width // 4, dtype=np.float64) / (width / 4))
    waves = [axis[:, None] * frequency for axis in (columns, rows)]
    table = np.concatenate([f(wave) for wave in waves for f in (np.sin, np.cos)], axis=1)
    return np.concatenate([np.zeros((1, width)), table])
