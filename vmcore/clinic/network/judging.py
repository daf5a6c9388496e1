"""Received instances, judged one after the other: the node's second process.

    python -m vmcore.clinic.network.judging

The node starts it and starts it again where it dies. Files are read in the sandbox, the middle frame is
judged and measured, and the answer kept; with destinations in VMCORE_NODE_SEND_TO the report's objects
go into the outbox. What one file does wrong is kept as its own answer. The log has counts and causes.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vmcore.anatomy import AnatomyError, AnatomyModel
from vmcore.clinic.audit import (
    AUDIT_FILE,
    AuditError,
    AuditTrail,
    Event,
    PendingEvents,
    answered,
    exported,
)
from vmcore.clinic.network.answers import Answer, Answers, Judged, answer_of
from vmcore.clinic.network.inbox import Inbox
from vmcore.clinic.network.outbox import Outbox
from vmcore.clinic.network.quiet import say_nothing_of_images
from vmcore.clinic.network.running import JUDGING_LOCK
from vmcore.file_modes import keep_private
from vmcore.files import expanded
from vmcore.imaging import BusyError, GoneError, ScanError, read_sandboxed, read_source_sandboxed
from vmcore.inference import Classifier, analyse
from vmcore.memory import is_out_of_memory
from vmcore.models import BundleError, bundle_digest
from vmcore.reporting.case import ReportedCase
from vmcore.reporting.case.dicom.equipment import DEVICE
from vmcore.resting import keep_until_idle, rest_idle
from vmcore.runs import RunError, bundle_in_use
from vmcore.runs.locks import hold
from vmcore.settings import Settings, settings

log = logging.getLogger(__name__)

PERSON = "node"
"""Who is named in the audit trail."""
_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 32.0
_NICENESS = 5
_MOST_TROUBLES = 10
_DONE = {Judged.ANSWERED, Judged.REFUSED, Judged.FAILED}
_NO_MEMORY = "The machine has no memory left for it."
_FAILED = "It cannot be analysed; the node's log says why."
_OWN = "It is a report of this program, which judges none of its own."
_GONE = "It was removed while it was being read."


@dataclass(slots=True)
class Judge:
    """What judges, loaded once and again when another model is promoted."""

    configured: Settings
    inbox: Inbox
    answers: Answers
    outbox: Outbox
    classifier: Classifier | None = None
    anatomy: AnatomyModel | None = None
    trail: AuditTrail | None = None
    pending: PendingEvents = field(default_factory=lambda: PendingEvents(PERSON))
    troubles: Counter[str] = field(default_factory=Counter)
    """How often each instance was put back, so that one which always is keeps no other waiting."""
    finished: int = 0
    """How many instances came to their end; while others do, one's trouble is its own."""
    finished_before: dict[str, int] = field(default_factory=dict)
    """The same when an instance had its first trouble."""

    def round(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Judge everything that waits, the oldest first; how many were judged.

        Args:
            go_on: asked before each of them.

        Raises:
            BundleError, RunError, AnatomyError: no model can be loaded; everything goes on waiting.
            BusyError: this machine cannot read files or has no memory just now; so does what is left.
            OSError, sqlite3.Error: the store cannot be used just now; so does what is left.
        """
        self.deliver()
        paths = self.inbox.instances()
        self.answers.keep_only(path.name for path in paths)
        known = self.answers.all()
        waiting = [
            path
            for path in reversed(paths)
            if path.name not in known or known[path.name].state not in _DONE
        ]
        done = 0
        for path in sorted(waiting, key=lambda path: self.troubles[path.name]):
            if not go_on():
                break
            self._load()
            done += self._finish(path)
        return done

    def _finish(self, path: Path) -> bool:
        """Judge one instance and keep its answer; whether that was the end of it."""
        if not self.answers.begin(path.name):
            return True
        try:
            answer = self._judged(path)
            if path.exists():  # else it was purged meanwhile, and its answer with it
                self.answers.keep(answer)
        except GoneError as error:
            if self.answers.may_begin_again(path.name):
                return False
            self.answers.keep(Answer(path.name, Judged.REFUSED, 1, str(error)))
        except (BusyError, OSError, sqlite3.Error) as error:
            if not self._is_its_own_trouble(path.name):
                self.answers.put_back(path.name)
                raise
            log.error("An image could not be judged (%s).", type(error).__name__)  # noqa: TRY400
            self.answers.keep(Answer(path.name, Judged.FAILED, 1, _FAILED))
        self.finished += 1
        del self.troubles[path.name]
        self.finished_before.pop(path.name, None)
        return True

    def _is_its_own_trouble(self, name: str) -> bool:
        """Whether an instance had trouble once more that others have not."""
        before = self.finished_before.setdefault(name, self.finished)
        self.troubles[name] += 1
        return self.troubles[name] >= _MOST_TROUBLES and self.finished > before

    def _load(self) -> None:
        bundle = bundle_in_use().bundle
        if self.classifier is None or self.classifier.digest != bundle_digest(bundle):
            self.classifier = Classifier.load(bundle, device=self.configured.device)
        if self.anatomy is None:
            self.anatomy = AnatomyModel.load(self.configured.anatomy)

    def _judged(self, path: Path) -> Answer:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return Answer(path.name, Judged.REFUSED, 1, _GONE)
        try:
            case = self._case(content)
            # in line before the answer is kept, so that a restart between both sends it once
            sent = self._put_in_line(path.name, case, content)
            self._note(answered(case, PERSON))
            return answer_of(path.name, case, sent)
        except (BusyError, GoneError, OSError, sqlite3.Error):  # may pass
            raise
        except ScanError as error:
            return Answer(path.name, Judged.REFUSED, 1, str(error))
        except Exception as error:  # its text and trace may quote the image
            if is_out_of_memory(error):
                raise BusyError(_NO_MEMORY) from None
            log.error("An image could not be judged (%s).", type(error).__name__)  # noqa: TRY400
            return Answer(path.name, Judged.FAILED, 1, _FAILED)

    def _case(self, content: bytes) -> ReportedCase:
        if self.classifier is None:
            raise RuntimeError("No model is loaded.")
        scan = read_sandboxed(content, limits=self.configured.read_limits())
        if scan.device == DEVICE:  # an archive sent it back; a report on it would come back as well
            raise ScanError(_OWN)
        analysis = analyse(
            scan, self.classifier, frame=len(scan.frames) // 2, anatomy_model=self.anatomy,
            heatmap="eigen-cam" if self.configured.node_send_to else None,
        )  # fmt: skip
        return ReportedCase(analysis, self.classifier.card, self.configured.grades)

    def _put_in_line(self, name: str, case: ReportedCase, content: bytes) -> str:
        """Put the report's objects in line for each destination; a sentence that says so, or why not."""
        if not self.configured.node_send_to:
            return ""
        from vmcore.reporting.case.dicom import StudyError, case_objects  # noqa: PLC0415  highdicom

        try:
            source = read_source_sandboxed(content, limits=self.configured.read_limits())
            objects = case_objects(case, source)
        except (BusyError, GoneError):
            raise
        except (ScanError, StudyError) as error:
            return f"Nothing is sent. {error}"
        new, known = [], []
        for destination in self.configured.node_send_to:
            if self.outbox.add(objects, destination, origin=name):
                self._note(exported(case, PERSON, "dicom", with_identity=True))
                new.append(destination)
            else:
                known.append(destination)
        return _in_line(len(objects), new, known)

    def _note(self, event: Event) -> None:
        if not self.configured.audit:
            return
        self.pending.add(event)
        self.deliver()

    def deliver(self) -> None:
        """Note in the audit trail what is not noted yet; what cannot be goes on waiting."""
        if not self.pending.events and not self.pending.lost:
            return
        try:
            if self.trail is None:
                self.trail = AuditTrail(expanded(self.configured.store) / AUDIT_FILE)
            self.pending.deliver(self.trail)
        except AuditError as error:  # as on the page, answers go on
            log.warning("Nothing is recorded. %s", error)


def _in_line(count: int, new: list[str], known: list[str]) -> str:
    """What was put in line for whom, and for whom it was before."""
    said = [f"{count} objects for {', '.join(new)}."] if new else []
    if known:
        said.append(f"Nothing more for {', '.join(known)}: a report was put in line before.")
    return " ".join(said)


def main() -> None:
    """Judge until the node that started this is gone."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    keep_private()
    keep_until_idle()  # below: image after image uses what the networks work in
    say_nothing_of_images()
    os.nice(_NICENESS)  # receiving comes first
    configured, parent = settings(), os.getppid()
    inbox = Inbox()
    lock = hold(inbox.folder.parent / JUDGING_LOCK)
    if lock is None:
        raise SystemExit("Another process judges what comes into this store.")
    judge = Judge(configured, inbox, Answers(), Outbox())
    trouble, pause_s = "", _PAUSE_S

    def wanted() -> bool:
        return os.getppid() == parent

    while wanted():
        before = judge.finished
        try:
            done = judge.round(wanted)
            if done:
                log.info("Judged: %d.", done)
            trouble, pause_s = "", _PAUSE_S
        except (BundleError, RunError, AnatomyError, BusyError) as error:
            trouble = _said(str(error), trouble)
        except (sqlite3.Error, OSError) as error:
            trouble = _said(f"The store cannot be used ({type(error).__name__}).", trouble)
        if judge.finished > before:
            pause_s = _PAUSE_S
        elif trouble:
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        rest_idle()
        time.sleep(pause_s)
    judge.deliver()


def _said(trouble: str, before: str) -> str:
    if trouble != before:  # said once, not at every round
        log.warning("Nothing is judged for now. %s", trouble)
    return trouble


if __name__ == "__main__":
    main()
