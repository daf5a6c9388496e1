"""Prepare a study: ``python -m train.prepare SOURCE NAME``.

Reads, cleans and shrinks every image of a manifest or of class folders, and checks the whole. Run it
again to go on where it was stopped, or after files were added or changed. One process at a time prepares a
study, here or for the training page, and none while a run works on it.

With ``--for-pretraining`` whole trees of mixed files (pictures, DICOM, videos, volumes) become a corpus of
unlabelled images, in the store's corpora/NAME. It goes on where it was stopped while files and options stay
as they were; where they did not, what is there is kept, and another name is asked for.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tyro
from tqdm import tqdm

from train.corpora import prepare_named
from vmcore.data import ManifestError, load_study
from vmcore.data.corpus import (
    CorpusError,
    CorpusSettings,
    LeftOut,
    count_left_out,
    left_out_study,
    source_of,
)
from vmcore.file_modes import keep_private
from vmcore.imaging import CleaningSettings
from vmcore.runs import RunError, prepare_here, studies_folder


def main(
    source: tyro.conf.Positional[Path],
    name: tyro.conf.Positional[str],
    leave_out: tuple[str, ...] = (),
    workers: int | None = None,
    *,
    for_pretraining: bool = False,
    also: tyro.conf.UseAppendAction[tuple[Path, ...]] = (),
    leave_out_study: tyro.conf.UseAppendAction[tuple[str, ...]] = (),
    text: bool = True,
    frames: int = 8,
) -> None:
    """Prepare and check a study, or a corpus for pretraining.

    Args:
        source: a manifest (CSV), a folder with manifest.csv, or a folder of class folders.
        name: what the study is to be called.
        leave_out: labels of the manifest that belong to neither class.
        workers: processes; one per processor without.
        for_pretraining: prepare a corpus of unlabelled images of all files below the source.
        also: a further folder for the corpus; may be given more than once.
        leave_out_study: a prepared study whose images the corpus must not hold; may be given more than
            once.
        text: look for burned-in text and remove it; without it a corpus is prepared faster.
        frames: frames of each loop, video or volume that a corpus takes at most.
    """
    if for_pretraining:
        if leave_out:
            sys.exit("--leave-out belongs to studies; for a corpus it is --leave-out-study.")
        _prepare_corpus((source, *also), name, leave_out_study, workers, text=text, frames=frames)
        return
    if also or leave_out_study or not text or frames != 8:
        sys.exit("--also, --leave-out-study, --no-text and --frames belong to --for-pretraining.")
    with tqdm(unit="image") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        try:
            study = prepare_here(
                source, name, leave_out=leave_out, workers=workers, progress=progress
            )
        except (ManifestError, RunError) as error:
            sys.exit(str(error))
        except OSError as error:  # its own words would quote a file's name
            sys.exit(
                f"A file could not be read or written ({error.strerror or type(error).__name__})."
            )
    for row in study.report.counts:
        sys.stdout.write(f"{row['label']}: {row['images']} images of {row['subjects']} subjects\n")
    for sentence in study.report.concerns():
        sys.stdout.write(f"Look at: {sentence}\n")
    sys.stdout.write(f"Prepared in {study.folder}\n")


def _prepare_corpus(
    folders: tuple[Path, ...],
    name: str,
    studies: tuple[str, ...],
    workers: int | None,
    *,
    text: bool,
    frames: int,
) -> None:
    left_out = LeftOut()
    try:
        for study in studies:
            left_out |= left_out_study(load_study(studies_folder() / study))
        settings = CorpusSettings(cleaning=CleaningSettings(remove_text=text), frames=frames)
        sources = [source_of(folder) for folder in folders]
    except ValueError as error:
        sys.exit(f"Nothing was prepared: {error}")
    except OSError as error:  # its own words would quote a folder's name
        sys.exit(f"Nothing was prepared: a folder cannot be read ({error.strerror}).")
    corpus = prepare_named(sources, name, settings=settings, left_out=left_out, workers=workers)
    if studies:
        try:
            count = count_left_out(corpus.folder)
        except CorpusError as error:
            sys.exit(str(error))
        sys.stdout.write(
            f"{count} images were left out: they are, or look like, one of the "
            f"{corpus.card.left_out} in {len(set(studies))} studies\n"
        )


if __name__ == "__main__":
    keep_private()
    tyro.cli(main)
