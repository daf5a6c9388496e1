"""A digest that names one version of a bundle: any change of any of its files gives another one."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from vmcore.models.bundle_card import CARD_FILE
from vmcore.models.errors import BundleError


def bundle_digest(folder: str | Path) -> str:
    """SHA-256 over the names and contents of a bundle's files, as hexadecimal text.

    A file is read again only when its place, size or time of change (which nobody can set) is another one.

    Raises:
        BundleError: there is no bundle, or one of its files cannot be read.
    """
    folder = Path(folder)
    try:
        if not (folder / CARD_FILE).is_file():
            raise BundleError(f"There is no model bundle in {folder}: {CARD_FILE} is missing.")
        return folder_digest(folder)
    except OSError as error:
        raise BundleError("A file of the model's bundle cannot be read.") from error


def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a folder's files; those half written do not count.

    Raises:
        OSError: the folder or one of its files cannot be read.
    """
    total = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.name.startswith("."):
            continue  # half written
        content = file_digest(file)
        total.update(f"{file.name}\0{content}\0".encode())
    return total.hexdigest()


def file_digest(file: Path) -> str:
    """SHA-256 of a file, as hexadecimal text; read again only when it is another one or was changed.

    Raises:
        OSError: it cannot be read.
    """
    known = file.stat()
    return _file_digest(str(file), known.st_ino, known.st_size, known.st_ctime_ns)


@lru_cache(maxsize=4096)
def _file_digest(file: str, inode: int, size: int, changed_ns: int) -> str:
    del inode, size, changed_ns  # parts of the cache's key
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
