"""Score-CAM against pytorch-grad-cam's own, and for which networks it is offered."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from pytorch_grad_cam import ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from vmcore.data.phantom import make_phantom
from vmcore.imaging import to_model_input
from vmcore.inference import Classifier, offered_methods
from vmcore.inference.gradient_maps import gradient_maps
from vmcore.models import BundleCard, create_classifier


class SmallConvolutions(nn.Module):
    """Convolutions of 40 channels, more than one batch of masked pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 40, 16, stride=16), nn.ReLU())
        self.head = nn.Linear(40, 2)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, 2), far enough apart that channels weigh differently."""
        return self.head(20 * self.features(images).mean(dim=(2, 3)))


def small_transformer() -> nn.Module:
    return timm.create_model(
        "vit_tiny_patch16_224", num_classes=2, depth=2, embed_dim=36, num_heads=2
    )


def to_map(found: Tensor) -> Tensor:
    return found[:, 1:].transpose(1, 2).reshape(len(found), -1, 14, 14)


@pytest.mark.parametrize("make", [SmallConvolutions, small_transformer])
def test_it_agrees_with_pytorch_grad_cam(make: type[nn.Module]) -> None:
    torch.manual_seed(4)
    model = make().eval()
    with torch.no_grad():
        model.head.weight.mul_(30)  # logits that differ, so that channels weigh differently
    images = np.stack([to_model_input(make_phantom(width, 1).image) for width in (7.0, 15.0)])
    tokens = make is small_transformer
    layer = model.blocks[-1].norm1 if tokens else model.features
    with ScoreCAM(model, [layer], reshape_transform=to_map if tokens else None) as cam:
        expected = cam(torch.from_numpy(images), [ClassifierOutputTarget(1)] * 2)
        unweighed = cam(torch.from_numpy(images), [lambda _logits: torch.tensor(0.0)] * 2)
    assert np.abs(expected - unweighed).max() > 0.05  # else the scores would not be tested
    found = gradient_maps(model, images, "score-cam")
    assert np.abs(np.stack(found) - expected).max() < 1e-3


def test_it_is_offered_for_small_networks_alone_and_refused_for_others() -> None:
    assert "score-cam" in offered_methods("usf-mae-tiny")
    for name in ("usf-mae", "usf-mae-small", "vit-b16", "resnet50", "vgg19"):
        assert "score-cam" not in offered_methods(name)
        assert offered_methods(name)[0] == "eigen-cam"
    model = create_classifier("usf-mae-small").eval()
    image = make_phantom(12.0, 3, shape=(224, 224)).image
    classifier = Classifier.of_models(
        BundleCard(architecture="usf-mae-small", folds=1), [model], precision="float32"
    )
    with pytest.raises(ValueError, match="takes too long for a network of this size"):
        classifier.predict([image], heatmap="score-cam")
    with pytest.raises(ValueError, match="once a channel, and this one has 384"):
        gradient_maps(model, to_model_input(image)[None], "score-cam")
