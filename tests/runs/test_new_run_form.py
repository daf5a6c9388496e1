"""The form for a new run asks about weights that have seen the images where, and only where, they have."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Checkbox

from tests.runs.support import kept_run, small_plan
from vmcore.data import StoredStudy
from vmcore.models import create_classifier
from vmcore.runs import Plan, RunFolder, cancel_run, open_store
from vmcore.settings import settings

pytestmark = pytest.mark.usefixtures("main_module")


def form(model: Plan | None = None) -> AppTest:
    """The form, drawn as the page draws it, for a run that is cloned."""

    def script() -> None:
        from pages.parts import new_run

        new_run.draw()

    page = AppTest.from_function(script, default_timeout=120)
    page.session_state["cloned"] = model
    page.run()
    assert not page.exception
    return page


def questions(page: AppTest) -> list[Checkbox]:
    return [box for box in page.checkbox if "have seen these images" in box.label]


def test_the_form_asks_only_where_the_weights_have_seen_the_images(
    phantom_study: StoredStudy, store: Path
) -> None:
    shutil.copytree(phantom_study.folder, store / "studies/clinic")
    plan = small_plan(store / "studies/clinic", test_fraction=0.15)
    run = kept_run(plan, open_store(store).create(plan))
    for fold in (1, 2):
        shutil.copy(settings().bundle / "fold-1.safetensors", run.fold(fold) / "best.safetensors")
    again = plan.model_copy(update={"weights": f"run:{run.run_id}"})
    assert not questions(form(again))
    assert not questions(form(plan.model_copy(update={"weights": "random", "split_seed": 3})))
    asked = form(again.model_copy(update={"split_seed": 3}))
    assert f"Run {run.run_id} has learnt from" in asked.warning[0].value
    (tick,) = questions(asked)
    assert not tick.value
    asked.button[-1].click().run()  # it starts nothing without the tick
    assert "has learnt from" in asked.error[0].value
    assert [folder.name for folder in (store / "runs").iterdir()] == [run.run_id]
    questions(asked)[0].check().run()
    asked.button[-1].click().run()
    (started,) = {folder.name for folder in (store / "runs").iterdir()} - {run.run_id}
    cancel_run(started)
    assert RunFolder(store / "runs" / started).plan().accept_seen


def test_the_form_says_what_is_in_a_named_file(
    phantom_study: StoredStudy, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(phantom_study.folder, store / "studies/clinic")
    state = create_classifier("usf-mae-tiny", pooling="avg").state_dict()
    named = tmp_path / "weights.pt"
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, named)
    options = {"weights": str(named), "accept_seen": True}
    plan = small_plan(store / "studies/clinic", pooling="avg", **options)
    page = form(plan)
    told = " ".join(one.value for one in (*page.markdown, *page.caption))
    assert hashlib.sha256(named.read_bytes()).hexdigest() in told
    assert "vision transformer with a head of 2 classes" in told
    assert not page.error
    refused = form(plan.model_copy(update={"pooling": "token"}))
    assert "Take pooling" in refused.error[0].value
    monkeypatch.setenv("VMCORE_READABLE_ROOTS", f'["{store}"]')
    settings.cache_clear()
    kept_out = form(plan)
    assert "SHA" not in " ".join(one.value for one in kept_out.caption)
    assert "VMCORE" in kept_out.error[0].value.replace("\\", "")


@pytest.mark.parametrize(
    ("label", "value", "words"),
    [("Folds", 50, "Folds"), ("Learning rate", -1.0, "Learning rate"), ("Seed", 10**11, "Seed")],
)
def test_a_number_out_of_range_is_said_and_nothing_is_started(
    label: str, value: float, words: str, phantom_study: StoredStudy, store: Path
) -> None:
    shutil.copytree(phantom_study.folder, store / "studies/clinic")
    page = form(small_plan(store / "studies/clinic", weights="random"))
    (box,) = [one for one in page.number_input if one.label == label]
    box.set_value(
        value
    )  # the browser would keep back what is out of a field's own bounds, and the former value stay
    page.button[-1].click().run()
    assert not page.exception
    assert [error.value for error in page.error if error.value.startswith(f"{words}: ")]
    assert not list((store / "runs").glob("*"))
    assert (box.proto.has_min, box.proto.has_max) == (False, False)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Plans that were started; nothing works on them."""
    plans: list[Plan] = []

    def start(plan: Plan, **_: object) -> RunFolder:
        plans.append(plan)
        return RunFolder(Path(f"run{len(plans)}"))

    monkeypatch.setattr("pages.parts.plan_form.start_run", start)
    return plans


def test_a_clone_keeps_what_the_form_does_not_show(
    phantom_study: StoredStudy, store: Path, begun: list[Plan]
) -> None:
    shutil.copytree(phantom_study.folder, store / "studies/clinic")
    plan = small_plan(store / "studies/clinic", weights="random", precision="32-true", processes=2)
    page = form(plan)
    assert "Filled in from small." in [one.value for one in page.caption]
    start = page.button[-1]
    start.click().run()
    assert page.button[-1].key != start.key  # the second press of a double click is no press
    assert [(one.precision, one.processes) for one in begun] == [("32-true", 2)]


def test_nothing_is_started_on_another_study_than_the_one_shown(
    phantom_study: StoredStudy, store: Path, begun: list[Plan]
) -> None:
    for name in ("bonn", "clinic"):
        shutil.copytree(phantom_study.folder, store / "studies" / name)
    page = form(small_plan(store / "studies/clinic", weights="random"))
    shutil.copytree(phantom_study.folder, store / "studies/aachen")
    page.run()
    (study,) = [one for one in page.selectbox if one.label == "Study"]
    study.select("clinic").run()
    shutil.rmtree(store / "studies/aachen")
    shutil.rmtree(store / "studies/clinic")
    page.button[-1].click().run()
    assert not page.exception
    assert not begun
    assert [one for one in page.warning if "is gone" in one.value]
