"""Add a study from a zip, for people whose browser is not on the machine that trains."""

from __future__ import annotations

import streamlit as st

from pages.parts.plain import plain
from vmcore.data import ManifestError
from vmcore.data.unpacking import STUDY_ARCHIVE
from vmcore.runs import RunError, start_from_zip

_SAID, _TIMES = "said of a zip", "times a zip was taken"


def add_from_zip() -> None:
    """Draw the form, and what was said of the zip before."""
    with st.expander("Add a study from a zip", icon=":material/folder_zip:"):
        times = st.session_state.setdefault(
            _TIMES, 0
        )  # a new field lets go of what the last one held
        with st.form(f"add-zip-{times}", border=False, enter_to_submit=False):
            file = st.file_uploader(
                "A zip of class folders, or of images and their manifest.csv", type="zip"
            )
            left, right = st.columns(2)
            name = left.text_input("Name of the study from the zip")
            leave_out = right.text_input(
                "Labels of the manifest to leave out",
                placeholder="other",
                help="Separated by commas.",
            )
            st.caption(
                f"Up to {STUDY_ARCHIVE.files:,} files and {STUDY_ARCHIVE.unpacked_bytes // 2**30} GB unpacked, "
                "from a zip no larger than the field says. For more, have the folder put on the server and name "
                "it under *Add a study*, or run there: `python -m train.prepare FOLDER NAME`. The zip's files lie in the store until they are read and cleaned, then they are deleted; names "
                "of files and folders stay in the study's own list, so name nobody in them."
            )
            if st.form_submit_button("Unpack and check", icon=":material/play_arrow:"):
                if file is None:
                    st.error("Choose a zip first.", icon=":material/error:")
                else:
                    _take(file, name, leave_out, times)
    if said := st.session_state.pop(_SAID, None):
        st.success(said, icon=":material/folder_zip:")


def _take(
    file: st.runtime.uploaded_file_manager.UploadedFile, name: str, leave_out: str, times: int
) -> None:
    labels = tuple(word.strip() for word in leave_out.split(",") if word.strip())
    try:
        with st.spinner("Unpacking …", show_time=False):
            folder, told = start_from_zip(file, name, leave_out=labels)
    except (RunError, ManifestError) as error:
        st.error(plain(error), icon=":material/error:")
        return
    rest = f" Other files, left out: {told.left_out}." if told.left_out else ""
    st.session_state[_SAID] = f"Scans unpacked: {told.scans}.{rest}"
    st.session_state[_TIMES] = times + 1
    st.query_params["study"] = folder.name
    st.rerun()
