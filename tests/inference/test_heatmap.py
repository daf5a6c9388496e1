"""Eigen-CAM against pytorch-grad-cam's own, and the map's place over the image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.svd_on_activations import (
    get_2d_projection,
    get_2d_projection_with_sign_correction,
)
from torch import nn
from torch.nn import functional

from tests.conftest import ROOT
from vmcore.data.phantom import make_phantom
from vmcore.imaging import clean_frame, to_model_input
from vmcore.inference import HEATMAP_METHODS, Classifier, eigen_cam
from vmcore.inference.gradient_maps import gradient_maps, target_layer
from vmcore.inference.heatmap import mean_map
from vmcore.inference.torch_engine import as_output, forward_pass
from vmcore.models import BundleCard, create_classifier, load_models


def oracle(model: nn.Module, layer: nn.Module, images: torch.Tensor, *, tokens: bool) -> np.ndarray:
    """Eigen-CAM by pytorch-grad-cam: its hooks, its decomposition, its published sign rule."""
    from pytorch_grad_cam import EigenCAM

    class Signed(EigenCAM):
        def get_cam_image(self, *args: object, **_kwargs: object) -> np.ndarray:
            activations = args[3]
            return get_2d_projection_with_sign_correction(np.asarray(activations))

    def to_map(found: torch.Tensor) -> torch.Tensor:
        return found[:, 1:].transpose(1, 2).reshape(len(found), -1, 14, 14)

    with Signed(model, [layer], reshape_transform=to_map if tokens else None) as cam:
        return cam(input_tensor=images, targets=None)


@pytest.mark.parametrize(
    ("name", "pooling"),
    [
        ("usf-mae-tiny", "token"), ("usf-mae-tiny", "avg"), ("resnet50", "token"),
        pytest.param("vit-b16", "token", marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_it_agrees_with_pytorch_grad_cam(name: str, pooling: str) -> None:
    torch.manual_seed(4)
    model = create_classifier(name, pooling=pooling).eval()
    images = torch.from_numpy(
        np.stack([to_model_input(make_phantom(width, 1).image) for width in (7.0, 15.0)])
    )
    if name == "resnet50":
        layer = model.layer4
    else:
        layer = model.blocks[-1] if pooling == "avg" else model.blocks[-1].norm1
    assert target_layer(model)[0] is layer  # the one that the methods with gradients explain
    expected = oracle(model, layer, images, tokens=name != "resnet50")
    with torch.inference_mode():
        activations = as_output(forward_pass(model, images)).activations
    for one, reference in zip(activations, expected, strict=True):
        assert np.abs(eigen_cam(one, 224) - reference).max() < 1e-3


@pytest.mark.parametrize("pooling", ["token", "avg"])
def test_patches_reach_a_mean_behind_the_last_block_and_a_class_token_before_it(
    pooling: str,
) -> None:
    torch.manual_seed(4)
    model = create_classifier("usf-mae-tiny", pooling=pooling).eval()
    images = torch.randn(1, 3, 224, 224)

    def moved(tokens: torch.Tensor) -> torch.Tensor:
        shifted = tokens.clone()
        shifted[:, 1 + 77] += torch.linspace(-50, 50, tokens.shape[2])
        return shifted

    def change() -> float:
        with torch.inference_mode():
            return float((forward_pass(model, images).logits - plain).abs().max())

    with torch.inference_mode():
        plain = forward_pass(model, images).logits
    hook = model.blocks[-1].register_forward_hook(lambda _block, _inputs, output: moved(output))
    assert (change() > 1e-5) is (pooling == "avg")
    assert pooling == "avg" or change() == 0
    hook.remove()
    hook = model.blocks[-1].register_forward_pre_hook(lambda _block, inputs: (moved(inputs[0]),))
    assert change() > 1e-5
    hook.remove()


def test_with_a_mean_gradients_explain_each_patchs_own_share_of_the_logit() -> None:
    """Behind the last block a mean's gradient is one for all patches, so that it can be written down."""
    torch.manual_seed(4)
    model = create_classifier("usf-mae-tiny", pooling="avg").eval()
    images = to_model_input(make_phantom(15.0, 1).image)[None]
    with torch.inference_mode():
        last = forward_pass(model, torch.from_numpy(images)).features
    mean = last.mean(dim=1).requires_grad_()
    normed = functional.layer_norm(mean, (192,), model.fc_norm.weight, model.fc_norm.bias, eps=1e-6)
    (slope,) = torch.autograd.grad(model.head(normed)[0, 1], mean)
    shares = torch.relu(last[0] @ slope[0]).detach().numpy().reshape(14, 14)
    expected = scale_cam_image(shares[None], (224, 224))[0]
    (found,) = gradient_maps(model, images, "hires-cam")
    assert np.abs(found - scale_cam_image(expected[None])[0]).max() < 1e-3


def test_the_projection_is_the_full_decompositions_up_to_its_sign() -> None:
    rng = np.random.default_rng(0)
    activations = rng.standard_normal((1, 40, 14, 14)).astype(np.float32)
    projection = get_2d_projection(activations)[0]
    if abs(projection.min()) > abs(projection.max()):
        projection = -projection
    expected = scale_cam_image(np.maximum(projection, 0)[None], (224, 224))
    expected = scale_cam_image(expected)[0]
    assert np.abs(eigen_cam(activations[0], 224) - expected).max() < 1e-3


def test_its_sign_does_not_depend_on_the_features_sign() -> None:
    features = np.random.default_rng(0).standard_normal((16, 14, 14)).astype(np.float32)
    assert np.allclose(eigen_cam(features, 56), eigen_cam(-features, 56), atol=1e-5)


def test_flat_features_give_an_empty_map() -> None:
    assert eigen_cam(np.ones((8, 14, 14), np.float32), 28).max() < 1e-3


def test_the_map_lies_over_the_pixels_that_it_is_about() -> None:
    square = np.zeros((224, 224), np.float32)
    square[32:48, 160:176] = 1.0  # one patch
    placed = mean_map([square], (300, 600))
    row, column = (float(axis.mean()) for axis in np.nonzero(placed > 0.5))
    assert row == pytest.approx(40 / 224 * 300, abs=1)
    assert column == pytest.approx(168 / 224 * 600, abs=2)
    assert placed.shape == (300, 600)
    assert placed.max() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    "method",
    [
        method if method == "grad-cam" else pytest.param(method, marks=pytest.mark.long)
        for method in HEATMAP_METHODS
        if method not in {"eigen-cam", "score-cam"}
    ],
)
def test_other_methods_are_pytorch_grad_cams(method: str) -> None:
    torch.manual_seed(0)
    models = [create_classifier("usf-mae-tiny").eval() for _ in range(2)]
    card = BundleCard(architecture="usf-mae-tiny", folds=2)
    image = make_phantom(12.0, 3, shape=(224, 224)).image
    (found,) = Classifier.of_models(card, models, precision="float32").predict(
        [image], heatmap=method
    )
    assert found.heatmap is not None
    assert found.heatmap.shape == (224, 224)
    assert 0 <= found.heatmap.min() <= found.heatmap.max() <= 1
    direct = [gradient_maps(m, to_model_input(image)[None], method)[0] for m in models]
    expected = np.mean(direct, axis=0)
    scaled = (expected - expected.min()) / (1e-7 + (expected - expected.min()).max())
    assert np.abs(found.heatmap - scaled).max() < 1e-3


def test_eigen_grad_cam_shows_what_speaks_for_ventriculomegaly() -> None:
    """As Layer-CAM does; a principal component alone has no sign."""
    _, models = load_models(ROOT / "assets/model")
    pictures = [clean_frame(make_phantom(15.0, seed).image).image for seed in range(3)]
    images = np.stack([to_model_input(picture) for picture in pictures])
    for model in models:
        both = (gradient_maps(model, images, name) for name in ("eigen-grad-cam", "layer-cam"))
        for found, expected in zip(*both, strict=True):
            assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.5
