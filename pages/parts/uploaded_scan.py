"""One uploaded scan: its pixels while there is room for them, and what was answered for good."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pages.parts.calliper import DrawnLine
from vmcore.anatomy import AnatomyModel, HandCalliper, by_gestational_age
from vmcore.imaging import FrameError, Scan, ScanError, held_bytes
from vmcore.inference import Analysis, Classifier, without_pixels
from vmcore.reporting.case import Assessment, picture_digest

AnalysisKey = tuple[str, str | None, int, str]
"""Both models' digests, the frame, and the heatmap's method."""
Ends = tuple[tuple[float, float], tuple[float, float]]
"""Of a line: (row, column) in pixels."""
AnswerKey = tuple[str | None, str | None, int, float | None, tuple[HandCalliper, ...]]
"""Which answer: both models' digests, the frame, the gestational age that was told, and callipers by hand."""
_KEPT_BYTES = (
    10_000_000  # of analyses of a scan, so that going back costs nothing; the newest in any case
)
_MOST_DAMAGED = 20  # frames about the middle
_THUMBNAIL_PX = 84


@dataclass(frozen=True, slots=True)
class Models:
    """What judges scans and what measures them; nothing is measured without the second."""

    classifier: Classifier
    anatomy: AnatomyModel | None = None

    def key(self, frame: int, method: str) -> AnalysisKey | None:
        """What an analysis by these models is known by; None where nothing tells the version."""
        if self.classifier.digest is None:
            return None
        return self.classifier.digest, self.anatomy.digest if self.anatomy else None, frame, method


DicomMade = tuple[tuple[Any, ...], int, bytes]
"""What a report was made of, how many objects it has, and all of them as a zip."""
NOTHING_MADE: DicomMade = ((), 0, b"")


@dataclass(slots=True, eq=False, weakref_slot=True)
class UploadedScan:
    """A file that somebody added.

    ``content`` gives the file's bytes again, names and all, for what is written from the original.
    ``refusal`` says why it is no scan, or, with ``no_room`` (bytes that all sessions held then), why it
    could not be held.
    ``scan`` and ``analyses`` hold pixels and may be let go; ``answers`` are the same analyses without,
    and ``digests`` tell the cleaned pictures, by frame. ``assessments`` holds what a person decided, by
    answer; ``drawn`` what a person drew, ``distances`` the length that is known, ``distance_lines`` how
    many such lines were drawn before and where this one ends, and ``hand`` what was
    measured so, by frame; ``loop`` what the whole loop was answered, by which models. ``damaged`` frames were
    found when the first one to show was looked for; ``chosen`` is the one that a person looked at last.
    ``dicom_made`` is the report as DICOM that was asked for last.
    """

    number: int
    key: str
    content: Callable[[], bytes]
    sha256: str | None = None
    scan: Scan | None = None
    kind: str = ""
    frames: int = 0
    refusal: str | None = None
    no_room: int | None = None
    thumbnail: bytes | None = None
    analyses: dict[AnalysisKey, Analysis] = field(default_factory=dict)
    answers: dict[AnalysisKey, Analysis] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    assessments: dict[AnswerKey, Assessment] = field(default_factory=dict)
    drawn: dict[int, list[DrawnLine]] = field(default_factory=dict)
    distances: dict[int, str] = field(default_factory=dict)
    distance_lines: dict[int, tuple[int, Ends]] = field(default_factory=dict)
    hand: dict[int, tuple[HandCalliper, ...]] = field(default_factory=dict)
    loop: tuple[AnalysisKey | None, Any] | None = None
    damaged: set[int] = field(default_factory=set)
    chosen: int | None = None
    gestational_weeks: float | None = None
    dicom_made: DicomMade = NOTHING_MADE
    used: float = 0.0
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def middle(self) -> int:
        """The frame shown first: the middle one, or the nearest one to it that is not damaged."""
        sound = [frame for frame in range(self.frames) if frame not in self.damaged]
        return min(sound or [0], key=lambda frame: abs(frame - self.frames // 2))

    @property
    def held(self) -> int:
        """Bytes of pixels, those of the analyses and what a long loop is decoded from included."""
        scan, analyses = self.scan, list(self.analyses.values())
        frames = [] if scan is None else [scan.frames]
        frames += [analysis.scan.frames for analysis in analyses]
        once = {id(one): held_bytes(one) for one in frames}
        return sum(once.values()) + sum(map(_pixels_of, analyses))

    def keep(self, key: AnalysisKey, analysis: Analysis) -> None:
        """Keep an analysis, and the first one's picture for the list."""
        analyses = self.analyses  # they may be let go meanwhile
        analyses[key] = analysis
        while len(analyses) > 1 and sum(map(_pixels_of, list(analyses.values()))) > _KEPT_BYTES:
            analyses.pop(next(iter(analyses)), None)
        self.digests[analysis.frame] = picture_digest(analysis.clean.image)
        if self.thumbnail is None:
            self.thumbnail = _thumbnail(analysis.clean.image)
        self.answers[key] = without_pixels(analysis)  # last: who sees it finds the rest

    def file_digest(self) -> str | None:
        """SHA-256 of the file as it came, in hexadecimal; None where it is not there any more."""
        if self.sha256 is None:
            try:
                self.sha256 = hashlib.sha256(self.content()).hexdigest()
            except ScanError:  # a received one, removed meanwhile
                return None
        return self.sha256

    def let_go(self) -> None:
        """Drop the pixels; they are read again when they are asked for."""
        self.scan, self.analyses = None, {}
        if self.loop is not None:
            self.loop[1].let_go()

    def answer(self, models: Models, method: str) -> Analysis | None:
        """What these models answered about the middle frame, without pixels; None before that."""
        key = models.key(self.middle, method)
        found = None if key is None else self.answers.get(key)
        return None if found is None else self.in_millimetres(found)

    def answer_key(self, analysis: Analysis) -> AnswerKey:
        """Which answer an analysis is; another one where a model, the age or a calliper has changed."""
        weeks, hand = self.gestational_weeks, self.hand.get(analysis.frame, ())
        return analysis.bundle_digest, analysis.anatomy_digest, analysis.frame, weeks, hand

    def assessment(self, analysis: Analysis) -> Assessment | None:
        """What a person decided about exactly this answer."""
        return self.assessments.get(self.answer_key(analysis))

    def decided(self, analysis: Analysis) -> tuple[int, Assessment] | None:
        """The frame that a person decided about, and what: the analysed one, or the last by the same models."""
        here = self.assessment(analysis)
        if here is not None:
            return analysis.frame, here
        models = analysis.bundle_digest, analysis.anatomy_digest
        others = [
            (answer.frame, made)
            for answer in list(self.answers.values())
            if (answer.bundle_digest, answer.anatomy_digest) == models
            and (made := self.assessment(answer)) is not None
        ]
        return max(others, key=lambda one: one[1].at, default=None)

    def decided_before(self, analysis: Analysis) -> bool:
        """Whether a person decided about another answer to this frame, and not about this one."""
        frames = {frame for _, _, frame, _, _ in self.assessments}
        return analysis.frame in frames and self.assessment(analysis) is None

    def in_millimetres(self, analysis: Analysis) -> Analysis:
        """An analysis with millimetres by gestational age, where that was told and the file has none."""
        if self.gestational_weeks is None or analysis.anatomy is None:
            return analysis
        told = by_gestational_age(analysis.anatomy, self.gestational_weeks)
        return replace(analysis, anatomy=told)


def judge_middle(uploaded: UploadedScan, judge: Callable[[int], object]) -> None:
    """Judge the frame that is shown first; where that is damaged, the nearest one that is not.

    Raises:
        ScanError: no such frame is near.
    """
    for _ in range(_MOST_DAMAGED):
        frame = uploaded.middle
        try:
            judge(frame)
        except FrameError:
            uploaded.damaged.add(frame)
        else:
            return
    raise ScanError("Its frames are damaged and cannot be decoded; export the loop anew.")


def _pixels_of(analysis: Analysis) -> int:
    arrays = [analysis.clean.image, analysis.clean.mask]
    if analysis.prediction.heatmap is not None:
        arrays.append(analysis.prediction.heatmap)
    if analysis.anatomy is not None:
        arrays.append(analysis.anatomy.structures)
    return sum(array.nbytes for array in arrays)


def _thumbnail(image: npt.NDArray[np.uint8]) -> bytes:
    """A JPEG of the cleaned picture, small enough for a list."""
    scale = _THUMBNAIL_PX / max(image.shape[:2])
    size = tuple(max(round(side * scale), 1) for side in image.shape[1::-1])
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80]
    )
    if not done:
        raise ValueError("The picture cannot be encoded.")
    return encoded.tobytes()
