"""The scans that one session has uploaded: in memory only, gone with the session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from weakref import WeakSet

import streamlit as st

from vmcore.anatomy import AnatomyModel, by_gestational_age
from vmcore.imaging import ReadLimits, Scan, ScanError, read_sandboxed
from vmcore.inference import Analysis, Classifier, analyse
from vmcore.reporting.case import Assessment

_MB = 1_000_000
_FULL = (
    "It does not fit in the memory that is left for {whose} scans ({megabytes:,} MB); remove others "
    "first, or export a shorter loop."
)
_KEPT_FRAMES = 32  # analyses that are kept of a scan, so that going back costs nothing


Answer = tuple[str | None, str | None, int, float | None]
"""Which answer: both models' digests, the frame, and the gestational age that was told."""


@dataclass(slots=True)
class UploadedScan:
    """One read scan and the analyses made of it, by both models' digests, frame and method.

    ``assessments`` holds what a person decided, by answer.

    ``content`` gives the file's bytes again, names and all, for what is written from the original.
    """

    number: int
    key: str
    scan: Scan
    content: Callable[[], bytes]
    analyses: dict[tuple[str, str | None, int, str], Analysis] = field(default_factory=dict)
    gestational_weeks: float | None = None
    assessments: dict[Answer, Assessment] = field(default_factory=dict)

    @property
    def middle(self) -> int:
        """The frame shown first."""
        return len(self.scan.frames) // 2

    def answer(self, analysis: Analysis) -> Answer:
        """Which answer an analysis is; another one where a model or the gestational age has changed."""
        weeks = self.gestational_weeks
        return analysis.bundle_digest, analysis.anatomy_digest, analysis.frame, weeks

    def assessment(self, analysis: Analysis) -> Assessment | None:
        """What a person decided about exactly this answer."""
        return self.assessments.get(self.answer(analysis))

    def in_millimetres(self, analysis: Analysis) -> Analysis:
        """An analysis with millimetres by gestational age, where that was told and the file has none."""
        if self.gestational_weeks is None or analysis.anatomy is None:
            return analysis
        told = by_gestational_age(analysis.anatomy, self.gestational_weeks)
        return replace(analysis, anatomy=told)


@dataclass(frozen=True, slots=True)
class Models:
    """What judges scans and what measures them; nothing is measured without the second."""

    classifier: Classifier
    anatomy: AnatomyModel | None = None


@dataclass(frozen=True, slots=True)
class UploadBudget:
    """What a session may hold: scans at a time, and MB of pixels, its own and of all sessions."""

    scans: int
    session_mb: int
    all_sessions_mb: int


@dataclass(slots=True, eq=False, weakref_slot=True)
class Uploads:
    """Scans in the order in which they came, and why other files were refused."""

    limits: ReadLimits
    budget: UploadBudget
    scans: list[UploadedScan] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    overflow: int = 0
    numbers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of_session(cls, limits: ReadLimits, budget: UploadBudget) -> Uploads:
        """The session's own, none at first."""
        if "uploaded" not in st.session_state:
            st.session_state.uploaded = cls(limits, budget)
            st.session_state.uploaded.join()
        uploads: Uploads = st.session_state.uploaded
        return uploads

    def join(self) -> None:
        """Count among the sessions that share the memory, until this one is gone."""
        with _room:
            _all.add(self)

    @property
    def held(self) -> int:
        """Bytes of decoded pixels."""
        return sum(uploaded.scan.frames.nbytes for uploaded in self.scans)

    @property
    def refusals(self) -> list[str]:
        """One sentence for every file that is no scan."""
        said = [f"File {self.numbers[key]}: {why}" for key, why in self.refused.items()]
        if self.overflow:
            said.append(
                f"Only {self.budget.scans} scans are held at a time; {self.overflow} were left out."
            )
        return said

    def sync(
        self,
        uploads: Mapping[str, Callable[[], bytes]],
        examples: Mapping[str, Callable[[], bytes]],
    ) -> None:
        """Hold exactly these files, reading only those that are new."""
        wanted = {**uploads, **examples}
        self.scans = [one for one in self.scans if one.key in wanted]
        self.refused = {key: why for key, why in self.refused.items() if key in wanted}
        self.numbers = {key: n for key, n in self.numbers.items() if key in wanted}
        known = {one.key for one in self.scans} | set(self.refused)
        self.overflow = 0
        for key, content in wanted.items():
            if key in known:
                continue
            if len(self.scans) >= self.budget.scans:
                self.overflow += 1
                continue
            self.numbers[key] = max(self.numbers.values(), default=0) + 1
            try:
                self._take(key, read_sandboxed(content(), limits=self.limits), content)
            except ScanError as error:
                self.refused[key] = str(error)

    def _take(self, key: str, scan: Scan, content: Callable[[], bytes]) -> None:
        """Hold a scan if there is room for it."""
        with _room:
            everybody = sum(uploads.held for uploads in _all | {self})
            for whose, held, megabytes in (
                ("this session's", self.held, self.budget.session_mb),
                ("all sessions'", everybody, self.budget.all_sessions_mb),
            ):
                if held + scan.frames.nbytes > megabytes * _MB:
                    raise ScanError(_FULL.format(whose=whose, megabytes=megabytes))
            self.scans.append(UploadedScan(self.numbers[key], key, scan, content))

    def analysis(
        self,
        uploaded: UploadedScan,
        models: Models,
        frame: int,
        method: str,
    ) -> Analysis:
        """The analysis of a frame, made once by each version of a model."""
        classifier = models.classifier
        make = partial(
            analyse, uploaded.scan, classifier, frame=frame, heatmap=method,
            anatomy_model=models.anatomy,
        )  # fmt: skip
        if classifier.digest is None:  # nothing tells it from another one
            return uploaded.in_millimetres(make())
        measured_by = models.anatomy.digest if models.anatomy else None
        key = (classifier.digest, measured_by, frame, method)
        if key not in uploaded.analyses:
            while len(uploaded.analyses) >= _KEPT_FRAMES:
                uploaded.analyses.pop(next(iter(uploaded.analyses)))
            uploaded.analyses[key] = make()
        return uploaded.in_millimetres(uploaded.analyses[key])

    def results(self, classifier: Classifier) -> list[tuple[int, Analysis]]:
        """Every frame that this version of the model has analysed, once, by scan and frame."""
        found = {}
        for uploaded in self.scans:
            for (digest, _, frame, _), analysis in uploaded.analyses.items():
                if digest == classifier.digest:
                    found[uploaded.number, frame] = (
                        uploaded.number,
                        uploaded.in_millimetres(analysis),
                    )
        return [found[key] for key in sorted(found)]

    def assessments(self, classifier: Classifier) -> dict[tuple[int, int], Assessment]:
        """What people decided about :meth:`results`, by the scan's number and frame."""
        scans = {uploaded.number: uploaded for uploaded in self.scans}
        return {
            (number, analysis.frame): assessment
            for number, analysis in self.results(classifier)
            if (assessment := scans[number].assessment(analysis)) is not None
        }


_room = threading.Lock()
_all: WeakSet[Uploads] = WeakSet()  # of every session that is there
