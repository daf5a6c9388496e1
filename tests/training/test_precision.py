"""Precision follows the device; models go where the images go; float16's scaled loss is clipped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.plugins.precision import MixedPrecision
from torch import nn
from torch.nn import functional

from tests.conftest import ROOT
from vmcore.data import Fold, Splits
from vmcore.models import emulated, fast_dtype, training_precision
from vmcore.training import LabelledImages, fold_predictions, make_fabric
from vmcore.training.steps import precision_of, set_up, update

CPU = torch.device("cpu")
OLDER = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
ASK = """
import json, torch
from vmcore.models import emulated, fast_dtype, training_precision
from vmcore.training import make_fabric
from vmcore.training.steps import precision_of
cpu = torch.device("cpu")
print(json.dumps([str(fast_dtype(cpu)), training_precision(cpu), emulated("bf16-mixed", cpu),
                  precision_of(make_fabric(accelerator="cpu"))]))
"""


class OnItsDevice(nn.Module):
    """Says nothing new, but only where its weights and the images lie on one device."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.devices: list[torch.device] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of nothing."""
        assert self.weight.device == images.device
        self.devices.append(images.device)
        return torch.zeros(len(images), 2)


def test_a_model_judges_on_the_device_that_the_images_go_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Fabric, "device", property(lambda _: torch.device("meta")))
    study = LabelledImages(np.zeros((6, 3, 224, 224), np.uint8), np.tile([0, 1], 3))
    table = pd.DataFrame({"path": list("abcdef"), "subject_id": list("uvwxyz")})
    splits = Splits(np.array([4, 5]), (Fold(np.arange(2), np.arange(2, 4)),), seed=0)
    model = OnItsDevice()
    rows = fold_predictions(model, table, study, splits, 1, make_fabric("32-true", "cpu"))
    assert rows["split"].tolist() == ["validation"] * 2 + ["test"] * 2
    assert {device.type for device in model.devices} == {"meta"}


@pytest.mark.parametrize("overflows", [False, True])
def test_a_scaled_float16_loss_is_clipped_and_an_overflow_costs_one_step(
    *, overflows: bool
) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    plugin = MixedPrecision("16-mixed", device="cpu", scaler=scaler)
    fabric = Fabric(accelerator="cpu", devices=1, plugins=[plugin, LightningEnvironment()])
    torch.manual_seed(0)
    model, optimizer = set_up(fabric, nn.Linear(8, 2), weight_decay=0.0, lr=0.1)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    norms: list[float] = []
    optimizer.optimizer.register_step_pre_hook(
        lambda *_: norms.append(
            float(sum(p.grad.square().sum() for p in model.parameters() if p.grad is not None))
        )
    )
    loss = 40 * functional.cross_entropy(
        model(torch.randn(4, 8)).float(), torch.tensor([0, 1, 1, 0])
    )
    loss = loss * (1e38 if overflows else 1)
    update(fabric, model, optimizer, loss, step=0, steps=10, peak=0.1)
    same = [torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True)]
    if overflows:
        assert all(same)
    else:
        assert norms == [pytest.approx(1.0, rel=1e-2)]
        assert not any(same)


def asked(**environment: str) -> list[object]:
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env={**os.environ, **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def test_a_processor_without_bfloat16_computes_in_float32() -> None:
    assert asked(**OLDER) == ["torch.float32", "32-true", True, "32-true"]


def products(dtype: torch.dtype) -> float:
    """Seconds of a matrix product as a small transformer makes it, the best of several."""
    left, right = torch.randn(197, 192, dtype=dtype), torch.randn(192, 192, dtype=dtype)
    left @ right
    taken = []
    for _ in range(9):
        started = time.perf_counter()
        left @ right
        taken.append(time.perf_counter() - started)
    return min(taken)


def test_bfloat16_is_taken_where_its_products_are_not_emulated() -> None:
    slower = products(torch.bfloat16) / products(torch.float32)
    if fast_dtype(CPU) == torch.bfloat16:
        assert slower < 4
        assert training_precision(CPU) == "bf16-mixed"
        assert not emulated("bf16-mixed", CPU)
    else:
        assert slower > 4
        assert training_precision(CPU) == "32-true"
        assert emulated("bf16-mixed", CPU)


def test_auto_becomes_what_the_device_computes_fast() -> None:
    assert precision_of(make_fabric(accelerator="cpu")) == training_precision(CPU)
    assert precision_of(make_fabric("32-true", "cpu")) == "32-true"
    assert make_fabric(device="cpu").device == CPU


def test_depthwise_convolutions_are_trained_in_float32_where_the_rest_is_bfloat16() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, groups=8, bias=False), nn.Conv2d(8, 8, 3, groups=2)
    )
    names = list(model.state_dict())
    fabric = make_fabric("bf16-mixed", accelerator="cpu")
    task, _ = set_up(fabric, model, weight_decay=0.0, lr=1e-3)
    seen: list[tuple[torch.dtype, torch.dtype]] = []
    for layer in model:
        layer.register_forward_hook(
            lambda _, given, made: seen.append((given[0].dtype, made.dtype))
        )
    given = torch.randn(2, 3, 9, 9)
    fabric.backward(task(given).sum())
    assert seen == [(torch.bfloat16, torch.bfloat16)] * 3
    assert list(model.state_dict()) == names
    depthwise = model[1]
    half = torch.randn(2, 8, 9, 9).bfloat16()
    exact = functional.conv2d(half.float(), depthwise.weight.data, groups=8)
    with torch.autocast("cpu", torch.bfloat16):
        plain = functional.conv2d(half, depthwise.weight.data.bfloat16(), groups=8)
        made = depthwise(half)
    assert torch.equal(made, exact.bfloat16())
    assert not torch.equal(made, plain)  # its weight was not rounded
