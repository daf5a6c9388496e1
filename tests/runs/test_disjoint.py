"""What a run says its parts are disjoint by, where subjects are known and where they are not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.runs.support import finished_run, small_plan
from vmcore.data import StoredStudy, prepare_study
from vmcore.data.phantom import make_phantom, write_png
from vmcore.files import write_atomically
from vmcore.models import load_card
from vmcore.models.bundle_card import CARD_FILE
from vmcore.reporting.review import document, evaluate
from vmcore.runs import (
    RunFolder,
    imported,
    open_reviewed,
    open_store,
    provenance,
    reviewing,
)
from vmcore.runs.disjoint import UNKNOWN_SUBJECTS, split_level


def class_folders(root: Path, known: int) -> StoredStudy:
    """Four images of each class, ``known`` of each in a folder of their own."""
    for seed in range(8):
        label, width = (("normal", 6.0), ("vm", 15.0))[seed % 2]
        where = f"{label}/p{seed}" if seed // 2 < known else label
        (root / "scans" / where).mkdir(parents=True, exist_ok=True)
        phantom = make_phantom(width, seed, shape=(120, 160))
        write_png(root / f"scans/{where}/scan{seed}.png", phantom)
    return prepare_study(root / "scans", root / "study", workers=1)


def reported(reviewed: reviewing.Reviewed) -> str:
    return document(evaluate(reviewed.operating(), provenance(reviewed)))


@pytest.mark.long
@pytest.mark.parametrize(
    ("known", "level", "words"),
    [
        (4, "subject", "Folds and test are disjoint by subject."),
        (1, "subject where known", "Split by subject only where it is known: 6 images name no"),
        (0, "image", "Split by image: 8 images name no subject"),
    ],
)
def test_a_run_claims_no_more_than_its_study_knew(
    tmp_path: Path, store: Path, known: int, level: str, words: str
) -> None:
    study = class_folders(tmp_path, known)
    run = finished_run(small_plan(study.folder))
    shutil.rmtree(study.folder)  # what the run says does not hang on its study
    reviewed = open_reviewed(run.run_id)
    assert reviewed.split_by == level
    assert reviewed.unknown_subjects == 8 - 2 * known
    text = reported(reviewed)
    assert words in text
    assert ("disjoint by subject" in text) == (known == 4)
    assert ("at most" in text) == (known < 4)
    limits = " ".join(reviewed.card.limits if reviewed.card else ())
    assert ("name no subject; each counts as a fetus of its own" in limits) == (known < 4)
    assert run.read_json("finished.json")["unknown_subjects"] == 8 - 2 * known


@pytest.mark.long
def test_a_run_whose_card_does_not_say_claims_nothing(
    phantom_study: StoredStudy, store: Path
) -> None:
    run: RunFolder = finished_run(small_plan(phantom_study.folder))
    bundle = open_store(store).artifact(run.run_id, "bundle")
    card = load_card(bundle)
    assert card.training_data.pop(UNKNOWN_SUBJECTS) == 0
    write_atomically(bundle / CARD_FILE, card.model_dump_json())
    reviewed = open_reviewed(run.run_id)
    assert reviewed.split_by == "unknown"
    assert "disjoint by subject" not in reported(reviewed)


def test_predictions_without_subjects_are_not_called_disjoint() -> None:
    rows = [f"i{number},{number % 2},0.{number % 9},{{}}\n" for number in range(12)]
    text = "image,label,probability,split\n" + "".join(rows)
    splits = ["validation"] * 6 + ["test"] * 6
    without = imported(text.format(*splits).encode())
    assert (without.split_by, without.unknown_subjects) == ("unknown", 12)
    said = reported(without)
    assert "disjoint by subject" not in said
    assert "Not known: 12 images name no subject, and one fetus may stand on both sides." in said
    assert "at most 6 subjects" in said
    named = text.replace("split\n", "split,subject\n").replace("{}\n", "{},s\n")
    assert imported(named.format(*splits).encode()).unknown_subjects == 0


@pytest.mark.parametrize(
    ("asked", "unknown", "expected"),
    [
        ("subject", 0, "subject"),
        ("subject", 3, "subject where known"),
        ("subject", 10, "image"),
        ("subject", None, "unknown"),
        ("image", 0, "image"),
        ("image", None, "image"),
        ("None", 0, "unknown"),
    ],
)
def test_the_level_follows_from_what_was_asked_and_known(
    asked: str, unknown: int | None, expected: str
) -> None:
    assert split_level(asked, unknown, 10) == expected
