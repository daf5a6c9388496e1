"""The form by which decided scans are kept for training: this one, or all that are ready; or taken out."""

from __future__ import annotations

from collections import Counter, defaultdict

import streamlit as st

from pages.parts.kept_scans import Decided, decided_scans, keep_scans
from pages.parts.plain import plain
from pages.parts.sharing import looked_at
from pages.parts.taking_out import take_out
from pages.parts.uploaded_scan import Models, UploadedScan
from pages.parts.uploads import Uploads
from pages.parts.whose_scans import (
    SEVERAL,
    UNREAD,
    Whose,
    are_unread,
    forget_whose,
    named_in_list,
)
from vmcore.clinic import (
    Collection,
    CollectionError,
    Kept,
    NotKeptError,
    SubjectNumber,
)
from vmcore.imaging import ScanError
from vmcore.reporting.case import ReportedCase
from vmcore.runs import RunError

_SAID = "said of keeping"
_NEW = "one fetus: all that lie in this list"
_THEIRS = "of the patient whom the list's DICOM files name"
_ANOTHER = "of another fetus, which none of the list's files names"


def draw_form(uploads: Uploads, uploaded: UploadedScan, case: ReportedCase, models: Models) -> None:
    """Draw it, folded up; nothing where nothing is decided about these models' answers."""
    collection = Collection()
    try:
        decided = decided_scans(uploads, models, collection)
        if not decided:
            return
        with st.popover("Keep for training", icon=":material/school:"):
            _draw(decided, uploads, uploaded, case.analysis.frame, models, collection)
    except (ScanError, NotKeptError, CollectionError, RunError) as error:
        st.error(plain(error), icon=":material/error:")


def _draw(
    decided: list[Decided], uploads: Uploads, uploaded: UploadedScan, frame: int, models: Models,
    collection: Collection,
) -> None:  # fmt: skip
    st.caption(
        "The cleaned picture, what you called it and what is known of plane, age and device stay in the "
        "store, for models to learn from. In place of the patient's number stands one that only this "
        "installation can make; no name and no date is kept. Subjects are told apart by the patient's number "
        "and its issuer; where a file names none, or a placeholder such as ANONYMOUS or 0, by its examination."
    )
    ready = [one for one in decided if one.ready]
    kept = sum(one.kept is not None for one in decided)
    st.markdown(f"**{len(decided)}** decided · **{len(ready)}** ready · **{kept}** kept")
    for sentence in st.session_state.pop(_SAID, ()):
        st.markdown(f":material/info: {sentence}")
    why = defaultdict(list)
    for one in decided:
        if one.why_not and (one.kept is None or one.changed):
            why[one.why_not].append(_name(one))
    for reason, names in why.items():
        st.caption(f"Not ready, scan {', '.join(names)}: {reason}")
    here = next((o for o in decided if o.uploaded is uploaded and o.frame == frame), None)
    if here is not None and here.kept is not None:
        _show_kept(here, collection)
    unkept = here is not None and (here.kept is None or here.changed)
    if here is not None and unkept and here.why_not and "looked" in here.why_not:
        looked_at(f"keep-{uploaded.number}-{frame}", here.picture)
        st.caption("Each scan needs its own tick: open one after the other.")
    same_as, said = _ask_whose(ready, uploads, collection)
    this, all_of_them = st.columns(2)
    one_ready = here is not None and here.ready
    chosen: list[Decided] = []
    unsaid = not said and any(_names_nobody(one, uploads) for one in ready)
    word = "Keep the changed decision" if here is not None and here.changed else "Keep this one"
    blocked = not one_ready or (here is not None and not said and _names_nobody(here, uploads))
    if this.button(word, disabled=blocked, width="stretch", key="keep this") and here is not None:
        chosen = [here]
    if all_of_them.button(
        f"Keep all that are ready ({len(ready)})", disabled=not ready or unsaid, width="stretch",
        key="keep all",
    ):  # fmt: skip
        chosen = ready
    if chosen:
        with st.spinner("Keeping …", show_time=False):
            st.session_state[_SAID] = _words(
                keep_scans(chosen, uploads, models, collection, same_as)
            )
        st.rerun()


def _name(one: Decided) -> str:
    number = str(one.uploaded.number)
    return number if one.uploaded.frames == 1 else f"{number} (frame {one.frame + 1})"


def _names_nobody(one: Decided, uploads: Uploads) -> bool:
    """Whether it is to be said whose a scan is: neither its file nor what is kept of it does."""
    named = {other.key for scans in named_in_list(uploads).values() for other in scans}
    return one.kept is None and one.uploaded.key not in named


def _ask_whose(
    ready: list[Decided], uploads: Uploads, collection: Collection
) -> tuple[Whose | None, bool]:
    """Whose the scans are that name no patient, None where their list says it; and whether that is known."""
    if not any(_names_nobody(one, uploads) for one in ready):
        return None, True
    if are_unread(uploads):
        st.caption(UNREAD)
        return None, False
    rows, named = collection.rows().values(), named_in_list(uploads)
    said: dict[str, Whose | None] = {}
    if len(named) == 1:
        said[_THEIRS] = None
        said[_ANOTHER] = "another"
    elif named:
        for first, *rest in named.values():
            scans = ", ".join(str(one.number) for one in (first, *rest))
            said[f"of the patient of scan {scans}"] = first
        said[_ANOTHER] = "another"
    else:
        said[_NEW] = None
    counts = Counter(row.subject_id for row in rows)
    numbers = {row.subject_id: SubjectNumber(row.subject_id, row.patient_number) for row in rows}
    said |= {f"{one} · {counts[one]} kept": numbers[one] for one in sorted(counts)}
    chosen = st.selectbox(
        "Scans without a patient's number are",
        list(said),
        index=None if len(named) > 1 else 0,
        key=f"whose-{hash(tuple(one.key for one in uploads.files))}",  # asked anew of another list
        placeholder="Choose whose they are",
        help="Pictures that are no DICOM name no patient. All of them in the list count as one fetus, that "
        "of the list's DICOM files where these name one patient, so that none is learnt from and tested on at "
        "once: keep one examination at a time. Where the fetus is kept already, choose its number.",
    )
    if chosen is None:
        st.caption(SEVERAL)
    return (None, False) if chosen is None else (said[chosen], True)


def _show_kept(here: Decided, collection: Collection) -> None:
    image, subject = here.kept or ("", "")
    st.markdown(f":material/check_circle: This one is kept: `{image}`, subject `{subject}`.")
    if here.changed:
        st.markdown(":material/info: What is kept of it is an earlier decision.")
    if st.button("Take it out", icon=":material/undo:", key=f"take-out-{image}"):
        st.session_state[_SAID] = [take_out(collection, image)]
        forget_whose(here.uploaded)
        st.rerun()


def _words(said: list[Kept]) -> list[str]:
    new = sum(one.state in {"new", "replaced"} for one in said)
    same = sum(one.state == "same" for one in said)
    words = [f"{new} kept." if not same else f"{new} kept, {same} were kept before."]
    return words + [plain(one.said) for one in said if one.said]
