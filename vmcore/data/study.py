"""A study on disk: the manifest, the prepared images, what was found, and what was rejected.

STUDY/manifest.csv      as given, with the root folder in study.json
STUDY/study.json        where it came from, how it was cleaned, what the check found
STUDY/prepared/...png   224 x 224, in the folder hierarchy of the originals
STUDY/rejected.csv      images that a person took out
STUDY/progress.json     how far preparing is, while it runs
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from vmcore.data.checking import class_counts, find_twins, two_faced_subjects
from vmcore.data.manifest import ManifestError, find_manifest, fingerprint
from vmcore.data.preparing import load_prepared, prepare_images, prepared_path
from vmcore.files import write_atomically
from vmcore.imaging import CleaningSettings


class StudyReport(BaseModel):
    """What the check found (``study.json``). Images are named by their manifest path."""

    model_config = ConfigDict(extra="forbid")

    root: str
    prepared_at: str
    cleaning: CleaningSettings
    counts: list[dict[str, int | str]]
    unreadable: dict[str, str]
    lettered: list[str]
    twins: list[tuple[str, str, bool, bool]]
    """Pairs: first, second, whether exactly the same, whether of different subjects."""
    two_faced: list[str]
    """Subjects with images of both classes."""

    def concerns(self) -> list[str]:
        """One sentence for each thing that a person should look at."""
        said = []
        if self.unreadable:
            said.append(f"{len(self.unreadable)} files cannot be read and are left out.")
        exact = [pair for pair in self.twins if pair[2]]
        near = [pair for pair in self.twins if not pair[2]]
        across = [pair for pair in self.twins if pair[3]]
        if exact:
            said.append(f"{len(exact)} pairs of images are exactly the same.")
        if near:
            said.append(f"{len(near)} pairs of images are nearly the same.")
        if across:
            said.append(
                f"{len(across)} of these pairs belong to different subjects, so the same picture "
                "could stand on both sides of a split."
            )
        if self.two_faced:
            said.append(f"{len(self.two_faced)} subjects have images of both classes.")
        if self.lettered:
            said.append(f"Text is still found in {len(self.lettered)} images after cleaning.")
        return said


@dataclass(frozen=True, slots=True)
class StoredStudy:
    """A prepared study that can be trained on.

    Attributes:
        folder: where it lies.
        table: the manifest without unreadable and rejected images.
        report: what the check found.
    """

    folder: Path
    table: pd.DataFrame
    report: StudyReport

    def images(self) -> npt.NDArray[np.uint8]:
        """All images of ``table``, uint8 (N, 3, 224, 224)."""
        return load_prepared(self.table, self.folder / "prepared")

    def image_digests(self) -> list[str]:
        """SHA-256 of each image's prepared pixels, uint8 (3, 224, 224), in the order of ``table``.

        Raises:
            ManifestError: an image is not there as it was prepared.
        """
        folder, digests = self.folder / "prepared", []
        for number, path in enumerate(self.table["path"].astype(str), start=1):
            try:
                file = prepared_path(folder, path).stat()
                digests.append(
                    _pixel_digest(folder, path, file.st_ino, file.st_ctime_ns, file.st_size)
                )
            except FileNotFoundError as error:  # a path may name a person
                raise ManifestError(
                    f"Image {number} of the study is not prepared; prepare the study again."
                ) from error
        return digests

    def identities(self) -> list[frozenset[str]]:
        """Digests by which each image is known again, under whatever name and in whatever study."""
        return [frozenset([digest]) for digest in self.image_digests()]

    @property
    def digest(self) -> str:
        """Digest of images, subjects, labels and every pixel, which shows whether it has changed.

        Raises:
            ManifestError: an image is not there as it was prepared.
        """
        parts = [fingerprint(self.table), *self.image_digests()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def pixel_digest(image: npt.NDArray[np.uint8]) -> str:
    """SHA-256 of a prepared image, uint8 (3, 224, 224), by which it is known again."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()


@lru_cache(maxsize=200_000)
def _pixel_digest(folder: Path, path: str, inode: int, changed_ns: int, size: int) -> str:
    """Computed once a process, as long as the file is the same by inode, change and size."""
    del inode, changed_ns, size
    return pixel_digest(load_prepared(pd.DataFrame({"path": [path]}), folder)[0])


def prepare_study(
    source: Path,
    folder: Path,
    *,
    leave_out: Sequence[str] = (),
    settings: CleaningSettings | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StoredStudy:
    """Read, clean and check a folder or manifest; goes on where it was stopped.

    Args:
        source: a manifest (CSV), a folder with manifest.csv, or a folder of class folders.
        folder: the study's folder.
        leave_out: labels of a manifest that belong to neither class and are to be left out.
        settings: how frames are cleaned.
        workers: processes; one per processor without.
        progress: called with (done, total).

    Raises:
        ManifestError: nothing to prepare, or a manifest that is wrong.
    """
    settings = settings or CleaningSettings()
    table, root = find_manifest(source, leave_out=leave_out)
    made = prepare_images(
        table, root, folder / "prepared", settings=settings,
        workers=workers or os.cpu_count() or 1, progress=progress,
    )  # fmt: skip
    readable = table[~table["path"].isin(made.unreadable)].reset_index(drop=True)
    if readable.empty:
        raise ManifestError(f"None of the {len(table)} files could be read as a scan.")
    report = _check(readable, root, folder, settings, made.unreadable, made.lettered)
    write_atomically(folder / "manifest.csv", readable.to_csv(index=False))
    write_atomically(folder / "study.json", report.model_dump_json(indent=2) + "\n")
    return load_study(folder)


def _check(
    table: pd.DataFrame,
    root: Path,
    folder: Path,
    settings: CleaningSettings,
    unreadable: dict[str, str],
    lettered: Iterable[str],
) -> StudyReport:
    paths, subjects = table["path"].tolist(), table["subject_id"].astype(str).tolist()
    return StudyReport(
        root=str(root.resolve()),
        prepared_at=datetime.now(UTC).isoformat(timespec="seconds"),
        cleaning=settings,
        counts=[{str(k): v for k, v in r.items()} for r in class_counts(table).to_dict("records")],
        unreadable=unreadable,
        lettered=list(lettered),
        twins=[
            (paths[t.first], paths[t.second], t.exact, subjects[t.first] != subjects[t.second])
            for t in find_twins(load_prepared(table, folder / "prepared"))
        ],
        two_faced=two_faced_subjects(table),
    )


def load_study(folder: Path) -> StoredStudy:
    """Open a prepared study.

    Raises:
        ManifestError: it has not been prepared, or its files are damaged.
    """
    try:
        report = StudyReport.model_validate_json((folder / "study.json").read_text())
        table = pd.read_csv(folder / "manifest.csv", dtype={"path": str, "subject_id": str})
    except (OSError, ValueError, ValidationError) as error:
        raise ManifestError(f"{folder.name} is not a prepared study; prepare it first.") from error
    kept = table[~table["path"].isin(rejected(folder))].reset_index(drop=True)
    return StoredStudy(folder, kept, report)


def rejected(folder: Path) -> set[str]:
    """Paths of images that a person took out of the study."""
    file = folder / "rejected.csv"
    return set(pd.read_csv(file, dtype=str)["path"]) if file.is_file() else set()


def reject(folder: Path, paths: Iterable[str]) -> None:
    """Write down which images are taken out; they stay on disk."""
    text = io.StringIO()
    pd.DataFrame({"path": sorted(set(paths))}).to_csv(text, index=False)
    write_atomically(folder / "rejected.csv", text.getvalue())
