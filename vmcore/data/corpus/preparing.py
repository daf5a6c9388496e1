"""Prepare a corpus from folders of mixed files; goes on where it was stopped, however that was.

The files are walked in an order that is always the same and prepared in chunks, by many processes. Their
images are put together in that order by one process, which drops what looks like an image before it and
fills shard after shard. So the corpus is the same whichever process was done first.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from vmcore.data.corpus.alike import AlikeIndex
from vmcore.data.corpus.card import (
    CARD,
    CORPUS_VERSION,
    CorpusError,
    CorpusSettings,
    Position,
    ShardRecord,
    Skipped,
    SourceCard,
    read_card,
)
from vmcore.data.corpus.chunks import FULL, ChunkStream, Task, chunk_key, disk_is_full
from vmcore.data.corpus.earlier import refuse_other_work
from vmcore.data.corpus.finding import CorpusSource, Found, find_files
from vmcore.data.corpus.finishing import finish_corpus
from vmcore.data.corpus.leaving_out import LEFT_OUT, LeftOut, Refused
from vmcore.data.corpus.shards import Corpus, open_corpus
from vmcore.data.corpus.writing import ImageRow, ShardWriter, whole_shard
from vmcore.data.preparing import PREPARING_VERSION

ALIKE = "The same or nearly the same image is there already."


def prepare_corpus(
    sources: Sequence[CorpusSource],
    folder: Path,
    *,
    settings: CorpusSettings | None = None,
    left_out: LeftOut | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Corpus:
    """Prepare all images below some folders as a corpus; goes on where it was stopped.

    Args:
        sources: where images come from; of two that are alike the earlier source's is kept.
        folder: the corpus's.
        settings: how it is prepared.
        left_out: images that it must not hold.
        workers: processes.
        progress: called with (done, total), in files.
        stop: asked often; True stops the work.

    Raises:
        CorpusError: no image was found, a folder cannot be read, the disk is full, or the folder holds
            images, of a finished corpus or an unfinished one, of other files or settings.
        CorpusStoppedError: ``stop`` said so.
    """
    found = find_files(sources)
    if not found.files:
        raise CorpusError("There are no files in these folders.")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "preparing.lock", timeout=0):
            assembly = _Assembly(
                sources, found, folder, settings or CorpusSettings(), left_out or LeftOut()
            )
            return assembly.run(workers, progress or (lambda _done, _total: None), stop)
    except Timeout:
        raise CorpusError("This corpus is being prepared already.") from None
    except OSError as error:
        if disk_is_full(error):
            raise CorpusError(FULL) from None
        raise CorpusError(f"The corpus cannot be written ({error.strerror}).") from None


class _Assembly:
    """Puts chunks together to shards."""

    def __init__(
        self,
        sources: Sequence[CorpusSource],
        found: Found,
        folder: Path,
        settings: CorpusSettings,
        left_out: LeftOut,
    ) -> None:
        self._sources, self._found, self._folder = sources, found, folder
        self._settings, self._left_out = settings, left_out
        self._work = folder / "work"
        self._tasks = self._planned()
        self._index = AlikeIndex(settings.alike_bits)
        self._refused = Refused(left_out, settings.alike_bits)
        self._counts: Counter[int] = Counter()
        self._skipped = {reason: Skipped(count=count) for reason, count in found.skipped.items()}

    def _planned(self) -> list[Task]:
        first = json.dumps(
            [CORPUS_VERSION, PREPARING_VERSION, self._settings.model_dump(), self._left_out.key]
        )
        tasks, key, size = [], chunk_key([], first), self._settings.chunk_files
        roots = tuple(source.folder for source in self._sources)
        for number, start in enumerate(range(0, len(self._found.files), size)):
            files = tuple(self._found.files[start : start + size])
            key = chunk_key(files, key)
            tasks.append(Task(number, key, files, roots, self._work, self._settings))
        return tasks

    def run(
        self, workers: int, progress: Callable[[int, int], None], stop: Callable[[], bool] | None
    ) -> Corpus:
        finished = self._finished()
        if finished is not None:
            return finished
        refuse_other_work(self._folder, [task.key for task in self._tasks])
        (self._folder / CARD).unlink(missing_ok=True)  # it is true again when all is done
        total = len(self._found.files)
        position, records = Position(), list[ShardRecord]()
        with ChunkStream(self._tasks, workers, stop) as chunks:
            while position.chunk < len(self._tasks):
                record = self._kept(len(records), position)
                if record is None:
                    record = self._assembled(len(records), position, chunks, progress)
                    if record is None:
                        break
                records.append(record)
                position = record.end
                progress(min(position.chunk * self._settings.chunk_files, total), total)
                self._forget(position.chunk)
        progress(total, total)
        return self._finish(records)

    def _finished(self) -> Corpus | None:
        """The corpus that is there already, where it is whole.

        Raises:
            CorpusError: it was prepared from other files or settings.
        """
        try:
            card = read_card(self._folder)
        except CorpusError:
            return None
        if card.plan != self._tasks[-1].key:
            raise CorpusError(
                "There is a finished corpus of this name, prepared from other files or settings; give "
                "the new one another name."
            )
        try:
            corpus = open_corpus(self._folder)
            corpus.check_rows()
        except CorpusError:
            return None
        return corpus

    def _kept(self, number: int, position: Position) -> ShardRecord | None:
        """A shard that is whole and stands where the next one is to begin."""
        whole = whole_shard(self._folder, number)
        if whole is None or whole[0].begin != position:
            return None
        record, rows = whole
        end = record.end
        last = end.chunk - 1 if end.image == 0 else end.chunk
        if not 0 <= last < len(self._tasks) or record.plan != self._tasks[last].key:
            return None
        for row in rows:
            self._index.add(int(row.hash, 16))
            self._counts[row.source] += 1
        self._add(record.skipped)
        return record

    def _assembled(
        self,
        number: int,
        begin: Position,
        chunks: ChunkStream,
        progress: Callable[[int, int], None],
    ) -> ShardRecord | None:
        """Fill a shard; None where no image is left for it."""
        skipped: dict[str, Skipped] = {}
        position = begin
        with ShardWriter(self._folder, number) as writer:
            while len(writer) < self._settings.shard_images and position.chunk < len(self._tasks):
                position = self._fill(writer, position, chunks, skipped)
                done = position.chunk * self._settings.chunk_files
                progress(min(done, len(self._found.files)), len(self._found.files))
            self._add(skipped)
            if not len(writer):
                return None
            last = position.chunk - 1 if position.image == 0 else position.chunk
            return writer.finish(begin, position, self._tasks[last].key, skipped)

    def _fill(
        self,
        writer: ShardWriter,
        position: Position,
        chunks: ChunkStream,
        skipped: dict[str, Skipped],
    ) -> Position:
        """Add a chunk's images until it or the shard is at its end; where that is."""
        chunk = chunks.get(position.chunk)
        for at in range(position.image, len(chunk.rows)):
            if len(writer) == self._settings.shard_images:
                return Position(chunk=position.chunk, image=at)
            row = chunk.rows[at]
            reason = self._reason(row)
            if reason is None:
                self._index.add(int(row.hash, 16))
                self._counts[row.source] += 1
                writer.append(chunk.pixels[at], row)
            else:
                _count(skipped, reason, row.original)
        for reason, original in chunk.skipped:
            _count(skipped, reason, original)
        return Position(chunk=position.chunk + 1)

    def _reason(self, row: ImageRow) -> str | None:
        """Why an image is left out; None where it is taken."""
        value = int(row.hash, 16)
        if self._refused.holds(row.original, row.pixels, value):
            return LEFT_OUT
        return ALIKE if self._index.holds(value) else None

    def _add(self, skipped: dict[str, Skipped]) -> None:
        for reason, more in skipped.items():
            known = self._skipped.get(reason, Skipped())
            self._skipped[reason] = known.plus(more.count, more.originals)

    def _forget(self, before: int) -> None:
        """Remove prepared chunks whose images are in shards."""
        for task in _until(self._tasks, before):
            task.file.unlink(missing_ok=True)

    def _finish(self, records: list[ShardRecord]) -> Corpus:
        if not records:
            raise CorpusError(
                f"None of the {len(self._found.files)} files gave an image that can be learnt from."
            )
        return finish_corpus(
            self._folder, records, self._source_cards(), self._settings,
            plan=self._tasks[-1].key, files=len(self._found.files),
            left_out=len(self._left_out.originals), skipped=self._skipped,
        )  # fmt: skip

    def _source_cards(self) -> tuple[SourceCard, ...]:
        return tuple(
            SourceCard(
                name=source.name or f"source {number + 1}",
                images=self._counts[number],
                overlaps=source.overlaps,
            )
            for number, source in enumerate(self._sources)
        )


def _count(skipped: dict[str, Skipped], reason: str, original: str) -> None:
    known = skipped.get(reason, Skipped())
    skipped[reason] = known.plus(1, (original,) if original else ())


def _until(tasks: Sequence[Task], before: int) -> Iterator[Task]:
    """Chunks before one, from the nearest on, as far as there are any on the disk."""
    for task in reversed(tasks[:before]):
        if not task.file.exists():
            return
        yield task
