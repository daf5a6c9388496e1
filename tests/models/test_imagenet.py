"""ImageNet weights: which ones they are, and that they see the pixels that they were trained on."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vmcore.models import ARCHITECTURES, WeightsError, create_classifier
from vmcore.models.normalisation import Normalisation, to_our_input
from vmcore.training.normalise import normalise

HALF = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
BASELINES = ["vit-b16", "resnet50", "vgg19"]


@pytest.fixture(scope="module")
def published() -> nn.Module:
    """A ViT-B/16 of 1000 classes as timm builds it, of random weights."""
    torch.manual_seed(3)
    return timm.create_model("vit_base_patch16_224", num_classes=1000).eval()


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    return torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))


def logits_of_half(published: nn.Module, pixels: Tensor) -> Tensor:
    """What the weights give for input as timm's configuration asks for it."""
    with torch.inference_mode():
        return published((pixels - 0.5) / 0.5)


def logits_of_ours(model: nn.Module, published: nn.Module, pixels: Tensor) -> Tensor:
    """What the loaded classifier gives for our input, through the published head."""
    model.head = published.head
    with torch.inference_mode():
        return model.eval()(normalise(pixels))


@pytest.mark.parametrize("name", BASELINES)
def test_the_named_weights_are_timms_of_imagenet_1k_alone(name: str) -> None:
    architecture = ARCHITECTURES[name]
    assert architecture.imagenet
    tag = architecture.imagenet.tag
    assert tag in timm.list_pretrained(f"{architecture.timm_name}.*")
    assert tag.endswith("_in1k")
    assert not any(word in tag for word in ("in21k", "in22k", "_ft_", "ssl", "ig1b", "distil"))
    told = timm.models.get_pretrained_cfg(tag)
    assert told
    assert told.num_classes == 1000
    assert told.hf_hub_id == f"timm/{tag}"
    assert architecture.imagenet.normalisation == Normalisation(told.mean, told.std)


def test_a_converted_state_gives_for_our_input_what_it_gave_for_its_own(
    published: nn.Module, pixels: Tensor
) -> None:
    ours = timm.create_model("vit_base_patch16_224", num_classes=1000)
    ours.load_state_dict(to_our_input(ours, published.state_dict(), HALF))
    expected = logits_of_half(published, pixels)
    assert torch.allclose(logits_of_ours(ours, published, pixels), expected, atol=1e-4)
    with torch.inference_mode():  # without it, the weights would see other pixels
        assert (published(normalise(pixels)) - expected).abs().max() > 1e-2


@pytest.mark.long
@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".bin"])
def test_a_file_of_timms_weights_sees_what_it_was_trained_on(
    tmp_path: Path, published: nn.Module, pixels: Tensor, suffix: str
) -> None:
    path = tmp_path / f"model{suffix}"
    if suffix == ".safetensors":
        save_file(published.state_dict(), path, {"format": "pt"})
    else:
        torch.save(published.state_dict(), path)
    model = create_classifier("vit-b16", path)
    path.unlink()
    assert model.head.weight.shape == (2, 768)
    expected = logits_of_half(published, pixels)
    assert torch.allclose(logits_of_ours(model, published, pixels), expected, atol=1e-4)


@pytest.mark.long
def test_weights_that_the_hub_client_has_see_what_they_were_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, published: nn.Module, pixels: Tensor
) -> None:
    """The hub's own cache on disk, as a download leaves it, and no network."""
    kept = tmp_path / "models--timm--vit_base_patch16_224.augreg_in1k"
    revision = "0123456789abcdef0123456789abcdef01234567"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs/main").write_text(revision)
    file = kept / "snapshots" / revision / "model.safetensors"
    file.parent.mkdir(parents=True)
    save_file(published.state_dict(), file, {"format": "pt"})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    model = create_classifier("vit-b16", "imagenet")
    file.unlink()
    expected = logits_of_half(published, pixels)
    assert torch.allclose(logits_of_ours(model, published, pixels), expected, atol=1e-4)


def test_a_classifiers_own_weights_are_left_as_they_are() -> None:
    torch.manual_seed(5)
    own = timm.create_model("vit_base_patch16_224", num_classes=2).state_dict()
    loaded = create_classifier("vit-b16", own).state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in own.items())


@pytest.mark.parametrize("name", ["resnet50", "vgg19"])
def test_a_padded_convolution_is_not_brought_to_another_normalisation(name: str) -> None:
    with torch.device("meta"):
        model = timm.create_model(name, num_classes=2)
    state = model.state_dict()
    assert to_our_input(model, state, Normalisation()) == state
    with pytest.raises(WeightsError, match="cannot be brought to another one exactly"):
        to_our_input(model, state, HALF)


@pytest.mark.parametrize("name", ["usf-mae", "usf-mae-small", "usf-mae-tiny"])
def test_usf_mae_does_not_start_from_imagenet(name: str) -> None:
    with pytest.raises(WeightsError, match="starts from a masked autoencoder's weights"):
        create_classifier(name, "imagenet")


def test_a_file_of_imagenet_weights_is_not_taken_for_usf_mae() -> None:
    state = timm.create_model("vit_tiny_patch16_224", num_classes=1000).state_dict()
    with pytest.raises(WeightsError, match="head of 1000 classes"):
        create_classifier("usf-mae-tiny", state)


def test_a_head_of_other_classes_does_not_tell_the_input_and_is_refused(
    published: nn.Module,
) -> None:
    state = published.state_dict() | {"head.weight": torch.zeros(21843, 768)}
    state |= {"head.bias": torch.zeros(21843)}
    with pytest.raises(WeightsError, match=r"head of 21843 classes.*augreg_in1k"):
        create_classifier("vit-b16", state)


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("vit-b16", "vit_base_patch16_224.augreg_in1k"),
        ("resnet50", "resnet50.tv_in1k"),
        ("vgg19", "vgg19.tv_in1k"),
    ],
)
def test_without_a_network_the_exact_weights_and_file_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, tag: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError) as refused:
        create_classifier(name, "imagenet")
    assert f"Fetch {tag} where" in str(refused.value)
    assert f"https://huggingface.co/timm/{tag}/resolve/main/model.safetensors" in str(refused.value)
