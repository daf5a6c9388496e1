"""Decided scans become a study: whose they are stays known, once each, and out again."""

from __future__ import annotations

import getpass
import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from pydicom import Dataset

from tests.canaries import search
from tests.clinic.cases import case
from tests.conftest import Configure
from train import collect
from vmcore import RESEARCH_USE_ONLY
from vmcore.anatomy import HandCalliper
from vmcore.clinic import (
    AUDIT_FILE,
    AuditTrail,
    Collection,
    CollectionError,
    DecidedScan,
    Pseudonyms,
    SubjectNumber,
    collection_names,
    decided_scan,
    kept,
    note_taken_out,
    number_in_header,
    number_of_group,
    take_out,
    why_not_kept,
)
from vmcore.clinic.collecting.picture import picture_in, picture_png
from vmcore.clinic.collecting.rows import merged_subjects
from vmcore.data import ManifestError, prepare_study, read_manifest
from vmcore.data.phantom import make_phantom
from vmcore.imaging import clean_frame, read_scan
from vmcore.reporting.case import ReportedCase, assess, picture_digest
from vmcore.reporting.case.assessment import Label, Outcome
from vmcore.runs import NotAllowedError, Person, identify_by, local_user
from vmcore.runs.regression_set import keep_regression_set
from vmcore.settings import settings

NAMES = {"patient": "Bakudezilora", "number": "Bakude770413", "person": "Bakudevenira"}
MINE = Pseudonyms(bytes(range(32)))


@pytest.fixture(autouse=True)
def own_store(configured: Configure, tmp_path: Path) -> Path:
    configured(store=str(tmp_path / "store"))
    return tmp_path / "store"


def decided(
    seed: int = 0, label: Label = "normal", outcome: Outcome = "accepted", **more: object
) -> ReportedCase:
    one = case(seed)
    person = str(more.pop("person", "anna"))
    reason = "" if outcome == "accepted" else "the classifier is wrong"
    made = assess(outcome, label=label, person=person, reason=reason, **more)  # type: ignore[arg-type]
    return replace(one, assessment=made)


def scan(seed: int = 0, subject: str = "S1", patient: str = "", **more: object) -> DecidedScan:
    return decided_scan(decided(seed, **more), SubjectNumber(subject, patient), looked=True)  # type: ignore[arg-type]


def header(patient: str = "", issuer: str = "", study: str = "") -> Dataset:
    made = Dataset()
    made.PatientName = NAMES["patient"]
    for keyword, value in (
        ("PatientID", patient), ("IssuerOfPatientID", issuer), ("StudyInstanceUID", study),
    ):  # fmt: skip
        if value:
            setattr(made, keyword, value)
    return made


def number(*told: str, **more: str) -> SubjectNumber:
    found = number_in_header(header(*told, **more), MINE)
    assert found is not None
    return found


# what may be kept


def test_only_what_a_person_called_and_looked_at_is_kept() -> None:
    assert "Nobody has decided" in str(why_not_kept(case(), looked=True))
    rejected = replace(
        case(), assessment=assess("rejected", label=None, person="a", reason="too poor")
    )
    assert "rejected" in str(why_not_kept(rejected, looked=True))
    width_alone = replace(
        case(), assessment=assess("corrected", label=None, width_mm=11.0, person="a", reason="it")
    )
    assert "names no finding" in str(why_not_kept(width_alone, looked=True))
    assert "Nobody has looked" in str(why_not_kept(decided(), looked=False))
    assert why_not_kept(decided(), looked=True) is None
    with pytest.raises(ValueError, match="Nobody has looked"):
        decided_scan(decided(), SubjectNumber("S1"), looked=False)


def test_a_width_is_a_persons_never_the_machines() -> None:
    accepted = decided(label="ventriculomegaly", width_mm=14.0)  # the machine's, which was accepted
    assert decided_scan(accepted, SubjectNumber("S"), looked=True).atrial_width_mm is None
    corrected = decided(outcome="corrected", width_mm=9.2)
    assert decided_scan(corrected, SubjectNumber("S"), looked=True).atrial_width_mm == 9.2
    lines = tuple(
        HandCalliper((150.0, 160.0), (158.0, 160.0), 8.0, mm) for mm in (None, 8.04, 10.96)
    )
    by_hand = replace(corrected, hand=lines)
    assert decided_scan(by_hand, SubjectNumber("S"), looked=True).atrial_width_mm == 11.0


@pytest.mark.parametrize("height", [32, 241, 601])
def test_cleaning_gives_back_the_picture_that_was_kept(height: int) -> None:
    image = np.random.default_rng(height).integers(0, 255, (height, 64, 3), np.uint8)
    png = picture_png(image)
    assert np.array_equal(picture_in(png), image)
    read = read_scan(png).frames[0]
    cut = clean_frame(read)
    assert cut.image.shape == image.shape
    assert (read[: cut.offset[0]] == 0).all()
    assert np.array_equal(read[cut.offset[0] :], image)


# whose it is


def test_a_subject_is_a_keyed_number_of_patient_and_issuer() -> None:
    first = number(NAMES["number"], "HOSPITAL")
    assert first == number(f" {NAMES['number']} ", "HOSPITAL")
    assert first.known
    assert first.subject != number(NAMES["number"], "ELSEWHERE").subject
    assert first.patient == number(NAMES["number"], "ELSEWHERE").patient
    assert number("A", "B C").subject != number("A B", "C").subject
    other = number_in_header(header(NAMES["number"], "HOSPITAL"), Pseudonyms(bytes(32)))
    assert other is not None
    assert other.subject != first.subject
    assert NAMES["number"] not in repr(first)


def test_without_a_patient_the_examination_counts_and_without_both_what_came_together() -> None:
    assert number(study="1.2.3") == number(study="1.2.3")
    assert number(study="1.2.3") != number(study="1.2.4")
    assert not number(study="1.2.3").known
    assert number_in_header(header(), MINE) is None
    assert number_of_group("one", MINE) == number_of_group("one", MINE)
    assert number_of_group("one", MINE) != number_of_group("two", MINE)


def subjects() -> dict[str, str]:
    table = read_manifest(Collection().folder / "manifest.csv")
    return dict(zip(table["path"], table["subject_id"], strict=True))


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1)])
def test_a_file_without_issuer_makes_one_subject_of_its_patient(order: tuple[int, ...]) -> None:
    whose = [number("17", "A"), number("17"), number("17", "B")]
    for at in order:
        Collection().add([scan(at, whose[at].subject, whose[at].patient)])
    assert len(set(subjects().values())) == 1
    Collection().add([scan(9, number("18", "A").subject, number("18", "A").patient)])
    assert len(set(subjects().values())) == 2


def test_two_issuers_are_two_patients_as_long_as_every_file_names_one() -> None:
    for at, issuer in enumerate("AB"):
        whose = number("17", issuer)
        Collection().add([scan(at, whose.subject, whose.patient)])
    assert len(set(subjects().values())) == 2


def test_a_picture_that_came_again_tells_whose_the_others_are() -> None:
    collection, known = Collection(), number("17", "A")
    collection.add([scan(0, "S-first"), scan(1, "S-first")])
    again = collection.add([scan(2, "S-second"), scan(1, "S-second"), scan(3, "S-second")])
    assert {one.subject for one in again} == {"S-first"}  # one examination, dropped twice
    assert len(set(subjects().values())) == 1
    collection.add(
        [scan(3, known.subject, known.patient)]
    )  # the same in a file that names its patient
    table = read_manifest(collection.folder / "manifest.csv")
    assert set(table["subject_id"]) == {known.subject}
    assert table["subject_known"].all()
    (refused,) = collection.add([scan(3, number("18", "A").subject, number("18", "A").patient)])
    assert refused.state == "refused"
    assert "another patient" in refused.said


def test_what_was_inferred_gives_way_to_a_files_own_patient() -> None:
    collection, ada, bea = Collection(), number("17", "A"), number("18", "A")
    collection.add([scan(0, "S-group"), scan(1, "S-group")])
    collection.add([scan(1, ada.subject, ada.patient)])  # so picture 0 counts as hers, too
    (own,) = collection.add([scan(0, bea.subject, bea.patient)])
    assert (own.state, own.subject) == ("replaced", bea.subject)
    assert sorted(subjects().values()) == sorted([ada.subject, bea.subject])
    (refused,) = collection.add([scan(0, ada.subject, ada.patient)])
    assert refused.state == "refused"  # two files' own words
    guess = SubjectNumber(ada.subject, ada.patient, inferred=True)
    (said,) = collection.add([decided_scan(decided(0), guess, looked=True)])
    assert said.subject == bea.subject  # a guess does not take it back


def test_patients_of_two_issuers_part_again_once_no_file_without_one_is_kept() -> None:
    collection = Collection()
    whose = [number("17", "A"), number("17"), number("17", "B")]
    said = [collection.add([scan(at, one.subject, one.patient)])[0] for at, one in enumerate(whose)]
    assert len(set(subjects().values())) == 1
    assert merged_subjects(collection.rows().values()) == [whose[1].subject]
    collection.remove(images=[said[1].image])
    assert sorted(subjects().values()) == sorted([whose[0].subject, whose[2].subject])
    assert merged_subjects(collection.rows().values()) == []


@pytest.mark.parametrize(
    "placeholder", ["ANONYMOUS", "0", "000-000", "unknown", "Test", "N/A", "--"]
)
def test_a_placeholder_names_nobody(placeholder: str) -> None:
    assert number_in_header(header(placeholder, "A"), MINE) is None
    assert number(placeholder, study="1.2.3") == number(study="1.2.3")
    assert number("100").known
    assert number("TEST-17").known


# once each, and what changed


def test_the_same_pixels_are_kept_once_and_a_changed_decision_takes_its_place() -> None:
    collection = Collection()
    (first,) = collection.add([scan(1)])
    before = (collection.folder / "manifest.csv").read_bytes()
    (second,) = collection.add([scan(1)])
    assert (first.state, second.state) == ("new", "same")
    assert (collection.folder / "manifest.csv").read_bytes() == before
    (third,) = collection.add([scan(1, label="ventriculomegaly", outcome="corrected")])
    assert third.state == "replaced"
    assert third.said == "It was kept as normal, and is kept as ventriculomegaly now."
    table = read_manifest(collection.folder / "manifest.csv")
    assert table["label"].tolist() == ["ventriculomegaly"]
    assert table["label_from"].tolist() == ["corrected"]
    images = list((collection.folder / "images").iterdir())
    assert len(images) == 1
    files = (*images, collection.folder / "manifest.csv")
    assert len({file.stat().st_mtime for file in files}) == 1  # no time tells when it was kept
    assert files[0].stat().st_mtime < 1e9


def test_contradictory_labels_of_one_picture_are_refused() -> None:
    collection = Collection()
    both = collection.add([scan(1), scan(2), scan(1, label="ventriculomegaly")])
    assert [one.state for one in both] == ["refused", "new", "refused"]
    assert "decided twice" in both[0].said
    (other,) = collection.add([scan(2, label="ventriculomegaly", person="ben")])
    assert other.state == "refused"
    assert "Somebody else called these very pixels normal" in other.said
    assert [row.label for row in collection.rows().values()] == ["normal"]


def test_the_list_says_what_is_known_and_names_nobody(own_store: Path) -> None:
    whose = number(NAMES["number"], "HOSPITAL")
    one = decided(4, "ventriculomegaly", "corrected", width_mm=12.3, person=NAMES["person"])
    Collection().add([decided_scan(one, whose, looked=True, weeks=21.5)])
    (row,) = read_manifest(Collection().folder / "manifest.csv").to_dict("records")
    assert row["label"] == "ventriculomegaly"
    assert (row["gestational_age_weeks"], row["atrial_width_mm"]) == (21.5, 12.3)
    assert (row["device"], row["answered_by"], row["plane_fits"]) == ("Maker One", "b" * 64, True)
    assert row["notice"] == RESEARCH_USE_ONLY
    assert str(datetime.now(UTC).year) not in "".join(map(str, row.values()))
    assert not search([own_store], NAMES)
    png = own_store / "collections/decided-scans" / row["path"]
    pixels = cv2.cvtColor(cv2.imread(str(png)), cv2.COLOR_BGR2RGB)
    assert np.array_equal(pixels[-len(one.analysis.clean.image) :], one.analysis.clean.image)


def test_what_a_crash_left_is_removed_and_what_is_listed_is_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collection = Collection()
    collection.add([scan(1)])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("vmcore.clinic.collecting.collected.rows_as_csv", full)
        with pytest.raises(CollectionError, match="No space left"):
            collection.add([scan(2)])
    assert len(list((collection.folder / "images").iterdir())) == 2  # one that no list names
    assert len(collection.rows()) == 1
    collection.add([scan(1)])
    assert len(list((collection.folder / "images").iterdir())) == 1


def test_who_keep_at_the_same_time_lose_nothing_of_each_other() -> None:
    with ThreadPoolExecutor(4) as people:
        said = list(people.map(lambda at: Collection().add([scan(at), scan(99)]), range(8)))
    assert len(Collection().rows()) == 9
    assert len(list((Collection().folder / "images").iterdir())) == 9
    assert sum(both[1].state == "new" for both in said) == 1


def test_a_damaged_list_is_left_alone_with_a_sentence() -> None:
    collection = Collection()
    collection.add([scan(1)])
    (collection.folder / "manifest.csv").write_text("no list")
    with pytest.raises(CollectionError, match="cannot be read"):
        collection.add([scan(2)])
    assert len(list((collection.folder / "images").iterdir())) == 1


def test_keeping_is_for_who_may_decide() -> None:
    identify_by(lambda: Person("eve", frozenset({"review"})))
    try:
        with pytest.raises(NotAllowedError):
            Collection().add([scan(1)])
        with pytest.raises(NotAllowedError):
            Collection().remove(images=["I1"])
    finally:
        identify_by(local_user)
    assert collection_names() == []


# a study, and out again


def phantom_scan(seed: int, label: Label, subject: str) -> DecidedScan:
    clean = clean_frame(make_phantom(12.0, seed, shape=(160, 200)).image)
    one = decided(seed, label)
    one = replace(one, analysis=replace(one.analysis, clean=clean))
    return decided_scan(one, SubjectNumber(subject, subject), looked=True)


def test_a_collection_is_prepared_as_a_study_and_again_without_what_was_taken_out(
    own_store: Path,
) -> None:
    collection = Collection()
    scans = [
        phantom_scan(1, "normal", "S1"), phantom_scan(2, "ventriculomegaly", "S2"),
        phantom_scan(3, "normal", "S2"),
    ]  # fmt: skip
    said = collection.add(scans)
    folder = own_store / "studies/decided"
    study = prepare_study(collection.folder, folder, workers=1)
    assert sorted(study.table["subject_id"]) == ["S1", "S2", "S2"]
    assert not study.report.lettered
    assert not study.report.unreadable
    removed = collection.remove(subjects=["S2"])
    assert removed == {
        one.image: picture_digest(kept_scan.image)
        for one, kept_scan in zip(said[1:], scans[1:], strict=True)
    }
    assert len(list((collection.folder / "images").iterdir())) == 1
    assert len(prepare_study(collection.folder, folder, workers=1).table) == 1
    assert len(list((folder / "prepared").rglob("*.png"))) == 1
    assert collection.remove(images=[said[0].image]).keys() == {said[0].image}
    assert collection_names() == []
    with pytest.raises(ManifestError):
        prepare_study(collection.folder, folder, workers=1)


def held_against(collection: Collection) -> None:
    """The collection's first picture becomes an old case, as it does when a model is released."""
    (row, *_) = collection.rows().values()
    source = hashlib.sha256((collection.folder / row.path).read_bytes()).hexdigest()
    keep_regression_set([(0, np.zeros((224, 224, 3), np.uint8), source)], "model")


def test_taking_out_that_was_cut_off_can_be_done_again_and_is_noted(
    own_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trail, one, collection = AuditTrail(own_store / AUDIT_FILE), decided(1), Collection()
    (said,) = collection.add([decided_scan(one, number(NAMES["number"]), looked=True)])
    trail.append(kept(one, "anna", collection.name, said.image, said.state))
    held_against(collection)
    old_cases = own_store / "regression/set.json"
    whole = old_cases.read_text()
    old_cases.write_text("damaged")
    with pytest.raises(SystemExit, match="old cases"):
        collect.main(remove=(said.image,))
    assert list(collection.rows()) == [said.image]
    assert len(list((collection.folder / "images").iterdir())) == 1
    old_cases.write_text(whole)
    collect.main(remove=(said.image,))
    assert "1 pictures were taken out" in capsys.readouterr().out
    assert not list(old_cases.parent.glob("*.*")), "no copy stays with the old cases"
    assert [entry.event.action for entry in trail.entries()] == ["kept", "taken out"]


def test_a_picture_that_left_the_list_is_noted_even_where_its_file_cannot_be_removed(
    own_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail, one, collection = AuditTrail(own_store / AUDIT_FILE), decided(1), Collection()
    (said,) = collection.add([decided_scan(one, number(NAMES["number"]), looked=True)])
    trail.append(kept(one, "anna", collection.name, said.image, said.state))

    def stuck(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Collection, "_sweep", stuck)
        with pytest.raises(CollectionError, match="has forgotten 1 of the pictures"):
            take_out(collection, [said.image], lambda: trail)
    assert [entry.event.action for entry in trail.entries()] == ["kept", "taken out"]
    collection.remove(images=[said.image])
    assert not list((collection.folder / "images").iterdir())


def test_an_old_case_whose_removal_was_cut_off_is_found_again(
    monkeypatch: pytest.MonkeyPatch, own_store: Path
) -> None:
    collection = Collection()
    collection.add([scan(1)])
    held_against(collection)

    def stuck(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", stuck)
        with pytest.raises(CollectionError, match="Permission denied"):
            collection.remove(images=list(collection.rows()))
    assert len(collection.rows()) == 1
    collection.remove(images=list(collection.rows()))
    assert not list((own_store / "regression").glob("*.*"))


def test_installations_that_read_some_folders_only_read_their_own_collections(
    configured: Configure, tmp_path: Path, own_store: Path
) -> None:
    (tmp_path / "allowed").mkdir()
    Collection().add([phantom_scan(1, "normal", "S1")])
    configured(readable_roots=f'["{tmp_path / "allowed"}"]')
    study = prepare_study(Collection().folder, own_store / "studies/x", workers=1)
    assert len(study.table) == 1
    with pytest.raises(ManifestError, match="VMCORE_READABLE_ROOTS"):
        prepare_study(own_store / "studies", own_store / "studies/y", workers=1)


def test_the_trail_notes_what_was_kept_and_taken_out(own_store: Path) -> None:
    trail, one = AuditTrail(own_store / AUDIT_FILE), decided(1)
    (said,) = Collection().add([decided_scan(one, number(NAMES["number"]), looked=True)])
    trail.append(kept(one, "anna", "decided-scans", said.image, said.state))
    assert note_taken_out(trail, "ben", "decided-scans", [said.image, "I-never"]) == 1
    first, second = (entry.event for entry in trail.entries())
    assert (first.action, first.decision, first.person) == ("kept", "accepted", "anna")
    assert first.pixels == picture_digest(one.analysis.clean.image)
    assert first.details["label"] == "normal"
    assert (second.action, second.person, second.pixels) == ("taken out", "ben", first.pixels)
    assert trail.check() == []
    assert said.subject.encode() not in (own_store / AUDIT_FILE).read_bytes()


def test_the_command_lists_says_whose_and_takes_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    collect.main()
    assert "No scan has been kept" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no collection called other"):
        collect.main("other", whose=True)
    assert not list(settings().store.glob("collections/*"))  # and no key was made
    mine = number_in_header(header("17", "A"), Collection().pseudonyms)
    assert mine is not None
    Collection().add([scan(1, mine.subject, mine.patient), scan(2, "S-other", "S-other")])
    collect.main()
    assert "normal: 2 images of 2 subjects" in capsys.readouterr().out
    answers = iter(["17", "A"])
    monkeypatch.setattr(getpass, "getpass", lambda _: next(answers))
    collect.main(whose=True)
    assert f"{mine.subject}: 1 pictures" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="1 of these numbers"):
        collect.main(remove=("I-nothing",))
    collect.main(remove=(mine.subject,))
    told = capsys.readouterr().out
    assert "1 pictures were taken out" in told
    assert "does not know that 1 of them" in told
    assert {row.subject_id for row in Collection().rows().values()} == {"S-other"}
    assert isinstance(pd.read_csv(Collection().folder / "manifest.csv"), pd.DataFrame)
    assert (settings().store / "collections/decided-scans.key").stat().st_mode & 0o077 == 0
