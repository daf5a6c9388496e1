"""Images that a corpus must not hold, because weights that learnt from it will be judged by them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vmcore.data.corpus.alike import AlikeIndex, perceptual_hash
from vmcore.data.corpus.card import REPORT, CorpusError
from vmcore.data.digests import grey_digest, to_grey
from vmcore.data.manifest import ManifestError
from vmcore.data.preparing import load_prepared
from vmcore.data.study import StoredStudy

LEFT_OUT = "The image, or one that is nearly the same, is in a study that was to be left out."
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class LeftOut:
    """By what images are known again that are to be left out.

    Attributes:
        originals: SHA-256 of their files.
        pixels: SHA-256 of their prepared pixels, in grey.
        hashes: what they look like: what is nearly the same is left out too.
    """

    originals: frozenset[str] = frozenset()
    pixels: frozenset[str] = frozenset()
    hashes: frozenset[int] = frozenset()

    def __or__(self, other: LeftOut) -> LeftOut:
        """Both together."""
        return LeftOut(
            self.originals | other.originals,
            self.pixels | other.pixels,
            self.hashes | other.hashes,
        )

    @property
    def key(self) -> str:
        """Digest of all of it."""
        digest = hashlib.sha256()
        for part in (self.originals, self.pixels, map(str, self.hashes)):
            digest.update("\n".join(sorted(part)).encode() + b"\0")
        return digest.hexdigest()


class Refused:
    """Tells of any image whether it is to be left out, because it is one of some or looks like one.

    Args:
        left_out: the images.
        alike_bits: as in :class:`vmcore.data.corpus.CorpusSettings`.
    """

    def __init__(self, left_out: LeftOut, alike_bits: int) -> None:
        self._left_out, self._index = left_out, AlikeIndex(alike_bits)
        for value in sorted(left_out.hashes):
            self._index.add(value)

    def holds(self, original: str, pixels: str, value: int) -> bool:
        """Whether an image is left out.

        Args:
            original: SHA-256 of its file.
            pixels: SHA-256 of its prepared pixels, in grey.
            value: its perceptual hash.
        """
        known = original in self._left_out.originals or pixels in self._left_out.pixels
        return known or self._index.holds(value)


def left_out_study(study: StoredStudy, rows: Iterable[int] | None = None) -> LeftOut:
    """Images of a study, by their files, their pixels and their looks.

    Args:
        study: the study.
        rows: which of its images; all without.

    Raises:
        ManifestError: the study is not prepared to its end.
    """
    wanted = list(range(len(study.table)) if rows is None else rows)
    sources = study.source_digests()
    pixels, hashes = set(), set()
    for start in range(0, len(wanted), _AT_ONCE):
        some = study.table.iloc[wanted[start : start + _AT_ONCE]]
        try:
            images = load_prepared(some, study.folder / "prepared")
        except FileNotFoundError:
            raise ManifestError(
                f"A prepared image of {study.folder.name} is missing or damaged; prepare that study again."
            ) from None
        for image in images:
            grey = to_grey(image.transpose(1, 2, 0).copy())
            pixels.add(grey_digest(grey))
            hashes.add(perceptual_hash(grey))
    originals = frozenset(sources[row] for row in wanted)
    return LeftOut(originals, frozenset(pixels), frozenset(hashes))


def count_left_out(folder: Path) -> int:
    """How many images a finished corpus lacks because they are, or look like, a left-out study's.

    Raises:
        CorpusError: its report is missing or damaged.
    """
    try:
        reasons = json.loads((folder / REPORT).read_text())["left out"]
        return int(reasons[LEFT_OUT]["count"]) if LEFT_OUT in reasons else 0
    except (OSError, ValueError, KeyError, TypeError):
        raise CorpusError("The corpus's report (report.json) is missing or damaged.") from None
