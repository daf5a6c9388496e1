"""How the anatomy network's two starts are held against each other."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from train.anatomy import Recipe, _begin_base
from train.anatomy_starts import anatomy_figures, judged, main
from vmcore import RESEARCH_USE_ONLY
from vmcore.anatomy.network import StructureNetwork

FIGURES = {"made": {"finetune_epochs": 1, "encoders": {}, "devices": ["cpu"], "torch": ["2"], "seed": 1,
                    "note": ""}}  # fmt: skip


def rows(count: int, source: str, error: float, seed: int) -> pd.DataFrame:
    """What networks found that are off by about ``error``; in the last picture nothing was."""
    rng = np.random.default_rng(seed)
    truth = np.random.default_rng(7).uniform(0.06, 0.14, count)
    found = np.arange(count) < count - 1
    error = error * np.linspace(0.5, 1.5, count)
    outlined = source == "head-structures"
    return pd.DataFrame(
        {
            "source": source,
            "subject_id": [f"s{row // 2}" for row in range(count)],
            "dice": np.where(found, 0.97 - error, 0.0),
            "circumference_mm": np.where(found, 200 + 100 * error, np.nan),
            "true_circumference_mm": np.nan if outlined else 200.0,
            "share": np.where(found, truth + error * rng.choice([-1, 1], count), np.nan),
            "true_share": truth if outlined else np.nan,
            "distance": np.where(found, rng.uniform(0, 0.09, count), np.nan),
        }
    )


def kept(folder: Path, error: float, seed: int) -> Path:
    folder.mkdir()
    for fold in (1, 2):
        rows(9, "head-structures", error, seed + fold).to_csv(
            folder / f"fold-{fold}.csv", index=False
        )
    held = pd.concat(
        [rows(14, "hc18", error, seed), rows(3, "phantom", error, seed)], ignore_index=True
    )
    held.to_csv(folder / "held-back.csv", index=False)
    return folder


def test_figures_are_means_and_differences_picture_by_picture(tmp_path: Path) -> None:
    good, bad = judged(kept(tmp_path / "good", 0.01, 0)), judged(kept(tmp_path / "bad", 0.03, 50))
    said = {(str(one["set"]), str(one["figure"])): one for one in anatomy_figures(good, bad)}
    assert {one["pictures"] for one in said.values()} == {14, 18}
    width = said["head-structures", "width, mean absolute error as a share of the short axis"]
    scale = np.linspace(0.5, 1.5, 9)[:-1].mean()  # the last one's was not found
    for kind, expected in (("imagenet", 0.01), ("random", 0.03), ("difference", 0.02)):
        estimate, low, high = width[kind]  # type: ignore[misc]
        assert estimate == pytest.approx(expected * scale)
        assert low < estimate < high
    dice = said["hc18", "head's Dice, 0 where none was found"]
    for kind, table in (("imagenet", good), ("random", bad)):
        estimate, low, high = dice[kind]  # type: ignore[misc]
        assert estimate == pytest.approx(table.loc[table["source"] == "hc18", "dice"].mean())
        assert low < estimate < high
    circumference = said["hc18", "head circumference, mean absolute error in mm, of all found"]
    expected = 2 * np.linspace(0.5, 1.5, 14)[:-1].mean()
    assert circumference["difference"][0] == pytest.approx(expected)  # type: ignore[index]
    centre = said["head-structures", "centre within a tenth of the short axis"]
    assert centre["random"][0] == pytest.approx(16 / 18)  # type: ignore[index]
    assert centre["difference"] == [0.0, None, None]  # every subject alike: no interval


def test_other_pictures_are_refused(tmp_path: Path) -> None:
    good, bad = judged(kept(tmp_path / "good", 0.01, 0)), judged(kept(tmp_path / "bad", 0.03, 50))
    with pytest.raises(ValueError, match="same pictures"):
        anatomy_figures(good, bad.iloc[::-1].reset_index(drop=True))
    with pytest.raises(SystemExit, match="no whole work"):
        judged(tmp_path)


def test_they_join_the_figures_of_the_other_starts_in_the_document(tmp_path: Path) -> None:
    figures, document = tmp_path / "encoders.json", tmp_path / "encoders.md"
    shares = {"1": {"draws": 1, "images": 1, "subjects": 1, "positive": 1, "positive_subjects": 1,
                    "normal": {}}}  # fmt: skip
    for name in ("same source", "all normal", "hc18", "screening"):
        shares["1"][name] = {}
        shares["1"]["normal"][name] = 1  # type: ignore[index]
    figures.write_text(json.dumps(FIGURES | {"shares": shares}))
    main(
        random=kept(tmp_path / "bad", 0.03, 50), imagenet=kept(tmp_path / "good", 0.01, 0),
        figures=figures, document=document,
    )  # fmt: skip
    told = document.read_text()
    assert RESEARCH_USE_ONLY in told
    width = json.loads(figures.read_text())["anatomy"][2]
    assert (
        f"{width['random'][0]:.3f} ({width['random'][1]:.3f} to {width['random'][2]:.3f})" in told
    )
    assert "| 0.000 (– to –) |" in told
    assert "--start random" in told
    assert set(json.loads(figures.read_text())) == {"made", "shares", "anatomy"}


def test_a_random_start_is_left_as_it_was_drawn(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = StructureNetwork()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    begin = partial(_begin_base, Recipe(tmp_path, start="random"))
    begin(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
