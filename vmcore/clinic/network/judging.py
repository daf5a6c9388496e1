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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vmcore.anatomy import AnatomyError, AnatomyModel
from vmcore.clinic.audit import AUDIT_FILE, AuditError, AuditTrail, Event, answered, exported
from vmcore.clinic.network.answers import Answer, Answers, Judged, answer_of
from vmcore.clinic.network.inbox import Inbox
from vmcore.clinic.network.outbox import Outbox
from vmcore.clinic.network.quiet import say_nothing_of_images
from vmcore.clinic.network.running import JUDGING_LOCK
from vmcore.file_modes import keep_private
from vmcore.files import expanded
from vmcore.imaging import BusyError, ScanError, read_sandboxed, read_source_sandboxed
from vmcore.inference import Classifier, analyse
from vmcore.models import BundleError, bundle_digest
from vmcore.reporting.case import ReportedCase
from vmcore.resting import keep_until_idle, rest_idle
from vmcore.runs import RunError, bundle_in_use
from vmcore.runs.locks import hold
from vmcore.settings import Settings, settings

log = logging.getLogger(__name__)

PERSON = "node"
"""Who is named in the audit trail."""
_PAUSE_S = 1.0
_NICENESS = 5
_DONE = {Judged.ANSWERED, Judged.REFUSED, Judged.FAILED}
_FAILED = "It cannot be analysed; the node's log says why."
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

    def round(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Judge everything that waits, the oldest first; how many were judged.

        Args:
            go_on: asked before each of them.

        Raises:
            BundleError, RunError, AnatomyError: no model can be loaded; everything goes on waiting.
            BusyError: this machine cannot read files just now; so does what is left.
        """
        paths = self.inbox.instances()
        self.answers.keep_only(path.name for path in paths)
        known = self.answers.all()
        waiting = [
            path
            for path in reversed(paths)
            if path.name not in known or known[path.name].state not in _DONE
        ]
        done = 0
        for path in waiting:
            if not go_on():
                break
            self._load()
            if self.answers.begin(path.name):
                try:
                    answer = self._judged(path)
                except BusyError:
                    self.answers.put_back(path.name)
                    raise
                if path.exists():  # else it was purged meanwhile, and its answer with it
                    self.answers.keep(answer)
            done += 1
        return done

    def _load(self) -> None:
        bundle = bundle_in_use().bundle
        if self.classifier is None or self.classifier.digest != bundle_digest(bundle):
            self.classifier = Classifier.load(bundle, device=self.configured.device)
        if self.anatomy is None:
            self.anatomy = AnatomyModel.load(self.configured.anatomy)

    def _judged(self, path: Path) -> Answer:
        try:
            content = path.read_bytes()
            case = self._case(content)
            # in line before the answer is kept, so that a restart between both sends it once
            sent = self._put_in_line(path.name, case, content)
            self._note(answered(case, PERSON))
            return answer_of(path.name, case, sent)
        except FileNotFoundError:
            return Answer(path.name, Judged.REFUSED, 1, _GONE)
        except BusyError:
            raise
        except ScanError as error:
            return Answer(path.name, Judged.REFUSED, 1, str(error))
        except Exception as error:  # its text and trace may quote the image
            log.error("An image could not be judged (%s).", type(error).__name__)  # noqa: TRY400
            return Answer(path.name, Judged.FAILED, 1, _FAILED)

    def _case(self, content: bytes) -> ReportedCase:
        if self.classifier is None:
            raise RuntimeError("No model is loaded.")
        scan = read_sandboxed(content, limits=self.configured.read_limits())
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
        except BusyError:
            raise
        except (ScanError, StudyError) as error:
            return f"Nothing is sent. {error}"
        for destination in self.configured.node_send_to:
            if self.outbox.add(objects, destination, origin=name):
                self._note(exported(case, PERSON, "dicom", with_identity=True))
        return f"{len(objects)} objects for {', '.join(self.configured.node_send_to)}."

    def _note(self, event: Event) -> None:
        if not self.configured.audit:
            return
        try:
            if self.trail is None:
                self.trail = AuditTrail(expanded(self.configured.store) / AUDIT_FILE)
            self.trail.append(event)
        except AuditError as error:  # as on the page, answers go on
            log.warning("Nothing is recorded. %s", error)


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
    trouble = ""

    def wanted() -> bool:
        return os.getppid() == parent

    while wanted():
        try:
            done = judge.round(wanted)
            if done:
                log.info("Judged: %d.", done)
            trouble = ""
        except (BundleError, RunError, AnatomyError, BusyError) as error:
            trouble = _said(str(error), trouble)
        except (sqlite3.Error, OSError) as error:
            trouble = _said(f"The store cannot be used ({type(error).__name__}).", trouble)
        rest_idle()
        time.sleep(_PAUSE_S)


def _said(trouble: str, before: str) -> str:
    if trouble != before:  # said once, not at every round
        log.warning("Nothing is judged for now. %s", trouble)
    return trouble


if __name__ == "__main__":
    main()
