"""Finished runs reviewed: what is read, what is refused, and thresholds that are kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.runs.support import copied_store, small_plan
from vmcore.data import StoredStudy, reject
from vmcore.evaluation import (
    TEST_TITLE,
    VALIDATION_TITLE,
    PredictionsError,
    ThresholdRule,
    choose_threshold,
)
from vmcore.imaging import clean_frame, read_scan
from vmcore.inference import Classifier
from vmcore.models import load_card
from vmcore.reporting.review import Provenance, document, evaluate
from vmcore.runs import (
    BUNDLED,
    RunError,
    RunFolder,
    bundle_in_use,
    decided,
    imported,
    keep_decision,
    open_reviewed,
    open_store,
    promote,
    provenance,
    reviewable,
)
from vmcore.settings import settings


@pytest.fixture(scope="module")
def place(
    two_runs: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, RunFolder, RunFolder]:
    """A store with two finished runs on one study."""
    store = tmp_path_factory.mktemp("reviewed") / "store"
    first, second = copied_store(two_runs, store)
    return store, first, second


@pytest.fixture
def run(
    place: tuple[Path, RunFolder, RunFolder], store: Path, monkeypatch: pytest.MonkeyPatch
) -> RunFolder:
    """The first run, with its store open."""
    monkeypatch.setenv("VMCORE_STORE", str(place[0]))
    settings.cache_clear()
    return place[1]


def test_the_bundled_model_can_be_reviewed_before_anything_was_run(store: Path) -> None:
    (only,) = reviewable()
    assert only.key == BUNDLED
    reviewed = open_reviewed(BUNDLED)
    assert reviewed.predictions.splits() == ("validation", "test")
    assert reviewed.operating().threshold == load_card(settings().bundle).threshold
    assert not store.exists()  # looking leaves nothing behind


def test_a_phantom_of_the_bundled_model_is_drawn_again(store: Path) -> None:
    find = open_reviewed(BUNDLED).find_image
    image = find("phantoms/normal-0007.png")
    assert image is not None
    assert image.shape[2] == 3
    for gone in (
        "phantoms/unknown.png",
        "hc18/images/001_HC.png",
        "../../etc/passwd",
        "/etc/passwd",
    ):
        assert find(gone) is None


def test_images_of_the_bundled_model_are_found_where_they_are(
    store: Path, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMCORE_IMAGES", str(real_data))
    settings.cache_clear()
    reviewed = open_reviewed(BUNDLED)
    names = reviewed.predictions.table["image"]
    name = names[names.str.startswith("hc18")].iloc[0]
    assert reviewed.find_image(name) is not None
    assert reviewed.find_image("../README.md") is None


def test_a_finished_run_is_listed_and_opened(run: RunFolder, phantom_study: StoredStudy) -> None:
    keys = [one.key for one in reviewable()]
    assert keys[0] == BUNDLED
    assert run.run_id in keys
    reviewed = open_reviewed(run.run_id)
    assert reviewed.split_by == "subject"
    assert reviewed.plan["study"] == phantom_study.folder.name  # its place is nobody's business
    known = provenance(reviewed)
    assert known.plan["settings"]["epochs"] == 2
    assert known.limits


def test_a_case_leads_to_its_own_image_even_after_others_were_rejected(
    two_runs: Path, phantom_study: StoredStudy, store: Path
) -> None:
    run, _ = copied_store(two_runs, store)
    own = shutil.copytree(phantom_study.folder, store / "own")
    run.mark("plan.json", run.plan().model_copy(update={"study": own}).model_dump_json())
    reviewed = open_reviewed(run.run_id)
    numbers = reviewed.predictions.table["image"].unique()
    table = phantom_study.table
    case = numbers[len(numbers) // 2]
    path = table["path"].iloc[int(case) - 1]
    expected = clean_frame(read_scan(phantom_study.originals / path).frames[0]).image
    np.testing.assert_array_equal(reviewed.find_image(case), expected)
    reject(own, [table["path"].iloc[0]])
    np.testing.assert_array_equal(reviewed.find_image(case), expected)
    assert reviewed.find_image("9999") is None


def test_a_run_of_before_its_predictions_were_numbered_still_finds_its_images(
    run: RunFolder, phantom_study: StoredStudy
) -> None:
    digests = run.path / "images.txt"
    files = {number: run.fold(number) / "predictions.csv" for number in (1, 2)}
    kept = {file: file.read_bytes() for file in (digests, *files.values())}
    case = str(pd.read_csv(files[1])["image"].iloc[0])
    now = open_reviewed(run.run_id).find_image(case)
    try:
        digests.unlink()
        for file in files.values():
            table = pd.read_csv(file)
            paths = phantom_study.table["path"].iloc[table["image"] - 1].to_numpy()
            table.assign(image=paths).to_csv(file, index=False)
        np.testing.assert_array_equal(open_reviewed(run.run_id).find_image(case), now)
    finally:
        for file, content in kept.items():
            file.write_bytes(content)


@pytest.mark.parametrize(
    ("status", "words"),
    [("RUNNING", "still going"), ("SCHEDULED", "still going"), ("FAILED", "did not finish"),
     ("KILLED", "did not finish")],
)  # fmt: skip
def test_a_run_without_results_says_why(
    run: RunFolder, phantom_study: StoredStudy, status: str, words: str
) -> None:
    runs = open_store(settings().store)
    run_id = runs.create(small_plan(phantom_study.folder))
    runs.set_status(run_id, status)
    with pytest.raises(RunError, match=words):
        open_reviewed(run_id)
    assert run_id not in {one.key for one in reviewable()}


def test_what_is_gone_or_empty_is_said(run: RunFolder) -> None:
    with pytest.raises(RunError, match="no such run"):
        open_reviewed("nothing")
    file = open_store(settings().store).artifact(run.run_id, "bundle") / "predictions.csv"
    whole = file.read_bytes()
    try:
        file.write_text("image,label,probability\n")
        with pytest.raises(PredictionsError, match="no predictions"):
            open_reviewed(run.run_id)
        file.unlink()
        with pytest.raises(PredictionsError, match="no such file"):
            open_reviewed(run.run_id)
    finally:
        file.write_bytes(whole)


@pytest.mark.parametrize("method", ["none", "platt", "temperature"])
def test_a_kept_decision_is_the_models_from_then_on(run: RunFolder, method: str) -> None:
    promote(run.run_id, why="test")
    before = open_reviewed(run.run_id)
    rule = ThresholdRule("sensitivity", 0.9)
    kept = keep_decision(run.run_id, rule, method, why="screening", who="R. Esearcher")
    after = open_reviewed(run.run_id)
    card = load_card(bundle_in_use().bundle)
    assert card.threshold == kept.threshold
    assert card.threshold_rule == rule.words()
    assert (card.calibration is None) == (method == "none")
    # chosen on validation images alone, on the calibrated scale
    raw = before.predictions.cases("validation")
    said = card.calibration.apply(raw.probability) if card.calibration else raw.probability
    assert kept.threshold == pytest.approx(choose_threshold(raw.labels, said, rule))
    # the classifier gives what the results page shows
    operating = after.operating()
    cases = operating.cases("test")
    image = after.find_image(cases.known["image"].iloc[0])
    assert image is not None
    (answer,) = Classifier.load(bundle_in_use().bundle, precision="float32").predict(
        [image], heatmap=None
    )
    np.testing.assert_allclose(answer.fold_probabilities, cases.by_fold[0], atol=2e-3)
    assert answer.threshold == kept.threshold
    # and what was decided can be looked up
    tags = open_store(settings().store).client.get_run(run.run_id).data.tags
    note = json.loads(tags[max(key for key in tags if key.startswith("decision."))])
    assert (note["who"], note["why"]) == ("R. Esearcher", "screening")
    assert note["calibration"] == method
    assert float(note["threshold"]) == kept.threshold
    assert run.results() == {title: card.metrics[title] for title in (VALIDATION_TITLE, TEST_TITLE)}
    assert [title for title in card.metrics if "by fold" in title] == [VALIDATION_TITLE, TEST_TITLE]


def test_what_cannot_be_kept_is_refused_and_changes_nothing(run: RunFolder) -> None:
    bundle = open_store(settings().store).artifact(run.run_id, "bundle")
    before = (bundle / "bundle.json").read_bytes()
    with pytest.raises(RunError, match="reason"):
        keep_decision(run.run_id, ThresholdRule(), "none", why=" ")
    with pytest.raises(RunError, match="Only a finished run"):
        keep_decision(BUNDLED, ThresholdRule(), "none", why="x")
    with pytest.raises(PredictionsError, match="no validation"):
        decided(imported(b"image,label,probability\na,0,0.2\nb,1,0.9\n"), ThresholdRule(), "platt")
    assert (bundle / "bundle.json").read_bytes() == before


def test_imported_predictions_name_nobody_and_keep_their_groups() -> None:
    devices = ["E8"] * 6 + ["730"] * 5 + ["Doe's own"]
    rows = [
        f"1980041200{at},JANE DOE {at},{at % 2},test,0.5,{device},1977-01-0{at},{20 + at}"
        for at, device in enumerate(devices, start=1)
    ]
    head = "image,subject,label,split,probability,device,born,gestational_age_weeks"
    read = imported("\n".join([head, *rows]).encode()).predictions
    text = read.table.to_csv()
    for named in ("DOE", "Doe", "1977", "1980"):
        assert named not in text
    assert read.table["image"].tolist() == [str(at) for at in range(1, 13)]
    assert read.table["subject"].tolist() == [f"s{at}" for at in range(1, 13)]
    assert read.table["device"].tolist() == [*devices[:-1], "other"]
    assert read.table["gestational_age_weeks"].tolist() == list(range(21, 33))
    report = document(
        evaluate(imported("\n".join([head, *rows]).encode()).operating(), Provenance())
    )
    assert "198004" not in report


def test_models_of_one_study_share_their_population(
    run: RunFolder, place: tuple[Path, RunFolder, RunFolder]
) -> None:
    first, second = (open_reviewed(one.run_id) for one in place[1:])
    assert first.population == second.population != open_reviewed(BUNDLED).population
    pd.testing.assert_frame_equal(
        first.predictions.table[["image", "subject", "label", "split", "fold"]],
        second.predictions.table[["image", "subject", "label", "split", "fold"]],
    )
