"""What lies beside scans in a hospital's exports and is none: told by names and first bytes."""

from __future__ import annotations

from pathlib import PureWindowsPath
from typing import Literal

Litter = Literal[
    "system files",
    "viewer programs",
    "documents",
    "DICOM directories",
    "DICOM reports and documents",
    "archives within an archive",
]
_SYSTEM_NAMES = {
    ".ds_store",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "autorun.inf",
    ".localized",
}
_SYSTEM_FOLDERS = {"__macosx", ".trashes", ".spotlight-v100", ".fseventsd", "$recycle.bin", ".git"}
_PROGRAMS = {
    ".exe", ".dll", ".so", ".dylib", ".jar", ".class", ".msi", ".bat", ".cmd", ".sh", ".js", ".ocx", ".sys",
    ".ico", ".icns", ".cur", ".ttf", ".css", ".lib", ".pyd", ".manifest", ".plist", ".chm", ".hlp", ".inf",
}  # fmt: skip
_DOCUMENTS = {
    ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".rtf", ".txt", ".md", ".htm",
    ".html", ".xml", ".xsl", ".json", ".csv", ".log", ".ini", ".cfg", ".properties", ".md5", ".sha256",
}  # fmt: skip
_DIRECTORY = b"1.2.840.10008.1.3.10\0"
_NO_IMAGES = (  # SOP classes, PS3.4 B.5: reports, presentation states, key objects, documents, surfaces
    b"1.2.840.10008.5.1.4.1.1.88.",
    b"1.2.840.10008.5.1.4.1.1.11.",
    b"1.2.840.10008.5.1.4.1.1.104.",
    b"1.2.840.10008.5.1.4.1.1.66",
    b"1.2.840.10008.5.1.4.1.1.9.",
)
_CLASS = b"\x02\x00\x02\x00UI"  # (0002,0002) Media Storage SOP Class UID, explicit VR little endian


def litter_by_name(name: str) -> Litter | None:
    """What a file is that is no scan, by its name and folders; None where it may be one.

    Args:
        name: a path with slashes of either kind.
    """
    path = PureWindowsPath(name.lower())
    if path.name == "dicomdir":
        return "DICOM directories"
    hidden = path.name.startswith("._") or path.name in _SYSTEM_NAMES
    if hidden or _SYSTEM_FOLDERS & set(path.parts):
        return "system files"
    if path.suffix in _PROGRAMS:
        return "viewer programs"
    return "documents" if path.suffix in _DOCUMENTS else None


def litter_by_content(head: bytes) -> Litter | None:
    """What a file is that is no scan, by its first bytes; None where it may be one.

    Args:
        head: the first 1024 bytes, or all where there are fewer.
    """
    if not head:
        return "system files"
    if head.startswith((b"MZ", b"\x7fELF")):
        return "viewer programs"
    if head.startswith((b"%PDF", b"{\\rtf", b"\xd0\xcf\x11\xe0")):
        return "documents"
    if head[128:132] != b"DICM":
        return None
    place = head.find(_CLASS, 132)
    named = head[place + 8 : place + 8 + 64] if place >= 0 else b""
    if named.startswith(_DIRECTORY[:-1]) and named[len(_DIRECTORY) - 1 :][:1] in {
        b"\0",
        b"",
        b"\x02",
    }:
        return "DICOM directories"
    return "DICOM reports and documents" if named.startswith(_NO_IMAGES) else None
