"""Studies: add one, see its check, look at every image before and after, keep or reject it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd
import streamlit as st

from pages.parts.collection_view import show_collections
from pages.parts.identity import stay
from pages.parts.plain import plain
from pages.parts.refreshing import refreshing
from pages.parts.study_from_zip import add_from_zip
from pages.parts.table import show_table
from vmcore.data import (
    ManifestError,
    StoredStudy,
    load_study,
    prepared_path,
    rejected,
    stored_manifest,
)
from vmcore.data.containment import stays_inside
from vmcore.imaging import ScanError, clean_frame, read_sandboxed
from vmcore.reporting import hsv_scatter
from vmcore.runs import (
    RunError,
    StudyStatus,
    all_studies,
    came_as_zip,
    continue_preparing,
    delete_study,
    reject_images,
    start_preparing,
    stop_preparing,
    take_back_images,
)

_REFRESH_S = 1.0
_TWINS_SHOWN = 6
_GONE = "The study {} is gone; somebody has deleted it."


def draw() -> None:
    """Draw the view."""
    studies = {study.name: study for study in all_studies()}
    _add(expanded=not studies)
    add_from_zip()
    show_collections()
    asked = st.query_params.get("study")
    if asked and asked not in studies:
        st.warning(_GONE.format(plain(asked)), icon=":material/folder_off:")
        st.query_params.pop("study")
    if not studies:
        return
    names = list(studies)
    name = st.selectbox(
        "Study", names, index=names.index(asked) if asked in names else 0,
        format_func=lambda key: f"{key} · {studies[key].state}",
    )  # fmt: skip
    st.query_params["study"] = name
    study = studies[name]
    _delete(study)
    if study.state == "ready":
        _ready(study.folder)
    else:
        refreshing(_preparing, _REFRESH_S if study.state == "preparing" else None)(name)


def _add(*, expanded: bool) -> None:
    with (
        st.expander("Add a study", icon=":material/create_new_folder:", expanded=expanded),
        st.form("add-study", border=False),
    ):
        source = st.text_input(
            "Folder or manifest on this machine",
            help="A folder with subfolders normal and ventriculomegaly (or VM), whose own "
            "subfolders are subjects by their names; or a CSV with the columns path, label, subject_id and, "
            "where known, gestational_age_weeks, device, site, atrial_width_mm.",
        )
        name = st.text_input("Name of the study")
        leave_out = st.text_input(
            "Labels to leave out", placeholder="other", help="Separated by commas."
        )
        if st.form_submit_button("Prepare and check", icon=":material/play_arrow:"):
            labels = tuple(word.strip() for word in leave_out.split(",") if word.strip())
            try:
                if not source.strip():
                    raise RunError("Say where the images are.")
                folder = start_preparing(Path(source.strip()), name, leave_out=labels)
            except (RunError, ManifestError) as error:
                st.error(plain(error), icon=":material/error:")
            else:
                st.query_params["study"] = folder.name
                st.rerun()


def _delete(study: StudyStatus) -> None:
    if study.state == "preparing":
        return
    with st.popover("Delete", icon=":material/delete:"):
        originals = (
            "its files, which came as a zip, too"
            if came_as_zip(study.folder)
            else "the original files stay"
        )
        st.write(f"Prepared images, check and rejections go for good; {originals}.")
        # by its study: a press that arrives when another one is shown is no press
        if st.button("Delete this study", type="primary", key=f"delete-{study.name}"):
            try:
                delete_study(study.folder)
            except RunError as error:
                st.error(plain(error), icon=":material/error:")
            else:
                st.query_params.pop("study", None)
                st.rerun()


def _preparing(name: str) -> None:
    stay("train", "release")
    study = next((one for one in all_studies() if one.name == name), None)
    if study is None:
        st.warning(_GONE.format(plain(name)), icon=":material/folder_off:")
        return
    if study.state == "ready":
        st.rerun(scope="app")
    words = {
        "preparing": "Reading and cleaning",
        "stopped": "Stopped",
        "failed": "Failed",
    }
    share = study.done / study.total if study.total else 0.0
    counted = f": {study.done} of {study.total} images" if study.total else ""
    st.progress(share, words[study.state] + counted)
    if study.reason:
        show = st.error if study.state == "failed" else st.warning
        show(plain(study.reason), icon=":material/error:")
    if study.state == "preparing":
        button, act = st.button("Stop", icon=":material/stop:"), stop_preparing
    else:
        button = st.button("Go on", icon=":material/resume:", type="primary")
        act = continue_preparing
    if button:
        try:
            act(study.folder)
        except RunError as error:  # somebody else was quicker
            st.error(plain(error), icon=":material/error:")
        else:
            st.rerun(scope="app")


def _ready(folder: Path) -> None:
    try:
        study = load_study(folder)
        whole = stored_manifest(folder)
    except FileNotFoundError:
        st.warning(_GONE.format(plain(folder.name)), icon=":material/folder_off:")
        return
    except (ManifestError, OSError, ValueError) as error:
        st.error(plain(error), icon=":material/error:")
        return
    _check(study)
    refreshing(_review, None)(study, whole)


def _check(study: StoredStudy) -> None:
    report = study.report
    left, right = st.columns([2, 3], gap="large")
    with left:
        show_table(report.counts)
        out = len(rejected(study.folder))
        if out:
            st.caption(f"{out} images are rejected and will not be used.")
    with right:
        concerns = report.concerns()
        if not concerns:
            st.success("Nothing to worry about was found.", icon=":material/check_circle:")
        for sentence in concerns:
            st.markdown(f":orange[:material/warning:] {plain(sentence)}")
    if report.unreadable:
        with st.expander(f"Files that cannot be read ({len(report.unreadable)})"):
            rows = [{"file": path, "why": why} for path, why in report.unreadable.items()]
            show_table(rows)
    if report.twins:
        with st.expander(f"Images that show the same ({len(report.twins)} pairs)"):
            for first, second, exact, across in report.twins[:_TWINS_SHOWN]:
                words = "exactly the same" if exact else "nearly the same"
                st.caption(f"{words}{', different subjects' if across else ''}")
                pair = st.columns(2)
                for column, path in zip(pair, (first, second), strict=True):
                    with column:
                        _show_prepared(study.folder, path, plain(path), 224)


def _show_prepared(folder: Path, path: str, words: str, width: int | Literal["stretch"]) -> None:
    try:
        picture = prepared_path(folder / "prepared", path).read_bytes()
    except FileNotFoundError:
        st.caption("This picture is gone; somebody may have deleted the study.")
    else:
        st.image(picture, caption=words, width=width)


def _review(study: StoredStudy, whole: pd.DataFrame) -> None:
    stay("train", "release")
    whole_way = study.originals.is_dir()
    st.markdown(f"**Every image, {'before and after cleaning' if whole_way else 'cleaned'}**")
    out = rejected(study.folder)
    filters = ["all", "with text left", "no head found", "rejected"]
    which = st.segmented_control("Show", filters, default="all", required=True)
    paths = whole["path"].tolist()
    if which == "with text left":
        paths = [path for path in paths if path in set(study.report.lettered)]
    elif which == "no head found":
        paths = [path for path in paths if path in set(study.report.headless)]
    elif which == "rejected":
        paths = [path for path in paths if path in out]
    if not paths:
        st.caption("None.")
        return
    number = 1
    if len(paths) > 1:
        number = st.number_input(
            "Image", 1, len(paths), 1, key=f"image-{study.folder.name}-{which}"
        )
    path = paths[number - 1]
    row = whole[whole["path"] == path].iloc[0]
    _before_after(study.originals, study.folder, path)
    first, second = st.columns([3, 1], vertical_alignment="center")
    whose = row["subject_id"] if row.get("subject_known", True) else "not known"
    first.caption(plain(f"{path} · {row['label']} · subject {whose}{_measured_words(study, path)}"))
    taken_out = path in out
    words = "Take it back" if taken_out else "Reject"
    if second.button(words, icon=":material/undo:" if taken_out else ":material/block:"):
        try:
            (take_back_images if taken_out else reject_images)(study.folder, [path])
        except RunError as error:
            st.error(plain(error), icon=":material/error:")
        else:
            st.rerun(scope="app")


def _measured_words(study: StoredStudy, path: str) -> str:
    """What was measured in an image, after a dot; nothing where nobody looked, or it is rejected."""
    rows = study.table[study.table["path"] == path]
    if "measured_plane" not in rows or rows["measured_plane"].isna().all():
        return ""
    row = rows.iloc[0]
    if pd.isna(row["measured_width_share"]):
        return f" · measured: {row['measured_plane']}"
    width = f"{row['measured_width_share']:.2f} of the head"
    if not pd.isna(row["measured_width_mm"]):
        width = f"{row['measured_width_mm']:.1f} mm (by the {row['measured_mm_from']}), {width}"
    return f" · measured atrium: {width}, {row['measured_side']} side"


def _before_after(root: Path, folder: Path, path: str) -> None:
    columns = st.columns(3, gap="medium")
    with columns[1]:
        _show_prepared(folder, path, "what the model sees", "stretch")
    try:
        if not stays_inside(root / path, root):
            raise ScanError("The original leads out of the study's folder.")
        scan = read_sandboxed(root / path)
        frame = scan.frames[len(scan.frames) // 2]
    except (ScanError, OSError):
        columns[0].caption(
            "The study came as a zip, whose files were deleted when it was ready."
            if came_as_zip(folder)
            else "The original is not there any more."
        )
        return
    columns[0].image(frame, caption="as it came", width="stretch")
    clean = clean_frame(frame, region=scan.region)
    row, column = clean.offset
    height, width = clean.mask.shape
    before = frame[row : row + height, column : column + width]
    with columns[2]:
        st.plotly_chart(hsv_scatter(before, clean.mask), key=f"hsv-{path}", width="stretch")
    for removal in clean.removals:
        st.caption(f"· {removal.why}")
