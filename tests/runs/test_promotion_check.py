"""No model gets old cases worse unsaid: the right ones are found, and a reason is asked for and kept."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from streamlit.testing.v1 import AppTest

from tests.runs.support import copied_store
from train import promotion_check as command
from vmcore.data import StoredStudy, pixel_digest
from vmcore.imaging import to_model_input
from vmcore.models import CLASSES, create_classifier, load_card
from vmcore.runs import (
    NotComparableError,
    RegressionSet,
    RunError,
    RunFolder,
    WorseCasesError,
    bundle_in_use,
    check_promotion,
    choose_regression_set,
    delete_study,
    open_store,
    promote,
    promotions,
    read_regression_set,
    reject_images,
    roll_back,
)
from vmcore.runs.promotion_check import find_worse
from vmcore.runs.regression_set import keep_regression_set
from vmcore.settings import settings

SHIFT = torch.tensor([3.0, -3.0])
"""Added to the logits, it makes every answer more normal."""


@pytest.fixture
def runs(two_runs: Path, store: Path) -> tuple[RunFolder, RunFolder]:
    """Two finished runs in a store of their own; the first one's model is in use."""
    first, second = copied_store(two_runs, store)
    promote(first.run_id, why="test")
    return first, second


def bundle_of(run: RunFolder) -> Path:
    return open_store(settings().store).artifact(run.run_id, "bundle")


def becomes(run: RunFolder, other: RunFolder, shift: torch.Tensor) -> None:
    """A run's model is another's whose logits are shifted, at the other's threshold."""
    source, target = bundle_of(other), bundle_of(run)
    for file in source.glob("fold-*.safetensors"):
        state = load_file(file)
        save_file({**state, "head.bias": state["head.bias"] + shift}, target / file.name)
    card = load_card(target).model_copy(update={"threshold": load_card(source).threshold})
    (target / "bundle.json").write_text(card.model_dump_json())


def probabilities(run: RunFolder, kept: RegressionSet) -> np.ndarray:
    """Of ventriculomegaly, by torch alone: the mean of the folds' softmax."""
    images = [to_model_input(kept.image(n)) for n in range(1, len(kept.cases) + 1)]
    batch, folds = torch.from_numpy(np.stack(images)), []
    for file in sorted(bundle_of(run).glob("fold-*.safetensors")):
        model = create_classifier("usf-mae-tiny", load_file(file)).eval()
        with torch.inference_mode():
            folds.append(model(batch).double().softmax(dim=1)[:, 1].numpy())
    return np.mean(folds, axis=0)


def test_a_case_is_worse_where_it_falls_beyond_the_bound_or_turns_wrong() -> None:
    labels = np.array([1, 1, 1, 0, 0, 0])
    before = np.array([0.90, 0.60, 0.30, 0.10, 0.45, 0.90])
    after = np.array([0.65, 0.45, 0.20, 0.35, 0.55, 0.95])
    found = find_worse(labels, (before, 0.5), (after, 0.5), 0.2)
    facts = [(case.number, case.fell, case.flipped) for case in found]
    #   1 falls by 0.25 and stays right; 4 rises by 0.25 and stays right; 2 and 5 turn wrong;
    #   3 and 6 were wrong before and move little
    assert sorted(facts) == [(1, True, False), (2, False, True), (4, True, False), (5, False, True)]
    assert [case.number for case in found[2:]] == [2, 5]  # the furthest fallen first
    assert find_worse(labels, (before, 0.5), (before, 0.5), 0.0) == ()
    stricter = find_worse(labels, (before, 0.5), (after, 0.7), 1.0)
    assert [case.number for case in stricter] == [1, 2]  # each model at its own threshold


def test_copies_of_both_classes_are_kept_without_any_name(
    runs: tuple[RunFolder, RunFolder], phantom_study: StoredStudy, store: Path
) -> None:
    kept = choose_regression_set(runs[0].run_id, most=12)
    assert [case.label for case in kept.cases].count(1) == 6
    assert len({case.pixels for case in kept.cases}) == 12
    rows = {digest: row for row, digest in enumerate(phantom_study.source_digests())}
    images, labels = phantom_study.images(), phantom_study.table["label"]
    for number, case in enumerate(kept.cases, start=1):
        row = rows[case.source]
        assert np.array_equal(kept.image(number), images[row].transpose(1, 2, 0))
        assert labels[row] == CLASSES[case.label]
    parts = dict(zip(rows, runs[0].splits()["part"], strict=True))
    first = {label: next(c for c in kept.cases if c.label == label) for label in (0, 1)}
    assert {parts[case.source] for case in first.values()} == {"test"}
    for file in (store / "regression").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for path in phantom_study.table["path"]:
                assert str(path).encode() not in content
            assert file.stem == "set" or len(file.stem) == 64
    with pytest.raises(RunError, match="kept already"):
        choose_regression_set(runs[0].run_id)


def test_a_worse_model_is_caught_with_the_right_cases_and_needs_a_reason(
    runs: tuple[RunFolder, RunFolder],
) -> None:
    first, second = runs
    becomes(second, first, SHIFT)
    kept = choose_regression_set(first.run_id)
    before, after = probabilities(first, kept), probabilities(second, kept)
    threshold = load_card(bundle_of(first)).threshold
    expected = {
        number
        for number, (case, old, new) in enumerate(
            zip(kept.cases, before, after, strict=True), start=1
        )
        if case.label == 1 and (old - new > 0.2 or new < threshold <= old)
    }
    assert expected
    assert len(expected) < len(kept.cases)
    check = check_promotion(second.run_id)
    assert check
    assert {case.number for case in check.worse} == expected
    for case in check.worse:
        # where the processor has matrix units for bfloat16, answers come from these
        assert case.before == pytest.approx(before[case.number - 1], abs=0.01)
        assert case.after == pytest.approx(after[case.number - 1], abs=0.01)
    with pytest.raises(WorseCasesError, match="say why the model may answer") as refused:
        promote(second.run_id, why="newer")
    assert refused.value.check == check
    assert bundle_in_use().run_id == first.run_id
    promote(second.run_id, why="newer", accepted="wrong labels")
    assert bundle_in_use().run_id == second.run_id
    noted = promotions()[0]
    assert (noted.why, noted.accepted, noted.check) == ("newer", "wrong labels", check.sentence())
    assert roll_back(why="back").run_id == first.run_id  # what answered before may answer again


@pytest.mark.long
def test_an_equal_model_passes_and_that_is_noted(runs: tuple[RunFolder, RunFolder]) -> None:
    first, second = runs
    becomes(second, first, torch.zeros(2))
    kept = choose_regression_set(first.run_id)
    made = promote(second.run_id, why="the same")
    assert made.check.startswith(f"None of {len(kept.cases)} old cases gets worse")
    assert made.accepted == ""


@pytest.mark.long
def test_the_bound_is_the_persons(runs: tuple[RunFolder, RunFolder]) -> None:
    first, second = runs
    becomes(second, first, SHIFT / 50)
    choose_regression_set(first.run_id)
    strict, loose = (check_promotion(second.run_id, bound=bound) for bound in (0.0, 1.0))
    assert strict
    assert loose
    assert {case.label for case in strict.worse if case.fell} == {1}
    assert not any(case.fell for case in loose.worse)
    with pytest.raises(RunError, match="between 0 and 1"):
        check_promotion(second.run_id, bound=1.5)


@pytest.mark.long
def test_it_is_said_how_many_cases_the_models_have_learnt_from(
    runs: tuple[RunFolder, RunFolder], phantom_study: StoredStudy
) -> None:
    """Every validation image has been learnt from by the other folds, and no test image."""
    kept = choose_regression_set(runs[0].run_id)
    parts = dict(zip(phantom_study.source_digests(), runs[0].splits()["part"], strict=True))
    seen = sum(parts[case.source] != "test" for case in kept.cases)
    check = check_promotion(runs[1].run_id)
    assert check
    assert 0 < seen < len(kept.cases)
    assert (check.before_learnt.count, check.after_learnt.count) == (seen, seen)
    assert f"{seen} of {len(kept.cases)}" in check.caution()


@pytest.mark.long
def test_without_old_cases_it_is_said_what_to_do(
    runs: tuple[RunFolder, RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    second = runs[1].run_id
    assert check_promotion(second) is None
    with pytest.raises(SystemExit, match=r"--choose RUN"):
        command.main(second)
    assert promote(second, why="x").check == "No old cases are kept, so nothing was compared."
    roll_back(why="x")
    becomes(runs[1], runs[0], SHIFT)
    command.main(choose=runs[0].run_id, most=8)
    assert "8 old cases kept" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="1"):
        command.main(second)
    assert "old cases" in capsys.readouterr().out


def test_an_image_that_is_taken_out_or_deleted_leaves_no_copy(
    phantom_study: StoredStudy, store: Path
) -> None:
    folder = store / "studies/clinic"
    shutil.copytree(phantom_study.folder, folder)
    pixels = phantom_study.images()[:3].transpose(0, 2, 3, 1)
    sources = phantom_study.source_digests()
    found = [(row % 2, np.ascontiguousarray(pixels[row]), sources[row]) for row in range(3)]
    keep_regression_set(found, "model")
    reject_images(folder, [str(phantom_study.table["path"][1])])
    kept = read_regression_set()
    assert kept
    assert [case.source for case in kept.cases] == [sources[0], sources[2]]
    gone = pixel_digest(pixels[1].transpose(2, 0, 1))
    assert not (store / f"regression/{gone}.png").exists()
    delete_study(folder)
    assert read_regression_set() is None
    assert not list((store / "regression").glob("*.png"))


def test_damaged_old_cases_are_no_way_around_the_check(
    runs: tuple[RunFolder, RunFolder], store: Path
) -> None:
    kept = choose_regression_set(runs[0].run_id, most=4)
    file = store / f"regression/{kept.cases[0].pixels}.png"
    shutil.copy(store / f"regression/{kept.cases[1].pixels}.png", file)
    with pytest.raises(NotComparableError, match="damaged"):
        promote(runs[1].run_id, why="x")
    made = promote(runs[1].run_id, why="x", accepted="looked at them elsewhere")
    assert "Nothing can be compared" in made.check
    assert made.accepted == "looked at them elsewhere"


@pytest.mark.long
def test_the_page_shows_the_cases_and_asks_why(
    runs: tuple[RunFolder, RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    first, second = runs
    becomes(second, first, SHIFT)
    choose_regression_set(first.run_id)

    def script() -> None:
        import streamlit as st

        from pages.parts.promotion import draw_promotion
        from vmcore.runs import find_run

        draw_promotion(find_run(st.session_state["run"]))

    page = AppTest.from_function(script, default_timeout=60)
    page.session_state["run"] = second.run_id
    page.run()
    fields = {field.label: field for field in page.text_input}
    fields["Why"].set_value("newer")
    page.button[-1].click().run()
    assert not page.exception
    assert "old cases" in page.warning[0].value
    assert bundle_in_use().run_id == first.run_id
    nevertheless = next(field for field in page.text_input if "nevertheless" in field.label)
    nevertheless.set_value("wrong labels")
    page.button[-1].click().run()
    assert "answers from now on" in page.success[-1].value
    assert promotions()[0].accepted == "wrong labels"
