"""Images without labels, of studies and corpora together, less those that stay unseen for a test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.data import ManifestError, StoredStudy, load_study
from vmcore.data.corpus import CorpusError, LeftOut, Refused, left_out_study, open_corpus
from vmcore.data.corpus.card import read_card
from vmcore.models import Learnt
from vmcore.runs.errors import RunError
from vmcore.runs.pretraining_plan import PretrainPlan
from vmcore.runs.studies import corpora_folder

Rows = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.uint8]
_SIDE = 224


@dataclass(frozen=True)
class _Source:
    """One source's images.

    Attributes:
        name: of the study or corpus.
        identities: digests by which each image is known again.
        kept: rows that are learnt from.
        read: all of its images, or what reads rows of them; called once, when pixels are wanted.
    """

    name: str
    identities: Sequence[frozenset[str]]
    kept: Rows
    read: Callable[[], Callable[[Rows], Pixels]]

    @cached_property
    def pixels(self) -> Callable[[Rows], Pixels]:
        """From rows among the kept ones to uint8 (n, 224, 224)."""
        return self.read()


@dataclass(frozen=True)
class UnlabelledImages:
    """What a pretraining learns from: images by row, grey, uint8 (n, 224, 224).

    Attributes:
        sources: in the order of their rows.
        held_out: digests of each image that is to stay unseen.
    """

    sources: tuple[_Source, ...]
    held_out: tuple[frozenset[str], ...]

    def __len__(self) -> int:
        """How many images are learnt from."""
        return sum(len(source.kept) for source in self.sources)

    def __getitem__(self, rows: Rows) -> Pixels:
        """Images of these rows, uint8 (n, 224, 224)."""
        images = np.empty((len(rows), _SIDE, _SIDE), np.uint8)
        first = 0
        for source in self.sources:
            here = (rows >= first) & (rows < first + len(source.kept))
            if here.any():
                try:
                    images[here] = source.pixels(rows[here] - first)
                except CorpusError as error:
                    raise RunError(f"{source.name}: {error}") from error
            first += len(source.kept)
        return images

    @cached_property
    def digest(self) -> str:
        """Digest of all images in their order, which shows whether they have changed."""
        whole = hashlib.sha256()
        for source in self.sources:
            for row in source.kept:
                whole.update("".join(sorted(source.identities[row])).encode())
        return whole.hexdigest()

    def learnt(self) -> Learnt:
        """What weights have learnt from when they have seen all of these images."""
        digests = (source.identities[row] for source in self.sources for row in source.kept)
        return Learnt(frozenset().union(*digests))

    def counts(self) -> dict[str, int]:
        """How many images each source gives, by its name."""
        counts: dict[str, int] = {}
        for source in self.sources:
            counts[source.name] = counts.get(source.name, 0) + len(source.kept)
        return counts

    @property
    def left_out(self) -> int:
        """How many images of the sources stay unseen."""
        return sum(len(source.identities) - len(source.kept) for source in self.sources)


def prepared_corpora() -> dict[str, int]:
    """Corpora that can be learnt from: how many images each holds, by its name."""
    place = corpora_folder()
    found = {}
    for folder in sorted(place.iterdir()) if place.is_dir() else ():
        with suppress(CorpusError):  # not finished, or damaged
            found[folder.name] = read_card(folder).images
    return found


def unlabelled_images(plan: PretrainPlan) -> UnlabelledImages:
    """The images of a plan's sources, less those that a test holds out.

    An image that is held out is left out of every source that holds it, known by its pixels and by
    the file that it was prepared from. A corpus's images that look like it are left out, too: of
    images that are alike a corpus keeps the first and tells nothing of the others.

    Raises:
        ManifestError: a study is not prepared, or cannot be split.
        RunError: nothing is left to learn from, a source is named twice, or a corpus cannot be read.
    """
    places = [place.resolve() for place in (*plan.studies, *plan.corpora)]
    if len(set(places)) < len(places):
        raise RunError("A source is named twice; name each once.")
    held, left_out = _held_out(plan)
    hidden = frozenset().union(*held)
    of_studies = [_of_study(place, hidden) for place in plan.studies]
    of_corpora = [_of_corpus(place, hidden, left_out) for place in plan.corpora]
    images = UnlabelledImages((*of_studies, *of_corpora), held)
    if not len(images):
        raise RunError("No image is left to learn from: all of them are held out for a test.")
    return images


def _held_out(plan: PretrainPlan) -> tuple[tuple[frozenset[str], ...], LeftOut]:
    """Digests of each image that is held out, and by what all of them are known in a corpus."""
    held: list[frozenset[str]] = []
    left_out = LeftOut()
    for one in plan.held_out:
        study = load_study(one.study)
        try:
            rows = one.splits(study).test
        except ManifestError as error:
            raise ManifestError(
                f"{error} So no test can be held out of this study: pretrain on all of its images "
                "if it is never to be tested on."
            ) from error
        identities = study.identities()
        held += [identities[row] for row in rows]
        if plan.corpora:
            left_out |= left_out_study(study, rows.tolist())
    return tuple(held), left_out


def _of_study(place: Path, hidden: frozenset[str]) -> _Source:
    study = load_study(place)
    identities = study.identities()
    kept = _kept(identities, hidden)
    return _Source(place.name, identities, kept, lambda: _grey(study, kept).__getitem__)


def _of_corpus(place: Path, hidden: frozenset[str], left_out: LeftOut) -> _Source:
    identities, kept = [], []
    try:
        corpus = open_corpus(place)
        refused = Refused(left_out, corpus.card.settings.alike_bits)
        for number, row in enumerate(corpus.rows()):
            original, pixels = row["original"], row["pixels"]
            digests = frozenset((original, pixels))
            identities.append(digests)
            if hidden.isdisjoint(digests) and not refused.holds(
                original, pixels, int(row["hash"], 16)
            ):
                kept.append(number)
    except CorpusError as error:
        raise RunError(f"{place.name}: {error}") from error
    learnt = np.array(kept, np.int64)
    return _Source(place.name, identities, learnt, lambda: lambda rows: corpus[learnt[rows]])


def _kept(identities: Sequence[frozenset[str]], hidden: frozenset[str]) -> Rows:
    rows = [row for row, digests in enumerate(identities) if hidden.isdisjoint(digests)]
    return np.array(rows, np.int64)


def _grey(study: StoredStudy, kept: Rows) -> Pixels:
    """A study's images as a corpus holds them, uint8 (n, 224, 224)."""
    images = np.empty((len(kept), _SIDE, _SIDE), np.uint8)
    for place, image in enumerate(study.images()[kept]):
        images[place] = cv2.cvtColor(image.transpose(1, 2, 0), cv2.COLOR_RGB2GRAY)
    return images
