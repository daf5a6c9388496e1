"""Which decided scans a session may keep, and whose they are, without a browser."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from pydicom import dcmread

from pages.parts.keeping_form import _ask_whose
from pages.parts.kept_scans import decided_scans, keep_scans
from pages.parts.sharing import LOOKED
from pages.parts.uploaded_scan import Models, UploadedScan
from pages.parts.uploads import DroppedFile, UploadBudget, Uploads
from pages.parts.whose_scans import forget_whose
from tests.conftest import Configure
from vmcore.clinic import AUDIT_FILE, AuditTrail, Collection, SubjectNumber
from vmcore.data.phantom import make_phantom, write_dicom, write_png
from vmcore.imaging import ReadLimits
from vmcore.inference import Classifier
from vmcore.reporting.case import assess
from vmcore.reporting.case.assessment import Label


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[DroppedFile]:
    """Two pictures that name nobody, two DICOM files of one patient, and one of an examination alone."""
    place, made = tmp_path_factory.mktemp("dropped"), []
    for at in range(5):
        phantom = make_phantom(12.0, at, shape=(120, 160))
        if at < 2:
            data = write_png(place / f"{at}.png", phantom).read_bytes()
        else:
            header = dcmread(write_dicom(place / f"{at}.dcm", phantom))
            header.PatientID = "17" if at < 4 else ""
            stream = io.BytesIO()
            header.save_as(stream)
            data = stream.getvalue()
        made.append(DroppedFile(str(at), "scan", lambda data=data: data))
    return made


@pytest.fixture(scope="module")
def models(small_bundle: Path) -> Models:
    return Models(Classifier.load(small_bundle))


@pytest.fixture(autouse=True)
def session(configured: Configure, tmp_path: Path) -> Iterator[None]:
    configured(store=str(tmp_path / "store"))
    st.session_state.clear()
    yield
    st.session_state.clear()


def judged(models: Models, dropped: list[DroppedFile]) -> Uploads:
    uploads = Uploads(ReadLimits(), UploadBudget(10, 100, 100))
    uploads.join()
    uploads.sync(dropped)
    uploads.judge(models)
    assert uploads.work.wait(120)
    return uploads


def decide(uploaded: UploadedScan, label: Label = "normal", *, look: bool = True) -> None:
    (answer,) = uploaded.answers.values()
    made = assess("corrected", label=label, person="anna", reason="it is")
    uploaded.assessments[uploaded.answer_key(answer)] = made
    if look:
        st.session_state.setdefault(LOOKED, set()).add(uploaded.digests[answer.frame])


def test_what_was_decided_and_looked_at_is_kept_once_and_noted(
    models: Models, files: list[DroppedFile], tmp_path: Path
) -> None:
    uploads, collection = judged(models, files), Collection()
    assert decided_scans(uploads, models, collection) == []
    assert not collection.folder.parent.exists()  # asking makes no key
    for uploaded in uploads.scans:
        decide(uploaded, look=uploaded.number != 4)
    found = decided_scans(uploads, models, collection)
    assert [one.ready for one in found] == [True, True, True, False, True]
    assert "looked" in str(found[3].why_not)
    with pytest.raises(ValueError, match="Nobody has looked"):
        keep_scans(found[3:4], uploads, models, collection)
    ready = [one for one in found if one.ready]
    with pytest.raises(ValueError, match="more than one patient"):  # of which the pictures may be
        keep_scans(ready, uploads, models, collection)
    assert not collection.rows()
    keep_scans(ready, uploads, models, collection, "another")
    again = decided_scans(uploads, models, collection)
    assert [one.kept is not None for one in again] == [True, True, True, False, True]
    subjects = [one.kept[1] for one in again if one.kept]
    assert subjects[0] == subjects[1]  # what lay together
    assert len(set(subjects)) == 3
    keep_scans([one for one in again if one.kept], uploads, models, collection)
    trail = AuditTrail(tmp_path / "store" / AUDIT_FILE)
    assert [entry.event.action for entry in trail.entries()] == ["kept"] * 4
    decide(uploads.scans[0], "ventriculomegaly")
    changed = decided_scans(uploads, models, collection)[0]
    assert changed.ready  # it is kept, but as something else
    (said,) = keep_scans([changed], uploads, models, collection)
    assert said.said == "It was kept as normal, and is kept as ventriculomegaly now."


def test_examinations_that_come_one_after_the_other_are_two_and_together_one(
    models: Models, files: list[DroppedFile]
) -> None:
    collection = Collection()
    for dropped in (files[:1], files[1:2]):
        uploads = judged(models, dropped)
        decide(uploads.scans[0])
        keep_scans(decided_scans(uploads, models, collection), uploads, models, collection)
    rows = list(collection.rows().values())
    assert len({row.subject_id for row in rows}) == 2
    assert {row.subject_known for row in rows} == {"false"}
    st.session_state.clear()
    both = judged(models, files[:2])  # together in another session: so they are of one fetus
    for uploaded in both.scans:
        decide(uploaded)
    found = decided_scans(both, models, collection)
    keep_scans(found, both, models, collection)
    assert len({row.subject_id for row in collection.rows().values()}) == 1


def test_a_scan_that_was_given_to_the_wrong_fetus_can_be_given_to_another(
    models: Models, files: list[DroppedFile]
) -> None:
    collection = Collection()
    wrong = SubjectNumber("S-wrong", "S-wrong")
    uploads = judged(models, files[:1])
    decide(uploads.scans[0])
    found = decided_scans(uploads, models, collection)
    (first,) = keep_scans(found, uploads, models, collection, wrong)
    assert first.subject == "S-wrong"
    collection.remove(images=[first.image])
    forget_whose(uploads.scans[0])
    (second,) = keep_scans(found, uploads, models, collection)
    assert second.subject != "S-wrong"
    assert [row.subject_known for row in collection.rows().values()] == ["false"]


def test_the_same_picture_with_both_labels_is_not_kept(
    models: Models, files: list[DroppedFile]
) -> None:
    twice = [files[0], DroppedFile("again", "scan", files[0].content)]
    uploads = judged(models, twice)
    decide(uploads.scans[0], "normal")
    decide(uploads.scans[1], "ventriculomegaly")
    found = decided_scans(uploads, models, Collection())
    assert all("both labels" in str(one.why_not) for one in found)
    assert not any(one.ready for one in found)


def test_a_picture_beside_the_files_of_one_patient_counts_as_theirs_until_it_says_otherwise(
    models: Models, files: list[DroppedFile]
) -> None:
    uploads, collection = judged(models, [files[0], files[2]]), Collection()
    for uploaded in uploads.scans:
        decide(uploaded)
    keep_scans(decided_scans(uploads, models, collection), uploads, models, collection)
    rows = collection.rows().values()
    assert len({row.subject_id for row in rows}) == 1
    assert sorted(bool(row.own_subject) for row in rows) == [False, True]


def test_nothing_says_whose_a_picture_is_before_every_file_of_the_list_is_read(
    models: Models, files: list[DroppedFile]
) -> None:
    uploads, collection = Uploads(ReadLimits(), UploadBudget(10, 100, 100)), Collection()
    uploads.join()
    uploads.sync([files[0], files[2], files[4]])
    uploads.models = models
    for uploaded in uploads.scans[:2]:  # the third, of another patient, waits
        uploads.judge_now(uploaded)
    decide(uploads.scans[0])
    found = decided_scans(uploads, models, collection)
    assert _ask_whose(found, uploads, collection) == (None, False)
    with pytest.raises(ValueError, match="not read yet"):
        keep_scans(found, uploads, models, collection)
    uploads.judge_now(uploads.scans[2])
    assert _ask_whose(found, uploads, collection) == (None, False)  # of which of the two patients
    with pytest.raises(ValueError, match="more than one patient"):
        keep_scans(found, uploads, models, collection)
    assert not collection.rows()


def test_a_person_says_of_which_of_two_patients_a_picture_is(
    models: Models, files: list[DroppedFile]
) -> None:
    uploads, collection = judged(models, [files[0], files[2], files[4]]), Collection()
    for uploaded in uploads.scans:
        decide(uploaded)
    found = decided_scans(uploads, models, collection)
    keep_scans(found, uploads, models, collection, uploads.scans[2])
    kept = [one.kept for one in decided_scans(uploads, models, collection)]
    picture, first, second = (one[1] for one in kept if one is not None)
    assert picture == second != first
    st.session_state.clear()  # another session, in which a decision is another one by now
    again = judged(models, [files[0], files[2], files[4]])
    decide(again.scans[0], "ventriculomegaly")
    changed = decided_scans(again, models, collection)
    (said,) = keep_scans(changed, again, models, collection)  # whose it is was said before
    assert (said.state, said.subject) == ("replaced", picture)


def test_a_decision_that_changed_after_it_was_kept_can_be_kept_and_a_rejected_one_taken_out(
    models: Models, files: list[DroppedFile]
) -> None:
    uploads, collection = judged(models, files[:1]), Collection()
    (uploaded,) = uploads.scans
    decide(uploaded)
    keep_scans(decided_scans(uploads, models, collection), uploads, models, collection)
    (same,) = decided_scans(uploads, models, collection)
    assert (same.changed, same.ready) == (False, False)
    uploaded.gestational_weeks = 21.5
    decide(uploaded)  # of an answer that knows the age
    (aged,) = decided_scans(uploads, models, collection)
    assert (aged.changed, aged.ready) == (True, True)
    keep_scans([aged], uploads, models, collection)
    assert [row.gestational_age_weeks for row in collection.rows().values()] == ["21.50"]
    (answer,) = uploaded.answers.values()
    key = uploaded.answer_key(answer)
    wider = assess("corrected", label="normal", width_mm=9.1, person="anna", reason="it is")
    uploaded.assessments[key] = wider
    (wide,) = decided_scans(uploads, models, collection)
    assert wide.ready
    keep_scans([wide], uploads, models, collection)
    assert [row.atrial_width_mm for row in collection.rows().values()] == ["9.1"]
    uploaded.assessments[key] = assess("rejected", label=None, person="anna", reason="too poor")
    (rejected,) = decided_scans(uploads, models, collection)
    assert rejected.kept is not None  # so that it can be taken out
    assert rejected.changed
    assert not rejected.ready
