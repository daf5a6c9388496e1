"""Weights: classifiers from every source, and what is said of files that do not fit."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from vmcore.models import (
    ARCHITECTURES,
    MAE_SHAPES,
    MaskedAutoencoder,
    WeightsError,
    create_classifier,
    fetch_public_weights,
    load_usf_mae_encoder,
)

TINY = MAE_SHAPES["usf-mae-tiny"]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A file in the public checkpoint's format, tiny."""
    torch.manual_seed(0)
    path = tmp_path / "usf-mae.pt"
    torch.save({"model": MaskedAutoencoder(TINY).state_dict(), "epoch": 100}, path)
    return path


@pytest.mark.parametrize("name", [n for n in ARCHITECTURES if n != "vgg19"])
def test_every_architecture_gives_two_logits(name: str) -> None:
    model = create_classifier(name).eval()
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 224, 224)).shape == (1, 2)


def test_the_encoder_reaches_the_classifier_and_its_head_stays_fresh(checkpoint: Path) -> None:
    model = create_classifier("usf-mae-tiny", checkpoint)
    state = torch.load(checkpoint, weights_only=True)["model"]
    assert torch.equal(model.blocks[3].attn.qkv.weight, state["blocks.3.attn.qkv.weight"])
    assert model.head.weight.shape == (2, 192)


def test_safetensors_and_data_parallel_names_are_taken(tmp_path: Path, checkpoint: Path) -> None:
    state = torch.load(checkpoint, weights_only=True)["model"]
    save_file({f"module.{key}": value for key, value in state.items()}, tmp_path / "m.safetensors")
    encoder = load_usf_mae_encoder(tmp_path / "m.safetensors")
    assert "blocks.0.norm1.weight" in encoder
    assert not any(key.startswith("decoder") for key in encoder)


def test_a_thousand_class_file_fits_the_baseline_without_its_head(tmp_path: Path) -> None:
    source = timm.create_model("resnet50", num_classes=1000)
    torch.save(source.state_dict(), tmp_path / "resnet50.pth")
    model = create_classifier("resnet50", tmp_path / "resnet50.pth")
    assert torch.equal(model.layer4[2].conv3.weight, source.layer4[2].conv3.weight)
    assert model.fc.weight.shape == (2, 2048)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"vgg20.*resnet50"):
        create_classifier("vgg20")


def broken(checkpoint: Path, change: str) -> Path:
    content = torch.load(checkpoint, weights_only=True)
    state = content["model"]
    if change == "missing":
        del state["blocks.5.mlp.fc1.weight"]
    elif change == "shape":
        state["blocks.2.norm1.weight"] = torch.zeros(7)
    elif change == "extra":
        state["segmentation.weight"] = torch.zeros(1)
    elif change == "other":
        state = {"conv.weight": torch.zeros(1)}
    path = checkpoint.with_name(f"{change}.pt")
    torch.save({"model": state}, path)
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("missing", "blocks.5.mlp.fc1.weight"),
        ("shape", "blocks.2.norm1.weight"),
        ("extra", "segmentation.weight"),
        ("other", "not a masked autoencoder"),
    ],
)
def test_a_wrong_checkpoint_is_named(checkpoint: Path, change: str, words: str) -> None:
    with pytest.raises(WeightsError, match=words):
        load_usf_mae_encoder(broken(checkpoint, change))


def test_a_checkpoint_of_another_size_is_refused(checkpoint: Path) -> None:
    with pytest.raises(WeightsError, match=r"wrong shape: .*192.*not.*768"):
        create_classifier("usf-mae", checkpoint)


def test_nothing_but_weights_is_unpickled(tmp_path: Path) -> None:
    marker = tmp_path / "executed"

    class Malicious:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (marker,))  # type: ignore[return-value]

    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps({"model": Malicious()}))
    with pytest.raises(WeightsError):
        load_usf_mae_encoder(path)
    torch.save({"model": Malicious()}, path)
    with pytest.raises(WeightsError):
        load_usf_mae_encoder(path)
    assert not marker.exists()


def test_imagenet_weights_without_a_network_get_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match=r"ImageNet weights of ViT-B/16 cannot be fetched"):
        create_classifier("vit-b16", "imagenet")


def test_public_weights_without_a_network_get_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there
    with pytest.raises(WeightsError, match="fetch it by hand"):
        fetch_public_weights("usf-mae-100", tmp_path)
    assert not (tmp_path / "usf-mae-100.pt").exists()


def test_fetched_weights_are_not_fetched_again(tmp_path: Path, checkpoint: Path) -> None:
    kept = tmp_path / "usf-mae-500.pt"
    kept.write_bytes(checkpoint.read_bytes())
    assert fetch_public_weights("usf-mae-500", tmp_path) == kept
    with pytest.raises(WeightsError, match="usf-mae-100"):
        fetch_public_weights("usf-mae-7", tmp_path)


def test_a_fetched_file_is_checked_before_it_is_kept(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = {"content": checkpoint.read_bytes()}

    def download(*, output: str, **_options: object) -> None:
        Path(output).write_bytes(served["content"])

    monkeypatch.setattr("gdown.download", download)
    kept = fetch_public_weights("usf-mae-100", tmp_path / "kept")
    assert kept.read_bytes() == checkpoint.read_bytes()
    served["content"] = b"<html>Too many users have viewed this file recently</html>"
    with pytest.raises(WeightsError):
        fetch_public_weights("usf-mae-500", tmp_path / "kept")
    assert {file.name for file in (tmp_path / "kept").iterdir()} == {
        kept.name,
        "usf-mae-100.sha256",
    }


def test_a_file_that_changed_since_it_was_fetched_is_refused(
    tmp_path: Path, checkpoint: Path
) -> None:
    kept = tmp_path / "usf-mae-100.pt"
    kept.write_bytes(checkpoint.read_bytes())
    assert fetch_public_weights("usf-mae-100", tmp_path) == kept  # its checksum is noted
    torch.manual_seed(1)
    torch.save({"model": MaskedAutoencoder(TINY).state_dict()}, kept)
    with pytest.raises(WeightsError, match="no longer the file"):
        fetch_public_weights("usf-mae-100", tmp_path)
    (tmp_path / "usf-mae-100.sha256").unlink()
    assert fetch_public_weights("usf-mae-100", tmp_path) == kept
