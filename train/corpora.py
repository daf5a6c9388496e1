"""Public ultrasound datasets for pretraining: ``python -m train.corpora FOLDER``.

Says which datasets of OpenUS-46 lie in a folder, each in a sub-folder of its name, and how many files
they hold. With ``--prepare NAME`` those are prepared as one corpus that notes each image's source.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import tyro
from tqdm import tqdm

from vmcore.data.corpus import (
    Corpus,
    CorpusError,
    CorpusSettings,
    CorpusSource,
    LeftOut,
    find_listed,
    listed_sources,
    prepare_corpus,
)
from vmcore.data.corpus.card import REPORT
from vmcore.data.corpus.finding import find_files
from vmcore.file_modes import keep_private
from vmcore.runs import RunError, corpus_folder


def main(
    folder: tyro.conf.Positional[Path],
    prepare: str | None = None,
    workers: int | None = None,
) -> None:
    """List the public datasets that are present, and prepare them.

    Args:
        folder: holds a sub-folder for each dataset.
        prepare: what a corpus of those that are present is to be called.
        workers: processes; one per processor without.
    """
    try:
        present = find_listed(folder)
    except OSError as error:
        sys.exit(f"The folder cannot be read ({error.strerror}).")
    sources = [listed.source(place) for listed, place in present]
    try:
        for (listed, _), source in zip(present, sources, strict=True):
            count = len(find_files([source]).files)
            overlaps = f"; overlaps {', '.join(listed.overlaps)}" if listed.overlaps else ""
            sys.stdout.write(
                f"{listed.name} ({listed.anatomy}): {count} files; published: {listed.published}; "
                f"licence: {listed.licence}{overlaps}\n"
            )
    except CorpusError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{len(present)} of {len(listed_sources())} datasets are present.\n")
    if prepare is not None:
        if not sources:
            sys.exit("None of the datasets is present: nothing can be prepared.")
        prepare_named(sources, prepare, workers=workers)


def prepare_named(
    sources: list[CorpusSource],
    name: str,
    *,
    settings: CorpusSettings | None = None,
    left_out: LeftOut | None = None,
    workers: int | None = None,
) -> Corpus:
    """Prepare a corpus of the store, with a bar, and say what it holds; ends the program where it fails."""
    with tqdm(unit="file") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        try:
            corpus = prepare_corpus(
                sources, corpus_folder(name), settings=settings, left_out=left_out,
                workers=workers or os.cpu_count() or 1, progress=progress,
            )  # fmt: skip
        except (CorpusError, RunError) as error:
            sys.exit(str(error))
        except KeyboardInterrupt:
            sys.exit("Stopped; run it again to go on.")
    for source, images in corpus.sources().items():
        sys.stdout.write(f"{source}: {images} images\n")
    if corpus.overlaps():
        sys.stdout.write(f"Overlaps with test sets: {', '.join(corpus.overlaps())}\n")
    for reason, count in _left_out(corpus.folder):
        sys.stdout.write(f"Left out: {count}: {reason}\n")
    sys.stdout.write(f"Prepared in {corpus.folder}; what was left out: {REPORT}\n")
    return corpus


def _left_out(folder: Path) -> list[tuple[str, int]]:
    """Why files and images were left out and how many, most first; none where the report is gone."""
    try:
        report = json.loads((folder / REPORT).read_bytes())
        counts = {reason: int(told["count"]) for reason, told in report["left out"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return []
    return sorted(counts.items(), key=lambda one: -one[1])


if __name__ == "__main__":
    keep_private()
    tyro.cli(main)
