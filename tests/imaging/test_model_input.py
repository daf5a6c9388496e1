"""Model input equals torchvision's normalisation of OpenCV's nearest neighbour."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torchvision.transforms.v2 import functional

from vmcore.data.phantom import make_phantom
from vmcore.imaging import to_model_input, to_model_pixels
from vmcore.training import normalise


def test_model_input_is_nearest_neighbour_and_imagenet_normalised() -> None:
    image = make_phantom(8.0, 1, shape=(311, 497)).image
    small = cv2.resize(image, (224, 224), interpolation=cv2.INTER_NEAREST)
    scaled = torch.from_numpy(small).permute(2, 0, 1).float() / 255
    expected = functional.normalize(scaled, IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD)
    got = to_model_input(image)
    assert got.shape == (3, 224, 224)
    assert got.dtype == np.float32
    torch.testing.assert_close(torch.from_numpy(got), expected)


def test_training_normalises_batches_as_the_clinic_does_single_images() -> None:
    image = make_phantom(8.0, 1, shape=(311, 497)).image
    batch = torch.from_numpy(to_model_pixels(image)).permute(2, 0, 1)[None]
    np.testing.assert_allclose(normalise(batch)[0].numpy(), to_model_input(image), atol=1e-6)


def test_no_grey_value_is_invented() -> None:
    image = make_phantom(8.0, 2, shape=(150, 170)).image
    assert set(np.unique(to_model_pixels(image))) <= set(np.unique(image))


def test_a_wrong_array_is_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        to_model_input(np.zeros((10, 10), np.uint8))
