"""A study on disk: the manifest, the prepared images, what was found, and what was rejected.

STUDY/source.json       the folder that it is prepared from, and by which version; written first
STUDY/manifest.csv      as given, without unreadable images
STUDY/study.json        how it was cleaned, what the check found; written last, gone meanwhile
STUDY/anatomy.csv       what was measured in the images, where anything was
STUDY/prepared/...png   224 x 224, in the folder hierarchy of the originals, each with its record
STUDY/rejected.csv      images that a person took out
STUDY/progress.json     how far preparing is, while it runs
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import ValidationError

from vmcore.data.checking import find_twins, told_by, two_labels, without_images
from vmcore.data.digests import prepared_digests
from vmcore.data.finding import FoundManifest, find_manifest
from vmcore.data.manifest import ManifestError, fingerprint, subjects_known
from vmcore.data.measured import ANATOMY_FILE, NO_HEAD, Measure, with_measured, write_measured
from vmcore.data.origin import (
    OUTDATED,
    note_origin,
    originals_root,
    outdated,
    refuse_other_root,
    root_seen_from,
)
from vmcore.data.preparing import (
    PreparationReport,
    load_prepared,
    prepare_images,
    prepared_path,
    read_record,
    record_path,
)
from vmcore.data.rejecting import changed_rejected, follow_rejected, rejected
from vmcore.data.report import StudyReport
from vmcore.files import write_atomically
from vmcore.imaging import CleaningSettings


@dataclass(frozen=True, slots=True)
class StoredStudy:
    """A prepared study that can be trained on.

    Attributes:
        folder: where it lies.
        table: the manifest without unreadable and rejected images, with what was measured in them
            (:data:`vmcore.data.measured.MEASURED_COLUMNS`) where anything was.
        report: what the check found.
    """

    folder: Path
    table: pd.DataFrame
    report: StudyReport

    @property
    def originals(self) -> Path:
        """The folder that the paths of ``table`` start from, which may be gone."""
        return originals_root(self.folder, self.report.root)

    def has_originals(self) -> bool:
        """Whether any of the original files of ``table`` is there."""
        root = self.originals
        return any((root / str(path)).is_file() for path in self.table["path"])

    def images(self) -> npt.NDArray[np.uint8]:
        """All images of ``table``, uint8 (N, 3, 224, 224)."""
        return load_prepared(self.table, self.folder / "prepared")

    @property
    def same_pictures(self) -> list[tuple[str, str]]:
        """Paths of images of different subjects that are exactly the same."""
        return [(one, other) for one, other, exact, across in self.report.twins if exact and across]

    def source_digests(self) -> list[str]:
        """SHA-256 of each original file when it was prepared, in the order of ``table``.

        Raises:
            ManifestError: an image is not prepared.
        """
        known = [read_record(self.folder / "prepared", str(path)) for path in self.table["path"]]
        digests = [record.source for record in known if record is not None]
        if len(digests) < len(known):
            raise ManifestError(
                f"{len(known) - len(digests)} images are not prepared; prepare the study again."
            )
        return digests

    def image_digests(self) -> list[str]:
        """SHA-256 of each image's prepared pixels, uint8 (3, 224, 224), in the order of ``table``.

        Raises:
            ManifestError: an image is not there as it was prepared.
        """
        return [pixels for pixels, _ in self._prepared_digests()]

    def _prepared_digests(self) -> list[tuple[str, str]]:
        folder, digests = self.folder / "prepared", []
        for number, path in enumerate(self.table["path"].astype(str), start=1):
            try:
                file = prepared_path(folder, path).stat()
                digests.append(
                    prepared_digests(folder, path, file.st_ino, file.st_ctime_ns, file.st_size)
                )
            except FileNotFoundError as error:  # a path may name a person
                raise ManifestError(
                    f"Image {number} of the study is not prepared; prepare the study again."
                ) from error
        return digests

    def identities(self) -> list[frozenset[str]]:
        """Digests by which each image is known again, under whatever name and in whatever study.

        Its prepared pixels, their grey values, as corpora keep them, and the file that it was prepared
        from: cleaned in another way, the same file gives other pixels.
        """
        both = zip(self._prepared_digests(), self.source_digests(), strict=True)
        return [frozenset({*pixels, source}) for pixels, source in both]

    def unknown_subjects(self) -> int:
        """How many images of ``table`` name no subject."""
        return int((~subjects_known(self.table)).sum())

    @property
    def digest(self) -> str:
        """Digest of images, subjects, labels and every pixel, which shows whether it has changed.

        Raises:
            ManifestError: an image is not there as it was prepared.
        """
        parts = [fingerprint(self.table), *self.image_digests()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def prepare_study(
    source: Path,
    folder: Path,
    *,
    leave_out: Sequence[str] = (),
    settings: CleaningSettings | None = None,
    measure: Measure | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StoredStudy:
    """Read, clean and check a folder or manifest; goes on where it was stopped.

    The same folder can be prepared again: images whose file is the same are kept.

    Args:
        source: a manifest (CSV), a folder with manifest.csv, or a folder of class folders.
        folder: the study's folder.
        leave_out: labels of a manifest that belong to neither class and are to be left out.
        settings: how frames are cleaned.
        measure: what measures each image; nothing is measured without it.
        workers: processes; one per processor without.
        progress: called with (done, total).

    Raises:
        ManifestError: nothing to prepare, a manifest that is wrong, or a folder that holds a study of
            another root.
    """
    settings = settings or CleaningSettings()
    found = find_manifest(source, leave_out=leave_out)
    refuse_other_root(folder, source)
    note_origin(folder, found.root)
    (folder / "study.json").unlink(missing_ok=True)  # it is true again when all is done
    _remove_others(folder / "prepared", found.table)
    made = prepare_images(
        found.table, found.root, folder / "prepared", settings=settings, measure=measure,
        workers=workers or os.cpu_count() or 1, progress=progress,
    )  # fmt: skip
    table = found.table
    readable = table[~table["path"].isin(made.unreadable)].reset_index(drop=True)
    if readable.empty:
        raise ManifestError(f"None of the {len(table)} files could be read as a scan.")
    report = _check(readable, found, folder, settings, made)
    write_atomically(folder / "manifest.csv", readable.to_csv(index=False))
    (folder / ANATOMY_FILE).unlink(missing_ok=True)
    if made.measured:
        write_measured(folder, made.measured)
    write_atomically(folder / "study.json", report.model_dump_json(indent=2) + "\n")
    return load_study(folder)


def _remove_others(prepared: Path, table: pd.DataFrame) -> None:
    """Remove prepared files of images that the manifest does not list (any more)."""
    paths = [str(path) for path in table["path"]]
    ours = {place(prepared, path) for path in paths for place in (prepared_path, record_path)}
    for name, folders, files in os.walk(prepared, topdown=False):
        for file in (Path(name) / one for one in files):
            if file not in ours:
                file.unlink()
        for below in (Path(name) / one for one in folders):
            if not any(below.iterdir()):
                below.rmdir()


def _check(
    table: pd.DataFrame,
    found: FoundManifest,
    folder: Path,
    settings: CleaningSettings,
    made: PreparationReport,
) -> StudyReport:
    paths, subjects = table["path"].tolist(), table["subject_id"].astype(str).tolist()
    twins = [
        (paths[t.first], paths[t.second], t.exact, subjects[t.first] != subjects[t.second])
        for t in find_twins(load_prepared(table, folder / "prepared"))
    ]
    return StudyReport(
        root=root_seen_from(folder, found.root),
        prepared_at=datetime.now(UTC).isoformat(timespec="seconds"),
        cleaning=settings,
        unreadable=made.unreadable,
        lettered=list(made.lettered),
        headless=[path for path, one in made.measured.items() if one.measured_plane == NO_HEAD],
        twins=twins,
        two_labels=two_labels(table, twins),
        no_scans=found.no_scans,
        beside=found.beside,
        respelt=found.respelt,
        renamed_rejected=follow_rejected(folder, paths, _listed_before(folder)),
        changed_rejected=len(changed_rejected(folder)),
        **told_by(table),
    )


def _listed_before(folder: Path) -> list[str]:
    """Images of the last preparing; none where there was none."""
    try:
        return [str(path) for path in stored_manifest(folder)["path"]]
    except (OSError, ValueError):
        return []


def load_study(folder: Path) -> StoredStudy:
    """Open a prepared study.

    Raises:
        ManifestError: it has not been prepared, was prepared by another version, or its files are
            damaged.
    """
    if outdated(folder):
        raise ManifestError(OUTDATED)
    try:
        report = StudyReport.model_validate_json((folder / "study.json").read_text())
        table = with_measured(folder, stored_manifest(folder))
    except (OSError, ValueError, ValidationError) as error:
        raise ManifestError(f"{folder.name} is not a prepared study; prepare it first.") from error
    out = rejected(folder)
    kept = table[~table["path"].isin(out)].reset_index(drop=True)
    if len(kept) == len(table):
        return StoredStudy(folder, kept, report)
    twins = without_images(
        report.twins, out, dict(zip(table["path"], table["subject_id"], strict=True))
    )
    left = {"twins": twins, "two_labels": two_labels(kept, twins), **told_by(kept)}
    report = report.of_kept(left, out)
    return StoredStudy(folder, kept, report)


def stored_manifest(folder: Path) -> pd.DataFrame:
    """A prepared study's whole manifest, rejected images included.

    Raises:
        OSError, ValueError: it is not there or damaged.
    """
    text = (folder / "manifest.csv").read_bytes()
    names = ["path", "subject_id"]  # a subject may be called "NA", which is no missing value here
    plain = pd.read_csv(io.BytesIO(text), dtype=str, usecols=names, keep_default_na=False)
    return pd.read_csv(io.BytesIO(text)).assign(**{name: plain[name] for name in names})
