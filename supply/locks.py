"""Read requirements, their locks, and what is installed."""

from __future__ import annotations

import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
BUILD, APP, TEST, TOOLS = (
    ROOT / f"requirements{part}.lock" for part in ("-build", "", "-test", "-tools")
)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?!\S)")


@dataclass(frozen=True)
class Pinned:
    """One package of one version, on the systems and Pythons that its marker names."""

    name: NormalizedName
    version: str
    requirement: Requirement
    hashes: frozenset[str]
    """SHA-256 of each file that the index has of this version; empty in requirements."""

    @property
    def wanted_here(self) -> bool:
        """Whether this Python on this system is meant."""
        marker = self.requirement.marker
        return marker is None or marker.evaluate()


def read_pinned(file: Path) -> list[Pinned]:
    """Read the packages of a lock, or of a requirements file without those that it includes.

    Raises:
        ValueError: a line that does not name exactly one version, or is no requirement at all.
    """
    found = []
    for line in file.read_text().replace("\\\n", " ").splitlines():
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if not text or text.startswith(("-r ", "-c ")):
            continue
        requirement = Requirement(text.split(" --hash", 1)[0])
        (only,) = requirement.specifier
        if only.operator != "==" or only.version.endswith("*"):
            raise ValueError(f"{file.name} does not name one version of {requirement.name}.")
        hashes = frozenset(HASH.findall(text))
        name = canonicalize_name(requirement.name)
        found.append(Pinned(name, only.version, requirement, hashes))
    return found


def installed_packages() -> dict[NormalizedName, Path]:
    """Folders of the metadata of everything that is installed for this Python, by name."""
    site = Path(sysconfig.get_path("purelib"))
    return {
        canonicalize_name(folder.name.split("-", 1)[0]): folder
        for folder in site.glob("*.dist-info")
    }
