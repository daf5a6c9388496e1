"""Correctly called cases of both classes with their heatmaps, as in the paper's Fig. 7."""

from __future__ import annotations

import hashlib

import numpy as np
import streamlit as st

from pages.parts.case_picture import case_tile, worded
from pages.parts.review_choice import Review
from pages.parts.sharing import looked_at
from vmcore.evaluation import case_table
from vmcore.reporting import decimal
from vmcore.reporting.review import Tile, gallery_png

_TRIED = 40  # cases looked for before giving up on a row
_ROWS = {"true negative": "Normal, called normal", "true positive": "Ventriculomegaly, called so",
         "false negative": "Ventriculomegaly, missed", "false positive": "Normal, called ventriculomegaly"}  # fmt: skip


def draw(review: Review) -> None:
    """Draw the view."""
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    kinds = left.pills(
        "Rows", list(_ROWS), default=["true negative", "true positive"], selection_mode="multi",
        format_func=_ROWS.__getitem__, key="gallery-kinds",
    )  # fmt: skip
    count = right.slider("Cases a row", 2, 8, 4, key="gallery-count")
    rows = []
    bar = st.progress(0.0, "Looking …")
    for done, kind in enumerate(kinds, start=1):
        rows.append((_ROWS[kind], _tiles(review, kind, count)))
        bar.progress(done / len(kinds), "Looking …")
    bar.empty()
    if not any(tiles for _, tiles in rows):
        st.info(
            "None of these pictures is on this machine. Pictures of the bundled model's data are read "
            "from the folder that VMCORE_IMAGES names.",
            icon=":material/hide_image:",
        )
        return
    picture = gallery_png([(title, tiles) for title, tiles in rows if tiles])
    st.image(picture, width="content")
    if short := [f"{title} ({len(tiles)})" for title, tiles in rows if len(tiles) < count]:
        st.caption(f"No more pictures of these are on this machine: {'; '.join(short)}.")
    shown = hashlib.sha256(picture).hexdigest()
    st.download_button(
        "Gallery PNG", picture, "ventriscope-gallery.png", "image/png", icon=":material/image:",
        on_click="ignore", disabled=not looked_at(shown),
    )  # fmt: skip


def _tiles(review: Review, kind: str, count: int) -> list[Tile]:
    """The surest cases of a kind whose picture can be found."""
    table = case_table(review.operating, review.split)
    tiles: list[Tile] = []
    for _, row in table[table["kind"] == kind].head(_TRIED).iterrows():
        fold = None
        if review.split == "validation":
            folds = [name for name in row.index if str(name).startswith("fold ")]
            judged = next(name for name in folds if not np.isnan(row[name]))
            fold = int(str(judged).removeprefix("fold "))
        tile = case_tile(review.reviewed.key, str(row["image"]), fold)
        if tile is not None:
            tiles.append(worded(tile, f"probability {decimal(float(row['probability']), 2)}"))
        if len(tiles) == count:
            break
    return tiles
