"""What is installed is what the locks name, by version and checksum."""

from __future__ import annotations

import re
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from supply import locks

LOCKS = (locks.BUILD, locks.APP, locks.TEST, locks.TOOLS)


def closure(requirements: list[Requirement]) -> set[tuple[str, str]]:
    """Names and versions of what is installed here and needed, by what packages say they need."""
    found: set[tuple[str, str]] = set()
    seen: set[tuple[str, str]] = set()
    waiting = [(wanted, "") for wanted in requirements]
    installed = locks.installed_packages()
    while waiting:
        wanted, extra = waiting.pop()
        if wanted.marker and not wanted.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(wanted.name)
        package = Distribution.at(installed[name])
        found.add((name, package.version))
        for asked in {"", *wanted.extras}:
            if (name, asked) not in seen:
                seen.add((name, asked))
                waiting += [
                    (Requirement(text), asked)
                    for text in package.requires or ()
                    if asked or "extra ==" not in text
                ]
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_holds_what_is_required_with_checksums(lock: Path) -> None:
    requirements = lock.with_suffix(".txt")
    locked = locks.read_pinned(lock)
    required = locks.read_pinned(requirements)
    if "-r requirements.txt" in requirements.read_text():
        required += locks.read_pinned(locks.APP.with_suffix(".txt"))
    assert {(entry.name, entry.version) for entry in required} <= {
        (entry.name, entry.version) for entry in locked
    }, "run: make lock"
    assert all(entry.hashes for entry in locked)
    assert "://" not in lock.read_text(), "a lock names no index"
    assert not re.search(
        r"^\s*(-|[./~]|.*\s@\s)", re.sub(r"--hash=", "", lock.read_text()), re.MULTILINE
    )


def test_the_locks_agree() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for entry in locks.read_pinned(lock):
            if entry.wanted_here:
                versions.setdefault(entry.name, set()).add(entry.version)
    assert not {name: found for name, found in versions.items() if len(found) > 1}


def test_what_is_installed_is_what_is_locked() -> None:
    locked = {
        (entry.name, entry.version) for entry in locks.read_pinned(locks.TEST) if entry.wanted_here
    }
    required = [
        entry.requirement
        for name in ("requirements.txt", "requirements-test.txt")
        for entry in locks.read_pinned(locks.ROOT / name)
    ]
    assert closure(required) == locked


def test_a_line_without_one_version_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    for text in ("numpy>=2", "numpy==2.*"):
        lock.write_text(text)
        with pytest.raises(ValueError, match="one version"):
            locks.read_pinned(lock)
