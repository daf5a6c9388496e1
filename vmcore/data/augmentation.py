"""The paper's augmentation, a whole batch at once on its device, with one resampling."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:  # slow to import; a plan needs the settings alone
    import torch
    from torch import Tensor


class Augmentation(BaseModel):
    """Rotation, flips and field of view; no change of grey values.

    The scale is the share of the field of view's area that is shown, with the aspect kept: below
    1 it zooms in on a random part, above 1 it zooms out and pads with black.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rotation_deg: tuple[float, float] = (0.0, 90.0)
    horizontal_flip: float = Field(0.5, ge=0.0, le=1.0)
    vertical_flip: float = Field(0.5, ge=0.0, le=1.0)
    field_of_view: tuple[float, float] = (0.5, 2.0)

    def matrices(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw (count, 2, 3) affine matrices from output to input coordinates in [-1, 1]."""
        import torch  # noqa: PLC0415

        def uniform(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(count, generator=generator)

        angle = uniform(*self.rotation_deg) * (math.pi / 180)
        side = uniform(*self.field_of_view).sqrt()
        flip_x = 1 - 2 * (torch.rand(count, generator=generator) < self.horizontal_flip).float()
        flip_y = 1 - 2 * (torch.rand(count, generator=generator) < self.vertical_flip).float()
        room = (1 - side).abs()  # a crop moves within the picture, a shrunk picture in the frame
        shift_x, shift_y = uniform(-1, 1) * room, uniform(-1, 1) * room
        cos, sin = angle.cos() * side, angle.sin() * side
        return torch.stack(
            [
                torch.stack([cos * flip_x, -sin * flip_y, shift_x], dim=1),
                torch.stack([sin * flip_x, cos * flip_y, shift_y], dim=1),
            ],
            dim=1,
        )

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Augment a batch.

        Args:
            images: uint8 (0..255) or floating point (0..1), (B, C, S, S); black is 0.
            generator: CPU generator; parameters are drawn there, so that every device agrees.

        Returns:
            floating point (B, C, S, S) in 0..1.
        """
        return self.apply(images, self.matrices(len(images), generator))

    @staticmethod
    def apply(images: Tensor, matrices: Tensor) -> Tensor:
        """Resample a batch once by matrices (B, 2, 3) that :meth:`matrices` drew."""
        import torch  # noqa: PLC0415
        from torch.nn import functional  # noqa: PLC0415

        values = images.float().div_(255) if images.dtype == torch.uint8 else images
        matrices = matrices.to(values.device, values.dtype, non_blocking=True)
        grid = functional.affine_grid(matrices, list(values.shape), align_corners=False)
        return functional.grid_sample(
            values, grid, mode="bilinear", padding_mode="zeros", align_corners=False
        )
