"""A loop as a whole: every frame judged in the background, drawn over time, and the frames to look at."""

from __future__ import annotations

import logging
import weakref
from dataclasses import dataclass, field

import streamlit as st

from pages.parts.refreshing import refreshing
from pages.parts.turns import in_turn
from pages.parts.uploaded_scan import Models, UploadedScan
from pages.parts.uploads import Uploads
from vmcore import RESEARCH_USE_ONLY
from vmcore.clinic import BackgroundWork
from vmcore.imaging import ScanError, held_bytes
from vmcore.inference import FrameAnswer, LoopReader
from vmcore.reporting import loop_figure, loop_words, proposed_frames

log = logging.getLogger(__name__)

_BATCH = 2  # frames judged at once; more take memory and, on a processor, no less time each
_EVERY_S = 1.5
_FAILED = "A frame cannot be analysed; the log says why."


@dataclass(slots=True, eq=False, weakref_slot=True)
class LoopReview:
    """The frames of one loop that these models have judged so far."""

    frames: int
    answers: dict[int, FrameAnswer] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    trouble: str | None = None
    reader: LoopReader | None = None
    work: BackgroundWork[tuple[int, ...]] = field(init=False)

    @property
    def looked_at(self) -> int:
        """How many frames were judged, or cannot be."""
        return len(self.answers) + len(self.refused)

    def go_on(self) -> None:
        """Judge every frame that was not, those of a batch that had trouble too."""
        self.trouble = None
        for batch in self.batches():
            if not all(frame in self.answers or frame in self.refused for frame in batch):
                self.work.again(batch)
        self.work.want(self.batches())

    def stop(self) -> None:
        """Judge no more frames now."""
        self.work.cancel()
        self.let_go()

    def let_go(self) -> None:
        """Drop the loop's pixels; they are read again when they are asked for."""
        self.reader = None

    def batches(self) -> list[tuple[int, ...]]:
        """The frames in batches that lie all over the loop, so that its course is seen soon."""
        count = -(-self.frames // _BATCH)
        return [tuple(range(first, self.frames, count)) for first in range(count)]

    def after(self, batch: tuple[int, ...]) -> tuple[int, ...]:
        """The batch that comes after this one; of no frame after the last one."""
        first = batch[0] + 1
        return next((one for one in self.batches() if one[0] == first), ())


def show_loop(uploads: Uploads, uploaded: UploadedScan, models: Models, shown: int) -> None:
    """Draw the loop's course; nothing for a picture that is no loop.

    Args:
        uploads: the session's.
        uploaded: the scan.
        models: what judges and measures.
        shown: the frame that is looked at, from 0.
    """
    if uploaded.frames == 1:
        return
    review = _review(uploads, uploaded, models)
    working = review.work.progress().working
    draw = refreshing(_draw, _EVERY_S if working else None)
    draw(review, uploaded, models, shown=shown, watched=working)


def _review(uploads: Uploads, uploaded: UploadedScan, models: Models) -> LoopReview:
    """The scan's own by these models; another one where a model has changed."""
    key = models.key(0, "loop")
    if uploaded.loop is not None and uploaded.loop[0] == key:
        kept: LoopReview = uploaded.loop[1]
        return kept
    review = LoopReview(uploaded.frames)
    # by weak references: nothing goes on for a loop or a session that is gone
    of_review, of_uploads, of_scan = (
        weakref.ref(review),
        weakref.ref(uploads),
        weakref.ref(uploaded),
    )

    def judge(batch: tuple[int, ...]) -> None:
        review, uploads, uploaded = of_review(), of_uploads(), of_scan()
        if review is None or uploads is None or uploaded is None:
            return
        try:
            with uploaded.lock:
                scan = uploads.opened(uploaded)
            reader = review.reader or LoopReader(scan, models.classifier, models.anatomy)
            review.reader = reader
            with in_turn(held_bytes(scan.frames)):
                answers = reader.answer(batch, then=review.after(batch))
            review.answers.update((answer.frame, answer) for answer in answers)
            review.refused.update(reader.refused)
        except ScanError as error:
            review.trouble = str(error)
        except Exception as error:
            log.exception("A loop's frames failed: %s", type(error).__name__)
            review.trouble = _FAILED
        if review.looked_at == review.frames or review.trouble:
            review.stop()

    review.work = BackgroundWork(judge, workers=1)
    uploaded.loop = key, review  # gone with the scan
    return review


def _draw(
    review: LoopReview, uploaded: UploadedScan, models: Models, *, shown: int, watched: bool
) -> None:
    progress = review.work.progress()
    slider = _slider(uploaded)
    if st.session_state.get(slider, shown + 1) != shown + 1 or (watched and not progress.working):
        st.rerun()
    left, right = st.columns([4, 1], vertical_alignment="center")
    if progress.working:
        done = review.looked_at
        left.progress(done / review.frames, f"Judged {done} of {review.frames} frames")
        right.button("Stop", key=f"stop-{slider}", on_click=review.stop, width="stretch")
    elif review.looked_at < review.frames:
        left.markdown("**The whole loop**")
        rest = "the rest" if review.answers else f"all {review.frames} frames"
        if right.button(f"Judge {rest}", key=f"judge-{slider}", width="stretch"):
            review.go_on()
            st.rerun()
    if review.trouble:
        st.warning(review.trouble, icon=":material/warning:")
    if review.refused:
        first, *others = [review.refused[frame] for frame in sorted(review.refused)]
        more = f" {len(others)} more cannot be decoded either." if others else ""
        st.warning(f"{first}{more}", icon=":material/warning:")
    if review.answers:
        _draw_course(list(review.answers.values()), review, uploaded, models, shown)


def _draw_course(
    answers: list[FrameAnswer],
    review: LoopReview,
    uploaded: UploadedScan,
    models: Models,
    shown: int,
) -> None:
    slider, chart = _slider(uploaded), f"course-{uploaded.key}"

    def jump() -> None:
        points = st.session_state[chart].selection.points
        if points:
            st.session_state[slider] = int(points[0]["x"])

    threshold = models.classifier.card.threshold
    st.plotly_chart(
        loop_figure(answers, threshold, review.frames, shown), key=chart, on_select=jump,
        selection_mode="points", config={"displayModeBar": False}, width="stretch",
    )  # fmt: skip
    st.caption(
        f"{loop_words(answers, review.frames)} Click a point to see its frame. {RESEARCH_USE_ONLY}"
    )
    proposed = proposed_frames(answers)
    if proposed:
        words, *places = st.columns([2, *(1 for _ in proposed), 3 - len(proposed) + 0.01])
        words.caption("Surest measurements:")
        for place, frame in zip(places, proposed, strict=False):
            place.button(
                f"Frame {frame + 1}", key=f"propose-{slider}-{frame}", on_click=_show, args=(slider, frame),
                type="primary" if frame == shown else "secondary", width="stretch",
            )  # fmt: skip


def _show(slider: str, frame: int) -> None:
    st.session_state[slider] = frame + 1


def _slider(uploaded: UploadedScan) -> str:
    """The key of the slider that chooses the frame, counted from 1."""
    return f"frame-{uploaded.key}"
