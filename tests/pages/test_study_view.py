"""Studies that somebody else deletes while they are looked at."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from vmcore.data import StoredStudy
from vmcore.runs import delete_study

pytestmark = pytest.mark.usefixtures("main_module")


@pytest.fixture
def two_studies(phantom_study: StoredStudy, store: Path) -> tuple[Path, Path]:
    places = (store / "studies/aachen", store / "studies/bonn")
    for place in places:
        shutil.copytree(phantom_study.folder, place)
    return places


def view(shown: str) -> AppTest:
    def script() -> None:
        from pages.parts import study_view

        study_view.draw()

    page = AppTest.from_function(script, default_timeout=120)
    page.query_params["study"] = shown
    page.run()
    assert not page.exception
    return page


def test_a_press_on_delete_deletes_no_other_study(two_studies: tuple[Path, Path]) -> None:
    first, second = two_studies
    page = view(second.name)
    delete_study(second)  # by somebody else
    (button,) = [one for one in page.button if one.label == "Delete this study"]
    button.click().run()
    assert not page.exception
    assert first.is_dir()
    assert [one.value for one in page.warning] == [
        "The study bonn is gone; somebody has deleted it."
    ]


def test_a_press_on_delete_deletes_the_study_that_is_shown(
    two_studies: tuple[Path, Path],
) -> None:
    first, second = two_studies
    page = view(second.name)
    (button,) = [one for one in page.button if one.label == "Delete this study"]
    button.click().run()
    assert first.is_dir()
    assert not second.exists()
    assert not page.warning


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda study: shutil.rmtree(study / "prepared"), "This picture is gone"),
        (lambda study: (study / "manifest.csv").write_bytes(b"path\n\xff"), "prepare it first"),
    ],
)
def test_what_is_gone_from_a_study_is_said(
    change: Callable[[Path], object], words: str, two_studies: tuple[Path, Path]
) -> None:
    change(two_studies[0])
    page = view(two_studies[0].name)
    assert not page.exception
    assert [one.value for one in (*page.caption, *page.error) if words in one.value]


@pytest.mark.parametrize("error", [FileNotFoundError("manifest.csv"), ValueError("no column path")])
def test_a_manifest_that_goes_while_it_is_read_is_said(
    error: Exception, two_studies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: Path) -> None:
        raise error

    monkeypatch.setattr("pages.parts.study_view.stored_manifest", gone)
    page = view(two_studies[0].name)
    assert not page.exception
    assert [one for one in (*page.warning, *page.error) if one.value]


def test_a_study_that_goes_while_it_is_prepared_is_said(store: Path) -> None:
    (store / "studies/aachen").mkdir(parents=True)

    def script() -> None:
        from pages.parts import study_view

        study_view._preparing("bonn")

    page = AppTest.from_function(script, default_timeout=120).run()
    assert not page.exception
    assert "bonn is gone" in page.warning[0].value
