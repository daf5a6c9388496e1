"""Callipers over the original image as a softcopy presentation state (PS3.3 A.33).

A grey original gets a Grayscale Softcopy Presentation State, a coloured one a Color Softcopy Presentation
State: the first may refer to grey images alone (PS3.4 N.1).
"""

from __future__ import annotations

import pkgutil
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from highdicom import PresentationLUTShapeValues, PresentationLUTTransformation
from highdicom.color import CIELabColor
from highdicom.pr import (
    ColorSoftcopyPresentationState,
    GraphicAnnotation,
    GraphicLayer,
    GraphicObject,
    GrayscaleSoftcopyPresentationState,
    TextObject,
)
from pydicom import Dataset

from vmcore.reporting.case.comparison import doubtful_by_hand
from vmcore.reporting.case.decided import answer_holds, decision_words
from vmcore.reporting.case.dicom.coordinates import Points, in_source, inside
from vmcore.reporting.case.dicom.equipment import NAME, PURPOSE, made_by, new_uid
from vmcore.reporting.case.dicom.study import WINDOW_REFUSAL, SourceStudy, StudyError
from vmcore.reporting.case.reported import ReportedCase
from vmcore.reporting.colours import AMBER, CYAN
from vmcore.reporting.measurement import width_words

SERIES_NUMBER = 9003
_FAINT = "#6c7175"
_PROFILE = "_icc_profiles/sRGB_v4_ICC_preference.icc"  # of the input class that PS3.3 C.11.15 wants


def presentation_state(case: ReportedCase, study: SourceStudy) -> Dataset | None:
    """The atrium's calliper, those of people, and faintly the head's ellipse, over the original.

    Args:
        case: what was measured.
        study: to which it refers and which it does not name yet (:meth:`SourceStudy.join`).

    Returns:
        the object; None where there is nothing to draw.

    Raises:
        StudyError: the file's grey-scale window is one that no presentation state can keep.
    """
    drawn = _layers(case, study)
    if not drawn:
        return None
    image = deepcopy(study.reference)
    grey = image.PhotometricInterpretation.startswith("MONOCHROME")
    image.SamplesPerPixel = 1 if grey else 3  # of a palette's image as it is shown
    layers = [layer for layer, _, _ in drawn]
    annotations = [
        GraphicAnnotation([image], layer, graphic_objects=graphics, text_objects=texts or None)
        for layer, graphics, texts in drawn
    ]
    if study.frame is not None:
        for annotation in annotations:
            annotation.ReferencedImageSequence[0].ReferencedFrameNumber = study.frame
    arguments: dict[str, Any] = {
        "referenced_images": [image],
        "series_instance_uid": new_uid(),
        "series_number": SERIES_NUMBER,
        "sop_instance_uid": new_uid(),
        "instance_number": 1,
        "device_serial_number": None,
        "content_label": "ATRIAL WIDTH",
        "content_description": f"Callipers of the lateral ventricle. {PURPOSE}",
        "graphic_annotations": annotations,
        "graphic_layers": layers,
        "series_description": f"{NAME} callipers. {PURPOSE}",
        **made_by(),
    }
    made = _grey(image, arguments) if grey else _coloured(arguments)
    _keep_shape(made.DisplayedAreaSelectionSequence[0], image)
    return made


def _coloured(arguments: dict[str, Any]) -> Dataset:
    profile = pkgutil.get_data("highdicom", _PROFILE)
    return ColorSoftcopyPresentationState(icc_profile=profile, **arguments)


def _grey(image: Dataset, arguments: dict[str, Any]) -> Dataset:
    inverted = image.PhotometricInterpretation == "MONOCHROME1"
    shape = PresentationLUTShapeValues.INVERSE if inverted else PresentationLUTShapeValues.IDENTITY
    try:
        return GrayscaleSoftcopyPresentationState(
            presentation_lut_transformation=PresentationLUTTransformation(shape), **arguments
        )
    except Exception:  # a window or table of any kind; pydicom converts on access
        raise StudyError(WINDOW_REFUSAL) from None


def _keep_shape(area: Dataset, image: Dataset) -> None:
    """Show pixels that are not square as the original is shown (PS3.3 C.10.4)."""
    if "PixelSpacing" in image:
        area.PresentationPixelSpacing = image.PixelSpacing
        del area.PresentationPixelAspectRatio
    elif "PixelAspectRatio" in image:
        area.PresentationPixelAspectRatio = image.PixelAspectRatio


_Layer = tuple[GraphicLayer, list[GraphicObject], list[TextObject]]


def _layers(case: ReportedCase, study: SourceStudy) -> list[_Layer]:
    """What is drawn, the faintest first."""
    size = (int(study.reference.Rows), int(study.reference.Columns))
    offset = case.analysis.clean.offset
    anatomy = case.analysis.anatomy
    drawn: list[_Layer] = []
    if anatomy is not None and anatomy.head is not None:
        outline = anatomy.head.ellipse.outline()[:, ::-1]
        line = in_source(np.vstack([outline, outline[:1]]), offset)
        _add(drawn, "HEAD", "The skull's ellipse", _FAINT, [(line, "")], size)
    if anatomy is not None and anatomy.atrium is not None:
        ends = in_source([anatomy.atrium.start, anatomy.atrium.end], offset)
        words = f"Atrial width {width_words(anatomy.atrium)}. {PURPOSE}"
        if (decided := decision_words(case)) is not None and not answer_holds(case):
            words = f"{decided} By machine: {words}"
        _add(drawn, "CALLIPER", "The atrium's width as measured", AMBER, [(ends, words)], size)
    by_hand = []
    for one in case.hand:
        width = f"{one.width_px:.1f} pixels" if one.width_mm is None else f"{one.width_mm:.1f} mm"
        ends = in_source([one.start, one.end], offset)
        doubt = doubtful_by_hand(one, anatomy)
        by_hand.append((ends, " ".join(filter(None, (f"By hand {width}.", doubt, PURPOSE)))))
    _add(drawn, "HAND", "Widths that a person measured", CYAN, by_hand, size)
    return drawn


def _add(
    drawn: list[_Layer],
    name: str,
    description: str,
    colour: str,
    lines: Sequence[tuple[Points, str]],
    size: tuple[int, int],
) -> None:
    """A layer of lines and their words, where any of them lies within the image."""
    graphics, texts = [], []
    for line, words in lines:
        parts = inside(line, *size)
        graphics += [GraphicObject("POLYLINE", part, "PIXEL") for part in parts]
        if parts and words:
            column, row = parts[0][-1]
            anchor = (float(column), float(row))
            texts.append(
                TextObject(words, "PIXEL", anchor_point=anchor, anchor_point_visible=False)
            )
    if graphics:
        shade = CIELabColor.from_string(colour)
        layer = GraphicLayer(name, len(drawn) + 1, description, shade)
        drawn.append((layer, graphics, texts))
