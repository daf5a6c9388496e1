"""Ask an archive for ultrasound images, and bring the chosen ones into the inbox."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import pandas as pd
import streamlit as st

from pages.parts.identity import stay
from pages.parts.plain import plain, seen
from pages.parts.recording import Recording
from pages.parts.refreshing import refreshing
from vmcore.clinic.network import Inbox, InboxFullError, Kept, TooLargeError
from vmcore.clinic.network.dicomweb import (
    ArchiveError,
    Found,
    FoundImage,
    FoundStudy,
    StudyQuery,
    find_images,
    find_studies,
    retrieve,
)
from vmcore.settings import WebArchive, settings

_ASKED = "asked archive"
_ROW_PX, _MOST_ROWS = 35, 7
_UNKEPT = "The inbox cannot be written to."


@dataclass(slots=True)
class _Asked:
    """What a session's last question found; in memory, and gone with the session."""

    archive: WebArchive
    studies: Found[FoundStudy]
    images: dict[str, Found[FoundImage]] = field(default_factory=dict)
    troubles: dict[str, str] = field(default_factory=dict)
    """Why a study's images were not told, by its UID."""
    number: str = field(default_factory=lambda: secrets.token_hex(4))
    """By which the page tells its tables from those of another question."""


def show_ask_archive() -> None:
    """Draw the form where an archive may be asked, and what was found."""
    archives = [one for one in settings().archives if one.ask]
    if archives:
        with st.expander(
            "Ask the archive", icon=":material/manage_search:", expanded=_ASKED in st.session_state
        ):
            refreshing(_draw, None)(archives)


def _draw(archives: Sequence[WebArchive]) -> None:
    stay("classify")
    try:
        _ask(archives)
        asked: _Asked | None = st.session_state.get(_ASKED)
        if asked is not None:
            _show_found(asked)
    except ArchiveError as error:
        st.error(str(error), icon=":material/error:")


def _ask(archives: Sequence[WebArchive]) -> None:
    with st.form("ask-archive", border=False):
        archive = archives[0]
        if len(archives) > 1:
            archive = st.selectbox("Archive", archives, format_func=lambda one: plain(one.name))
        first, last, accession, number, name = st.columns(5)
        query = StudyQuery(
            first.date_input("From", None, format="YYYY-MM-DD", key="asked-first"),
            last.date_input("Until", None, format="YYYY-MM-DD", key="asked-last"),
            accession.text_input("Accession number", key="asked-accession", autocomplete="off"),
            number.text_input("Patient's number", key="asked-number", autocomplete="off"),
            name.text_input(
                "Patient's name", key="asked-name", autocomplete="off",
                placeholder="Family Given", help="How both begin; * stands for any letters.",
            ),
        )  # fmt: skip
        if st.form_submit_button("Look for ultrasound", icon=":material/search:"):
            st.session_state.pop(_ASKED, None)
            number_found = None
            try:
                with st.spinner("Asking the archive …", show_time=False):
                    asked = _Asked(archive, find_studies(archive, query))
                number_found = len(asked.studies)
            finally:  # whatever the archive said: it was told whom somebody looks for
                if any(asdict(query).values()):  # nothing is asked with an empty form
                    Recording.of_session().asked_archive(archive.name, "studies", number_found)
            st.session_state[_ASKED] = asked


def _show_found(asked: _Asked) -> None:
    if not asked.studies:
        st.info("The archive has no ultrasound that fits.", icon=":material/search_off:")
    else:
        st.caption(
            f"{_count(len(asked.studies), 'study', 'studies')}. Choose one to see its images."
        )
    if asked.studies.more:
        st.warning(
            "The archive has more than these, newer ones perhaps too: narrow the search.",
            icon=":material/filter_list:",
        )
    if not asked.studies:
        return
    shown = pd.DataFrame(
        [
            (seen(one.patient_name), seen(one.patient_id), one.born, one.day, one.time,
             seen(one.description), seen(one.accession), one.instances)
            for one in asked.studies
        ],
        columns=["patient", "patient's number", "born", "day", "time", "description",
                 "accession number", "objects"],
    )  # fmt: skip
    chosen = _table(shown, f"asked-studies-{asked.number}", "single-row")
    if not chosen:
        return
    study = asked.studies[chosen[0]]
    if study.uid not in asked.images:
        if study.uid in asked.troubles:  # asked once, not whenever the page is drawn
            raise ArchiveError(asked.troubles[study.uid])
        number_found = None
        try:
            with st.spinner("Asking for its images …", show_time=False):
                asked.images[study.uid] = find_images(asked.archive, study.uid)
            number_found = len(asked.images[study.uid])
        except ArchiveError as error:
            asked.troubles[study.uid] = str(error)
            raise
        finally:
            Recording.of_session().asked_archive(asked.archive.name, "images", number_found)
    images = asked.images[study.uid]
    if not images:
        st.info("This study has no ultrasound images.", icon=":material/search_off:")
        return
    st.caption(f"{_count(len(images), 'image', 'images')}. Choose what to fetch.")
    if images.more:
        st.warning(
            "The study has more images than these; the archive lists no more at once.",
            icon=":material/filter_list:",
        )
    shown = pd.DataFrame(
        [
            (one.series_number, one.number, one.frames or 1, f"{one.columns or '?'} × {one.rows or '?'}")
            for one in images
        ],
        columns=["series", "image", "frames", "size"],
    )  # fmt: skip
    wanted = [
        images[place]
        for place in _table(shown, f"asked-images-{asked.number}-{chosen[0]}", "multi-row")
    ]
    words = f"Fetch {_count(len(wanted), 'image', 'images')}" if wanted else "Fetch"
    if st.button(words, key="fetch", icon=":material/download:", disabled=not wanted):
        _fetch(asked.archive, wanted)


def _fetch(archive: WebArchive, wanted: Sequence[FoundImage]) -> None:
    """Bring them into the inbox, one after the other; what came stays, whatever happens to the others."""
    limits, recording = settings(), Recording.of_session()
    inbox = Inbox(free_bytes=limits.node_free_mb * 2**20)
    inbox.sweep()  # of a program that was killed while it fetched; there may be no node
    kept: list[Kept] = []
    troubles: dict[str, int] = {}
    with st.spinner("Fetching …", show_time=False):
        bar = st.progress(0.0)
        try:
            for count, image in enumerate(wanted, start=1):
                try:
                    kept.append(retrieve(archive, image, inbox, limits.largest_file_mb * 2**20))
                except (ArchiveError, TooLargeError, InboxFullError) as error:
                    troubles[str(error)] = troubles.get(str(error), 0) + 1
                except OSError:  # what it says names places
                    troubles[_UNKEPT] = troubles.get(_UNKEPT, 0) + 1
                bar.progress(count / len(wanted))  # raises where the person has left the page
        finally:
            new, same = kept.count(Kept.NEW), kept.count(Kept.SAME)
            recording.fetched(archive.name, new, same, len(wanted) - new - same)
        bar.empty()
    if new or same:
        here = (
            f" {same} came before and {'is' if same == 1 else 'are'} here already." if same else ""
        )
        st.success(
            f"{_count(new, 'image', 'images')} fetched; the list below shows what is said of them.{here}",
            icon=":material/check:",
        )  # fmt: skip
    if other := kept.count(Kept.DIFFERENT):
        troubles["Another image with its number is here already."] = other
    for sentence, count in troubles.items():
        st.error(
            f"{_count(count, 'image', 'images')} not fetched. {sentence}", icon=":material/error:"
        )


def _table(shown: pd.DataFrame, key: str, mode: str) -> list[int]:
    """Draw a table; the places that are chosen in it."""
    rows = st.dataframe(
        shown, key=key, on_select="rerun", selection_mode=mode, hide_index=True, row_height=_ROW_PX,
        height=_ROW_PX * min(len(shown) + 1, _MOST_ROWS) + 3,
        column_config={
            name: st.column_config.DateColumn(format="D MMM YYYY") for name in ("day", "born")
        },
    ).selection.rows  # fmt: skip
    return [place for place in rows if place < len(shown)]


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
