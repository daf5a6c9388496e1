"""Scans that people decided about on the classify page and kept for training: a source of studies."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.parts.plain import plain
from pages.parts.table import show_table
from pages.parts.taking_out import take_out
from vmcore.clinic import Collection, CollectionError, collection_names, merged_subjects
from vmcore.data import (
    ManifestError,
    class_counts,
    fingerprint,
    label_numbers,
    load_study,
    read_manifest,
    stored_manifest,
)
from vmcore.runs import (
    RunError,
    StudyStatus,
    all_studies,
    prepared_from,
    start_preparing,
)

_SAID = "said of a collection"


def show_collections() -> None:
    """Draw each collection of the store; nothing where nobody has kept a scan."""
    try:
        names = collection_names()
        for name in names:
            with st.expander(f"Kept for training · {name}", icon=":material/school:"):
                _show(Collection(name))
    except (CollectionError, ManifestError) as error:
        st.error(plain(error), icon=":material/error:")
    if said := st.session_state.pop(_SAID, None):
        st.info(said, icon=":material/school:")


def _show(collection: Collection) -> None:
    table = read_manifest(collection.folder / "manifest.csv")
    studies = prepared_from(collection.folder)
    left, right = st.columns([2, 3], gap="large")
    with left:
        show_table(class_counts(table))
        groups = table.loc[~table["subject_known"], "subject_id"].nunique()
        if groups:
            st.caption(
                f"Subjects whose files name no patient: {groups}. Each is what was kept together; one fetus "
                "may be in two of them."
            )
        merged = merged_subjects(collection.rows().values())
        if merged:
            st.caption(
                "Patients of one number but different issuers count as one subject as long as a file that "
                f"names no issuer is kept beside them: {', '.join(merged)}."
            )
    with right:
        if len(set(label_numbers(table))) < 2:
            st.warning(
                "All of these are of one class. They can be prepared and looked at, but both classes are "
                "needed to train.",
                icon=":material/warning:",
            )
        st.caption(
            "Cleaned pictures and what people called them, kept on the classify page. Prepared, they are a "
            "study like any other; prepare it again after more were kept or some taken out."
        )
        for study in studies:
            st.markdown(_stands(study, table))
        _prepare(collection, studies)
        _take_out(collection, table)


def _stands(study: StudyStatus, table: pd.DataFrame) -> str:
    words = f"Study **{plain(study.name)}**: {study.state}"
    if study.state != "ready":
        return words
    try:
        unread = load_study(study.folder).report.unreadable
        could_be = table[~table["path"].isin(unread)].reset_index(drop=True)
        same = fingerprint(stored_manifest(study.folder)) == fingerprint(could_be)
    except (OSError, ValueError):
        return words
    words += f", {'as the collection is now' if same else 'older than the collection'}"
    return f"{words}; {len(unread)} kept pictures could not be read" if unread else words


def _prepare(collection: Collection, studies: list[StudyStatus]) -> None:
    with st.form(f"prepare-{collection.name}", border=False):
        name = st.text_input(
            "Study that it is to be", studies[0].name if studies else collection.name
        )
        if st.form_submit_button("Prepare as a study", icon=":material/play_arrow:"):
            ours = {study.name for study in studies}
            taken = {study.name for study in all_studies()} - ours
            try:
                if name.strip() in taken:
                    raise RunError(f"There is another study called {name.strip()} already.")
                folder = start_preparing(collection.folder, name, again=name.strip() in ours)
            except (RunError, ManifestError) as error:
                st.error(plain(error), icon=":material/error:")
            else:
                st.query_params["study"] = folder.name
                st.rerun()


def _take_out(collection: Collection, table: pd.DataFrame) -> None:
    """For consent that is withdrawn: by a picture's number or by whose it is."""
    with st.popover("Take out", icon=":material/block:"):
        st.write(
            "A picture, or all of a subject's, go for good. Studies hold their copies until they are prepared "
            "again. Which subject a patient is: `python -m train.collect --whose`."
        )
        images = table["path"].str.extract(r"(I[A-Z2-7]{16})\.png$")[0].tolist()
        counts = table["subject_id"].value_counts()
        options = {f"{subject} · {count} pictures": subject for subject, count in counts.items()}
        options |= {
            f"{image} · {label}": image for image, label in zip(images, table["label"], strict=True)
        }
        chosen = st.selectbox(
            "Subject (S…) or picture (I…)", list(options), None, key=f"out-{collection.name}",
            placeholder="Choose a number",
        )  # fmt: skip
        if st.button("Take out for good", type="primary", disabled=chosen is None) and chosen:
            try:
                st.session_state[_SAID] = take_out(collection, options[chosen])
            except (CollectionError, RunError) as error:
                st.error(plain(error), icon=":material/error:")
            else:
                st.rerun()
