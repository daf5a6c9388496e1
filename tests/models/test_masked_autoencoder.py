"""The masked autoencoder against two independent implementations: transformers' and timm's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torch import Tensor
from transformers import ViTMAEConfig, ViTMAEForPreTraining

from vmcore.models import MAE_SHAPES, MaeShape, MaskedAutoencoder, load_usf_mae_encoder
from vmcore.models.masked_autoencoder import sine_cosine_positions


def to_transformers(
    state: dict[str, Tensor], shape: MaeShape, *, normalise_patches: bool = False
) -> ViTMAEForPreTraining:
    """The same weights in transformers' own implementation of He et al. 2022."""
    config = ViTMAEConfig(
        hidden_size=shape.width, num_hidden_layers=shape.depth, num_attention_heads=shape.heads,
        intermediate_size=4 * shape.width, decoder_hidden_size=shape.decoder_width,
        decoder_num_hidden_layers=shape.decoder_depth, mask_ratio=0.25,
        decoder_num_attention_heads=shape.decoder_heads, norm_pix_loss=normalise_patches, layer_norm_eps=1e-6,
        decoder_intermediate_size=4 * shape.decoder_width,
    )  # fmt: skip
    model = ViTMAEForPreTraining(config).eval()
    own = model.state_dict()
    new: dict[str, Tensor] = {}
    embeddings = "vit.embeddings."
    direct = {
        "cls_token": embeddings + "cls_token",
        "pos_embed": embeddings + "position_embeddings",
        "patch_embed.proj.weight": embeddings + "patch_embeddings.projection.weight",
        "patch_embed.proj.bias": embeddings + "patch_embeddings.projection.bias",
        "norm.weight": "vit.layernorm.weight",
        "norm.bias": "vit.layernorm.bias",
        "mask_token": "decoder.mask_token",
        "decoder_pos_embed": "decoder.decoder_pos_embed",
    }
    for ours, theirs in direct.items():
        new[theirs] = state[ours]
    for layer in ("embed", "norm", "pred"):
        for part in ("weight", "bias"):
            new[f"decoder.decoder_{layer}.{part}"] = state[f"decoder_{layer}.{part}"]
    for prefix, depth, target in (
        (
            "blocks",
            shape.depth,
            "vit.layers" if "vit.layers.0.layernorm_before.weight" in own else "vit.encoder.layer",
        ),
        ("decoder_blocks", shape.decoder_depth, "decoder.decoder_layers"),
    ):
        for index in range(depth):
            map_block(state, new, own, f"{prefix}.{index}", f"{target}.{index}")
    assert set(new) == set(own), sorted(set(own) ^ set(new))[:6]
    model.load_state_dict(new)
    return model


def map_block(
    state: dict[str, Tensor], new: dict[str, Tensor], own: dict[str, Tensor], ours: str, theirs: str
) -> None:
    """One transformer block; transformers has named its parts in two ways over time."""
    for part in ("weight", "bias"):
        pairs = zip("qkv", state[f"{ours}.attn.qkv.{part}"].chunk(3), strict=True)
        for letter, piece in pairs:
            word = {"q": "query", "k": "key", "v": "value"}[letter]
            old = f"{theirs}.attention.attention.{word}.{part}"
            new[old if old in own else f"{theirs}.attention.{letter}_proj.{part}"] = piece
        names = {
            "norm1": ("layernorm_before",),
            "norm2": ("layernorm_after",),
            "attn.proj": ("attention.output.dense", "attention.o_proj"),
            "mlp.fc1": ("intermediate.dense", "mlp.fc1"),
            "mlp.fc2": ("output.dense", "mlp.fc2"),
        }
        for name, options in names.items():
            target = next(f"{theirs}.{o}.{part}" for o in options if f"{theirs}.{o}.{part}" in own)
            new[target] = state[f"{ours}.{name}.{part}"]


@pytest.mark.parametrize("name", [pytest.param("usf-mae", marks=pytest.mark.long), "usf-mae-tiny"])
def test_loss_prediction_and_mask_equal_the_reference(name: str) -> None:
    torch.manual_seed(1)
    ours = MaskedAutoencoder(MAE_SHAPES[name]).eval()
    with torch.no_grad():  # biases start at zero: give them something to say
        for parameter in ours.parameters():
            if parameter.requires_grad and parameter.ndim == 1:
                parameter.add_(0.02 * torch.randn_like(parameter))
    reference = to_transformers(ours.state_dict(), MAE_SHAPES[name])
    images, noise = torch.randn(2, 3, 224, 224), torch.rand(2, 196)
    with torch.no_grad():
        loss, prediction, mask = ours(images, 0.25, noise)
        expected = reference(images, noise=noise)
    assert prediction.shape == (2, 196, 768)
    torch.testing.assert_close(mask, expected.mask)
    assert mask.sum(dim=1).tolist() == [49, 49]
    torch.testing.assert_close(prediction, expected.logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(loss, expected.loss, atol=1e-5, rtol=1e-5)


def test_gradients_equal_the_reference() -> None:
    torch.manual_seed(1)
    shape = MAE_SHAPES["usf-mae-tiny"]
    ours = MaskedAutoencoder(shape)
    reference = to_transformers(ours.state_dict(), shape).train()
    images, noise = torch.randn(2, 3, 224, 224), torch.rand(2, 196)
    ours(images, 0.25, noise)[0].backward()
    reference(images, noise=noise).loss.backward()
    embedded = reference.vit.embeddings.patch_embeddings.projection
    for mine, theirs in (
        (ours.patch_embed.proj.weight, embedded.weight),
        (ours.patch_embed.proj.bias, embedded.bias),
        (ours.mask_token, reference.decoder.mask_token),
        (ours.decoder_embed.weight, reference.decoder.decoder_embed.weight),
    ):
        torch.testing.assert_close(mine.grad, theirs.grad, atol=1e-6, rtol=1e-4)


def test_normalised_patches_give_the_loss_of_the_reference() -> None:
    torch.manual_seed(1)
    shape = MAE_SHAPES["usf-mae-tiny"]
    ours = MaskedAutoencoder(shape, normalise_patches=True).eval()
    reference = to_transformers(ours.state_dict(), shape, normalise_patches=True)
    images, noise = torch.rand(2, 3, 224, 224), torch.rand(2, 196)
    with torch.no_grad():
        loss, _, _ = ours(images, 0.25, noise)
        torch.testing.assert_close(loss, reference(images, noise=noise).loss, atol=1e-5, rtol=1e-5)


def test_features_equal_timms_vit_with_the_same_weights(tmp_path: Path) -> None:
    torch.manual_seed(2)
    ours = MaskedAutoencoder().eval()
    path = tmp_path / "checkpoint.pth"
    torch.save({"model": ours.state_dict()}, path)
    vit = timm.create_model("vit_base_patch16_224", num_classes=0).eval()
    vit.load_state_dict(load_usf_mae_encoder(path))
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(
            ours.encode(images), vit.forward_features(images), atol=1e-5, rtol=1e-5
        )


def test_loss_on_all_is_the_mean_over_every_patch() -> None:
    torch.manual_seed(3)
    model = MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"], loss_on="all").eval()
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        loss, prediction, _ = model(images, 0.5)
    expected = (model.unpatchify(prediction) - images).square().mean()
    torch.testing.assert_close(loss, expected)


def test_patches_are_undone_exactly() -> None:
    model = MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"])
    images = torch.randn(2, 3, 224, 224)
    patches = model.patchify(images)
    assert torch.equal(model.unpatchify(patches), images)
    # the first patch, pixel by pixel, channel last (He et al.'s 'nhwpqc')
    assert torch.equal(patches[0, 0].reshape(16, 16, 3), images[0, :, :16, :16].permute(1, 2, 0))


def test_positions_equal_the_formula() -> None:
    table = sine_cosine_positions(14, 192)
    assert table.shape == (197, 192)
    assert not table[0].any()
    row, column, k = 3, 9, 5
    entry = table[1 + row * 14 + column]
    omega = 10000 ** (-k / 48)
    assert entry[k] == pytest.approx(np.sin(column * omega))
    assert entry[48 + k] == pytest.approx(np.cos(column * omega))
    assert entry[96 + k] == pytest.approx(np.sin(row * omega))
    assert entry[144 + k] == pytest.approx(np.cos(row * omega))


def test_positions_are_not_trained() -> None:
    model = MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"])
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {"pos_embed", "decoder_pos_embed"}


@pytest.mark.parametrize("ratio", [-0.1, 1.0])
def test_an_impossible_ratio_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="mask_ratio"):
        MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"])(torch.zeros(1, 3, 224, 224), ratio)


def test_an_unknown_loss_is_refused() -> None:
    with pytest.raises(ValueError, match="loss_on"):
        MaskedAutoencoder(MAE_SHAPES["usf-mae-tiny"], loss_on="visible")  # type: ignore[arg-type]
