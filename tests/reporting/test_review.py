"""Plots hold the numbers they show; documents hold everything, name nobody and need nothing else."""

from __future__ import annotations

import io
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from PIL import Image

from tests.evaluation.support import table_of
from train.evaluate import EvaluateArguments, main
from vmcore import RESEARCH_USE_ONLY
from vmcore.evaluation import (
    OperatingPredictions,
    apply_operating_point,
    binary_metrics,
    calibration_from_validation,
    case_table,
    operating_point,
    pr_band,
    predictive_curve,
    predictive_values,
    read_predictions,
    reliability,
    roc_band,
)
from vmcore.evaluation.operating import OperatingPoint
from vmcore.evaluation.published import CONFUSION
from vmcore.reporting import decimal, percent
from vmcore.reporting.review import (
    PREVALENCES,
    PrintError,
    Provenance,
    Tile,
    checklist,
    confusion_figure,
    document,
    evaluate,
    files,
    gallery_png,
    latex,
    model_table,
    packed,
    pr_figure,
    prevalence_figure,
    print_plots,
    published_table,
    reliability_figure,
    roc_figure,
)
from vmcore.reporting.review.checklist import YOURS


@pytest.fixture(scope="module")
def operating() -> OperatingPredictions:
    return apply_operating_point(
        "a model", read_predictions(table_of(seed=4)), 0.45, "a rule of the test"
    )


def test_the_point_on_the_curves_is_the_matrix_and_the_figures(
    operating: OperatingPredictions,
) -> None:
    cases = operating.cases("test")
    for threshold in (0.2, 0.6):
        point = operating_point(cases, threshold)
        folds = [
            binary_metrics(cases.labels, cases.by_fold[:, k], threshold)
            for k in range(len(cases.folds))
        ]
        roc, pr = roc_figure(roc_band(cases), point), pr_figure(pr_band(cases), point, 0.3)
        (x,), (y,) = roc.data[-1].x, roc.data[-1].y
        assert x == pytest.approx(1 - np.mean([f["specificity"] for f in folds]))
        assert y == pytest.approx(np.mean([f["recall"] for f in folds]))
        assert pr.data[-1].y[0] == pytest.approx(np.mean([f["precision"] for f in folds]))
        shown = confusion_figure(point, 5).data[0].text
        assert f"<b>{sum(f['tp'] for f in folds):.0f}</b>" in shown[1][1]
        assert f"<b>{sum(f['fp'] for f in folds):.0f}</b>" in shown[0][1]


def enclosed(line: go.Scatter) -> float:
    """The area under a line as plotly draws it."""
    x, y = np.asarray(line.x), np.asarray(line.y)
    heights = {"linear": (y[1:] + y[:-1]) / 2, "vh": y[1:], "hv": y[:-1]}[line.line.shape]
    return float((np.diff(x) * heights).sum())


@pytest.mark.parametrize("places", [1, 6])
def test_lines_enclose_the_area_that_is_told(places: int) -> None:
    """Also where many cases have the same probability."""
    table = table_of(count=120, seed=4)
    table["probability"] = table["probability"].round(places)
    cases = read_predictions(table).cases("test")
    point = operating_point(cases, 0.5)
    for band, figure in (
        (roc_band(cases), roc_figure(roc_band(cases), point)),
        (pr_band(cases), pr_figure(pr_band(cases), point, 0.3)),
    ):
        for fold, line in zip(band.folds, figure.data, strict=False):
            assert enclosed(line) == pytest.approx(fold.area, abs=1e-9)


def test_the_papers_matrix_is_drawn_with_the_papers_shares() -> None:
    point = OperatingPoint(0, 0, 0, **CONFUSION)
    text = confusion_figure(point, 5).data[0].text
    assert text[0][0] == "<b>504</b><br>98.8%"
    assert text[1][1] == "<b>94</b><br>89.5%"


def test_a_curve_of_one_class_says_what_is_missing(operating: OperatingPredictions) -> None:
    table = table_of(count=10)
    table["label"] = 1
    cases = read_predictions(table).cases("test")
    point = operating_point(cases, 0.5)
    figure = roc_figure(roc_band(cases), point)
    assert "Both classes" in figure.layout.annotations[0].text
    assert np.isnan(point.false_rate)


def test_reliability_and_prevalence_show_what_was_computed(operating: OperatingPredictions) -> None:
    cases = operating.cases("test")
    bins = reliability(cases.labels, cases.probability)
    drawn = reliability_figure({"one": bins}).data[1]
    assert list(drawn.y) == [part.observed for part in bins]
    curve = predictive_curve(cases, operating.threshold, PREVALENCES, resamples=200)
    here = predictive_curve(cases, operating.threshold, [0.01], resamples=200)
    figure = prevalence_figure(curve, here)
    called = cases.probability >= operating.threshold
    found, well = called[cases.labels == 1].mean(), 1 - called[cases.labels == 0].mean()
    ppv, _ = predictive_values(found, well, 0.01)
    assert figure.data[2].text[0] == f"PPV {float(ppv):.1%}"
    band = figure.data[0].y
    assert band[0] == curve.ppv[0].high > curve.ppv[0].low == band[-1]


@pytest.mark.parametrize(
    ("value", "words", "decimals"),
    [(0.2901, "29%", "0.2901"), (3e-6, "0.0003%", "0.0000030"), (1 - 7e-7, "99.99993%", "0.9999993"),
     (0.0, "0%", "0.0000"), (1.0, "100%", "1.0000"), (0.004, "0.4%", "0.0040")],
)  # fmt: skip
def test_a_probability_is_never_shown_as_certain_where_it_is_not(
    value: float, words: str, decimals: str
) -> None:
    assert percent(value) == words
    assert decimal(value).startswith(decimals)
    assert float(decimal(value)) == pytest.approx(value, rel=0.05)


def test_false_negatives_come_first_and_the_surest_of_them_foremost(
    operating: OperatingPredictions,
) -> None:
    table = case_table(operating, "test")
    assert len(table) == len(operating.cases("test"))
    kinds = table["kind"].unique().tolist()
    assert kinds == ["false negative", "false positive", "true positive", "true negative"]
    missed = table[table["kind"] == "false negative"]["probability"]
    assert missed.is_monotonic_increasing
    assert (missed < operating.threshold).all()
    assert (table[table["kind"] == "false negative"]["label"] == "ventriculomegaly").all()


def test_published_rows_say_so_and_stay_apart(operating: OperatingPredictions) -> None:
    own = model_table([operating], "test")
    theirs = published_table("test")
    assert own.columns.tolist() == theirs.columns.tolist()
    assert theirs["model"].str.endswith("(published)").all()
    assert not own["model"].str.contains("published").any()
    assert theirs.iloc[-1].tolist()[1:] == ["97.24", "94.47", "89.52", "98.82", "91.78", "97.00"]
    assert "±" in own["f1"][0]


def test_latex_escapes_and_names_the_published_source() -> None:
    text = latex(
        pd.DataFrame({"a_b": ["5 % ± 1", None], "model": ["x & y (published)", "z"]}), "50 %"
    )
    for piece in (r"5 \% $\pm$ 1", r"x \& y", r"\toprule", r"\caption{50 \%}", "% Published:"):
        assert piece in text
    assert "a_b" not in text
    told = latex(pd.DataFrame({"model": [r"a\input{x}$^~"]}), "")
    assert r"a\textbackslash{}input\{x\}\$\textasciicircum{}\textasciitilde{}" in told


def provenance(split_by: str = "subject") -> Provenance:
    plan = {"architecture": "usf-mae", "weights": "usf-mae-100", "settings": {"epochs": 100}}
    environment = {"ventriscope": "1", "revision": "abc", "packages": {"torch": "2"}}
    return Provenance(split_by, plan, environment, {}, ("Few images.",))


def test_the_document_holds_everything_and_needs_nothing_else(
    operating: OperatingPredictions,
) -> None:
    made = evaluate(operating, provenance(), prevalence=0.02, others=[operating])
    text = document(made)
    for words in (
        RESEARCH_USE_ONLY, "a rule of the test", "Few images.", "Published", "TRIPOD+AI", "CLAIM",
        "disjoint by subject", "usf-mae-100", "epochs 100", "torch 2", YOURS, "95 % intervals",
    ):  # fmt: skip
        assert words in text, words
    assert text.count("Plotly.newPlot(") >= 6
    assert "<script src" not in text
    assert "<link" not in text
    assert "Split by image" not in text
    assert "Split by image, not by subject" in document(evaluate(operating, provenance("image")))


@pytest.mark.parametrize("split_by", ["subject", "subject where known", "image", "unknown"])
def test_no_document_calls_parts_disjoint_where_subjects_are_not_known(
    operating: OperatingPredictions, split_by: str
) -> None:
    made = evaluate(operating, replace(provenance(split_by), unknown_subjects=7))
    text = document(made)
    assert "disjoint by subject" not in text
    answers = made.tables["checklist"].set_index("asked")["answer"]
    level = answers["Level at which partitions are disjoint"]
    assert "7 images name no subject, and one fetus may stand on both sides" in level
    assert "intervals may be too narrow" in answers["Uncertainty"]
    assert "of at most" in answers["Numbers in each analysis"]


def test_files_are_whole_marked_and_name_nobody() -> None:
    table = table_of(seed=4)
    table["image"] = "zzdoezz-" + table["image"]
    table["subject"] = "zzjanezz " + table["subject"]
    named = apply_operating_point("a model", read_predictions(table), 0.45, "rule")
    made = files(evaluate(named, Provenance()))
    archive = zipfile.ZipFile(io.BytesIO(packed(made)))
    assert archive.testzip() is None
    for name, content in made.items():
        assert b"zzdoezz" not in content, name
        assert b"zzjanezz" not in content, name
        assert RESEARCH_USE_ONLY.encode() in content, name
    folds = pd.read_csv(io.BytesIO(made["tables/folds-test.csv"]))
    assert folds["fold"].tolist() == ["1", "2", "3", "4", "5", "mean", "SD"]
    wrong = pd.read_csv(io.BytesIO(made["tables/wrong-cases-test.csv"]))
    expected = case_table(named, "test")["kind"].str.startswith("false").sum()
    assert len(wrong) == min(expected, 50)


def test_a_model_without_a_run_leaves_its_questions_to_the_authors(
    operating: OperatingPredictions,
) -> None:
    items = checklist(
        operating, split_by="unknown", plan={}, environment={}, training_data={}, limits=[]
    )
    open_items = {item.asked for item in items if not item.answered}
    assert {
        "Model", "Software", "Starting weights", "Training", "Data preparation", "De-identification",
        "Missing data", "Choice of the final model", "Explanation of single results",
    } <= open_items  # fmt: skip
    assert not any("DeLong" in item.answer for item in items)
    assert all(item.tripod or item.claim for item in items)


def test_calibration_is_told_with_its_numbers(operating: OperatingPredictions) -> None:
    raw = operating.predictions
    calibrated = apply_operating_point(
        "a model", raw, 0.45, "rule", calibration_from_validation(raw, "platt")
    )
    text = document(evaluate(calibrated, Provenance()))
    assert f"slope {calibrated.calibration.slope:.3f}" in text


def test_plots_for_print_are_vectors_and_sharp_pictures(operating: OperatingPredictions) -> None:
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        pytest.skip("no Chromium is installed (apt-get install chromium)")
    cases = operating.cases("test")
    figure = roc_figure(roc_band(cases), operating_point(cases, 0.5))
    before = figure.layout.paper_bgcolor
    made = print_plots({"roc": figure})
    assert sorted(made) == ["roc.png", "roc.svg"]
    assert made["roc.svg"].startswith(b"<svg")
    assert RESEARCH_USE_ONLY.encode() in made["roc.svg"]
    picture = Image.open(io.BytesIO(made["roc.png"]))
    assert picture.width >= 2000
    assert picture.convert("RGB").getpixel((5, 5)) == (255, 255, 255)
    assert figure.layout.paper_bgcolor == before  # the page's own stays dark


def test_without_a_browser_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(PrintError, match="Chromium"):
        print_plots({})


def test_the_gallery_has_a_place_for_every_case() -> None:
    image = np.full((80, 120, 3), 90, np.uint8)
    tile = Tile(image, np.ones((80, 120), np.float32), "probability 0.90")
    one = Image.open(io.BytesIO(gallery_png([("row", [tile])])))
    more = Image.open(io.BytesIO(gallery_png([("row", [tile] * 3), ("other", [tile])])))
    assert more.width > 2.5 * one.width
    assert more.height > 1.8 * one.height
    with pytest.raises(ValueError, match="no case"):
        gallery_png([])


@pytest.mark.long
def test_the_command_writes_the_same_without_the_page(tmp_path: Path) -> None:
    table_of(count=40).to_csv(tmp_path / "mine.csv", index=False)
    main(EvaluateArguments(out=tmp_path / "o", predictions=tmp_path / "mine.csv"))
    assert RESEARCH_USE_ONLY in (tmp_path / "o/report.html").read_text()
    assert (tmp_path / "o/tables/intervals-test.tex").is_file()


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("image,label\na,0\n", {}, "lack the column probability"),
        (None, {}, "no such file"),
        ("image,label,probability\na,0,0.1\n", {"prevalence": 3.0}, "between 0 and 1"),
        ("image,label,probability\na,0,0.1\n", {"split": "validation"}, "no validation"),
    ],
)
def test_the_command_says_what_is_wrong(
    tmp_path: Path, content: str | None, options: dict[str, Any], words: str
) -> None:
    if content is not None:
        (tmp_path / "p.csv").write_text(content)
    with pytest.raises(SystemExit, match=words):
        main(EvaluateArguments(out=tmp_path / "o", predictions=tmp_path / "p.csv", **options))
    assert not (tmp_path / "o").exists()
