"""Prepare a study: ``python -m train.prepare SOURCE NAME``.

Reads, cleans and shrinks every image of a manifest or of class folders, and checks the whole. Run it
again to go on where it was stopped.
"""

from __future__ import annotations

import sys
from pathlib import Path

import tyro
from tqdm import tqdm

from vmcore.data import ManifestError, prepare_study
from vmcore.runs import studies_folder


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

        try:
            study = prepare_study(
                source, studies_folder() / name, leave_out=leave_out, workers=workers,
                progress=progress,
            )  # fmt: skip
        except ManifestError as error:
            sys.exit(str(error))
    for row in study.report.counts:
        sys.stdout.write(f"{row['label']}: {row['images']} images of {row['subjects']} subjects\n")
    for sentence in study.report.concerns():
        sys.stdout.write(f"Look at: {sentence}\n")
    sys.stdout.write(f"Prepared in {study.folder}\n")


if __name__ == "__main__":
    tyro.cli(main)
