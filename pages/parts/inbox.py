"""Where scans come in: files, folders and archives, or an example; and what was wrong with them."""

from __future__ import annotations

import streamlit as st

from pages.parts.carried import draw_carried, with_carried
from pages.parts.received import (
    draw_received,
    look_at_opened,
    put_away_unreadable,
    received_files,
)
from pages.parts.uploads import DroppedFile, Uploads
from vmcore.imaging import ScanError
from vmcore.settings import settings

FILES, FOLDER, EXAMPLES = "uploads", "folder", "examples"
"""Keys of the fields."""
_SHOWN = 2  # refusals that are seen at once


def draw_inbox(uploads: Uploads) -> None:
    """Draw the fields, and hold exactly what lies in them."""
    files = st.file_uploader(
        "Scans: DICOM (also loops), PNG, JPEG, TIFF, BMP or WebP; or a zip of them",
        accept_multiple_files=True,
        key=FILES,
    )
    with st.expander("A whole folder", icon=":material/folder_open:"):
        folder = st.file_uploader(
            "A folder with everything below it",
            accept_multiple_files="directory",
            key=FOLDER,
            label_visibility="collapsed",
        )
    examples = sorted(settings().examples.glob("*.dcm"))
    chosen: list[str] = []
    if examples:
        words = {path.name: path.stem.replace("-", " ") for path in examples}
        chosen = st.pills(
            "or try a phantom (drawn, not scanned)",
            list(words),
            format_func=words.__getitem__,
            selection_mode="multi",
            key=EXAMPLES,
        )
    dropped = with_carried(
        [DroppedFile(upload.file_id, upload.name, upload.getvalue) for upload in (*files, *folder)],
        chosen,
    )
    dropped += [
        DroppedFile(path.name, path.name, path.read_bytes)
        for path in examples
        if path.name in chosen
    ]
    dropped += received_files()
    draw_carried(uploads)
    draw_received(uploads)
    try:
        with st.spinner("Looking through the files …", show_time=False):
            uploads.sync(dropped)
    except ScanError:  # a received image was removed in this moment, or may not be read
        put_away_unreadable()
        st.rerun()
    look_at_opened()


def show_problems(uploads: Uploads) -> None:
    """Say which files are no scans and why, and what was passed over."""
    refusals = uploads.refusals
    for sentence in refusals[:_SHOWN]:
        st.warning(sentence, icon=":material/warning:")
    if len(refusals) > _SHOWN:
        with st.expander(_more(len(refusals) - _SHOWN)):
            for sentence in refusals[_SHOWN:]:
                st.write(sentence)
    if uploads.skipped:
        words = ", ".join(f"{kind} ({count})" for kind, count in uploads.skipped.items())
        st.caption(f":material/filter_alt: Passed over, because they are no scans: {words}.")


def _more(count: int) -> str:
    return (
        "One more file could not be used" if count == 1 else f"{count} more files could not be used"
    )
