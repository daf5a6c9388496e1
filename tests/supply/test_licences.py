"""No package is without a licence that allows to pass the app on, or is named with what to know."""

from __future__ import annotations

import re
from importlib.metadata import Distribution

import pytest

from supply import locks
from supply.licence_notes import BY_PACKAGE, INSIDE, NAMED
from supply.licences import PAGE, is_permissive, licence_of, notes

COPYLEFT = re.compile(r"GNU (LESSER |AFFERO |LIBRARY )?GENERAL PUBLIC LICENSE")
"""The heading of a licence that is written out."""


def licence_rows() -> dict[str, list[str]]:
    """Version, licence and use of each package, as the page has them."""
    table = PAGE.read_text().split("## All")[1]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {name: rest for name, *rest in rows if name not in {"package", "---"}}


def test_every_package_stands_in_the_list_of_licences() -> None:
    rows = licence_rows()
    listed = {(name, one) for name, row in rows.items() for one in row[0].split(", ")}
    locked = locks.read_pinned(locks.BUILD) + locks.read_pinned(locks.TEST)
    assert listed == {(entry.name, entry.version) for entry in locked}, "run: make licences"
    for name, folder in locks.installed_packages().items():
        package = Distribution.at(folder)
        if name in rows and package.version in rows[name][0].split(", "):
            assert rows[name][1] == licence_of(package), name


def test_no_licence_stands_against_passing_the_app_on() -> None:
    rows = licence_rows()
    for name, (_, licence, _) in rows.items():
        assert is_permissive(licence) or notes(name, licence), f"{name}: {licence}"
        assert "AGPL" not in licence
    assert {*BY_PACKAGE, *INSIDE, *NAMED} <= set(rows), "notes on what is no longer installed"


def test_copyleft_inside_of_packages_is_named() -> None:
    rows = licence_rows()
    for name, folder in locks.installed_packages().items():
        texts = [
            file
            for file in folder.rglob("*")
            if re.search(
                r"licen[sc]|copying|notice|third.?party",
                str(file.relative_to(folder)),
                re.IGNORECASE,
            )
            and file.is_file()
        ]
        if any(COPYLEFT.search(text.read_text(errors="ignore")) for text in texts):
            assert name in {*BY_PACKAGE, *INSIDE} or name not in rows, name


@pytest.mark.parametrize(
    ("licence", "permissive"),
    [
        ("MIT", True),
        ("MIT OR AFL-2.1", True),
        ("MPL-2.0 AND MIT", False),
        ("GPL-3.0", False),
        ("Apache-2.0 OR GPL-2.0", True),
        ("AGPL-3.0-only AND MIT OR GPL-3.0", False),
    ],
)
def test_the_freest_licence_that_may_be_chosen_counts(licence: str, permissive: bool) -> None:
    assert is_permissive(licence) is permissive
