"""A scan's DICOM file without identity, to take away: made, looked at frame by frame, then saved."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import streamlit as st

from pages.parts.plain import plain
from pages.parts.recording import Recording
from pages.parts.sharing import looked_at
from pages.parts.uploaded_scan import UploadedScan
from vmcore.imaging import ScanError
from vmcore.reporting.case import ReportedCase
from vmcore.settings import settings

if TYPE_CHECKING:
    from vmcore.clinic import DeidentifiedScan

_KEY_BYTES = 32


def show_deidentified(uploaded: UploadedScan, case: ReportedCase) -> None:
    """Offer the file to who uploaded DICOM; nothing for other kinds of files."""
    for other in _kept().keys() - {uploaded.key}:  # one at a time: it is as large as the scan
        del _kept()[other]
    if uploaded.kind != "DICOM":
        return
    with st.expander("De-identified DICOM"):
        st.caption(
            "By DICOM PS3.15's Basic Profile: names, numbers, dates and private data are removed, and "
            "text, drawing and all beside the scan from every frame. Numbers are the same for files of "
            "this session alone; a collection is made with `python -m train.deidentify`."
        )
        made: DeidentifiedScan | None = _kept().get(uploaded.key)
        if made is None:
            made = _make(uploaded)
        if made is not None:
            _hand_out(uploaded, made, case)


def _make(uploaded: UploadedScan) -> DeidentifiedScan | None:
    device = st.checkbox("Keep the device's serial number", key=f"device-{uploaded.number}")
    if not st.button("Make the file", icon=":material/no_accounts:", key=f"de-{uploaded.number}"):
        return None
    from vmcore.clinic import (  # noqa: PLC0415  not before somebody asks for it
        DeidentifyOptions,
        Pseudonyms,
        deidentify,
    )

    if "deidentify_key" not in st.session_state:
        st.session_state.deidentify_key = secrets.token_bytes(_KEY_BYTES)
    bar = st.progress(0.0, "Looking for text in every frame …")
    st.button(  # as any click, it ends what runs
        "Stop", key=f"stop-de-{uploaded.number}", on_click=st.toast, args=("Stopped; nothing was made.",),
    )  # fmt: skip

    def told(done: int, frames: int) -> None:
        bar.progress(done / frames, f"Looked for text in {done} of {frames} frames")

    try:
        made = deidentify(
            uploaded.content(),
            Pseudonyms(st.session_state.deidentify_key),
            DeidentifyOptions(retain_device=device),
            limits=settings().read_limits(),
            on_frame=told,
        )
    except ScanError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return None
    _kept()[uploaded.key] = made
    st.rerun()


def _hand_out(uploaded: UploadedScan, made: DeidentifiedScan, case: ReportedCase) -> None:
    name = f"{made.name}-{uploaded.number}"
    frame = 1
    if len(made.frames) > 1:
        frame = st.slider("Frame of the file", 1, len(made.frames), 1, key=f"{name}-frame")
    recording = Recording.of_session()

    def content() -> bytes:
        recording.exported(case, "de-identified dicom")
        return made.content

    st.image(made.frames[frame - 1], width="stretch")
    st.download_button(
        "Save DICOM",
        content,
        f"{made.name}.dcm",
        "application/dicom",
        disabled=not looked_at(name),
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )


def _kept() -> dict[str, DeidentifiedScan]:
    """The session's file, by the upload that it was made of."""
    kept: dict[str, DeidentifiedScan] = st.session_state.setdefault("deidentified", {})
    return kept
