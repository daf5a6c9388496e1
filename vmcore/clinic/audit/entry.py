"""What the audit trail says of one event: an answer, a decision about it, or something taken away.

It holds numbers and digests, and the name of who was at the page; nothing of a patient, neither pixels
nor free text, in which people write names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from vmcore.inference import Analysis
from vmcore.reporting.case import REASONS, Assessment, ReportedCase, case_verdict, picture_digest

Action = Literal[
    "answered",
    "assessed",
    "exported",
    "kept",
    "taken out",
    "asked archive",
    "fetched",
    "not recorded",
]
ACTIONS: tuple[Action, ...] = get_args(Action)
GENESIS = "0" * 64
"""What the first entry names as the hash before it."""
OF_ARCHIVES: tuple[Action, ...] = ("asked archive", "fetched", "not recorded")
"""Actions that are about no picture: their entries have no digest and no label, and zero for every number."""
_OWN_WORDS = "in their own words"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened.

    Attributes:
        person: who was at the page.
        action: a frame was answered, an answer assessed by a person, something taken away, or a cleaned
            picture kept for training, or taken out of what is kept; an archive asked, or images fetched from
            it, or events lost (:data:`OF_ARCHIVES`).
        pixels: SHA-256 of the frame's cleaned picture (:func:`vmcore.reporting.case.picture_digest`).
        bundle: the classifier's digest; ``anatomy``: the anatomy model's. None where they have none.
        threshold: from where on the classifier calls it ventriculomegaly, 0..1.
        label: what the classifier called it; ``probability``: of ventriculomegaly, 0..1.
        width_mm: the measured width, or None.
        withheld: whether no verdict was given.
        in_domain: whether the classifier knows such pictures; None where it cannot tell.
        device: the scanner's manufacturer and model, or None.
        decision: accepted, corrected or rejected, where a person decided.
        details: more of it, JSON's own types; no free text.
        at: when, UTC.
    """

    person: str
    action: Action
    pixels: str
    bundle: str | None
    anatomy: str | None
    threshold: float
    label: str
    probability: float
    width_mm: float | None
    withheld: bool
    in_domain: bool | None
    device: str | None
    decision: str | None
    details: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in its place in the chain.

    Attributes:
        sequence: its number, from 1, without a gap.
        event: what happened.
        previous: the hash of the entry before it; :data:`GENESIS` for the first.
        hash: SHA-256 over all of that.
    """

    sequence: int
    event: Event
    previous: str
    hash: str


def answered(case: ReportedCase, person: str, pixels: str | None = None) -> Event:
    """A frame was answered.

    Args:
        case: the answer.
        person: who was at the page.
        pixels: the cleaned picture's digest, where the case does not hold the picture any more.
    """
    analysis = case.analysis
    said, atrium = case_verdict(case), analysis.anatomy and analysis.anatomy.atrium
    prediction = analysis.prediction
    if pixels is None and not analysis.clean.image.size:
        raise ValueError("An answer without its picture needs the picture's digest.")
    return Event(
        person, "answered", pixels or picture_digest(analysis.clean.image), analysis.bundle_digest,
        analysis.anatomy_digest, float(prediction.threshold), prediction.label,
        float(prediction.probability),
        None if not atrium or atrium.width_mm is None else float(atrium.width_mm),
        said.tone == "withheld", prediction.in_domain, analysis.scan.device, None,
        _more(analysis, said.headline), datetime.now(UTC),
    )  # fmt: skip


def assessed(case: ReportedCase, assessment: Assessment) -> Event:
    """A person decided about an answer; the comment stays out, and a reason that is none of the list's."""
    details = {
        "label": assessment.label,
        "width_mm": assessment.width_mm,
        "reason": _countable(assessment.reason),
        "commented": bool(assessment.comment),
    }
    event = answered(case, assessment.person)
    return replace(
        event, action="assessed", decision=assessment.outcome, at=assessment.at.astimezone(UTC),
        details={**event.details, "decided": details},
    )  # fmt: skip


def exported(case: ReportedCase, person: str, kind: str, *, with_identity: bool = False) -> Event:
    """An answer was taken away, as "pdf", "png" or "csv", with the patient's name or without."""
    event = answered(case, person)
    outcome = case.assessment.outcome if case.assessment else None
    return replace(
        event, action="exported", decision=outcome,
        details={**event.details, "kind": kind, "with_identity": with_identity},
    )  # fmt: skip


def kept(case: ReportedCase, person: str, collection: str, image: str, state: str) -> Event:
    """A cleaned picture and a person's label were kept for training; whose it is stays out.

    Args:
        case: the answer, with its picture, and what was decided about it.
        person: who kept it.
        collection: where.
        image: its number there.
        state: whether it was new, or took the place of what was kept of the same pixels.
    """
    event = answered(case, person)
    decided = case.assessment
    told = {"collection": collection, "image": image, "state": state}
    return replace(
        event, action="kept", decision=decided.outcome if decided else None,
        details={**event.details, **told, "label": decided.label if decided else None},
    )  # fmt: skip


def taken_out(before: Event, person: str) -> Event:
    """A kept picture was taken out again.

    Args:
        before: the event that says that it was kept.
        person: who took it out.
    """
    return replace(before, action="taken out", person=person, at=datetime.now(UTC))


def asked_archive(person: str, archive: str, what: str, found: int | None) -> Event:
    """An archive was asked; what was looked for stays out, for it is somebody's name or number.

    Args:
        person: who asked.
        archive: its name in the settings.
        what: "studies" or "images".
        found: how many it has of what was asked for; None where it did not say.
    """
    return _of_archive("asked archive", person, {"archive": archive, "what": what, "found": found})


def fetched(person: str, archive: str, new: int, same: int, failed: int) -> Event:
    """Images were fetched from an archive into the inbox; which ones stays out.

    Args:
        person: who fetched them.
        archive: its name in the settings.
        new: how many came.
        same: how many had come before.
        failed: how many were not fetched.
    """
    told = {"archive": archive, "new": new, "same": same, "failed": failed}
    return _of_archive("fetched", person, told)


def not_recorded(person: str, events: int) -> Event:
    """So many events could not be noted before, and are lost."""
    return _of_archive("not recorded", person, {"events": events})


def _of_archive(action: Action, person: str, details: Mapping[str, Any]) -> Event:
    return Event(
        person, action, "", None, None, 0.0, "", 0.0, None, False, None, None, None, details,
        datetime.now(UTC),
    )  # fmt: skip


def _more(analysis: Analysis, headline: str) -> dict[str, Any]:
    folds = [float(value) for value in analysis.prediction.fold_probabilities]
    return {"frame": analysis.frame + 1, "verdict": headline, "folds": folds}


def _countable(reason: str) -> str:
    return reason if reason in REASONS else (_OWN_WORDS if reason else "")


def chained(event: Event, sequence: int, previous: str) -> Entry:
    """An event in its place, with the hash that says so."""
    return Entry(sequence, event, previous, entry_hash(event, sequence, previous))


def entry_hash(event: Event, sequence: int, previous: str) -> str:
    """SHA-256, in hexadecimal, over an entry's fields as JSON with sorted keys, and the hash before it."""
    content = {**row_of(event), "sequence": sequence, "previous": previous}
    return hashlib.sha256(
        json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    ).hexdigest()


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(Event))


def row_of(event: Event) -> dict[str, Any]:
    """An event as it lies in the database."""
    flags = {
        name: None if (value := getattr(event, name)) is None else int(value)
        for name in ("withheld", "in_domain")
    }
    details = json.dumps(dict(event.details), sort_keys=True, ensure_ascii=True)
    return asdict(event) | flags | {"details": details, "at": event.at.isoformat()}


def event_of(row: Mapping[str, Any]) -> Event:
    """The event of a row.

    Raises:
        ValueError: the row holds what no event can.
    """
    details = json.loads(row["details"])
    if not isinstance(details, dict):
        raise ValueError("The details of an entry are names and values.")  # noqa: TRY004  of a row
    flags = {
        name: None if row[name] is None else bool(row[name]) for name in ("withheld", "in_domain")
    }
    kept = {name: row[name] for name in FIELDS} | flags
    return Event(**kept | {"details": details, "at": datetime.fromisoformat(row["at"])})
