"""Which images weights have learnt from: digests beside the weights, followed from run to run.

``learnt.txt`` holds one digest a line, sorted: no name, no path, nothing of an image but whether it
is the same one. A first line says where the list is known not to be whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from vmcore.files import write_atomically
from vmcore.models.errors import WeightsError

LEARNT_FILE = "learnt.txt"
_INCOMPLETE = "# incomplete: some of these weights come from weights whose images are not known"
_DIGEST = re.compile(r"([a-z]+:)?[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Learnt:
    """The images that weights have learnt from, the weights they came from included.

    Attributes:
        digests: of the images; one image may have several.
        complete: False where some weights on the way keep no list of their images.
    """

    digests: frozenset[str] = frozenset()
    complete: bool = True

    def __or__(self, other: Learnt) -> Learnt:
        """What both together have learnt from."""
        return Learnt(self.digests | other.digests, self.complete and other.complete)

    def text(self) -> str:
        """As it is written to :data:`LEARNT_FILE`."""
        head = [] if self.complete else [_INCOMPLETE]
        return "".join(f"{line}\n" for line in [*head, *sorted(self.digests)])


UNKNOWN = Learnt(complete=False)
"""Of weights that keep no list."""


def write_learnt(folder: Path, learnt: Learnt) -> Path:
    """Keep what the weights in a folder have learnt from beside them."""
    return write_atomically(folder / LEARNT_FILE, learnt.text())


def read_learnt(folder: Path) -> Learnt | None:
    """What the weights in a folder have learnt from, or None where no list stands beside them.

    Raises:
        WeightsError: the list is damaged.
    """
    try:
        lines = (folder / LEARNT_FILE).read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(_DAMAGED) from error
    complete = _INCOMPLETE not in lines[:1]
    digests = lines if complete else lines[1:]
    if not lines or not all(_DIGEST.fullmatch(line) for line in digests):
        raise WeightsError(_DAMAGED)
    return Learnt(frozenset(digests), complete)


_DAMAGED = (
    f"The list of images that weights have learnt from ({LEARNT_FILE} beside them) is damaged. "
    "Put the whole file back, or start from other weights."
)
