"""One frame's answer as one page of A4, for people to read, sign and keep."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
from PIL import Image

from vmcore import RESEARCH_USE_ONLY, __version__
from vmcore.anatomy import Anatomy
from vmcore.reporting.callipers import legend_words, midline_strokes
from vmcore.reporting.case.comparison import case_verdict
from vmcore.reporting.case.decided import answer_holds, decision_words
from vmcore.reporting.case.identity import PatientIdentity
from vmcore.reporting.case.reported import ReportedCase
from vmcore.reporting.case.sections import sections
from vmcore.reporting.case.sheet import UNKNOWN_SIGN, Sheet
from vmcore.reporting.pictures import blend
from vmcore.reporting.words import HEATMAP_WORDS

_TITLE = "VentriScope: width of the fetal lateral ventricle"
_LEFT, _WIDTH, _GAP = 12.0, 186.0, 4.0  # mm
_HALF = (_WIDTH - _GAP) / 2
_PICTURES_HEIGHT = 66.0
_SIGNATURE, _FOOT = 271.0, 286.0  # mm from the top
_TONES = {"normal": "#1f7a5c", "ventriculomegaly": "#b03a2e", "withheld": "#9a5b00"}
_MACHINE, _HAND, _FAINT = "#ffb84d", "#4de1f0", "#ffffff"
_QUIET, _INK = "#5b6770", "#1b1f23"


def report_pdf(
    case: ReportedCase,
    *,
    identity: PatientIdentity | None = None,
    at: datetime | None = None,
) -> bytes:
    """One page: cleaned picture and heatmap with callipers, and all that is said of them.

    Text of any length stays on the page: it gets smaller, then it is shortened and says so. Signs that
    the embedded font lacks are drawn as squares.

    Args:
        case: the frame.
        identity: who was examined; only where the person at the page asked for it.
        at: when the report is made; now without it. The same moment gives the same bytes.

    Raises:
        ReportError: the font is missing.
    """
    at = at or datetime.now(UTC)
    sheet = Sheet()
    sheet.set_title(_TITLE)
    sheet.set_subject(RESEARCH_USE_ONLY)
    sheet.set_creator(f"VentriScope {__version__}")
    sheet.set_creation_date(at)
    sheet.set_lang("en")
    y = _draw_head(sheet, identity, at)
    y = _draw_verdict(sheet, case, y)
    y = _draw_pictures(sheet, case, y)
    method = case.analysis.prediction.heatmap_method
    y = sheet.fitted(
        _LEFT, y, HEATMAP_WORDS.get(method, HEATMAP_WORDS["others"]), _WIDTH,
        (6.5, 6.0), colour=_QUIET, most=2,
    )  # fmt: skip
    sheet.columns(
        (_LEFT, _LEFT + _HALF + _GAP), y + 1.5, _HALF, _SIGNATURE - 4, sections(case),
        (8.5, 7.8, 7.1, 6.4, 5.8),
    )  # fmt: skip
    _draw_foot(sheet)
    return bytes(sheet.output())


def _draw_head(sheet: Sheet, identity: PatientIdentity | None, at: datetime) -> float:
    sheet.fitted(_LEFT, 9, _TITLE, _WIDTH - 52, (12, 11), "B")
    sheet.fitted(
        _LEFT + _WIDTH - 50, 10, f"Made {at:%Y-%m-%d %H:%M} {at.tzname() or ''}", 50, (8, 7)
    )
    y = sheet.fitted(_LEFT, 16, RESEARCH_USE_ONLY, _WIDTH, (9,), "B", _TONES["ventriculomegaly"])
    sheet.set_draw_color(_QUIET)
    sheet.set_line_width(0.2)
    sheet.line(_LEFT, y + 1, _LEFT + _WIDTH, y + 1)
    y += 2
    if identity is None:
        return (
            sheet.fitted(
                _LEFT, y, "Without the patient's name and numbers.", _WIDTH, (8,), colour=_QUIET
            )
            + 1
        )
    fields = (
        ("Name", identity.name), ("Patient number", identity.patient_id),
        ("Born", identity.birth_date), ("Examined", identity.study_date),
        ("Accession number", identity.accession_number),
    )  # fmt: skip
    wide, third = _WIDTH / 2 - 2, _WIDTH / 3 - 2
    for at_x, at_y, width, (name, value) in zip(
        (0, _WIDTH / 2, 0, _WIDTH / 3, 2 * _WIDTH / 3), (0, 0, 4.4, 4.4, 4.4),
        (wide, wide, third, third, third), fields, strict=True,
    ):  # fmt: skip
        text = f"{name}: {value or 'not in the file'}"
        sheet.fitted(_LEFT + at_x, y + at_y, text, width, (8.5, 7.5, 6.5, 5.5, 4.5))
    return y + 9.6


def _draw_verdict(sheet: Sheet, case: ReportedCase, y: float) -> float:
    """What a person decided, where they did, and the verdict; the smaller where it does not hold."""
    said, decided = case_verdict(case), decision_words(case)
    large, small = (15, 13, 11, 9), (9, 8, 7)
    if decided is not None and not answer_holds(case):
        y = sheet.fitted(_LEFT, y, decided, _WIDTH, large, "B", _INK)
        y = sheet.fitted(_LEFT, y, f"The machine said: {said.headline}", _WIDTH, small, "", _QUIET)
    else:
        y = sheet.fitted(_LEFT, y, said.headline, _WIDTH, large, "B", _TONES[said.tone])
        y = y if decided is None else sheet.fitted(_LEFT, y, decided, _WIDTH, small, "B", _INK)
    return sheet.fitted(_LEFT, y + 0.5, said.sentence, _WIDTH, (9, 8, 7), most=3) + 1.5


def _draw_pictures(sheet: Sheet, case: ReportedCase, y: float) -> float:
    """Cleaned picture and heatmap side by side; returns where the text below them begins."""
    image, heatmap = case.analysis.clean.image, case.analysis.prediction.heatmap
    pictures = [("The cleaned picture", image)]
    if heatmap is not None:
        pictures.append(("Where the model looked", blend(image, heatmap)))
    scale = min(_HALF / image.shape[1], _PICTURES_HEIGHT / image.shape[0])
    for place, (title, picture) in enumerate(pictures):
        x = _LEFT + place * (_HALF + _GAP)
        below = sheet.fitted(x, y, title, _HALF, (7.5,), colour=_QUIET)
        _draw_picture(sheet, picture, case, x, below + 0.5, scale)
    y += 4.5 + scale * image.shape[0]
    legend = legend_words(case.analysis.anatomy, case.hand)
    return sheet.fitted(_LEFT, y, legend, _WIDTH, (7,), colour=_QUIET) if legend else y


def _draw_picture(
    sheet: Sheet, picture: npt.NDArray[np.uint8], case: ReportedCase, x: float, y: float, scale: float
) -> None:  # fmt: skip
    height, width = scale * picture.shape[0], scale * picture.shape[1]
    sheet.image(Image.fromarray(picture), x, y, width, height)
    with sheet.rect_clip(x, y, width, height):
        if case.analysis.anatomy is not None:
            _draw_anatomy(sheet, case.analysis.anatomy, x, y, scale)
        for hand in case.hand:
            _draw_calliper(sheet, (hand.start, hand.end), (x, y, scale), _HAND, dashed=True)


def _draw_anatomy(sheet: Sheet, anatomy: Anatomy, x: float, y: float, scale: float) -> None:
    """Head and midline faint, the machine's calliper not."""

    def place(row: float, column: float) -> tuple[float, float]:
        return x + scale * (column + 0.5), y + scale * (row + 0.5)  # a pixel's middle

    if anatomy.head is not None and anatomy.midline is not None:
        outline = anatomy.head.ellipse.outline(72)  # (column, row)
        with sheet.local_context(stroke_opacity=0.45):
            sheet.set_draw_color(_FAINT)
            sheet.set_line_width(0.25)
            sheet.polygon([place(r, c) for c, r in outline.tolist()])
            strokes = [[place(r, c) for r, c in stroke] for stroke in midline_strokes(anatomy)]
            if anatomy.midline_from == "falx":
                sheet.set_dash_pattern(0.6, 0.8)
            else:  # its ends lie on the skull, which is bright
                sheet.set_draw_color("#000000")
                sheet.set_line_width(0.75)
                for stroke in strokes:
                    sheet.polyline(stroke)
                sheet.set_draw_color(_FAINT)
                sheet.set_line_width(0.25)
            for stroke in strokes:
                sheet.polyline(stroke)
            sheet.set_dash_pattern()
    if anatomy.atrium is not None:
        ends = anatomy.atrium.start, anatomy.atrium.end
        _draw_calliper(sheet, ends, (x, y, scale), _MACHINE, dashed=False)


def _draw_calliper(
    sheet: Sheet, ends: tuple[tuple[float, float], tuple[float, float]],
    placed: tuple[float, float, float], colour: str, *, dashed: bool,
) -> None:  # fmt: skip
    """A line between two ends; the machine's end in upright crosses, a hand's in slanted ones."""
    x, y, scale = placed
    points = [(x + scale * (column + 0.5), y + scale * (row + 0.5)) for row, column in ends]
    for ink, thicker in (("#000000", 0.45), (colour, 0.0)):  # seen on warm colours and on white too
        sheet.set_draw_color(ink)
        sheet.set_line_width(0.35 + thicker)
        if dashed:
            sheet.set_dash_pattern(0.9, 0.7)
        sheet.polyline(points)
        sheet.set_dash_pattern()
        for across, down in points:
            for dx, dy in ((1.0, 1.0), (1.0, -1.0)) if dashed else ((1.3, 0.0), (0.0, 1.3)):
                sheet.line(across - dx, down - dy, across + dx, down + dy)


def _draw_foot(sheet: Sheet) -> None:
    sheet.set_draw_color(_INK)
    sheet.set_line_width(0.2)
    for x, width, label in (
        (_LEFT, 60, "Name"),
        (_LEFT + 66, 40, "Date"),
        (_LEFT + 112, 74, "Signature"),
    ):
        sheet.line(x, _SIGNATURE + 7, x + width, _SIGNATURE + 7)
        sheet.fitted(x, _SIGNATURE + 7.6, label, width, (7,), colour=_QUIET)
    if sheet.lacked_signs:
        said = f"{UNKNOWN_SIGN} stands for a sign that this page's font lacks."
        sheet.fitted(_LEFT, _FOOT - 4, said, _WIDTH, (7,), colour=_QUIET)
    sheet.fitted(_LEFT, _FOOT, RESEARCH_USE_ONLY, _WIDTH, (7.5,), "B", _TONES["ventriculomegaly"])
