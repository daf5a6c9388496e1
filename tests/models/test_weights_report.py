"""What is said of a weights file is what is in it, and what a network takes from it."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from train import weights
from vmcore.models import (
    MAE_SHAPES,
    MaskedAutoencoder,
    WeightsError,
    create_classifier,
    explain_weights,
    find_network,
    for_pretraining,
    input_of,
    read_weights,
)

NAME = "usf-mae-tiny"
SHAPE = MAE_SHAPES[NAME]
State = dict[str, Tensor]


@pytest.fixture(scope="module")
def autoencoder() -> State:
    torch.manual_seed(0)
    return MaskedAutoencoder(SHAPE).state_dict()


def of_encoder(state: State) -> State:
    return {k: v for k, v in state.items() if not k.startswith(("decoder_", "mask_token"))}


def saved(path: Path, state: State, wrapper: str = "", prefix: str = "") -> Path:
    named = {prefix + key: value for key, value in state.items()}
    if path.suffix == ".safetensors":
        save_file(named, path)
    else:
        torch.save({wrapper: named, "epoch": 3} if wrapper else named, path)
    return path


@pytest.mark.parametrize(
    ("suffix", "wrapper", "prefix"),
    [
        (".pt", "", ""), (".pth", "model", ""), (".pt", "state_dict", "module."),
        (".pth", "model_state_dict", "_orig_mod."), (".safetensors", "", "backbone."),
        (".pt", "model", "encoder."), (".pth", "state_dict", "module._orig_mod.encoder."),
    ],
)  # fmt: skip
def test_every_way_of_writing_gives_the_same_classifier(
    tmp_path: Path, autoencoder: State, suffix: str, wrapper: str, prefix: str
) -> None:
    path = saved(tmp_path / f"weights{suffix}", autoencoder, wrapper, prefix)
    report = explain_weights(path, NAME)
    assert (report.wrapper, report.prefix, report.error) == (wrapper, prefix, "")
    assert report.format == ("safetensors" if suffix == ".safetensors" else "pytorch")
    assert report.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    loaded = create_classifier(NAME, path).state_dict()
    assert set(report.matched) == set(of_encoder(autoencoder))
    assert all(torch.equal(loaded[key], autoencoder[key]) for key in report.matched)
    assert set(report.missing) == {"head.weight", "head.bias"}
    assert set(report.left_over) == set(autoencoder) - set(of_encoder(autoencoder))
    assert any("decoder" in sentence and "left out" in sentence for sentence in report.said)


def test_what_lies_beside_an_encoder_keeps_its_name(tmp_path: Path, autoencoder: State) -> None:
    state = {f"encoder.{k}": v for k, v in of_encoder(autoencoder).items()}
    path = saved(tmp_path / "a.pt", state | {"projector.weight": torch.zeros(2)})
    report = explain_weights(path, NAME)
    assert (report.prefix, report.left_over) == ("encoder.", ("projector.weight",))
    assert "projector.weight" in report.error


def test_one_name_twice_is_refused(tmp_path: Path) -> None:
    state = {"module.a": torch.zeros(1), "a": torch.ones(1)}
    with pytest.raises(WeightsError, match=r"both with and without module\."):
        explain_weights(saved(tmp_path / "a.pt", state), NAME)


def test_options_beside_the_weights_are_read_and_nothing_else(
    tmp_path: Path, autoencoder: State
) -> None:
    """The masked autoencoder's public training program keeps its options as a namespace."""
    content = {"model": of_encoder(autoencoder), "args": argparse.Namespace(lr=1e-3)}
    torch.save(content, tmp_path / "checkpoint.pth")
    assert explain_weights(tmp_path / "checkpoint.pth", NAME).error == ""
    torch.save(content | {"more": Path("x")}, tmp_path / "more.pth")
    with pytest.raises(WeightsError, match="more than weights"):
        explain_weights(tmp_path / "more.pth", NAME)


def timm_state(**options: object) -> State:
    torch.manual_seed(1)
    return timm.create_model("vit_tiny_patch16_224", **options).state_dict()


WRONG = {
    "no block": (lambda state: {k: v for k, v in state.items() if k != "blocks.5.mlp.fc1.bias"},
                 r"lacks blocks\.5\.mlp\.fc1\.bias"),
    "thousand classes": (lambda _: timm_state(), "1000 classes"),
    "no vision transformer": (lambda _: timm.create_model("resnet18").state_dict(), "no vision"),
    "patches of 14": (lambda _: timm_state(patch_size=14, num_classes=0),
                      "patches of 16 pixels, the file's network of 14"),
    "another width": (lambda _: MaskedAutoencoder(MAE_SHAPES["usf-mae-small"]).state_dict(),
                      "192 wide, the file's network 384"),
    "no class token": (lambda _: timm_state(class_token=False, global_pool="avg", num_classes=0),
                       "missing cls_token"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_does_not_fit_is_said_as_it_is_when_it_is_loaded(
    tmp_path: Path, autoencoder: State, kind: str
) -> None:
    change, words = WRONG[kind]
    path = saved(tmp_path / "wrong.pt", change(dict(autoencoder)))
    report = explain_weights(path, NAME, "token")
    with pytest.raises(WeightsError) as refused:
        create_classifier(NAME, path)
    assert report.error.endswith(str(refused.value))
    assert words.replace("\\", "") in report.error


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (lambda: MaskedAutoencoder(SHAPE).state_dict(),
         ("masked autoencoder", None, 192, 12, 16, 224, "token", "sine-cosine")),
        (lambda: of_encoder(MaskedAutoencoder(SHAPE).state_dict()),
         ("encoder alone", None, 192, 12, 16, 224, "token", "sine-cosine")),
        (lambda: timm_state(img_size=256, num_classes=21),
         ("vision transformer with a head", 21, 192, 12, 16, 256, "token", "learnt")),
        (lambda: timm_state(global_pool="avg", num_classes=2),
         ("vision transformer with a head", 2, 192, 12, 16, 224, "avg", "learnt")),
        (lambda: timm.create_model("resnet18").state_dict(),
         ("another network", 1000, None, None, None, None, "token", "none")),
    ],
)  # fmt: skip
def test_a_network_is_known_by_its_weights(state: object, expected: tuple[object, ...]) -> None:
    found = find_network(state())  # type: ignore[operator]
    facts = (found.kind, found.classes, found.width, found.depth, found.patch_side)
    assert (*facts, found.image_side, found.pooling, found.positions) == expected


def test_positions_of_larger_pictures_are_interpolated_and_that_is_said(tmp_path: Path) -> None:
    state = timm_state(img_size=256, num_classes=0)
    path = saved(tmp_path / "larger.pt", state)
    table = state["pos_embed"]
    assert table.shape[1] == 257
    picture = table[:, 1:].reshape(1, 16, 16, 192).permute(0, 3, 1, 2)
    smaller = functional.interpolate(picture, (14, 14), mode="bicubic", antialias=True)
    expected = torch.cat([table[:, :1], smaller.flatten(2).transpose(1, 2)], dim=1)
    loaded = create_classifier(NAME, path).state_dict()["pos_embed"]
    assert torch.allclose(loaded, expected, atol=1e-6)
    assert any("16 x 16 patches" in sentence for sentence in explain_weights(path, NAME).said)
    for_mae = for_pretraining(read_weights(path), SHAPE).state["pos_embed"]
    assert torch.allclose(for_mae, expected, atol=1e-6)


def test_pooling_by_the_mean_leaves_the_class_tokens_norm_and_says_so(
    tmp_path: Path, autoencoder: State
) -> None:
    path = saved(tmp_path / "mae.pt", autoencoder)
    report = explain_weights(path, NAME, "avg")
    assert report.error == ""
    assert {"norm.weight", "norm.bias"} <= set(report.left_over)
    assert {"fc_norm.weight", "fc_norm.bias"} <= set(report.missing)
    assert any("fc_norm" in sentence for sentence in report.said)
    model = create_classifier(NAME, path, pooling="avg")
    assert torch.equal(model.fc_norm.weight, torch.ones(192))
    assert torch.equal(model.blocks[2].norm1.bias, autoencoder["blocks.2.norm1.bias"])


def test_weights_of_a_mean_are_not_taken_for_a_class_token(tmp_path: Path) -> None:
    path = saved(tmp_path / "avg.pt", create_classifier(NAME, pooling="avg").state_dict())
    assert explain_weights(path, NAME).pooling == "avg"
    assert explain_weights(path, NAME).error == ""
    with pytest.raises(WeightsError, match='Take pooling "avg"'):
        create_classifier(NAME, path)


def test_weights_of_a_mean_with_1000_classes_are_not_taken_for_the_published_ones() -> None:
    with torch.device("meta"):
        state = timm.create_model("vit_base_patch16_224", global_pool="avg").state_dict()
    with pytest.raises(WeightsError, match="not known how their input was normalised"):
        input_of("vit-b16", state)


def test_pretraining_goes_on_from_encoder_and_decoder(tmp_path: Path, autoencoder: State) -> None:
    path = saved(tmp_path / "mae.pth", autoencoder, "model")
    torch.manual_seed(9)
    model = MaskedAutoencoder(SHAPE)
    model.load_state_dict(for_pretraining(read_weights(path), SHAPE).state, strict=True)
    images = torch.randn(1, 3, 224, 224)
    noise = torch.rand(1, 196)
    first = MaskedAutoencoder(SHAPE)
    first.load_state_dict(autoencoder)
    with torch.inference_mode():
        assert torch.equal(model(images, 0.5, noise)[1], first(images, 0.5, noise)[1])


def test_a_missing_decoder_is_said_and_a_missing_part_refused(autoencoder: State) -> None:
    alone = for_pretraining(of_encoder(autoencoder), SHAPE)
    assert not alone.has_decoder
    assert any("starts at random" in sentence for sentence in alone.said)
    left = MaskedAutoencoder(SHAPE).load_state_dict(alone.state, strict=False)
    assert all(key.startswith(("decoder_", "mask_token")) for key in left.missing_keys)
    assert not left.unexpected_keys
    for lost in ("blocks.3.attn.qkv.weight", "decoder_blocks.1.norm1.bias", "mask_token"):
        partly = {key: value for key, value in autoencoder.items() if key != lost}
        with pytest.raises(WeightsError, match=f"missing {lost}"):
            for_pretraining(partly, SHAPE)


def test_the_command_says_it_and_ends_with_1_where_nothing_can_start(
    tmp_path: Path, autoencoder: State, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path / "mae.pth", autoencoder, "model", "module.")
    weights.main(path, NAME)
    said = capsys.readouterr().out
    assert "decoder of 2 blocks, 128 wide" in said
    assert 'under "model"; module. taken from before every name' in said
    assert f"SHA-256: {hashlib.sha256(path.read_bytes()).hexdigest()}" in said
    with pytest.raises(SystemExit, match="1"):
        weights.main(path, "usf-mae")
    assert "768 wide, the file's network 192" in capsys.readouterr().out
