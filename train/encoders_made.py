"""How and on what the steps of the comparison were made, from the notes beside their results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from train.encoders_starts import Start
from train.encoders_steps import Steps, encoder_path


def made_of(steps: Steps, compared: Sequence[tuple[Start, float]], note: str) -> dict[str, object]:
    """What the document tells of the making.

    Args:
        steps: how long each step learnt.
        compared: starts and shares of the subjects that are in the figures.
        note: a sentence on how the steps were taken.
    """
    folds = [
        _read(path.with_suffix(".json"))
        for start, share in compared
        for path in sorted(steps.work.glob(f"{start.name}-share-{share:g}-fold-*.csv"))
    ]  # fmt: skip
    encoders = {
        path.stem: _read(path.with_suffix(".json"))
        for start, _ in compared if start.hidden for path in [encoder_path(steps, start)]
    }  # fmt: skip
    everything = [*folds, *encoders.values()]
    return {
        "devices": sorted({str(one["device"]) for one in everything}),
        "torch": sorted({str(one["torch"]) for one in everything}),
        "finetune_epochs": steps.finetune_epochs,
        "seed": steps.seed,
        "encoders": encoders,
        "note": note,
    }


def _read(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise SystemExit(f"{path} is missing: it says how the result beside it was made.")
    found: dict[str, Any] = json.loads(path.read_text())
    return found
