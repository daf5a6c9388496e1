"""A loop that is judged in batches: what had trouble is tried again."""

from __future__ import annotations

from types import SimpleNamespace

from pages.parts.scan_loop import LoopReview
from vmcore.clinic import BackgroundWork


def test_a_batch_that_had_trouble_is_judged_when_somebody_goes_on() -> None:
    review, tried = LoopReview(5), []

    def judge(batch: tuple[int, ...]) -> None:
        tried.append(batch)
        if len(tried) == 1:
            review.trouble = "There is no room."
            review.work.cancel()
            return
        review.answers.update((frame, SimpleNamespace(frame=frame)) for frame in batch)  # type: ignore[misc]

    review.work = BackgroundWork(judge, workers=1)
    review.go_on()
    assert review.work.wait(20)
    assert (len(tried), review.looked_at) == (1, 0)
    review.go_on()
    assert review.work.wait(20)
    assert review.looked_at == 5
    assert review.trouble is None
    before = len(tried)
    review.go_on()
    assert review.work.wait(20)
    assert len(tried) == before  # nothing is judged twice
