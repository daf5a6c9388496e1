"""Images that a corpus must not hold, because weights that learnt from it will be judged by them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from vmcore.data.corpus.alike import perceptual_hash
from vmcore.data.corpus.pictures import grey_digest, to_grey
from vmcore.data.preparing import load_prepared
from vmcore.data.study import StoredStudy

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


def left_out_study(study: StoredStudy) -> LeftOut:
    """All images of a study, by their files, their pixels and their looks.

    Raises:
        ManifestError: the study is not prepared to its end.
    """
    pixels, hashes = set(), set()
    for start in range(0, len(study.table), _AT_ONCE):
        some = study.table.iloc[start : start + _AT_ONCE]
        for image in load_prepared(some, study.folder / "prepared"):
            grey = to_grey(image.transpose(1, 2, 0).copy())
            pixels.add(grey_digest(grey))
            hashes.add(perceptual_hash(grey))
    return LeftOut(frozenset(study.source_digests()), frozenset(pixels), frozenset(hashes))
