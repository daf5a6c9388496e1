"""The network that finds the head and its parts: an EfficientNet-Lite0 with a light decoder.

For every second pixel of its view it says how sure it is of head, cavum and ventricle, and, inside a
ventricle, how wide and which way that is: a width that is regressed is not tied to the grid.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vmcore.models.efficientnet_lite0 import create_lite0

STRUCTURES = ("head", "cavum", "ventricle")
VISIBLE = ("ventricle", "cavum")
_LEVELS = (16, 24, 40, 112, 320)  # channels of EfficientNet-Lite0 at strides 2, 4, 8, 16 and 32
_PRIOR = (0.0, -4.0, -4.0, 1.0, 0.0, 0.0, -0.5)  # structures are rare; a width is about one unit
_GREY_MEAN, _GREY_SD = 0.449, 0.226  # of ImageNet's three channels, averaged


class StructureNetwork(nn.Module):
    """Grey view (B, 1, H, W) in 0..1 to maps at half its size.

    The outputs of :meth:`forward` are

    - structures (B, 3, H/2, W/2): logits of head, cavum and ventricle;
    - calliper (B, 4, H/2, W/2): width in units of 16 pixels, cosine and sine of twice the angle of the
      calliper's direction (0: along the rows, growing clockwise as pictures are seen), and the
      logarithm of the width's expected absolute error in the same unit;
    - visible (B, 2): logits of 'ventricle visible' and 'cavum visible'.
    """

    def __init__(self, channels: int = 64) -> None:
        super().__init__()
        self.encoder = create_lite0(features_only=True)
        self.lateral = nn.ModuleList(nn.Conv2d(size, channels, 1) for size in _LEVELS[1:])
        self.smooth = nn.ModuleList(_convolution(channels, channels) for _ in _LEVELS[1:])
        fine = channels // 2
        self.fine = nn.Sequential(nn.Conv2d(channels, fine, 1), nn.ReLU(inplace=True))
        self.skip = nn.Conv2d(_LEVELS[0], fine, 1)
        self.last = nn.Sequential(_convolution(fine, fine), nn.Conv2d(fine, 7, 1))
        self.last[-1].bias = nn.Parameter(torch.tensor(_PRIOR))
        self.visible = nn.Sequential(nn.Dropout(0.2), nn.Linear(_LEVELS[-1], len(VISIBLE)))

    def first_stages(self, count: int) -> nn.ModuleList:
        """The encoder's stem with its first ``count`` stages; nothing for 0."""
        names = ("conv_stem", "bn1", *(f"blocks.{stage}" for stage in range(count)))
        chosen = names if count else ()
        return nn.ModuleList(self.encoder.get_submodule(name) for name in chosen)

    def forward(self, views: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the class."""
        grey = (views - _GREY_MEAN) / _GREY_SD
        finest, *levels = self.encoder(grey.expand(-1, 3, -1, -1))
        merged = self.smooth[-1](self.lateral[-1](levels[-1]))
        for level, lateral, smooth in zip(
            reversed(levels[:-1]),
            reversed(self.lateral[:-1]),
            reversed(self.smooth[:-1]),
            strict=True,
        ):
            merged = smooth(lateral(level) + functional.interpolate(merged, scale_factor=2.0))
        fine = functional.interpolate(self.fine(merged), scale_factor=2.0, mode="bilinear")
        maps = self.last(functional.relu(self.skip(finest) + fine))
        return maps[:, :3], maps[:, 3:], self.visible(levels[-1].mean((2, 3)))


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )
