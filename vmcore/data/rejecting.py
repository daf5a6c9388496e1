"""Images that a person took out of a study: kept by path and content, so that none stands for another.

STUDY/rejected.csv holds the path and the SHA-256 digest of the original file that was looked at. A
file whose content has changed since is not rejected any more; one that has another name since is.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from vmcore.data.manifest import normalised
from vmcore.data.preparing import read_record
from vmcore.files import write_atomically

_FILE = "rejected.csv"


def rejected(folder: Path) -> set[str]:
    """Paths of images that a person took out of the study."""
    table = _read(folder)
    return set(table["path"]) - _changed(folder, table)


def changed_rejected(folder: Path) -> set[str]:
    """Paths of images that were taken out and whose file has another content now."""
    return _changed(folder, _read(folder))


def reject(folder: Path, paths: Iterable[str]) -> None:
    """Write down which images are taken out; they stay on disk."""
    before = _read(folder)
    noted = dict(zip(before["path"], before["source"], strict=True))
    chosen = sorted(set(paths))
    known = [read_record(folder / "prepared", path) for path in chosen]
    sources = {
        path: record.source if record else noted.get(path, "")
        for path, record in zip(chosen, known, strict=True)
    }
    _write(folder, sources)


def follow_rejected(folder: Path, paths: Iterable[str], before: Iterable[str]) -> int:
    """Take out what was taken out under a name that is gone, and is new under another; how many those are.

    A copy that was there all along stays as it is.

    Args:
        folder: the study's.
        paths: the images that there are now.
        before: those that there were when it was prepared last.
    """
    table, now = _read(folder), set(paths)
    gone = table[~table["path"].isin(now) & (table["source"] != "")]
    fresh = now - set(before) - set(table["path"]) if len(gone) else set()
    sources = set(gone["source"])
    records = {path: read_record(folder / "prepared", path) for path in fresh}
    moved = {
        path: record.source
        for path, record in records.items()
        if record is not None and record.source in sources
    }
    if moved:
        _write(folder, {**dict(zip(table["path"], table["source"], strict=True)), **moved})
    return len(moved)


def _write(folder: Path, sources: Mapping[str, str]) -> None:
    text = io.StringIO()
    rows = pd.DataFrame(sorted(sources.items()), columns=["path", "source"])
    rows.to_csv(text, index=False)
    write_atomically(folder / _FILE, text.getvalue())


def _read(folder: Path) -> pd.DataFrame:
    file = folder / _FILE
    if not file.is_file():
        return pd.DataFrame({"path": [], "source": []}, dtype=str)
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    if "source" not in table.columns:  # written by an older version
        table["source"] = ""
    return table.assign(path=normalised(table["path"]))


def _changed(folder: Path, table: pd.DataFrame) -> set[str]:
    changed = set()
    for path, source in zip(table["path"], table["source"], strict=True):
        known = read_record(folder / "prepared", path)
        if source and known is not None and known.source != source:
            changed.add(path)
    return changed
