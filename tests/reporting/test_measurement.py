"""The measured width in words, its grade, and the verdict that rests on it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from vmcore.anatomy import (
    Anatomy,
    AtriumCalliper,
    HandCalliper,
    Head,
    HeadEllipse,
    Plane,
    RulerScale,
    grade,
)
from vmcore.imaging import CleanFrame, Scan
from vmcore.inference import Analysis, Prediction
from vmcore.models import BundleCard
from vmcore.reporting import (
    caution,
    needs_a_look,
    picture_panels,
    pixel_size_words,
    results_csv,
    urgency,
    verdict,
    width_words,
)
from vmcore.reporting.callipers import legend_words, midline_strokes, with_callipers

SHAPE = (240, 320)
CARD = BundleCard(architecture="usf-mae-tiny", folds=3, name="test model")


def calliper(width_mm: float | None, share: float = 0.1) -> AtriumCalliper:
    return AtriumCalliper((150.0, 200.0), (170.0, 200.0), 20.0, width_mm, share, 0.005, "far", 0.9)


def anatomy(atrium: AtriumCalliper | None) -> Anatomy:
    head = Head(HeadEllipse((120.0, 160.0), (130.0, 100.0), 0.0), 200.0, 60.0)
    return Anatomy(
        np.zeros(SHAPE, np.uint8), head, ((120.0, 30.0), (120.0, 290.0)), atrium,
        Plane(0.9, 0.9, fits=atrium is not None),
    )  # fmt: skip


def analysed(atrium: AtriumCalliper | None, probability: float, **more: object) -> Analysis:
    label = "ventriculomegaly" if probability >= 0.5 else "normal"
    heatmap = np.zeros(SHAPE, np.float32)
    folds = np.full(3, probability)
    prediction = Prediction(probability, folds, label, 0.5, heatmap, True)
    image = np.full((*SHAPE, 3), 60, np.uint8)
    return Analysis(
        Scan(image[None], (0.3, 0.3), None), 0,
        CleanFrame(image, np.zeros(SHAPE, bool), (0, 0)),
        replace(prediction, **more), None, anatomy(atrium),  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("width", "isuog", "two"),
    [
        (9.99, "normal", "normal"), (10.0, "mild", "mild"), (12.0, "mild", "mild"),
        (12.1, "moderate", "mild"), (14.9, "moderate", "mild"), (15.0, "severe", "severe"),
    ],
)  # fmt: skip
def test_grades_are_those_of_the_guideline(width: float, isuog: str, two: str) -> None:
    assert (grade(width), grade(width, "two")) == (isuog, two)


def test_a_width_comes_with_its_95_per_cent_interval() -> None:
    # 0.005 of a head of 100 mm is 0.5 mm, and 1.96 of that on both sides
    assert width_words(calliper(10.0)) == "10.0 mm (9.0 to 11.0)"
    assert width_words(calliper(None)) == "10.0% of the head's short axis (9.0 to 11.0)"


def test_the_measurement_is_the_first_line_and_the_classifier_agrees() -> None:
    wide = verdict(analysed(calliper(11.9), 0.9))
    assert wide.headline.startswith("Atrial width 11.9 mm")
    assert wide.headline.endswith(": mild")
    assert wide.tone == "ventriculomegaly"
    assert "agrees" in wide.sentence
    normal = verdict(analysed(calliper(6.2), 0.1))
    assert normal.headline.endswith(": normal")
    assert normal.tone == "normal"


@pytest.mark.parametrize("width", [9.2, 9.97, 10.8])
@pytest.mark.parametrize("probability", [0.1, 0.9])
def test_a_width_that_may_be_on_either_side_of_the_limit_is_borderline(
    width: float, probability: float
) -> None:
    said = verdict(analysed(calliper(width), probability))
    assert said.headline.endswith(": borderline")
    assert said.tone == "withheld"
    assert "by hand" in said.sentence


def test_folds_that_disagree_withhold_the_tone_but_not_the_width() -> None:
    torn = analysed(calliper(6.2), 0.5, fold_probabilities=np.array([0.1, 0.9, 0.5]))
    said = verdict(torn)
    assert said.headline.endswith(": normal")
    assert said.tone == "withheld"


def test_an_unfamiliar_image_keeps_its_width_and_no_opinion() -> None:
    said = verdict(analysed(calliper(6.2), 0.9, in_domain=False))
    assert said.headline.startswith("Atrial width 6.2 mm")
    assert said.tone == "withheld"
    assert "unlike" in said.sentence


@pytest.mark.parametrize(("width", "probability"), [(6.0, 0.9), (14.0, 0.1)])
def test_a_contradiction_is_the_verdict(width: float, probability: float) -> None:
    said = verdict(analysed(calliper(width), probability))
    assert said.headline == "Look again"
    assert said.tone == "withheld"
    assert f"{width:.1f} mm" in said.sentence


def test_without_millimetres_the_share_is_told_and_no_grade() -> None:
    said = verdict(analysed(calliper(None), 0.1))
    assert "of the head's short axis" in said.sentence
    assert "mm (" not in said.headline + said.sentence


def test_it_is_said_why_there_is_no_width() -> None:
    without = analysed(None, 0.1)
    assert any("no atrium that can be measured" in sentence for sentence in caution(without))
    headless = replace(without, anatomy=replace(without.anatomy, head=None))  # type: ignore[type-var]
    assert any("No fetal head" in sentence for sentence in caution(headless))
    assert verdict(headless).headline == "No verdict"
    assert verdict(without).headline == "No sign of ventriculomegaly (not measured)"
    assert "the classifier's opinion alone" in verdict(without).sentence


def of_width(answer: Analysis, biparietal_mm: float, within_picture: float = 1.0) -> Analysis:
    """The same with a head of another size, or one that leaves the picture."""
    head = Head(answer.anatomy.head.ellipse, 80.0, biparietal_mm, within_picture)  # type: ignore[union-attr]
    return replace(answer, anatomy=replace(answer.anatomy, head=head))  # type: ignore[type-var]


def test_before_14_weeks_nothing_is_said_of_ventriculomegaly() -> None:
    suspected = analysed(None, 0.93)
    early = of_width(suspected, 24.0)
    said = verdict(early)
    assert (said.headline, said.tone) == ("Too small to judge", "withheld")
    assert "24 mm wide, smaller than nearly all heads of 14 weeks" in said.sentence
    assert "93% for ventriculomegaly) means nothing" in said.sentence
    assert "the pixel size is wrong" in said.sentence  # which somebody should look at, soon
    assert needs_a_look(said)
    assert urgency(said, early) < urgency(verdict(analysed(None, 0.1)), analysed(None, 0.1))
    for other in (of_width(suspected, 27.0), of_width(suspected, 24.0, within_picture=0.9)):
        assert verdict(other).headline == verdict(suspected).headline


def test_a_head_that_leaves_the_picture_is_told() -> None:
    whole, cut = (of_width(analysed(calliper(6.2), 0.1), 60.0, share) for share in (0.99, 0.9))
    assert not any("outside of the cleaned picture" in sentence for sentence in caution(whole))
    assert any("outside of the cleaned picture" in sentence for sentence in caution(cut))


@pytest.mark.parametrize(
    ("width", "probability", "brief"),
    [(None, 0.9, "VM suspected"), (None, 0.1, "No sign of VM"), (11.9, 0.9, "mild")],
)
def test_a_narrow_list_says_it_in_short(width: float, probability: float, brief: str) -> None:
    assert verdict(analysed(width and calliper(width), probability)).brief == brief  # type: ignore[arg-type]


def test_a_scale_that_cannot_be_and_a_near_calliper_are_told() -> None:
    near = analysed(replace(calliper(6.2), side="near"), 0.1)
    assert any("near to the probe" in sentence for sentence in caution(near))
    doubtful = replace(near, anatomy=replace(near.anatomy, scale_doubtful=True))  # type: ignore[type-var]
    assert any("impossibly" in sentence for sentence in caution(doubtful))


def by_ruler(atrium: AtriumCalliper | None, scale: RulerScale) -> Analysis:
    """The file says nothing of its pixels; the ruler at the picture's edge does."""
    without = analysed(atrium, 0.1)
    found = replace(without.anatomy, ruler=scale)  # type: ignore[type-var]
    return replace(without, scan=replace(without.scan, spacing_mm=None), anatomy=found)


@pytest.mark.parametrize(("both", "square"), [(True, False), (False, True)])
def test_millimetres_of_a_ruler_are_said_to_be_its(both: bool, square: bool) -> None:
    scale = RulerScale((0.2, 0.2), 5.0, both_directions=both)
    analysis = by_ruler(replace(calliper(6.2), millimetres_from="ruler"), scale)
    assert "by the ruler" in verdict(analysis).headline
    (said,) = [one for one in caution(analysis) if "ruler" in one]
    assert "5 mm apart" in said
    assert "60 mm wide, as at about 24 weeks" in said
    assert ("pixels as square" in said) == square


def test_a_ruler_that_cannot_be_read_is_said() -> None:
    for trouble, words in (
        ("ticks", "not what its ticks stand for"),
        ("shape", "squeezed"),
        ("contradiction", "contradict each other"),
        ("columns only", "none at the side"),
        ("head", "impossibly"),
    ):
        scale = RulerScale(None, None, both_directions=False, trouble=trouble)  # type: ignore[arg-type]
        (said,) = [one for one in caution(by_ruler(calliper(None), scale)) if "ruler" in one]
        assert words in said


def test_a_ruler_that_the_gestational_age_contradicts_is_said_to_be_dropped() -> None:
    scale = RulerScale(None, None, both_directions=False, trouble="gestational age")
    told = replace(calliper(6.2), millimetres_from="gestational age")
    (said,) = [one for one in caution(by_ruler(told, scale)) if "ruler" in one]
    assert "expected to have" in said
    assert "not used" in said


def test_the_table_holds_what_was_measured() -> None:
    text = results_csv([(1, analysed(calliper(11.4), 0.9)), (2, analysed(None, 0.1))], CARD)
    head, first, second = text.splitlines()
    one, other = (
        dict(zip(head.split(","), row.split(","), strict=False)) for row in (first, second)
    )
    assert float(one["atrial_width_mm"]) == 11.4
    assert other["atrial_width_mm"] == ""
    assert float(other["biparietal_diameter_mm"]) == 60


def test_the_legend_says_of_each_line_what_it_is_and_of_no_other() -> None:
    by_hand = [HandCalliper((10.0, 10.0), (20.0, 10.0), 10.0, None, "far")]
    assert legend_words(None) == ""
    axis = "Faint: head and the ends of its long axis (no falx was found)."
    assert legend_words(anatomy(None)) == axis
    assert legend_words(replace(anatomy(None), midline_from="falx")) == (
        "Faint: head and midline (dotted)."
    )
    assert legend_words(replace(anatomy(None), midline=None), by_hand) == (
        "Slanted crosses, dashed: measured by hand."
    )
    assert legend_words(anatomy(calliper(11.0)), by_hand) == (
        "Upright crosses, solid: measured by the machine; slanted crosses, dashed: measured by hand; "
        "faint: head and the ends of its long axis (no falx was found)."
    )


def test_callipers_are_drawn_where_they_were_measured() -> None:
    analysis = analysed(calliper(11.4), 0.9)
    lines = [trace for trace in picture_panels(analysis).data if trace.name == "atrial width"]
    assert len(lines) == 2  # on the cleaned picture and on the heatmap, not on the original
    assert list(lines[0].x) == [200, 200]
    assert list(lines[0].y) == [150, 170]
    drawn = with_callipers(analysis.clean.image, analysis.anatomy)  # type: ignore[arg-type]
    amber = (drawn[..., 0].astype(int) - drawn[..., 2]) > 60
    rows, columns = np.nonzero(amber)
    assert abs(rows.mean() - 160) < 1
    assert abs(columns.mean() - 200) < 1
    ellipse = np.zeros(SHAPE, np.uint8)
    cv2.ellipse(ellipse, (160, 120), (130, 100), 0, 0, 360, 255, 5)
    changed = np.abs(drawn.astype(int) - analysis.clean.image).max(2) > 20
    assert changed[ellipse > 0].sum() > 400
    assert (analysis.clean.image == 60).all()  # the picture itself stays as it was


def test_a_mere_long_axis_does_not_look_like_a_falx() -> None:
    found = anatomy(None)
    assert found.midline is not None
    assert midline_strokes(replace(found, midline_from="falx")) == [found.midline]
    left, right = midline_strokes(replace(found, midline_from="long axis"))
    assert left[0] == (120.0, 30.0)
    assert right[0] == (120.0, 290.0)
    for outer, inner in (left, right):  # short, along the axis, and inwards
        assert inner[0] == 120.0
        assert abs(inner[1] - outer[1]) == pytest.approx(0.1 * 260)
        assert 30 <= inner[1] <= 290
    assert midline_strokes(replace(found, head=None, midline=None)) == []


def test_the_ends_of_a_long_axis_are_seen_on_a_bright_skull() -> None:
    bright = analysed(None, 0.1)
    image = np.full((*SHAPE, 3), 235, np.uint8)
    drawn = with_callipers(image, replace(bright.anatomy, midline_from="long axis"))  # type: ignore[type-var]
    across = drawn[110:131, 45].astype(int).mean(1)  # the left end runs along row 120 here
    assert across.min() < 150  # dark beside the line
    assert across[10] > across.min() + 60  # which is bright itself
    names = [trace.name for trace in picture_panels(bright).data]
    assert names.index("edge of the skull's long axis") < names.index("the skull's long axis")


def test_the_pixel_size_says_where_it_comes_from() -> None:
    known = analysed(calliper(6.2), 0.1)
    assert pixel_size_words(known) == "0.300 × 0.300 mm per pixel"
    scale = RulerScale((0.2, 0.25), 5.0, both_directions=True)
    ruled = by_ruler(calliper(6.2), scale)
    assert pixel_size_words(ruled) == "0.200 × 0.250 mm per pixel by the ruler"
    unread = RulerScale(None, None, both_directions=False, trouble="ticks")
    assert pixel_size_words(by_ruler(calliper(None), unread)) == "pixel size unknown"
