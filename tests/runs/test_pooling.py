"""Pooling is a setting of the plan that goes with the model, and what a run started from with its bundle."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import tyro
from pydantic import ValidationError

from tests.runs.support import finished_run, small_plan
from train.crossval import CrossvalArguments
from vmcore.data import StoredStudy
from vmcore.inference import Classifier
from vmcore.models import BundleCard, load_card
from vmcore.reporting.review import checklist
from vmcore.runs import Plan, open_reviewed, open_store
from vmcore.settings import settings


@pytest.mark.long
def test_a_run_by_the_mean_gives_a_bundle_that_answers_by_the_mean(
    phantom_study: StoredStudy, store: Path
) -> None:
    run = finished_run(small_plan(phantom_study.folder, pooling="avg"))
    bundle = open_store(store).artifact(run.run_id, "bundle")
    card = load_card(bundle)
    assert card.pooling == "avg"
    reviewed = open_reviewed(run.run_id)
    cases = reviewed.predictions.cases("test")
    rows = [int(image) - 1 for image in cases.known["image"]]
    images = [phantom_study.images()[row].transpose(1, 2, 0) for row in rows]
    classifier = Classifier.load(bundle, device="cpu", precision="float32")
    found = [answer.probability for answer in classifier.predict(images, heatmap=None)]
    np.testing.assert_allclose(found, cases.probability, atol=1e-4)
    file = settings().bundle / "fold-1.safetensors"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert card.starting_weights
    assert (card.starting_weights.weights, card.starting_weights.sha256) == ("bundled", [digest])
    items = {
        item.asked: item.answer
        for item in checklist(
            reviewed.operating(), split_by="subject", plan=reviewed.plan,
            environment=reviewed.environment, training_data=card.training_data, limits=card.limits,
        )
    }  # fmt: skip
    assert digest in items["Starting weights"]
    assert "last block puts out" in items["Explanation of single results"]


def test_a_bundle_or_plan_of_before_reads_the_class_token() -> None:
    card = json.loads((settings().bundle / "bundle.json").read_text())
    card.pop("pooling", None)
    card.pop("starting_weights", None)
    old = BundleCard.model_validate(card)
    assert (old.pooling, old.starting_weights) == ("token", None)
    plan = {"name": "x", "study": "x", "architecture": "usf-mae"}
    assert Plan.model_validate(plan).pooling == "token"


def test_a_network_without_patches_has_no_pooling_to_choose() -> None:
    with pytest.raises(ValidationError, match="ResNet-50 is none"):
        Plan(name="x", study=Path("x"), architecture="resnet50", pooling="avg")


def test_the_command_line_takes_it() -> None:
    told = tyro.cli(CrossvalArguments, args=["--study", "x", "--pooling", "avg"]).plan()
    untold = tyro.cli(CrossvalArguments, args=["--study", "x"]).plan()
    assert (told.pooling, untold.pooling) == ("avg", "token")
