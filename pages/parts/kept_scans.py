"""Which of a session's decided scans may be kept for training, and keeping them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pages.parts.recording import Recording
from pages.parts.scan_report import reported_case
from pages.parts.sharing import was_looked_at
from pages.parts.uploaded_scan import Models, UploadedScan
from pages.parts.uploads import Uploads
from pages.parts.whose_scans import (
    Whose,
    are_unread,
    named_in_list,
    remember_whose,
    whose,
)
from vmcore.clinic import (
    Collection,
    Kept,
    SubjectNumber,
    decided_scan,
    why_not_kept,
)
from vmcore.inference import HEATMAP_METHODS
from vmcore.reporting.case import ReportedCase, picture_digest

_AT_ONCE = 8  # whose pixels are held at the same time
_TWICE = "The same picture was decided twice, with both labels; decide which it is first."


@dataclass(frozen=True, slots=True)
class Decided:
    """A decided frame.

    Attributes:
        uploaded: the scan.
        case: the answer and the decision, without pixels.
        picture: the digest of its cleaned pixels.
        kept: under which number and subject the same pixels are kept, whatever was decided, or None.
        changed: whether what is decided now is something else than what is kept of these pixels.
        why_not: why it cannot be kept, or None.
    """

    uploaded: UploadedScan
    case: ReportedCase
    picture: str
    kept: tuple[str, str] | None
    changed: bool
    why_not: str | None

    @property
    def frame(self) -> int:
        """Its number, from 0."""
        return self.case.analysis.frame

    @property
    def ready(self) -> bool:
        """Whether it can be kept and is not, or not with this decision."""
        return (self.kept is None or self.changed) and self.why_not is None


def decided_scans(uploads: Uploads, models: Models, collection: Collection) -> list[Decided]:
    """Every frame of the session's scans that somebody decided about, by scan and frame.

    Raises:
        CollectionError: what is kept cannot be read.
    """
    cases: dict[tuple[int, int], tuple[UploadedScan, ReportedCase, str]] = {}
    for uploaded in uploads.files:
        for key, answer in list(uploaded.answers.items()):
            frame = answer.frame
            if key[:2] != (models.key(frame, "") or (None, None))[:2]:
                continue
            case = reported_case(uploaded, uploaded.in_millimetres(answer), models.classifier)
            if case.assessment is not None and frame in uploaded.digests:
                cases[uploaded.number, frame] = uploaded, case, uploaded.digests[frame]
    rows = collection.rows() if cases else {}
    labels = Counter(picture for picture, _ in {(p, _label(c)) for _, c, p in cases.values()})
    found = []
    for _, (uploaded, case, picture) in sorted(cases.items()):
        row = rows.get(collection.number(picture)) if rows else None
        why = why_not_kept(case, looked=was_looked_at(picture))
        if why is None and labels[picture] > 1:
            why = _TWICE
        kept = None if row is None else (row.image, row.subject_id)
        weeks = uploaded.gestational_weeks
        changed = row is not None and collection.differs(row, case, weeks=weeks)
        found.append(Decided(uploaded, case, picture, kept, changed, why))
    return found


def _label(case: ReportedCase) -> str | None:
    return case.assessment.label if case.assessment else None


def keep_scans(
    chosen: Sequence[Decided],
    uploads: Uploads,
    models: Models,
    collection: Collection,
    same_as: Whose | None = None,
) -> list[Kept]:
    """Keep decided frames for training, and note it in the audit trail.

    Args:
        chosen: frames that are ready.
        uploads: the session's.
        models: whose answers were decided about.
        collection: where they are kept.
        same_as: whose the scans are that name no patient; without it they are of the one patient whom the
            list's files name, and where these name none, all of one fetus, which is new to the collection
            unless their pixels say otherwise.

    Raises:
        ScanError: a file cannot be read again.
        NotKeptError: nobody has looked at a picture, its decision is another one by now, or it is not
            said whose of several patients it is.
        CollectionError, RunError: they cannot be kept, or it is not this person's to do.
    """
    said: list[Kept] = []
    recording = Recording.of_session()
    for start in range(0, len(chosen), _AT_ONCE):
        some = chosen[start : start + _AT_ONCE]
        cases, scans = [], []
        for one in some:
            analysis = uploads.analysis(one.uploaded, models, one.frame, HEATMAP_METHODS[0])
            case = reported_case(one.uploaded, analysis, models.classifier)
            looked = was_looked_at(picture_digest(analysis.clean.image))
            said_of = same_as
            if said_of is None and (are_unread(uploads) or len(named_in_list(uploads)) > 1):
                said_of = _as_kept(one, collection)
            number = whose(one.uploaded, uploads, collection, said_of)
            weeks = one.uploaded.gestational_weeks
            scans.append(decided_scan(case, number, looked=looked, weeks=weeks))
            cases.append(case)
        results = collection.add(scans)
        rows = collection.rows()
        for one, case, scan, result in zip(some, cases, scans, results, strict=True):
            if not scan.subject.known and result.image in rows:
                row = rows[result.image]
                remember_whose(one.uploaded, row.subject_id, row.patient_number)
            if result.state in {"new", "replaced"}:
                recording.kept(case, collection.name, result.image, result.state)
        said += results
    return said


def _as_kept(one: Decided, collection: Collection) -> SubjectNumber | None:
    """Whose a picture is that is kept already; None where it is not (any more)."""
    row = collection.rows().get(one.kept[0]) if one.kept else None
    return None if row is None else SubjectNumber(row.subject_id, row.patient_number, inferred=True)
