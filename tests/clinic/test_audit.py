"""The audit trail: it only grows, from many processes at once, and tells what was done to it."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.clinic.cases import case
from tests.conftest import ROOT
from vmcore.clinic import (
    AuditError,
    AuditTrail,
    answered,
    assessed,
    audit_csv,
    audit_table,
    exported,
)
from vmcore.reporting.case import REASONS, assess, picture_digest

GUARDS = ("no_update", "no_delete", "in_order")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trail of six entries, to be copied."""
    trail = AuditTrail(tmp_path_factory.mktemp("trail") / "audit.db")
    for seed in range(6):
        trail.append(answered(case(seed), "anna"))
    return trail.file.parent


@pytest.fixture
def file(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "copy")) / "audit.db"


def tampered(file: Path, *statements: str) -> list[str]:
    """What a check says after somebody took the guards off and changed the database."""
    with closing(sqlite3.connect(file)) as database, database:
        guards = [
            row[0] for row in database.execute("SELECT sql FROM sqlite_master WHERE type='trigger'")
        ]
        for name in GUARDS:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert database.execute(statement).rowcount > 0
        for guard in guards:
            database.execute(guard)
    return AuditTrail(file).findings


def test_an_untouched_trail_has_no_findings(file: Path) -> None:
    trail = AuditTrail(file)
    assert trail.findings == []
    entries = trail.entries()
    assert [entry.sequence for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert [entry.previous for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    newest = trail.newest()
    assert newest is not None
    assert (newest.sequence, newest.hash) == (6, entries[-1].hash)


def test_the_trail_has_a_write_ahead_log_that_is_gone_when_nobody_has_it_open(file: Path) -> None:
    AuditTrail(file).append(answered(case(7), "anna"))
    beside = {path.name for path in file.parent.iterdir()}
    assert beside <= {"audit.db", "audit.db.newest", "audit.db.lock"}
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_hash_is_sha_256_over_the_row_as_anybody_can_compute_it(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.row_factory = sqlite3.Row
        rows = [dict(row) for row in database.execute("SELECT * FROM entries ORDER BY sequence")]
    for row in rows:
        said = row.pop("hash")
        text = json.dumps(row, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == said


def test_pixels_are_known_by_their_digest_alone() -> None:
    one = case(3)
    image = one.analysis.clean.image
    said = hashlib.sha256(b"240 320 " + image.tobytes()).hexdigest()
    assert answered(one, "anna").pixels == said
    assert answered(case(4), "anna").pixels != said
    turned = np.ascontiguousarray(image.reshape(320, 240, 3))  # the same bytes
    assert picture_digest(turned) != said


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET label = 'normal' WHERE sequence = 2",
        "DELETE FROM entries WHERE sequence = 2",
        "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE sequence = 2",
    ],
)
def test_the_database_itself_refuses_changes(file: Path, statement: str) -> None:
    with (
        closing(sqlite3.connect(file)) as database,
        pytest.raises(sqlite3.IntegrityError, match=r"entries (stay|follow)"),
    ):
        database.execute(statement)
    assert AuditTrail(file).findings == []


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["UPDATE entries SET width_mm = 9.0 WHERE sequence = 3"], ["Entry 3 was changed"]),
        (["UPDATE entries SET person = 'ben' WHERE sequence = 6"], ["Entry 6 was changed"]),
        (["UPDATE entries SET details = 'no json' WHERE sequence = 2"], ["Entry 2 was changed"]),
        (["DELETE FROM entries WHERE sequence = 3"], ["Entry 3 is missing"]),
        (["DELETE FROM entries WHERE sequence IN (1, 2)"], ["Entries 1 to 2 are missing"]),
        (["DELETE FROM entries WHERE sequence > 4"], ["cut off: it ends with entry 4, but entry 6"]),
        (["DELETE FROM entries"], ["cut off: it ends with entry 0, but entry 6"]),
        (
            [
                "UPDATE entries SET sequence = 99 WHERE sequence = 2",
                "UPDATE entries SET sequence = 2 WHERE sequence = 3",
                "UPDATE entries SET sequence = 3 WHERE sequence = 99",
            ],
            ["Entry 2 was changed", "Entry 3 was changed", "Entry 4 does not follow"],
        ),
    ],
)  # fmt: skip
def test_what_was_done_to_a_trail_is_said(
    file: Path, statements: list[str], said: list[str]
) -> None:
    findings = tampered(file, *statements)
    assert len(findings) == len(said)
    assert all(words in finding for words, finding in zip(said, findings, strict=True))


def test_an_entry_that_was_made_again_with_a_fitting_hash_breaks_the_next(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM entries WHERE sequence = 3").fetchone())
    row.pop("hash")
    row["label"] = "normal"
    text = json.dumps(row, sort_keys=True, separators=(",", ":"))
    made = hashlib.sha256(text.encode()).hexdigest()
    findings = tampered(
        file, f"UPDATE entries SET label = 'normal', hash = '{made}' WHERE sequence = 3"
    )
    assert len(findings) == 1
    assert "Entry 4 does not follow the one before it" in findings[0]


def test_a_cut_end_stays_to_be_seen_while_the_trail_goes_on(file: Path) -> None:
    tampered(file, "DELETE FROM entries WHERE sequence > 4")
    trail = AuditTrail(file)
    for seed in range(3):
        trail.append(answered(case(seed), "anna"))
    assert any("Entry 6 is not the one that was noted" in said for said in trail.check())


def test_a_missing_note_of_the_newest_and_missing_guards_are_findings(file: Path) -> None:
    file.with_name("audit.db.newest").unlink()
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("DROP TRIGGER no_update")
    trail = AuditTrail(file)
    trail.append(answered(case(1), "anna"))  # it goes on, and what is amiss stays so
    said = " ".join(trail.check())
    assert "note of the newest entry is missing" in said
    assert "guards" in said


def test_a_crash_between_entry_and_note_is_no_finding(file: Path) -> None:
    note = file.with_name("audit.db.newest")
    before = note.read_bytes()
    trail = AuditTrail(file)
    trail.append(answered(case(8), "anna"))
    note.write_bytes(before)
    assert trail.check() == []
    trail.append(answered(case(9), "anna"))
    newest = trail.newest()
    assert newest is not None
    assert newest.sequence == 8


WRITER = """
import sys
from pathlib import Path
from tests.clinic.cases import case
from vmcore.clinic import AuditTrail, answered
trail = AuditTrail(Path(sys.argv[1]))
for seed in range(8):
    trail.append(answered(case(seed), sys.argv[2]))
"""


def test_writers_in_several_processes_make_one_chain(tmp_path: Path) -> None:
    file = tmp_path / "audit.db"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(file), name], cwd=ROOT)
        for name in ("anna", "ben")
    ]
    trail = AuditTrail(file)
    for seed in range(8):
        trail.append(answered(case(seed), "eve"))
        time.sleep(0.3)
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert trail.check() == []
    people = [entry.event.person for entry in trail.entries()]
    assert sorted(people) == sorted(["anna", "ben", "eve"] * 8)


def test_a_place_that_cannot_be_written_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    with pytest.raises(AuditError, match="cannot be written"):
        AuditTrail(tmp_path / "store" / "audit.db")
    (tmp_path / "audit.db").write_bytes(b"no database" * 1000)
    with pytest.raises(AuditError, match="no longer a database"):
        AuditTrail(tmp_path / "audit.db")


def test_a_full_disk_gets_a_sentence_and_the_chain_stays_whole(file: Path) -> None:
    trail, size = AuditTrail(file), file.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size // 8, limits[1]))  # no write succeeds now
        with pytest.raises(AuditError, match="disk is full"):
            trail.append(answered(case(7), "anna"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, former)
    assert trail.check() == []
    assert len(trail.entries()) == 6
    assert trail.append(answered(case(7), "anna")).sequence == 7


def test_a_decision_is_kept_without_what_people_write(tmp_path: Path) -> None:
    trail, one = AuditTrail(tmp_path / "audit.db"), case(1)
    when = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    listed = assess(
        "corrected", label="normal", width_mm=9.0, person="Dr Ærø", reason=REASONS[0],
        comment="Doe^Jane has it too", at=when,
    )  # fmt: skip
    own = assess("rejected", label=None, person="Dr Ærø", reason="not Jane Doe's", at=when)
    trail.append(assessed(one, listed))
    trail.append(assessed(one, own))
    trail.append(exported(one, "ben", "pdf", with_identity=True))
    first, second, third = (entry.event for entry in AuditTrail(trail.file).entries())
    assert (first.action, first.decision, first.person, first.at) == (
        "assessed", "corrected", "Dr Ærø", when,
    )  # fmt: skip
    assert first.details["decided"] == {
        "label": "normal", "width_mm": 9.0, "reason": REASONS[0], "commented": True,
    }  # fmt: skip
    assert second.details["decided"]["reason"] == "in their own words"
    assert third.details["with_identity"] is True
    for path in tmp_path.iterdir():
        assert b"Doe" not in path.read_bytes()


def test_the_table_is_formula_safe_csv_with_all_columns(file: Path) -> None:
    trail = AuditTrail(file)
    trail.append(answered(case(1, device="=1+1", width_mm=None, in_domain=None), "@anna"))
    table = audit_table(trail.entries())
    assert table["sequence"].tolist() == list(range(1, 8))
    assert table["width_mm"].isna().tolist() == [False] * 6 + [True]
    last = audit_csv(table).splitlines()[-1]
    assert "'=1+1" in last
    assert "'@anna" in last
    assert audit_csv(audit_table([])).startswith("sequence,at,person,action")
