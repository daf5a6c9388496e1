"""EfficientNet-Lite0 from ImageNet's weights, which stand under other names in their package's file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from vmcore.models import WeightsError
from vmcore.models.efficientnet_lite0 import create_lite0, load_lite0_imagenet

_NAMES = {"conv_stem": "_conv_stem", "bn1": "_bn0", "blocks": "_blocks", "conv_head": "_conv_head",
          "bn2": "_bn1", "classifier": "_fc"}  # fmt: skip


@pytest.fixture(scope="module")
def source() -> nn.Module:
    torch.manual_seed(0)
    return create_lite0(num_classes=1000).eval()


@pytest.fixture(scope="module")
def package(source: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("package") / "efficientnet-lite0.pth"
    state = {}
    for name, value in source.state_dict().items():
        first, rest = name.split(".", 1)
        state[f"{_NAMES[first]}.{rest}"] = value
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def picture() -> Tensor:
    return torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_a_classifier_takes_all_but_the_layer_of_classes(
    source: nn.Module, package: Path, picture: Tensor
) -> None:
    network = create_lite0(num_classes=2).eval()
    own = network.classifier.weight.clone()
    load_lite0_imagenet(network, package)
    with torch.no_grad():
        features = network.forward_features(picture)
        assert torch.equal(features, source.forward_features(picture))
    assert torch.equal(network.classifier.weight, own)


def test_an_encoder_takes_what_it_has(source: nn.Module, package: Path, picture: Tensor) -> None:
    encoder = create_lite0(features_only=True).eval()
    load_lite0_imagenet(encoder, package)
    with torch.no_grad():
        last = encoder(picture)[-1]
        assert torch.equal(last, source.blocks(source.bn1(source.conv_stem(picture))))


def test_other_weights_are_refused_and_leave_the_network_as_it_is(
    package: Path, tmp_path: Path
) -> None:
    state = torch.load(package, weights_only=True)
    del state["_conv_stem.weight"]
    torch.save(state, tmp_path / "other.pth")
    network = create_lite0(num_classes=2)
    before = network.conv_stem.weight.clone()
    with pytest.raises(WeightsError, match="not those of EfficientNet-Lite0"):
        load_lite0_imagenet(network, tmp_path / "other.pth")
    assert torch.equal(network.conv_stem.weight, before)
