"""The scans that one session has uploaded: in memory only, gone with the session.

They are read and judged in the background, the one that is looked at first. Pixels are held as far as
there is room, those of the scans used last; answers stay.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import streamlit as st

from pages.parts.turns import in_turn
from pages.parts.uploaded_scan import Models, UploadedScan, judge_middle
from vmcore.anatomy import HandCalliper
from vmcore.clinic import BackgroundWork, Intake, Progress, take_in
from vmcore.imaging import ReadLimits, Scan, ScanError, held_bytes, read_sandboxed
from vmcore.inference import HEATMAP_METHODS, Analysis, Classifier, analyse
from vmcore.reporting.case import Assessment

log = logging.getLogger(__name__)

_MB = 1_000_000
_FULL = (
    "It does not fit in the memory that is left for {whose} scans ({megabytes:,} MB); remove others "
    "first, or export a shorter loop."
)
_FAILED = "It cannot be analysed; the log says why."
_METHOD = HEATMAP_METHODS[0]  # the one that comes with the answer


class DroppedFile(NamedTuple):
    """A file as it was dropped: what it is known by, its name, and its bytes."""

    key: str
    name: str
    content: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class UploadBudget:
    """What a session may hold: scans at a time, and MB of pixels, its own and of all sessions."""

    scans: int
    session_mb: int
    all_sessions_mb: int


class _NoRoomError(ScanError):
    """There is no room just now; the file itself may be a scan."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Uploads:
    """Scans in the order in which they came, and why other files were refused."""

    limits: ReadLimits
    budget: UploadBudget
    files: list[UploadedScan] = field(default_factory=list)
    intakes: dict[str, Intake] = field(default_factory=dict)
    overflow: int = 0
    last_number: int = 0
    models: Models | None = None
    stopped: bool = False
    work: BackgroundWork[tuple[str, object]] = field(init=False)

    def __post_init__(self) -> None:
        """Give the background work a way to this session that does not keep it alive."""
        me = weakref.ref(self)

        def judge(item: tuple[str, object]) -> None:
            uploads = me()
            if uploads is not None:
                uploads._judge(item[0])  # noqa: SLF001  its own

        self.work = BackgroundWork(judge)

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
    def scans(self) -> list[UploadedScan]:
        """Files that may be scans, as far as it is known."""
        return [one for one in self.files if one.refusal is None]

    @property
    def held(self) -> int:
        """Bytes of decoded pixels."""
        return sum(uploaded.held for uploaded in list(self.files))

    @property
    def refusals(self) -> list[str]:
        """One sentence for every file that is no scan, and for what is not even held."""
        return self.left_out + [f"File {x.number}: {x.refusal}" for x in self.files if x.refusal]

    @property
    def left_out(self) -> list[str]:
        """One sentence for every archive that is refused, and for files beyond what a session may hold."""
        said = [why for intake in self.intakes.values() for why in intake.refused]
        if self.overflow:
            said.append(
                f"Only {self.budget.scans} scans are held at a time; {self.overflow} were left out."
            )
        return said

    @property
    def skipped(self) -> Counter[str]:
        """How many files were no scans but what lies beside them, by kind."""
        total: Counter[str] = Counter()
        for intake in self.intakes.values():
            total.update(intake.skipped)
        return total

    @property
    def progress(self) -> Progress:
        """How many scans are judged of how many."""
        return self.work.progress()

    def sync(self, dropped: Sequence[DroppedFile]) -> None:
        """Hold exactly these files; new ones are looked through, and read when they are judged."""
        self.intakes = {
            key: self.intakes[key] if key in self.intakes else take_in(key, name, content)
            for key, name, content in dropped
        }
        incoming = [file for intake in self.intakes.values() for file in intake.files]
        wanted = {file.key for file in incoming}
        self.files = [one for one in self.files if one.key in wanted]
        known = {one.key for one in self.files}
        self.overflow = 0
        for file in incoming:
            if file.key in known:
                continue
            if len(self.files) >= self.budget.scans:
                self.overflow += 1
                continue
            self.last_number += 1  # no number means two scans in one session
            self.files.append(UploadedScan(self.last_number, file.key, file.content))
            self.stopped = False

    def judge(self, models: Models) -> None:
        """Let the background judge every scan that these models have not judged yet."""
        others = self.models is not None and self.models.key(0, _METHOD) != models.key(0, _METHOD)
        self.models = models
        with _room:
            held = _held_by_all(self)
            for one in self.files:
                made_room = one.no_room is not None and held < one.no_room
                if made_room or (others and one.refusal == _FAILED):  # it may go well now
                    one.refusal, one.no_room = None, None
                    self.work.again(self._item(one))
        if not self.stopped:
            self.work.want([self._item(one) for one in self.files])

    def stop(self) -> None:
        """Judge no more scans but those that are opened, until more are added or somebody says so."""
        self.stopped = True
        self.work.cancel()

    def go_on(self) -> None:
        """Judge the rest after all, as soon as the page is drawn again."""
        self.stopped = False

    def judge_now(self, uploaded: UploadedScan) -> None:
        """Read and judge this scan before the others, and wait for it."""
        self.work.now(self._item(uploaded))

    def analysis(self, uploaded: UploadedScan, models: Models, frame: int, method: str) -> Analysis:
        """The analysis of a frame, made once by each version of a model.

        Raises:
            ScanError: its pixels were let go and there is no room for them now.
        """
        key = models.key(frame, method)
        with uploaded.lock:
            uploaded.used = time.monotonic()
            found = None if key is None else uploaded.analyses.get(key)
            if found is None:
                found = analyse(
                    self.opened(uploaded), models.classifier, frame=frame, heatmap=method,
                    anatomy_model=models.anatomy,
                )  # fmt: skip
                if key is not None:
                    uploaded.keep(key, found)
                    self._make_room(uploaded, 0)
            return uploaded.in_millimetres(found)

    def results(self, classifier: Classifier) -> list[tuple[int, Analysis]]:
        """Every frame that this version of the model has analysed, once, by scan and frame; no pixels."""
        found = {}
        for uploaded in self.files:
            for (digest, _, frame, _), analysis in list(uploaded.answers.items()):
                if digest == classifier.digest:
                    found[uploaded.number, frame] = (
                        uploaded.number,
                        uploaded.in_millimetres(analysis),
                    )
        return [found[key] for key in sorted(found)]

    def by_hand(self) -> dict[tuple[int, int], tuple[HandCalliper, ...]]:
        """What people measured, by the scan's number and frame."""
        return {
            (uploaded.number, frame): hand
            for uploaded in self.files
            for frame, hand in uploaded.hand.items()
            if hand
        }

    def assessments(self, classifier: Classifier) -> dict[tuple[int, int], Assessment]:
        """What people decided about :meth:`results`, by the scan's number and frame."""
        scans = {uploaded.number: uploaded for uploaded in self.files}
        return {
            (number, analysis.frame): assessment
            for number, analysis in self.results(classifier)
            if (assessment := scans[number].assessment(analysis)) is not None
        }

    def _item(self, uploaded: UploadedScan) -> tuple[str, object]:
        return uploaded.key, None if self.models is None else self.models.key(0, _METHOD)

    def _judge(self, key: str) -> None:
        uploaded = next((one for one in list(self.files) if one.key == key), None)
        models = self.models
        if uploaded is None or models is None or uploaded.refusal is not None:
            return
        try:
            with uploaded.lock:
                used = uploaded.used
                with in_turn(held_bytes(self.opened(uploaded).frames)):
                    judge_middle(
                        uploaded, lambda frame: self.analysis(uploaded, models, frame, _METHOD)
                    )
                uploaded.used = used  # nobody has looked at it
        except _NoRoomError as error:
            with _room:
                uploaded.refusal, uploaded.no_room = str(error), _held_by_all(self)
        except ScanError as error:
            uploaded.refusal = str(error)
        except Exception as error:
            log.exception("Analysis failed: %s", type(error).__name__)
            uploaded.refusal = _FAILED

    def opened(self, uploaded: UploadedScan) -> Scan:
        """The scan with its pixels, read if they are not there.

        Raises:
            ScanError: it cannot be read, or there is no room for it.
        """
        scan = uploaded.scan
        if scan is None:
            content = uploaded.content()
            with in_turn(len(content)):
                scan = read_sandboxed(content, limits=self.limits)
            self._make_room(uploaded, held_bytes(scan.frames))
            uploaded.scan, uploaded.frames, uploaded.kind = scan, len(scan.frames), scan.kind
        return scan

    def _make_room(self, wanted: UploadedScan, more: int) -> None:
        """Let go of the pixels used longest ago until ``more`` bytes of a scan fit.

        Raises:
            _NoRoomError: they do not fit even so.
        """
        with _room:
            others = sorted(
                (one for one in list(self.files) if one is not wanted), key=lambda one: one.used
            )
            for whose, megabytes, held in (
                ("this session's", self.budget.session_mb, lambda: self.held),
                ("all sessions'", self.budget.all_sessions_mb, lambda: _held_by_all(self)),
            ):
                while others and held() + more > megabytes * _MB:
                    others.pop(0).let_go()
                if more and held() + more > megabytes * _MB:
                    raise _NoRoomError(_FULL.format(whose=whose, megabytes=megabytes))


_room = threading.Lock()
_all: weakref.WeakSet[Uploads] = weakref.WeakSet()  # of every session that is there


def _held_by_all(asking: Uploads) -> int:
    return sum(uploads.held for uploads in _all | {asking})
