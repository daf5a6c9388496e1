"""Weights laid out for the processor give the numbers of the layers that they came from."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from vmcore.inference.packing import PackedLinear, PackedPatches, pack, packable, unpacked
from vmcore.models import create_classifier

native = pytest.mark.skipif(
    not packable(torch.bfloat16), reason="the processor has no bfloat16, so nothing is packed"
)


@pytest.fixture
def images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(2, 3, 224, 224, generator=generator).bfloat16()


@pytest.fixture
def plain() -> nn.Module:
    torch.manual_seed(2)
    return create_classifier("usf-mae-tiny").bfloat16().eval()


@native
@torch.inference_mode()
def test_a_packed_transformer_gives_the_plain_ones_logits(
    plain: nn.Module, images: torch.Tensor
) -> None:
    packed = pack(copy.deepcopy(plain))
    assert sum(isinstance(layer, PackedLinear) for layer in packed.modules()) == 12 * 4
    difference = packed(images).softmax(1) - plain(images).softmax(1)
    assert difference.abs().max() < 5e-3


@native
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("tokens", [1, 7, 197])
def test_a_packed_layer_is_the_layer(tokens: int, *, bias: bool) -> None:
    layer = nn.Linear(48, 96, bias=bias, dtype=torch.bfloat16)
    values = torch.randn(2, tokens, 48, dtype=torch.bfloat16)
    with torch.inference_mode():
        assert torch.equal(PackedLinear(layer)(values), layer(values))
        assert torch.equal(PackedLinear(layer).unpacked()(values), layer(values))


@native
@pytest.mark.parametrize("bias", [True, False])
def test_packed_patches_are_the_convolution(*, bias: bool) -> None:
    layer = nn.Conv2d(3, 32, 8, 8, bias=bias, dtype=torch.bfloat16)
    values = torch.randn(2, 3, 24, 40, dtype=torch.bfloat16)
    with torch.inference_mode():
        packed = PackedPatches(layer)
        assert torch.allclose(packed(values), layer(values), atol=1e-2)
        assert torch.equal(packed.unpacked()(values), layer(values))


@native
def test_unpacking_gives_back_every_weight_and_leaves_the_packed_model_alone(
    plain: nn.Module,
) -> None:
    packed = pack(copy.deepcopy(plain))
    again = unpacked(packed).state_dict()
    assert again.keys() == plain.state_dict().keys()
    assert all(torch.equal(again[name], value) for name, value in plain.state_dict().items())
    assert any(isinstance(layer, PackedLinear) for layer in packed.modules())


@torch.inference_mode()
def test_without_bfloat16_in_the_processor_weights_stay_as_they_are(
    plain: nn.Module, images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    expected = plain.float()(images.float())
    for dtype in (torch.float32, torch.bfloat16):
        model = pack(copy.deepcopy(plain).to(dtype))
        assert not any(isinstance(layer, PackedLinear) for layer in model.modules())
    torch.testing.assert_close(pack(copy.deepcopy(plain))(images.float()), expected)


def test_a_convolutional_network_is_left_as_it_is() -> None:
    model = create_classifier("resnet50").bfloat16().eval()
    assert pack(model) is model
    assert not any(isinstance(layer, PackedLinear) for layer in model.modules())
