"""Augmentation against Pillow's and torchvision's own rotations, flips and crops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode, functional

from vmcore.data import Augmentation
from vmcore.data.phantom import make_phantom
from vmcore.imaging import to_model_pixels

STILL = {"rotation_deg": (0.0, 0.0), "horizontal_flip": 0.0, "vertical_flip": 0.0}


@pytest.fixture(scope="module")
def image() -> Tensor:
    pixels = to_model_pixels(make_phantom(12.0, 1).image)
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].contiguous()


def apply(image: Tensor, **settings: object) -> Tensor:
    options = {**STILL, "field_of_view": (1.0, 1.0), **settings}
    return Augmentation(**options)(image, torch.Generator().manual_seed(0))  # type: ignore[arg-type]


def test_nothing_asked_changes_nothing(image: Tensor) -> None:
    torch.testing.assert_close(apply(image), image / 255, atol=1e-4, rtol=0)


def test_flips_are_exact(image: Tensor) -> None:
    scaled = image / 255
    torch.testing.assert_close(apply(image, horizontal_flip=1.0), scaled.flip(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(apply(image, vertical_flip=1.0), scaled.flip(2), atol=1e-4, rtol=0)


def test_a_right_angle_is_exact(image: Tensor) -> None:
    turned = apply(image, rotation_deg=(90.0, 90.0))
    torch.testing.assert_close(turned, torch.rot90(image / 255, 1, (2, 3)), atol=1e-4, rtol=0)


def test_rotation_equals_torchvisions(image: Tensor) -> None:
    got = apply(image, rotation_deg=(30.0, 30.0))
    expected = functional.rotate(image / 255, 30.0, InterpolationMode.BILINEAR)
    inner = (..., slice(20, -20), slice(20, -20))
    assert (got - expected)[inner].abs().mean() < 2e-3


def test_half_the_field_of_view_is_torchvisions_crop(image: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    augmentation = Augmentation(**STILL, field_of_view=(0.5, 0.5))
    matrix = augmentation.matrices(1, torch.Generator().manual_seed(0))[0]
    got = augmentation(image, generator)
    side = 224 * 0.5**0.5
    left = (matrix[0, 2].item() + 1) * 112 - side / 2
    top = (matrix[1, 2].item() + 1) * 112 - side / 2
    assert left >= -1e-3
    assert left + side <= 224 + 1e-3
    assert top >= -1e-3
    expected = functional.resized_crop(
        image / 255, round(top), round(left), round(side), round(side), [224, 224], antialias=False
    )
    assert (got - expected).abs().mean() < 0.03


def test_twice_the_field_of_view_pads_with_black_and_keeps_the_whole_picture() -> None:
    white = torch.full((64, 3, 224, 224), 255, dtype=torch.uint8)
    augmentation = Augmentation(**STILL, field_of_view=(2.0, 2.0))
    got = augmentation(white, torch.Generator().manual_seed(3))
    share = got.mean(dim=(1, 2, 3))
    assert share == pytest.approx(np.full(64, 0.5), abs=0.01)


def test_each_image_has_its_own_parameters_and_a_seed_repeats_them(image: Tensor) -> None:
    batch = image.expand(6, -1, -1, -1)
    first = Augmentation()(batch, torch.Generator().manual_seed(1))
    again = Augmentation()(batch, torch.Generator().manual_seed(1))
    assert torch.equal(first, again)
    assert len({float(one.mean()) for one in first}) == 6


def test_parameters_stay_in_the_papers_ranges() -> None:
    matrices = Augmentation().matrices(4000, torch.Generator().manual_seed(0))
    area = torch.linalg.det(matrices[:, :, :2])
    assert area.abs().min() >= 0.5 - 1e-4
    assert area.abs().max() <= 2.0 + 1e-4
    assert (area < 0).float().mean() == pytest.approx(0.5, abs=0.03)
