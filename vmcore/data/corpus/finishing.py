"""Write down what a finished corpus holds and what was left out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import vmcore
from vmcore.data.corpus.card import (
    CARD,
    CORPUS_VERSION,
    REPORT,
    CorpusCard,
    CorpusSettings,
    ShardCard,
    ShardRecord,
    Skipped,
    SourceCard,
    corpus_digest,
)
from vmcore.data.corpus.shards import Corpus, open_corpus, shard_path
from vmcore.files import write_atomically


def finish_corpus(
    folder: Path,
    records: Sequence[ShardRecord],
    sources: tuple[SourceCard, ...],
    settings: CorpusSettings,
    *,
    plan: str,
    files: int,
    left_out: int,
    skipped: Mapping[str, Skipped],
) -> Corpus:
    """Write report and card, and remove what is needed no more.

    Args:
        folder: the corpus's.
        records: its shards.
        sources: where its images come from.
        settings: how it was prepared.
        plan: digest of files, settings and version.
        files: how many were looked at.
        left_out: images of studies that were to be left out.
        skipped: what was left out, by reason.
    """
    _remove_shards(folder, len(records))
    shards = tuple(
        ShardCard(images=one.images, pixels=one.pixels, rows=one.rows) for one in records
    )
    images = sum(one.images for one in records)
    card = CorpusCard(
        version=CORPUS_VERSION, program=vmcore.__version__, notice=vmcore.RESEARCH_USE_ONLY,
        prepared_at=datetime.now(UTC).isoformat(timespec="seconds"), images=images,
        settings=settings, sources=sources, left_out=left_out, shards=shards, plan=plan,
        digest=corpus_digest(shards),
    )  # fmt: skip
    reasons = {reason: one.model_dump() for reason, one in sorted(skipped.items())}
    report = {"images": images, "files": files, "left out": reasons}
    write_atomically(folder / REPORT, json.dumps(report, indent=2) + "\n")
    write_atomically(folder / CARD, card.model_dump_json(indent=2) + "\n")
    shutil.rmtree(folder / "work", ignore_errors=True)
    for left in [
        *folder.glob("*.growing"),
        *folder.glob(".shard-*"),
    ]:  # of a process that was killed
        left.unlink(missing_ok=True)
    return open_corpus(folder)


def _remove_shards(folder: Path, first: int) -> None:
    """Remove shards of an earlier, longer plan, from a number on."""
    number = first
    while True:
        files = [shard_path(folder, number, kind) for kind in ("json", "csv", "npy")]
        there = [file for file in files if file.exists()]
        if not there:
            return
        for file in there:
            file.unlink()
        number += 1
