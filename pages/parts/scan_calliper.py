"""Callipers by hand: set on the enlarged picture, measured, and compared with the machine's."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.parts.calliper import GUIDE, DrawnLine, draw_callipers, drawn_lines
from pages.parts.uploaded_scan import UploadedScan
from vmcore.anatomy import (
    HandCalliper,
    HandError,
    KnownDistance,
    grade,
    is_early,
    known_distance,
    measure_by_hand,
    misplaced,
    tells_scale,
)
from vmcore.inference import Analysis
from vmcore.reporting.case import ReportedCase, comparison_words, hand_words
from vmcore.settings import settings


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a person measured in one frame, the scale that was set where it holds, and what cannot be measured."""

    callipers: tuple[HandCalliper, ...] = ()
    known: KnownDistance | None = None
    refusals: tuple[str, ...] = ()


def by_hand(uploaded: UploadedScan, analysis: Analysis) -> ByHand:
    """Measure what is drawn on a frame now, and keep it with the scan."""
    lines = _lines(uploaded, analysis.frame)
    refusals: list[str] = []
    known = _known(uploaded, analysis, lines, refusals)
    callipers = []
    for line in lines:
        if line.kind != "calliper" or line.taken:
            continue
        try:
            callipers.append(
                measure_by_hand(
                    *line.ends, analysis.scan, shape=analysis.clean.image.shape,
                    offset=analysis.clean.offset, anatomy=analysis.anatomy, known=known,
                )
            )  # fmt: skip
        except HandError as error:
            refusals.append(str(error))
    uploaded.hand[analysis.frame] = tuple(callipers)
    holds = not refusals and all(one.millimetres_from == "hand" for one in callipers)
    return ByHand(tuple(callipers), known if holds else None, tuple(refusals))


def measure(uploaded: UploadedScan, case: ReportedCase, found: ByHand) -> None:
    """The picture on which callipers are set, what they say, and where they belong."""
    analysis = case.analysis
    anatomy = analysis.anatomy
    atrium = anatomy.atrium if anatomy else None
    no_scale = not tells_scale(analysis.scan, anatomy)
    left, right = st.columns([3, 1], gap="medium")
    with left:
        draw_callipers(
            analysis.clean.image,
            _lines(uploaded, analysis.frame),
            key=_key(uploaded, analysis.frame),
            machine=None if atrium is None else (atrium.start, atrium.end),
            spacing_mm=_spacing(case, found),
            pixel_aspect=analysis.scan.pixel_aspect,
            may_set_distance=no_scale,
        )
    with right:
        _say(uploaded, case, found, no_scale=no_scale)
        st.image(GUIDE, width="stretch")
        st.caption(
            "At the glomus of the choroid plexus, across the ventricle's long axis, from inner wall to "
            "inner wall (ISUOG 2020). Wheel: enlarge. Arrow keys: move an end by a pixel, with Shift by ten."
            f"{'' if atrium is None else ' Dotted: measured by the machine.'}"
        )


def _say(uploaded: UploadedScan, case: ReportedCase, found: ByHand, *, no_scale: bool) -> None:
    if no_scale and any(line.kind == "distance" for line in _lines(uploaded, case.analysis.frame)):
        st.text_input(
            "The known distance, in mm", uploaded.distances.get(case.analysis.frame, ""), key=_distance_key(uploaded, case.analysis.frame),
            placeholder="for example 50",
        )  # fmt: skip
    anatomy = case.analysis.anatomy
    early = is_early(anatomy)
    for hand in case.hand:
        said = hand_words(hand)
        doubtful = misplaced(hand, case.analysis.anatomy) is not None
        if hand.width_mm is not None and not early and not doubtful:
            said += f": {grade(round(hand.width_mm, 1), settings().grades)}"
        st.markdown(f"**By hand {said}**")
        said = comparison_words(hand, case.analysis.anatomy)
        st.caption(f":orange[:material/warning:] {said}" if doubtful else said)
    for sentence in found.refusals:
        st.warning(sentence, icon=":material/straighten:")


def _known(
    uploaded: UploadedScan, analysis: Analysis, lines: list[DrawnLine], refusals: list[str]
) -> KnownDistance | None:
    drawn = next((line for line in lines if line.kind == "distance"), None)
    if drawn is None:  # another line's length is another one
        uploaded.distances.pop(analysis.frame, None)
        return None
    count, before = uploaded.distance_lines.get(analysis.frame, (0, drawn.ends))
    if not set(drawn.ends) & set(before):  # drawn anew, not moved at an end
        count += 1
        uploaded.distances.pop(analysis.frame, None)
    uploaded.distance_lines[analysis.frame] = count, drawn.ends
    key = _distance_key(uploaded, analysis.frame)
    if key in st.session_state:  # a field that is not drawn forgets
        uploaded.distances[analysis.frame] = st.session_state[key]
    told = uploaded.distances.get(analysis.frame, "")
    if not told:
        return None
    try:
        return known_distance(
            *drawn.ends, told, analysis.clean.image.shape, analysis.scan.pixel_aspect
        )
    except HandError as error:
        refusals.append(str(error))
        return None


def _lines(uploaded: UploadedScan, frame: int) -> list[DrawnLine]:
    """What is drawn on a frame; kept with the scan, since a picture that is not shown forgets."""
    now = drawn_lines(_key(uploaded, frame))
    if now is not None:
        uploaded.drawn[frame] = now
    return uploaded.drawn.get(frame, [])


def _spacing(case: ReportedCase, found: ByHand) -> tuple[float, float] | None:
    """What the number beside the mouse is told by; regions of several scales have none before the click."""
    scan, anatomy = case.analysis.scan, case.analysis.anatomy
    if tells_scale(scan, anatomy):
        one_scale = len({one.spacing_mm for one in scan.calibrations}) < 2
        return scan.spacing_mm if one_scale else None
    if found.known is not None:
        return found.known.spacing_mm
    return anatomy.ruler.spacing_mm if anatomy and anatomy.ruler else None


def _key(uploaded: UploadedScan, frame: int) -> str:
    return f"{uploaded.key}-{frame}"


def _distance_key(uploaded: UploadedScan, frame: int) -> str:
    count, _ = uploaded.distance_lines.get(frame, (0, None))  # each line has its own field
    return f"distance-{_key(uploaded, frame)}-{count}"
