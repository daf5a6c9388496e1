"""Public ultrasound datasets that weights are pretrained on: OpenUS-46, the list of the paper behind USF-MAE.

The list is openus.csv: names, anatomy and links as its authors publish them, and what else was read, with
the address where. What was not found anywhere is "not stated".
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vmcore.data.containment import is_allowed
from vmcore.data.corpus.finding import CorpusSource

_FILE = Path(__file__).with_name("openus.csv")
_ODD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class ListedSource:
    """A public dataset.

    Attributes:
        name: as OpenUS-46 calls it.
        aliases: other names that a folder of it may have.
        anatomy: what is shown.
        published: how many images or videos its publication names, in words.
        link: where it is to be had.
        licence: as read, or "not stated".
        overlaps: public fetal test sets that hold images of it; "not known: …" where that is not known.
        read_in: the address where the row was read.
        published_read_in: the address where number and licence were read; empty where they were not.
    """

    name: str
    aliases: tuple[str, ...]
    anatomy: str
    published: str
    link: str
    licence: str
    overlaps: tuple[str, ...]
    read_in: str
    published_read_in: str

    def known_as(self, name: str) -> bool:
        """Whether a folder's name is this dataset's; case, blanks and dashes do not matter."""
        return _plain(name) in {_plain(one) for one in (self.name, *self.aliases)}

    def source(self, folder: Path) -> CorpusSource:
        """A folder of it as a corpus's source."""
        return CorpusSource(folder, self.name, self.overlaps)


@lru_cache(maxsize=1)
def listed_sources() -> tuple[ListedSource, ...]:
    """The list."""
    with _FILE.open(newline="", encoding="utf-8") as stream:
        return tuple(
            ListedSource(
                name=row["name"],
                aliases=_parts(row["aliases"]),
                anatomy=row["anatomy"],
                published=row["published"],
                link=row["link"],
                licence=row["licence"],
                overlaps=_parts(row["overlaps"]),
                read_in=row["read_in"],
                published_read_in=row["published_read_in"],
            )
            for row in csv.DictReader(stream)
        )


def find_listed(folder: Path) -> list[tuple[ListedSource, Path]]:
    """Datasets of the list that lie in a folder, each in a folder of its name, in the list's order.

    Raises:
        OSError: the folder cannot be read.
    """
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    return [
        (source, path)
        for source in listed_sources()
        for path in inside
        if source.known_as(path.name)
    ]


def source_of(folder: Path) -> CorpusSource:
    """A folder as a corpus's source, with what is known to overlap with it.

    A folder that has a listed dataset's name is that dataset; in another, the datasets that lie directly
    in it are looked for.

    Raises:
        OSError: the folder cannot be read.
    """
    for listed in listed_sources():
        if listed.known_as(folder.resolve().name):
            return listed.source(folder)
    inside = find_listed(folder) if is_allowed(folder) and folder.is_dir() else []
    overlaps = {name for listed, _ in inside for name in listed.overlaps}
    return CorpusSource(folder, overlaps=tuple(sorted(overlaps)))


def _plain(name: str) -> str:
    return _ODD.sub("", name.lower())


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(";") if part)
