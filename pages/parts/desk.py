"""The scans that one session has on its desk: in memory only, gone with the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import streamlit as st

from vmcore.imaging import ReadLimits, Scan, ScanError, read_scan
from vmcore.inference import Analysis, Classifier, analyse

_KEPT_FRAMES = 32  # analyses that a tray keeps, so that going back costs nothing


@dataclass(slots=True)
class Tray:
    """One read scan and the analyses made of it, by the bundle's digest, frame and heatmap method."""

    number: int
    key: str
    scan: Scan
    analyses: dict[tuple[str, int, str], Analysis] = field(default_factory=dict)

    @property
    def middle(self) -> int:
        """The frame shown first."""
        return len(self.scan.frames) // 2


@dataclass(slots=True)
class Desk:
    """Trays in the order in which they came, and why other files were refused."""

    limits: ReadLimits
    most: int
    trays: list[Tray] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    overflow: int = 0
    numbers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of_session(cls, limits: ReadLimits, most: int) -> Desk:
        """The session's desk, empty at first."""
        if "desk" not in st.session_state:
            st.session_state.desk = cls(limits, most)
        desk: Desk = st.session_state.desk
        return desk

    @property
    def refusals(self) -> list[str]:
        """One sentence for every file that is no scan."""
        said = [f"File {self.numbers[key]}: {why}" for key, why in self.refused.items()]
        if self.overflow:
            said.append(
                f"Only {self.most} scans fit on the desk at a time; {self.overflow} were left out."
            )
        return said

    def sync(
        self,
        uploads: Mapping[str, Callable[[], bytes]],
        examples: Mapping[str, Callable[[], bytes]],
    ) -> None:
        """Make the desk hold exactly these files, reading only those that are new."""
        wanted = {**uploads, **examples}
        self.trays = [tray for tray in self.trays if tray.key in wanted]
        self.refused = {key: why for key, why in self.refused.items() if key in wanted}
        self.numbers = {key: n for key, n in self.numbers.items() if key in wanted}
        known = {tray.key for tray in self.trays} | set(self.refused)
        self.overflow = 0
        for key, content in wanted.items():
            if key in known:
                continue
            if len(self.trays) >= self.most:
                self.overflow += 1
                continue
            self.numbers[key] = max(self.numbers.values(), default=0) + 1
            try:
                scan = read_scan(content(), limits=self.limits)
            except ScanError as error:
                self.refused[key] = str(error)
            else:
                self.trays.append(Tray(self.numbers[key], key, scan))

    def analysis(self, tray: Tray, classifier: Classifier, frame: int, method: str) -> Analysis:
        """The analysis of a frame, made once by each version of a model."""
        if classifier.digest is None:  # nothing tells it from another one
            return analyse(tray.scan, classifier, frame=frame, heatmap=method)
        key = (classifier.digest, frame, method)
        if key not in tray.analyses:
            while len(tray.analyses) >= _KEPT_FRAMES:
                tray.analyses.pop(next(iter(tray.analyses)))
            tray.analyses[key] = analyse(tray.scan, classifier, frame=frame, heatmap=method)
        return tray.analyses[key]

    def results(self, classifier: Classifier) -> list[tuple[int, Analysis]]:
        """Every frame that this version of the model has analysed, once, by scan and frame."""
        found = {}
        for tray in self.trays:
            for (digest, frame, _), analysis in tray.analyses.items():
                if digest == classifier.digest:
                    found[tray.number, frame] = (tray.number, analysis)
        return [found[key] for key in sorted(found)]
