"""Words, pictures and tables: true, numbered, free of names, and marked as research."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from vmcore import RESEARCH_USE_ONLY
from vmcore.data.phantom import OverlaySettings, make_phantom
from vmcore.imaging import Scan, clean_frame
from vmcore.inference import Analysis, Prediction
from vmcore.models import BundleCard
from vmcore.reporting import (
    caution,
    fold_strip,
    heatmap_png,
    model_card,
    picture_panels,
    results_csv,
    verdict,
)
from vmcore.reporting.case import ReportedCase, assess
from vmcore.reporting.pictures import blend

CARD = BundleCard(architecture="usf-mae-tiny", folds=3, name="test model")


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    phantom = make_phantom(12.0, 1, shape=(240, 320), overlays=OverlaySettings())
    clean = clean_frame(phantom.image, region=phantom.region)
    heatmap = np.zeros(clean.image.shape[:2], np.float32)
    heatmap[40:80, 100:160] = 1.0
    prediction = Prediction(0.8, np.array([0.7, 0.8, 0.9]), "ventriculomegaly", 0.5, heatmap, True)
    return Analysis(
        Scan(phantom.image[None], (0.2, 0.2), "Maker", None, "PNG"), 0, clean, prediction
    )


def changed(analysis: Analysis, **fields: object) -> Analysis:
    return replace(analysis, prediction=replace(analysis.prediction, **fields))  # type: ignore[arg-type]


def test_the_verdict_says_what_the_numbers_say(analysis: Analysis) -> None:
    said = verdict(analysis)
    assert said.tone == "ventriculomegaly"
    assert "80%" in said.sentence
    assert "50%" in said.sentence
    normal = changed(analysis, probability=0.1, label="normal")
    assert verdict(normal).tone == "normal"


def test_no_verdict_is_given_on_unfamiliar_images_or_torn_folds(analysis: Analysis) -> None:
    assert verdict(changed(analysis, in_domain=False)).headline == "No verdict"
    torn = changed(analysis, fold_probabilities=np.array([0.1, 0.9, 0.8]))
    assert verdict(torn).headline == "Undecided"
    assert any("10% to 90%" in sentence for sentence in caution(torn))


def test_cautions_name_what_is_missing(analysis: Analysis) -> None:
    bare = replace(analysis, scan=replace(analysis.scan, spacing_mm=None))
    assert any("millimetres" in sentence for sentence in caution(bare))
    assert any("text" in sentence for sentence in caution(analysis))
    assert any("cannot tell" in s for s in caution(changed(analysis, in_domain=None)))


def test_the_csv_has_a_row_a_scan_and_no_names(analysis: Analysis) -> None:
    text = results_csv([(1, analysis), (3, analysis)], CARD)
    table = pd.read_csv(io.StringIO(text))
    assert table["scan"].tolist() == [1, 3]
    assert table["probability"].tolist() == [0.8, 0.8]
    assert table["fold_2"].tolist() == [0.8, 0.8]
    assert table["notice"].tolist() == [RESEARCH_USE_ONLY] * 2


def test_the_csv_tells_files_by_their_digest_and_those_without_an_answer(
    analysis: Analysis,
) -> None:
    unknown = changed(analysis, in_domain=False)
    text = results_csv(
        [(2, analysis), (4, unknown)],
        CARD,
        file_digests={1: "a" * 64, 2: "b" * 64, 4: None},
        unanswered=[(1, "It is no scan."), (3, "It waits."), (None, "An archive is damaged.")],
    )
    table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    alone = pd.read_csv(io.StringIO(results_csv([(2, analysis)], CARD)))
    assert list(table.columns) == list(alone.columns)
    assert table["scan"].tolist() == ["1", "2", "3", "4", ""]
    assert table["frame"].tolist() == ["", "1", "", "1", ""]
    assert table["file_sha256"].tolist() == ["a" * 64, "b" * 64, "", "", ""]
    no = "No answer"
    assert table["verdict"].drop(1).tolist() == [no, no, "No verdict", no]
    assert table["finding"].tolist() == ["", "ventriculomegaly", "", "", ""]
    assert table["classifier_label"].tolist() == [
        "",
        "ventriculomegaly",
        "",
        "ventriculomegaly",
        "",
    ]
    assert table["notes"].iloc[[0, 2, 4]].tolist() == [
        "It is no scan.", "It waits.", "An archive is damaged.",
    ]  # fmt: skip
    assert table["notice"].tolist() == [RESEARCH_USE_ONLY] * 5
    assert results_csv([], CARD, unanswered=[(1, "It is no scan.")]).count("No answer") == 1


def test_the_picture_shows_the_cleaned_scan_only(analysis: Analysis) -> None:
    picture = Image.open(io.BytesIO(heatmap_png(ReportedCase(analysis, CARD))))
    assert not picture.info
    assert picture.width > 2 * 600
    page = np.asarray(picture).astype(int)
    coloured = np.ptp(page, axis=2) > 60
    assert coloured[:, page.shape[1] // 2 :].any()  # the heatmap
    yellow = (page[..., 0] > 200) & (page[..., 1] > 180) & (page[..., 2] < 90)
    assert not yellow[116:-44, : page.shape[1] // 2].any()  # no calliper is left
    with pytest.raises(ValueError, match="no heatmap"):
        heatmap_png(ReportedCase(changed(analysis, heatmap=None), CARD))


def test_a_long_sentence_is_wrapped_and_the_method_and_a_decision_are_named(
    analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[float, float, str, float]] = []
    real = ImageDraw.ImageDraw.text

    def noted(self, place, text, fill, font) -> None:
        drawn.append((*place, text, font.getlength(text)))
        real(self, place, text, fill, font)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", noted)
    decided = assess("rejected", label=None, person="A", reason="the calliper lies wrong")
    named = CARD.model_copy(update={"name": "Модель " * 40})
    case = ReportedCase(changed(analysis, heatmap_method="score-cam"), named, assessment=decided)
    picture = Image.open(io.BytesIO(heatmap_png(case)))
    words = " ".join(text for _, _, text, _ in drawn)
    assert drawn[0][2].startswith("Rejected by a person: not to be used (the calliper lies wrong)")
    assert "The machine said: Ventriculomegaly suspected" in words
    assert "Heatmap: Score-CAM" in words
    assert words.count("Модель") == 40
    for left, top, _, length in drawn:
        assert left + length <= picture.width - 16
        assert top < picture.height - 15


def test_blending_nothing_gives_the_image(analysis: Analysis) -> None:
    image = analysis.clean.image
    assert np.array_equal(blend(image, np.zeros(image.shape[:2], np.float32)), image)
    assert np.array_equal(blend(image, np.ones(image.shape[:2], np.float32), 0.0), image)


def test_panels_share_one_frame_of_coordinates(analysis: Analysis) -> None:
    figure = picture_panels(analysis)
    row, column = analysis.clean.offset
    assert (figure.data[1].x0, figure.data[1].y0) == (column, row)
    heat = figure.data[3]
    assert heat.type == "heatmap"
    left = heat.x0 - heat.dx / 2
    assert left == pytest.approx(column - 0.5)
    assert left + heat.dx * np.asarray(heat.z).shape[1] == pytest.approx(
        column + analysis.clean.image.shape[1] - 0.5
    )
    slider = figure.layout.sliders[0]
    assert [step.args[0]["opacity"] for step in slider.steps] == pytest.approx(
        np.linspace(0, 1, 11)
    )
    json.loads(figure.to_json())
    assert len(picture_panels(changed(analysis, heatmap=None)).data) == 3


def test_the_strip_shows_every_fold_and_the_threshold(analysis: Analysis) -> None:
    figure = fold_strip(analysis.prediction)
    assert list(figure.data[0].x) == pytest.approx([70, 80, 90])
    assert list(figure.data[1].x) == pytest.approx([80])
    assert 50 in [shape.x0 for shape in figure.layout.shapes]


def test_a_card_becomes_a_document_with_its_limits_before_its_figures() -> None:
    card = BundleCard(
        architecture="usf-mae-tiny",
        folds=2,
        name="small",
        limits=["Seen by nobody."],
        metrics={"By fold": [{"fold": "1", "auc": 0.75}, {"fold": "2", "auc": None}]},
        training_data={"Recipe": "none"},
    )
    text = model_card(card)
    assert text.startswith("# small\n")
    assert RESEARCH_USE_ONLY in text
    assert "| fold | auc |\n| --- | --- |\n| 1 | 0.75 |\n| 2 | – |" in text
    assert text.index("Seen by nobody.") < text.index("By fold")
