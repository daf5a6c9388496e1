"""Views of outlined pictures and their truth; what is learnt from, and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader

from train.anatomy_check import choose_limits, judged
from train.anatomy_split import OUTLINED, folds, for_base, held_back
from vmcore.anatomy import HeadEllipse
from vmcore.anatomy.decoding import WIDTH_UNIT_PX, decode_head
from vmcore.anatomy.network import StructureNetwork
from vmcore.anatomy.views import View, level_view, whole_view
from vmcore.data.phantom import make_phantom
from vmcore.training import CheckpointError, make_fabric, structures
from vmcore.training.outlined import (
    CAVUM,
    HEAD,
    VENTRICLE,
    OutlinedPicture,
    covered,
    example,
    random_example,
)
from vmcore.training.structures import (
    RandomBatches,
    StructureSettings,
    batched,
    learn_structures,
    structure_losses,
)

HEAD_ELLIPSE = HeadEllipse((120.0, 160.0), (110.0, 85.0), 0.2)


def rectangle(middle: tuple[float, float], width: float, length: float) -> npt.NDArray[np.float64]:
    half = np.array([[-length, -width], [-length, width], [length, width], [length, -width]]) / 2
    return half + np.array(middle)


def outlined(**more: object) -> OutlinedPicture:
    picture = np.random.default_rng(0).integers(0, 200, (240, 320)).astype(np.uint8)
    fields: dict[str, object] = {
        "head": HEAD_ELLIPSE,
        "ventricle": rectangle((200.0, 150.0), 16.0, 30.0),
        "known": (True, True, True),
    } | more
    fields = {"subject_id": "one", "source": "phantom"} | fields
    return OutlinedPicture(picture, **fields)  # type: ignore[arg-type]


def test_a_polygon_covers_its_area() -> None:
    square = np.array([[40.3, 30.1], [120.3, 30.1], [120.3, 90.7], [40.3, 90.7]])
    assert 4 * covered(square).sum() == pytest.approx(80 * 60.6, rel=0.002)


def test_the_width_is_told_in_the_views_pixels() -> None:
    view = level_view(HEAD_ELLIPSE)
    shown = example(outlined(), view)
    assert WIDTH_UNIT_PX * shown.calliper[0] == pytest.approx(16 * view.scale, rel=1e-5)


def test_a_mirrored_view_mirrors_the_calliper() -> None:
    straight = whole_view((240, 320))
    mirror = np.array([[-1.0, 0.0, 255.0], [0.0, 1.0, 0.0]])
    turned = View(mirror @ np.vstack([straight.matrix, [0, 0, 1]]))
    tilted = outlined(ventricle=rectangle((0, 0), 16, 30) @ _turn(0.5) + [200, 150])
    one, other = example(tilted, straight), example(tilted, turned)
    assert other.calliper[0] == pytest.approx(one.calliper[0])
    assert other.calliper[1] == pytest.approx(one.calliper[1], abs=1e-6)
    assert other.calliper[2] == pytest.approx(-one.calliper[2], abs=1e-6)
    np.testing.assert_allclose(other.structures, one.structures[..., ::-1], atol=0.3)


def _turn(angle: float) -> npt.NDArray[np.float64]:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def test_a_drawn_head_is_decoded_where_it_is() -> None:
    view = level_view(HEAD_ELLIPSE)
    shown = example(outlined(), view)
    found = decode_head(shown.structures[HEAD], np.ones((192, 256), bool))
    assert found is not None
    truth = HeadEllipse.through(view.to_view(HEAD_ELLIPSE.outline()))
    np.testing.assert_allclose(found.half_axes, truth.half_axes, rtol=0.01)


def test_a_view_that_is_varied_keeps_truth_and_picture_together() -> None:
    phantom = make_phantom(12.0, 3)
    (x, y), (long, short), degrees = phantom.head
    head = HeadEllipse.of_axes((y, x), (long / 2, short / 2), np.deg2rad(degrees))
    picture = OutlinedPicture(
        (255 * (phantom.geometry.outside_mm <= 0)).astype(np.uint8),
        "one",
        "phantom",
        head,
        known=(True,) * 3,
    )
    shown = random_example(picture, np.random.default_rng(1), level=1.0)
    small = shown.view.reshape(96, 2, 128, 2).mean((1, 3)) > 0.5 * shown.view.max()
    truth = shown.structures[HEAD] > 0.5
    assert 2 * (small & truth).sum() / (small.sum() + truth.sum()) > 0.93


def outputs(batch: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return (
        torch.randn(batch, 3, 96, 128, generator=generator),
        torch.randn(batch, 4, 96, 128, generator=generator),
        torch.randn(batch, 2, generator=generator),
    )


def test_nothing_is_learnt_where_nothing_is_known() -> None:
    picture = outlined(known=(True, False, False), ventricle=None)
    shown = example(picture, whole_view(picture.grey.shape))
    logits, calliper, visible = outputs(1)
    before = structure_losses((logits, calliper, visible), batched([shown]))
    logits[:, [CAVUM, VENTRICLE]] += 5
    after = structure_losses((logits, calliper + 3, visible - 2), batched([shown]))
    assert {name: float(loss) for name, loss in before.items()} == {
        name: float(loss) for name, loss in after.items()
    }
    logits[:, HEAD] += 1
    assert float(
        structure_losses((logits, calliper, visible), batched([shown]))["structures"]
    ) != float(before["structures"])


def test_the_truth_has_the_least_loss() -> None:
    shown = example(outlined(visible=(True, False)), level_view(HEAD_ELLIPSE))
    logits = torch.from_numpy(20 * shown.structures[None] - 10)
    calliper = torch.zeros(1, 4, 96, 128)
    calliper[:, :3] = torch.from_numpy(shown.calliper)[None, :, None, None]
    calliper[:, 3] = -3.0
    visible = torch.tensor([[8.0, -8.0]])
    right = structure_losses((logits, calliper, visible), batched([shown]))
    wrong = structure_losses(outputs(1), batched([shown]))
    assert all(float(right[name]) < float(wrong[name]) for name in right)


@pytest.mark.long
def test_a_network_learns_from_a_few_heads() -> None:
    torch.manual_seed(0)
    losses = []
    settings = StructureSettings(steps=16, shares={"phantom": 1.0}, batch_size=4)
    learn_structures(
        StructureNetwork(), [outlined()], settings, make_fabric(accelerator="cpu"),
        on_step=lambda _, parts: losses.append(float(parts["structures"])),
    )  # fmt: skip
    assert np.mean(losses[-6:]) < np.mean(losses[:4])


def test_a_training_that_was_stopped_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(structures, "_KEPT_EVERY", 2)
    settings = StructureSettings(steps=4, shares={"phantom": 1.0}, batch_size=2)
    begun, checkpoint = StructureNetwork().state_dict(), tmp_path / "checkpoint"
    steps: list[int] = []

    def learn(stop_at: int | None = None, checkpoint: Path | None = None) -> StructureNetwork:
        def on_step(step: int, _: object) -> None:
            steps.append(step)
            if step == stop_at:
                raise KeyboardInterrupt

        network = StructureNetwork()
        network.load_state_dict(begun)
        return learn_structures(
            network, [outlined()], settings, make_fabric(accelerator="cpu"), on_step=on_step,
            checkpoint=checkpoint,
        )  # fmt: skip

    whole = learn()
    with pytest.raises(KeyboardInterrupt):
        learn(stop_at=2, checkpoint=checkpoint)
    steps.clear()
    resumed = learn(checkpoint=checkpoint)
    assert steps == [2, 3]
    for name, value in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0)
    for chosen, picture in (
        (replace(settings, seed=1), outlined()),
        (settings, outlined(subject_id="another")),
    ):
        with pytest.raises(CheckpointError, match="other settings or data"):
            learn_structures(
                StructureNetwork(), [picture], chosen, make_fabric(accelerator="cpu"),
                checkpoint=checkpoint,
            )  # fmt: skip


def test_frozen_stages_stay_as_they_are_and_the_rest_learns() -> None:
    settings = StructureSettings(
        steps=2, shares={"phantom": 1.0}, batch_size=2, frozen_stages=2, learning_rate=1e-2
    )
    network = StructureNetwork()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    learn_structures(network, [outlined()], settings, make_fabric(accelerator="cpu"))
    frozen = ("encoder.conv_stem.", "encoder.bn1.", "encoder.blocks.0.", "encoder.blocks.1.")
    for name, value in network.state_dict().items():
        if name.startswith(frozen):
            assert torch.equal(value, before[name]), name
    later = {
        f"{name}"
        for name in before
        if name.startswith("encoder.blocks.") and name.endswith("weight")
    }
    changed = {name for name in later if not torch.equal(network.state_dict()[name], before[name])}
    assert changed == {name for name in later if not name.startswith(frozen)}
    assert all(one.requires_grad for one in network.parameters())


def test_other_processes_draw_the_same_batches() -> None:
    settings = StructureSettings(steps=3, shares={"phantom": 1.0}, batch_size=2)
    batches = RandomBatches([outlined(), outlined(subject_id="two", often=3.0)], settings)
    here, there = list(batches), list(DataLoader(batches, batch_size=None, num_workers=1))
    assert len(here) == len(there) == 3
    for one, other in zip(here, there, strict=True):
        for part, same in zip(one, other, strict=True):
            torch.testing.assert_close(part, same, rtol=0, atol=0)
    assert not torch.equal(here[0].views, here[1].views)


def test_a_picture_is_drawn_as_often_as_it_says() -> None:
    settings = StructureSettings(steps=40, shares={"phantom": 1.0}, batch_size=4)
    seldom = outlined(visible=(False, False))
    batches = RandomBatches([seldom, outlined(visible=(True, True), often=3.0)], settings)
    assert np.mean([batch.visible[:, 0].numpy() for batch in batches]) == pytest.approx(
        0.75, abs=0.12
    )


def test_a_source_without_pictures_is_refused() -> None:
    settings = StructureSettings(steps=1, shares={"nowhere": 1.0})
    with pytest.raises(ValueError, match="No pictures of nowhere"):
        learn_structures(StructureNetwork(), [outlined()], settings, make_fabric())


def of_subject(subject: str, source: str) -> OutlinedPicture:
    return OutlinedPicture(np.zeros((32, 32), np.uint8), subject, source)


def test_no_subject_is_learnt_from_and_measured_on() -> None:
    pictures = [
        of_subject(f"P{number}", source)
        for number in range(60)
        for source in ("brain-planes", "hc18", *([OUTLINED] if number % 5 == 0 else []))
    ]
    base = {one.subject_id for one in for_base(pictures)}
    parts = folds(pictures, 4, seed=1)
    for learnt, measured in parts:
        assert not {one.subject_id for one in learnt} & {one.subject_id for one in measured}
        assert {one.source for one in measured} == {OUTLINED}
        assert not {one.subject_id for one in learnt} & {
            one.subject_id for one in held_back(pictures)
        }
    assert not base & {one.subject_id for one in pictures if one.source == OUTLINED}
    together = [one.subject_id for _, measured in parts for one in measured]
    assert sorted(together) == sorted({f"P{number}" for number in range(0, 60, 5)})


def test_limits_come_from_the_other_folds() -> None:

    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "source": OUTLINED, "subject_id": [f"P{n}" for n in range(200)],
            "fold": np.arange(200) % 4 + 1, "head": True, "distance": 0.01, "true_share": 0.1,
            "expected": 0.01, "probability": 0.9, "ventricle_visible": 0.9,
            "share": 0.1 + rng.laplace(0, 0.01, 200),
        }
    )  # fmt: skip
    limits = choose_limits(table)
    # of a Laplace distribution of scale 1, 68.3 of 100 values lie within 1.149
    assert limits.spread == pytest.approx(-np.log(1 - 0.683), rel=0.15)
    told = judged(table)
    assert told["deviation"].nunique() == 4
    odd = table.assign(share=np.where(table["fold"] == 1, 0.5, table["share"]))
    first = judged(odd).query("fold == 1")["deviation"]
    np.testing.assert_allclose(first, told.query("fold == 1")["deviation"].iloc[0])
