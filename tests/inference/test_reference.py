"""Every engine against a vision transformer that is written out here, with its norm's epsilon."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from vmcore.data.phantom import make_phantom
from vmcore.imaging import to_model_input
from vmcore.inference import Classifier
from vmcore.inference.torch_engine import TorchEngine
from vmcore.models import MAE_SHAPES, BundleCard, MaskedAutoencoder, create_classifier
from vmcore.settings import settings

NAME, WIDTH, HEADS = "usf-mae-tiny", 192, 3
DEFAULT = 1e-5
"""torch's own epsilon, which a port that forgets to set it gets."""


def features(state: dict[str, Tensor], images: Tensor, eps: float) -> Tensor:
    """Tokens behind the last block (B, 197, 192) (Dosovitskiy et al. 2021), without a final norm."""

    def linear(name: str, values: Tensor) -> Tensor:
        return functional.linear(values, state[f"{name}.weight"], state[f"{name}.bias"])

    def norm(name: str, values: Tensor) -> Tensor:
        return functional.layer_norm(
            values, (WIDTH,), state[f"{name}.weight"], state[f"{name}.bias"], eps
        )

    kernel, bias = state["patch_embed.proj.weight"], state["patch_embed.proj.bias"]
    patches = functional.conv2d(images, kernel, bias, stride=16).flatten(2).transpose(1, 2)
    first = state["cls_token"].expand(len(images), -1, -1)
    tokens = torch.cat([first, patches], dim=1) + state["pos_embed"]
    for block in range(12):
        name = f"blocks.{block}."
        parts = linear(f"{name}attn.qkv", norm(f"{name}norm1", tokens))
        query, key, value = parts.reshape(len(images), 197, 3, HEADS, 64).permute(2, 0, 3, 1, 4)
        shares = (query @ key.transpose(-2, -1) / 8.0).softmax(dim=-1)
        mixed = (shares @ value).transpose(1, 2).reshape(len(images), 197, WIDTH)
        tokens = tokens + linear(f"{name}attn.proj", mixed)
        hidden = functional.gelu(linear(f"{name}mlp.fc1", norm(f"{name}norm2", tokens)))
        tokens = tokens + linear(f"{name}mlp.fc2", hidden)
    return tokens


def pooled(state: dict[str, Tensor], images: Tensor, pooling: str, eps: float) -> Tensor:
    """What the head reads (B, 192)."""
    tokens = features(state, images, eps)
    name = "norm" if pooling == "token" else "fc_norm"
    values = tokens[:, 0] if pooling == "token" else tokens[:, 1:].mean(dim=1)
    return functional.layer_norm(
        values, (WIDTH,), state[f"{name}.weight"], state[f"{name}.bias"], eps
    )


@pytest.fixture(scope="module")
def trained() -> dict[str, Tensor]:
    """Weights that have been trained: the bundled model's."""
    state = load_file(settings().bundle / "fold-1.safetensors")
    return {name: values.float() for name, values in state.items()}


@pytest.fixture(scope="module")
def images() -> Tensor:
    drawn = [make_phantom(width, 5).image for width in (6.0, 15.0)]
    return torch.from_numpy(np.stack([to_model_input(image) for image in drawn]))


@pytest.mark.parametrize("pooling", ["token", "avg"])
def test_engines_give_the_features_of_epsilon_1e_6_and_not_of_torchs_default(
    trained: dict[str, Tensor], images: Tensor, pooling: str
) -> None:
    model = create_classifier(NAME, trained, pooling=pooling).eval()
    state = {name: values.detach() for name, values in model.state_dict().items()}
    card = BundleCard(architecture=NAME, folds=1, pooling=pooling)
    on_processor = Classifier.of_models(card, [model], device="cpu", precision="float32")._engine
    by_torch = TorchEngine([model], torch.device("cpu"), torch.float32)
    with torch.inference_mode():
        ours, default = (pooled(state, images, pooling, eps).numpy() for eps in (1e-6, DEFAULT))
    apart = np.abs(ours - default).max()
    for engine in (on_processor, by_torch):
        found = engine.forward(images.numpy())[0].embedding[:, -WIDTH:]
        assert np.abs(found - ours).max() < apart / 5
        assert np.abs(found - default).max() > apart / 2


def test_every_norm_of_every_network_has_the_same_epsilon() -> None:
    with torch.device("meta"):
        networks = [create_classifier(NAME, pooling=pooling) for pooling in ("token", "avg")]
        networks.append(MaskedAutoencoder(MAE_SHAPES[NAME]))
    found = {
        module.eps
        for network in networks
        for module in network.modules()
        if isinstance(module, torch.nn.LayerNorm)
    }
    assert found == {1e-6}


def test_a_masked_autoencoders_encoder_gives_the_same_features(images: Tensor) -> None:
    torch.manual_seed(0)
    model = MaskedAutoencoder(MAE_SHAPES[NAME]).eval()
    state = {name: values.detach() for name, values in model.state_dict().items()}
    with torch.inference_mode():
        found = model.encode(images)[:, 0]
        ours, default = (pooled(state, images, "token", eps) for eps in (1e-6, DEFAULT))
    apart = (ours - default).abs().max()
    assert (found - ours).abs().max() < apart / 5
    assert (found - default).abs().max() > apart / 2


def test_the_norms_epsilon_moves_more_than_rounding_does(
    trained: dict[str, Tensor], images: Tensor
) -> None:
    """The larger the epsilon, the further the features: it is the epsilon and nothing else."""
    with torch.inference_mode():
        exact = features({k: v.double() for k, v in trained.items()}, images.double(), 1e-6)
        moved = [
            float((features(trained, images, eps) - exact).abs().max())
            for eps in (1e-6, DEFAULT, 1e-4)
        ]
    assert all(later > 3 * earlier for earlier, later in pairwise(moved))
