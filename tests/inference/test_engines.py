"""OpenVINO's networks give torch's numbers, and transformers are answered without torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import ROOT
from vmcore.inference import Classifier
from vmcore.inference.openvino_engine import OpenVinoEngine
from vmcore.inference.torch_engine import TorchEngine
from vmcore.models import BundleCard, BundleError, create_classifier, load_card, save_bundle
from vmcore.models.errors import WeightsError
from vmcore.processor import has_bfloat16

OLDER = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    return np.random.default_rng(3).standard_normal((2, 3, 224, 224)).astype(np.float32)


def engine_of(name: str, pooling: str, precision: str) -> tuple[OpenVinoEngine, TorchEngine]:
    torch.manual_seed(2)
    model = create_classifier(name, pooling=pooling).eval()
    with torch.no_grad():  # what starts as zeros and ones must be seen to matter
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    card = BundleCard(architecture=name, folds=1, pooling=pooling)
    classifier = Classifier.of_models(card, [model], device="cpu", precision=precision)
    assert isinstance(classifier._engine, OpenVinoEngine)
    return classifier._engine, TorchEngine([model], torch.device("cpu"), torch.float32)


@pytest.mark.parametrize(
    ("name", "pooling"),
    [
        ("usf-mae-tiny", "token"), ("usf-mae-tiny", "avg"), ("usf-mae-small", "token"),
        ("usf-mae-small", "avg"),
        pytest.param("resnet50", "token", marks=pytest.mark.long),
        pytest.param("vit-b16", "token", marks=pytest.mark.long),
        pytest.param("vgg19", "token", marks=pytest.mark.long),
    ],
)  # fmt: skip
def test_a_network_gives_torchs_numbers(name: str, pooling: str, batch: np.ndarray) -> None:
    ours, torchs = engine_of(name, pooling, "float32")
    for found, expected in zip(ours.forward(batch)[0], torchs.forward(batch)[0], strict=True):
        assert found.shape == expected.shape
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-4 * np.abs(expected).max())


@pytest.mark.parametrize("pooling", ["token", "avg"])
def test_the_embedding_ends_with_what_the_head_reads(pooling: str, batch: np.ndarray) -> None:
    torch.manual_seed(2)
    model = create_classifier("usf-mae-tiny", pooling=pooling).eval()
    read: list[torch.Tensor] = []
    model.head.register_forward_pre_hook(lambda _head, inputs: read.append(inputs[0]))
    with torch.inference_mode():
        model(torch.from_numpy(batch))
    card = BundleCard(architecture="usf-mae-tiny", folds=1, pooling=pooling)
    classifier = Classifier.of_models(card, [model], device="cpu", precision="float32")
    (output,) = classifier._engine.forward(batch)
    np.testing.assert_allclose(output.embedding[:, -192:], read[0].numpy(), rtol=1e-3, atol=2e-4)


@pytest.mark.skipif(not has_bfloat16(), reason="the processor has no bfloat16")
def test_bfloat16_gives_nearly_the_same_probabilities(batch: np.ndarray) -> None:
    fast, _ = engine_of("usf-mae-tiny", "token", "bfloat16")
    exact, _ = engine_of("usf-mae-tiny", "token", "float32")
    difference = fast.forward(batch)[0].logits - exact.forward(batch)[0].logits
    assert 0 < np.abs(difference).max() < 0.05


def test_what_was_answered_is_not_written_over(batch: np.ndarray) -> None:
    engine, _ = engine_of("usf-mae-tiny", "token", "float32")
    first = engine.forward(batch[:1])[0]
    kept = first.logits.copy()
    engine.forward(batch[1:])
    assert np.array_equal(first.logits, kept)


@pytest.mark.parametrize("change", ["missing", "unexpected", "shape"])
def test_weights_that_do_not_fit_are_named(change: str) -> None:
    weights = {k: v.numpy() for k, v in create_classifier("usf-mae-tiny").state_dict().items()}
    if change == "missing":
        del weights["blocks.3.attn.qkv.bias"]
    elif change == "unexpected":
        weights["blocks.3.attn.qkv.more"] = np.zeros(3, np.float32)
    else:
        weights["blocks.3.attn.qkv.bias"] = np.zeros(7, np.float32)
    with pytest.raises(WeightsError, match=r"blocks\.3\.attn\.qkv"):
        OpenVinoEngine.of_transformers([weights], 192, "token")


def test_a_bundle_whose_weights_are_another_networks_is_refused(tmp_path: Path) -> None:
    model = create_classifier("usf-mae-tiny")
    folder = save_bundle(tmp_path / "b", [model], architecture="usf-mae-tiny")
    card = load_card(folder).model_copy(update={"architecture": "usf-mae"})
    (folder / "bundle.json").write_text(card.model_dump_json())
    with pytest.raises(BundleError, match="not those of its card"):
        Classifier.load(folder)


WITHOUT_TORCH = """
import sys
import numpy as np
from vmcore.imaging import clean_frame, read_scan
from vmcore.inference import Classifier
from pathlib import Path
classifier = Classifier.load("assets/model")
scan = read_scan(Path("assets/examples/3-wide.dcm"))
answer = classifier.predict([clean_frame(scan.frames[0], region=scan.region).image])[0]
print(answer.label, answer.heatmap.shape, answer.ood_score is not None,
      sorted({"torch", "timm", "mlflow", "sklearn", "plotly"} & set(sys.modules)))
"""


@pytest.mark.long
@pytest.mark.parametrize("environment", [{}, OLDER])
def test_an_answer_needs_no_torch(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], cwd=ROOT, env={**os.environ, **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = done.stdout.splitlines()[-1]
    assert said.startswith("ventriculomegaly (")
    assert said.endswith(" True []")
