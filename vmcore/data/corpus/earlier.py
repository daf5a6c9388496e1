"""Unfinished work on other files or settings: days of it must not be lost without a word."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from vmcore.data.corpus.card import CorpusError, ShardRecord
from vmcore.data.corpus.chunks import told_of


def refuse_other_work(folder: Path, keys: Collection[str]) -> None:
    """Refuse a folder in which there are images of another plan; nothing is changed.

    Args:
        folder: the corpus's.
        keys: of the plan's chunks.

    Raises:
        CorpusError: with the number of these images and what can be done.
    """
    known = frozenset(keys)
    shards = [one for one in map(_record, folder.glob("shard-*.json")) if one is not None]
    chunks = [one for one in map(told_of, folder.glob("work/chunk-*.npz")) if one is not None]
    images = sum(one.images for one in shards if one.plan not in known)
    images += sum(len(one["rows"]) for one in chunks if one["key"] not in known)
    if images:
        raise CorpusError(
            f"{images} images are prepared here of other files, with other settings or by another version: "
            "files were added, changed or removed, or an option is another. Prepare it as before to go on, "
            "give the new corpus another name, or delete this one's folder to begin anew."
        )


def _record(file: Path) -> ShardRecord | None:
    try:
        return ShardRecord.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
