"""What a corpus says of itself: its settings, its shards and where its images come from.

CORPUS/corpus.json        the card; written last, so that a folder without it is unfinished
CORPUS/shard-00000.npy    uint8 (n, 224, 224), grey
CORPUS/shard-00000.csv    a row an image: source, digests, frame; no names
CORPUS/shard-00000.json   what the shard was made from, by which it is known to be whole
CORPUS/report.json        what was left out, counted by reason
CORPUS/work/              images that are prepared and in no shard yet
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vmcore.imaging import CleaningSettings

CORPUS_VERSION = 1
"""Raised whenever the same files and settings give another corpus."""
CARD, REPORT = "corpus.json", "report.json"
SIDE = 224  # pixels
IMAGE_BYTES = SIDE * SIDE
EXAMPLES = 20  # digests that are kept of what was left out, for each reason


class CorpusError(ValueError):
    """A corpus that cannot be read or prepared; the message says which part and what to do."""


class CorpusStoppedError(CorpusError):
    """Somebody stopped the preparing; it can be gone on with."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CorpusSettings(_Frozen):
    """How a corpus is prepared."""

    cleaning: CleaningSettings = CleaningSettings()
    frames: int = Field(8, ge=1, le=10_000)
    """Frames that are taken of one loop, video or volume at most, evenly spaced."""
    alike_bits: int = Field(2, ge=-1, le=4)
    """Images whose perceptual hashes differ in so many of 64 bits or fewer count as the same; -1
    keeps them all."""
    shard_images: int = Field(8192, ge=1, le=1_000_000)
    """Images in each shard but the last."""
    chunk_files: int = Field(32, ge=1, le=100_000)
    """Files that are prepared between two notes of the progress: at most so many are done again."""


class Skipped(_Frozen):
    """How many files or images were left out for one reason, and the digests of some originals."""

    count: int = 0
    originals: tuple[str, ...] = ()

    def plus(self, count: int, originals: tuple[str, ...] = ()) -> Skipped:
        """With more of them."""
        return Skipped(count=self.count + count, originals=(self.originals + originals)[:EXAMPLES])


class Position(_Frozen):
    """A place in the list of all files: a chunk, and how many of its images come before."""

    chunk: int = 0
    image: int = 0


class ShardRecord(_Frozen):
    """A shard that is whole; digests are SHA-256."""

    images: int
    pixels: str
    """Digest of all pixels."""
    rows: str
    """Digest of the shard's CSV file."""
    begin: Position
    end: Position
    plan: str
    """Digest of all that came before its end: files, settings, version."""
    skipped: dict[str, Skipped] = {}


class SourceCard(_Frozen):
    """Where images come from.

    ``overlaps`` names public test sets which hold images of this source.
    """

    name: str
    images: int
    overlaps: tuple[str, ...] = ()


class ShardCard(_Frozen):
    """A shard's size and digests, as in :class:`ShardRecord`."""

    images: int
    pixels: str
    rows: str


class CorpusCard(_Frozen):
    """All that is known of a finished corpus."""

    version: int
    program: str
    """Version of this software."""
    notice: str
    prepared_at: str
    images: int
    settings: CorpusSettings
    sources: tuple[SourceCard, ...]
    left_out: int
    """Images of studies that were told to be left out."""
    shards: tuple[ShardCard, ...]
    plan: str
    digest: str


def corpus_digest(shards: tuple[ShardCard, ...]) -> str:
    """SHA-256 of a whole corpus, from its shards' own."""
    parts = [str(CORPUS_VERSION)]
    parts += [f"{shard.images} {shard.pixels} {shard.rows}" for shard in shards]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_card(folder: Path) -> CorpusCard:
    """A finished corpus's card.

    Raises:
        CorpusError: it is not finished, or its card is damaged or of another version.
    """
    try:
        card = CorpusCard.model_validate_json((folder / CARD).read_bytes())
    except FileNotFoundError:
        raise CorpusError("This is no finished corpus; prepare it first.") from None
    except (OSError, ValidationError):
        raise CorpusError(
            "The corpus's card (corpus.json) is damaged; prepare the corpus again: what is whole is kept."
        ) from None
    if card.version != CORPUS_VERSION:
        raise CorpusError("The corpus was prepared by another version; prepare it anew.")
    whole = sum(shard.images for shard in card.shards) == card.images
    if not whole or corpus_digest(card.shards) != card.digest:
        raise CorpusError(
            "The corpus's card (corpus.json) contradicts itself; prepare the corpus again: what is "
            "whole is kept."
        )
    return card
