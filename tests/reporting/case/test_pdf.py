"""The report of a frame: one page, everything on it, nobody named unless asked for."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pypdfium2
import pytest

from tests.clinic.cases import case
from tests.conftest import ROOT
from vmcore import RESEARCH_USE_ONLY, __version__
from vmcore.anatomy import HandCalliper
from vmcore.imaging.cleaning import Removal
from vmcore.reporting import caution
from vmcore.reporting.case import (
    REASONS,
    PatientIdentity,
    ReportedCase,
    assess,
    case_verdict,
    picture_digest,
    report_pdf,
)

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
HAND = HandCalliper((140.0, 210.0), (165.0, 212.0), 25.1, 9.6, "far", "file")
IDENTITY = PatientIdentity("Dr Ærø Ångström Смирнова", "4711-Ø", "1990-01-02", "2026-01-01", "A-17")


def opened(data: bytes) -> pypdfium2.PdfDocument:
    return pypdfium2.PdfDocument(data)


def text_of(data: bytes) -> str:
    """All words of the page, by single spaces."""
    return " ".join(opened(data)[0].get_textpage().get_text_range().split())


@pytest.fixture(scope="module")
def full() -> ReportedCase:
    """A case with all that a report can tell."""
    made = case(1, device="Maker One")
    clean = replace(
        made.analysis.clean, removals=(Removal("text", 70, "burned-in text was found"),)
    )
    scan = replace(made.analysis.scan, notes=("The colours were read as YCbCr.",), kind="DICOM")
    decided = assess(
        "corrected", label="normal", width_mm=9.5, person="Zoë Őry", reason=REASONS[0],
        comment="seen twice", at=AT,
    )  # fmt: skip
    card = made.card.model_copy(update={"limits": ["Learnt from few scans."]})
    analysis = replace(made.analysis, clean=clean, scan=scan)
    return replace(made, analysis=analysis, card=card, hand=(HAND,), assessment=decided)


@pytest.fixture(scope="module")
def page(full: ReportedCase) -> bytes:
    return report_pdf(full, at=AT)


def test_one_page_of_a4_tells_everything(full: ReportedCase, page: bytes) -> None:
    document = opened(page)
    assert len(document) == 1
    assert document[0].get_size() == pytest.approx((595.28, 841.89), abs=0.01)
    text = text_of(page)
    said = case_verdict(full)
    assert said.headline == "Look again"
    for words in (
        said.headline, said.sentence, "14.0 mm (12.6 to 15.4): moderate",
        "pixel size in the file (0.300 × 0.300", "9.6 mm, far ventricle", "different sides of 10 mm",
        "Probability of ventriculomegaly 90%", "Folds: 90%, 90%, 90%", "threshold 50%",
        "Lateral ventricle visible 90%", "Burned-in text was found (70 pixels)", "Corrected by Zoë Őry",
        "Corrected by a person: normal, 9.5 mm.", "The machine said: Look again",
        "2026-01-02 03:04 UTC", "Finding: normal", "Atrial width: 9.5 mm", REASONS[0], "seen twice",
        "The colours were read as YCbCr.", "test model", f"VentriScope {__version__}", "Maker One",
        "Learnt from few scans.", "Signature", "Eigen-CAM", *caution(full.analysis),
    ):  # fmt: skip
        assert words in text, words
    for digest in ("b" * 64, "a" * 64, picture_digest(full.analysis.clean.image)):
        assert digest in text.replace(" ", "")
    assert text.count(RESEARCH_USE_ONLY) == 2


def test_the_patient_is_named_only_where_that_is_asked_for(full: ReportedCase, page: bytes) -> None:
    assert "Without the patient's name and numbers" in text_of(page)
    named = report_pdf(full, identity=IDENTITY, at=AT)
    text = text_of(named)
    for value in (IDENTITY.name, "4711-Ø", "1990-01-02", "2026-01-01", "A-17"):
        assert value in text
    assert "Accession number: not in the file" in text_of(
        report_pdf(full, identity=PatientIdentity("A"), at=AT)
    )
    told = {key: value for key, value in opened(named).get_metadata_dict().items() if value}
    assert told.pop("CreationDate").startswith("D:20260102030400")
    assert told == {
        "Title": "VentriScope: width of the fetal lateral ventricle", "Subject": RESEARCH_USE_ONLY,
        "Creator": f"VentriScope {__version__}",
    } | {key: told[key] for key in told if key == "Producer"}  # fmt: skip


def test_before_a_decision_and_without_a_measurement_the_page_says_so(full: ReportedCase) -> None:
    bare = ReportedCase(replace(full.analysis, anatomy=None, anatomy_digest=None), full.card)
    text = text_of(report_pdf(bare, at=AT))
    for words in ("Not yet decided.", "Nothing was measured: no", "Nothing was measured by hand."):
        assert words in text
    assert "crosses" not in text  # no line is explained that is not drawn


def test_the_same_moment_gives_the_same_bytes(full: ReportedCase, page: bytes) -> None:
    assert report_pdf(full, at=AT) == page
    assert report_pdf(full, at=AT.replace(minute=5)) != page


def ink(data: bytes) -> np.ndarray:
    """The page as pixels, 2 a point: (H, W, 3)."""
    return np.asarray(opened(data)[0].render(scale=2).to_pil().convert("RGB")).astype(int)


@pytest.mark.parametrize("shape", [(900, 300), (200, 1200)])
def test_however_long_the_texts_are_nothing_leaves_its_place(
    full: ReportedCase, shape: tuple[int, int]
) -> None:
    image = np.full((*shape, 3), 60, np.uint8)
    scan = replace(
        full.analysis.scan,
        notes=tuple(f"Note {n} of the file. " * 3 for n in range(40)),
        device="M" * 200,
    )
    clean = replace(full.analysis.clean, image=image)
    prediction = replace(
        full.analysis.prediction,
        heatmap=np.zeros(shape, np.float32),
        fold_probabilities=np.full(20, 0.123456),
    )
    card = full.card.model_copy(update={"limits": ["word " * 60] * 20, "name": "N" * 300})
    decided = assess(
        "rejected", label=None, person="P" * 120, reason="r" * 200, comment="c" * 900 + " w" * 550, at=AT
    )  # fmt: skip
    longest = replace(
        full, analysis=replace(full.analysis, scan=scan, clean=clean, prediction=prediction),
        card=card, hand=(HAND,) * 20, assessment=decided,
    )  # fmt: skip
    data = report_pdf(longest, identity=PatientIdentity(*["W" * 120] * 5), at=AT)
    assert len(opened(data)) == 1
    text = text_of(data)
    assert "shortened to fit the page" in text
    for words in (
        "Rejected by",
        "Measured by hand",
        "Classifier",
        "Made by",
        "Limits",
        "Signature",
    ):
        assert words in text
    drawn = ink(data).min(axis=2) < 200
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    mm = 2 * 72 / 25.4
    assert columns[0] >= 12 * mm - 2
    assert columns[-1] <= 198 * mm + 2
    assert rows[-1] <= 291 * mm
    band = drawn[
        round(268.5 * mm) : round(277 * mm)
    ]  # above the line to sign on nothing is written
    assert not band.any()
    gutter = drawn[round(145 * mm) : round(266 * mm), round(103.5 * mm) : round(106.5 * mm)]
    assert not gutter.any()  # between both columns


def test_signs_that_the_font_lacks_are_squares_and_named_nowhere(
    full: ReportedCase, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        data = report_pdf(full, identity=PatientIdentity("山田 \x07太郎 Łukasz 한"), at=AT)
    text = text_of(data)
    assert "Name: □□ □□ Łukasz □" in text
    assert "□ stands for a sign that this page's font lacks" in text
    assert "山" not in caplog.text
    assert "5C71" not in caplog.text.upper()  # its number
    assert "font lacks" not in text_of(report_pdf(full, identity=IDENTITY, at=AT))


def test_a_name_from_right_to_left_is_drawn_from_right_to_left(full: ReportedCase) -> None:
    data = report_pdf(full, identity=PatientIdentity("שרה"), at=AT)
    characters = opened(data)[0].get_textpage()
    places = {
        sign: characters.get_charbox(at)[0]
        for at in range(characters.count_chars())
        if (sign := characters.get_text_range(at, 1)) in "שרה"
    }
    assert places["ש"] > places["ר"] > places["ה"]


def test_machine_and_hand_are_told_apart_on_the_cleaned_picture(full: ReportedCase) -> None:
    grey = replace(full.analysis.clean, image=np.full((240, 320, 3), 60, np.uint8))
    one = replace(full, analysis=replace(full.analysis, clean=grey))

    def coloured(shown: ReportedCase) -> tuple[int, int]:
        """Pixels of amber and of cyan in the left picture."""
        page = ink(report_pdf(shown, at=AT))[200:900, :595]
        red, green, blue = page[..., 0], page[..., 1], page[..., 2]
        amber = (red > 200) & (blue < 140) & (green > 130)
        cyan = (red < 140) & (blue > 200) & (green > 180)
        return int(amber.sum()), int(cyan.sum())

    both, machine = coloured(one), coloured(replace(one, hand=()))
    assert min(both) > 20
    assert machine[0] > 20
    assert machine[1] == 0


def test_the_library_of_pdf_is_loaded_with_the_first_report_only() -> None:
    code = (
        "import sys, vmcore.reporting, vmcore.reporting.case as c; c.ReportedCase; c.assess;"
        "assert 'fpdf' not in sys.modules; c.report_pdf; assert 'fpdf' in sys.modules;"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)
