"""List the licences of everything that is installed: `make licences` writes docs/licences.md."""

from __future__ import annotations

import re
from importlib.metadata import Distribution

from packaging.utils import canonicalize_name

from supply.licence_notes import BY_LICENCE, BY_PACKAGE, INSIDE, NAMED
from supply.locks import APP, BUILD, ROOT, TEST, installed_packages, read_pinned

PAGE = ROOT / "docs/licences.md"
PERMISSIVE = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause",
    "BSL-1.0", "CC0-1.0", "CNRI-Python", "ISC", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Zlib",
}  # fmt: skip
"""Licences that ask for no more than to be named and passed on, beside Apache-2.0."""
SPELLINGS = {
    r"(the )?mit license( \(mit\))?": "MIT",
    r"(osi approved :: )?apache (software )?(license|2\.0)( 2\.0| license)?": "Apache-2.0",
    r"bsd 3-clause license|3-clause bsd license": "BSD-3-Clause",
    r"2-clause bsd": "BSD-2-Clause",
    r"bsd license": "BSD",
    r"isc license( \(iscl\))?": "ISC",
    r"python software foundation license|psfl": "PSF-2.0",
    r"mozilla public license 2\.0 \(mpl 2\.0\)": "MPL-2.0",
    r"gpl v3\.0": "GPL-3.0",
    r"nvidia proprietary software": "LicenseRef-NVIDIA-Proprietary",
}
HEAD = """\
# Licences

VentriScope's own code is under Apache-2.0, the bundled weights under CC BY 4.0. It is passed on as
source: the packages below come from the package index to whoever installs it, and none of their
licences stands against that. Who passes on an installed whole (a container, an installer) passes on the
packages too, and has to keep to their licences; what is to be known for that stands first. This list is
made with `make licences`, from what the packages say of themselves and from the notes in
[supply/licence_notes.py](../supply/licence_notes.py); it is no lawyer's word.
"""


def licence_of(package: Distribution) -> str | None:
    """What a package says of its licence, as an SPDX expression where it can be told."""
    metadata = package.metadata
    classifiers = [
        line.rsplit(" :: ", 1)[-1]
        for line in metadata.get_all("Classifier") or []
        if line.startswith("License :: ")
    ]
    named = [metadata[key] for key in ("License-Expression", "License") if key in metadata]
    for text in (*named, *classifiers):
        said = text.strip().split("\n", 1)[0].strip()
        if said == "LICENSE":  # a file's name; the classifiers may say more
            continue
        for spelling, expression in SPELLINGS.items():
            if re.fullmatch(spelling, said, re.IGNORECASE):
                return expression
        if re.fullmatch(r"[A-Za-z]+(-?[\w.]+)*( (AND|OR|WITH) [\w.-]+)*", said):
            return said
    return NAMED.get(canonicalize_name(package.name))


def is_permissive(expression: str) -> bool:
    """Whether a licence, or the freest that may be chosen, asks only to be named and passed on."""
    return any(
        all(part in PERMISSIVE for part in choice.split(" AND "))
        for choice in expression.split(" OR ")
    )


def notes(name: str, expression: str) -> str | None:
    """What is to be known of a package under a licence that asks for more, if anybody wrote it."""
    found = [BY_LICENCE.get(part, "") for part in re.split(" AND | OR ", expression)]
    return BY_PACKAGE.get(name) or "".join(found) or None


def list_licences() -> dict[str, tuple[str, str, str]]:
    """Versions, licence and use of each locked package, by name.

    Raises:
        LookupError: a package that is not installed here, or says nothing, and is not in the notes.
    """
    installed = installed_packages()
    app = {pinned.name for pinned in read_pinned(APP) + read_pinned(BUILD)}
    rows: dict[str, tuple[str, str, str]] = {}
    for pinned in sorted(read_pinned(BUILD) + read_pinned(TEST), key=lambda entry: entry.name):
        name = pinned.name
        found = (
            licence_of(Distribution.at(installed[name])) if name in installed else NAMED.get(name)
        )
        if not found:
            raise LookupError(
                f"The licence of {name} cannot be told here: make the list on Linux, or name it in "
                "supply/licence_notes.py."
            )
        versions = {pinned.version} | set(rows[name][0].split(", ") if name in rows else ())
        rows[name] = (", ".join(sorted(versions)), found, "app" if name in app else "tests")
    return rows


def main() -> None:
    """Write the list."""
    rows = list_licences()
    asking = [name for name in rows if not is_permissive(rows[name][1])]
    told: dict[tuple[str, str], list[str]] = {}
    for name in asking:
        told.setdefault(
            (rows[name][1], notes(name, rows[name][1]) or "to be found out"), []
        ).append(name)
    lines = [HEAD, "## That ask for more than to be named", ""]
    lines += ["| packages | licence | |", "| --- | --- | --- |"]
    lines += [
        f"| {', '.join(names)} | {licence} | {note} |" for (licence, note), names in told.items()
    ]
    lines += [
        "",
        "Libraries inside of packages, which may be passed on with them; their source is where",
        "the package's own notice says:",
        "",
    ]
    lines += ["| package | inside |", "| --- | --- |"]
    lines += [f"| {name} | {inside} |" for name, inside in sorted(INSIDE.items())]
    lines += [
        "",
        "## All",
        "",
        "| package | version | licence | for |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| {name} | {' | '.join(row)} |" for name, row in rows.items()]
    PAGE.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
