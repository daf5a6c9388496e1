"""Prepare a study: ``python -m train.prepare SOURCE NAME``.

Reads, cleans and shrinks every image of a manifest or of class folders, and checks the whole. Run it
again to go on where it was stopped, or after files were added or changed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tyro
from tqdm import tqdm

from vmcore.data import ManifestError, find_manifest, prepare_study, refuse_other_root
from vmcore.file_modes import keep_private
from vmcore.runs import note_request, studies_folder


def main(
    source: tyro.conf.Positional[Path],
    name: tyro.conf.Positional[str],
    leave_out: tuple[str, ...] = (),
    workers: int | None = None,
) -> None:
    """Prepare and check a study.

    Args:
        source: a manifest (CSV), a folder with manifest.csv, or a folder of class folders.
        name: what the study is to be called.
        leave_out: labels of the manifest that belong to neither class.
        workers: processes; one per processor without.
    """
    with tqdm(unit="image") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        folder = studies_folder() / name
        try:
            find_manifest(source, leave_out=leave_out)  # before anything is written
            refuse_other_root(folder, source)
            note_request(folder, source, leave_out)
            study = prepare_study(
                source, folder, leave_out=leave_out, workers=workers, progress=progress
            )
        except ManifestError as error:
            sys.exit(str(error))
    for row in study.report.counts:
        sys.stdout.write(f"{row['label']}: {row['images']} images of {row['subjects']} subjects\n")
    for sentence in study.report.concerns():
        sys.stdout.write(f"Look at: {sentence}\n")
    sys.stdout.write(f"Prepared in {study.folder}\n")


if __name__ == "__main__":
    keep_private()
    tyro.cli(main)
