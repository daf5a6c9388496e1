"""Every frame of a loop is answered as alone, and text that stands still is looked for once."""

from __future__ import annotations

import numpy as np
import pytest

from tests.imaging.test_loop_frames import broken
from vmcore.anatomy import AnatomyModel
from vmcore.data.phantom import OverlaySettings, make_phantom
from vmcore.imaging import Scan, clean_frame, read_scan, still_text
from vmcore.imaging import text_removal as looked_for
from vmcore.inference import Classifier, FrameAnswer, LoopReader, analyse
from vmcore.reporting import loop_figure, loop_words, proposed_frames


@pytest.fixture(scope="module")
def loop() -> Scan:
    first = make_phantom(8.0, 3, shape=(300, 400), overlays=OverlaySettings())
    wide = make_phantom(14.0, 3, shape=(300, 400), overlays=OverlaySettings())
    frames = np.stack([first.image, wide.image, first.image])
    return Scan(frames, first.spacing_mm, None, first.region, kind="DICOM")


@pytest.mark.long
def test_frames_are_answered_as_alone(small_bundle, loop: Scan) -> None:
    classifier, anatomy = Classifier.load(small_bundle), AnatomyModel.load()
    answers = LoopReader(loop, classifier, anatomy).answer([0, 1])
    for answer in answers:
        alone = analyse(loop, classifier, frame=answer.frame, heatmap=None, anatomy_model=anatomy)
        assert answer.probability == pytest.approx(alone.prediction.probability, abs=0.02)
        assert answer.in_domain == alone.prediction.in_domain
        assert alone.anatomy is not None
        assert answer.head_found == (alone.anatomy.head is not None)
        if alone.anatomy.atrium is not None and answer.width_mm is not None:
            assert answer.width_mm == pytest.approx(alone.anatomy.atrium.width_mm, abs=0.5)
    with pytest.raises(IndexError, match="3 frames"):
        LoopReader(loop, classifier).answer([3])


@pytest.mark.long
def test_text_is_looked_for_once_and_gone_from_every_frame(
    small_bundle, loop: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = looked_for.detect_text
    monkeypatch.setattr(looked_for, "detect_text", lambda *told: asked.append(1) or real(*told))
    reader = LoopReader(loop, Classifier.load(small_bundle))
    reader.answer([0])
    once = len(asked)
    assert once > 0
    reader.answer([1, 2])
    assert len(asked) == once
    monkeypatch.undo()
    text = still_text(loop.frames, region=loop.region)
    assert text.any()
    whole = clean_frame(loop.frames[1], region=loop.region)
    still = clean_frame(loop.frames[1], region=loop.region, still_text=text)
    differs = (whole.image != still.image).any(axis=2)
    assert not differs[~(whole.mask | still.mask)].any()


def test_a_damaged_frame_is_refused_and_the_others_are_answered(small_bundle) -> None:
    loop = read_scan(broken(4, at=3))
    reader = LoopReader(loop, Classifier.load(small_bundle))
    answers = reader.answer([0, 1], then=[2, 3]) + reader.answer([2, 3])
    assert [one.frame for one in answers] == [0, 1, 2]
    assert list(reader.refused) == [3]
    assert reader.refused[3].startswith("Frame 4 of the loop is damaged")


def answer(frame: int, **told: object) -> FrameAnswer:
    base = {"probability": 0.2, "spread": 0.05, "in_domain": True, "head_found": True}
    return FrameAnswer(frame, **(base | told))  # type: ignore[arg-type]


def test_the_surest_widths_are_proposed_apart_from_each_other() -> None:
    answers = [
        answer(
            frame, width_mm=8.0, width_mm_sd=0.5, share=0.1, share_sd=0.01 + abs(frame - 50) / 1e4
        )
        for frame in range(100)
    ]
    answers[51] = answer(51, share=0.1, share_sd=0.0001, in_domain=False)
    first, second, third = proposed_frames(answers)
    assert first == 50
    assert min(abs(first - second), abs(first - third), abs(second - third)) > 7
    assert proposed_frames([answer(0), answer(1)]) == []


def test_the_summary_says_how_it_was_formed() -> None:
    answers = [answer(frame, width_mm=width, width_mm_sd=0.4, share=0.1, share_sd=0.01)
               for frame, width in enumerate((8.0, 9.0, 12.0))]  # fmt: skip
    answers.append(answer(3, probability=0.99, in_domain=False))
    words = loop_words(answers, 9)
    assert "4 of 9 frames judged; 3 show a head" in words
    assert "measured in 3: 9.0 mm in the median" in words
    assert "20%" in words
    assert "in none" in loop_words([answer(0)], 9)
    assert loop_words([], 9) == "No frame has been judged yet."
    assert "% of the head's short axis" in loop_words([answer(0, share=0.1, share_sd=0.01)], 1)


def test_the_figure_holds_every_frame_and_the_limits() -> None:
    answers = [answer(2, width_mm=11.0, width_mm_sd=1.0, share=0.1, share_sd=0.01), answer(0)]
    figure = loop_figure(answers, 0.3, 5, shown=2)
    assert list(figure.data[0].x) == [1, 3]
    assert list(figure.data[1].x) == [3]
    assert list(figure.data[1].y) == [11.0]
    assert figure.data[1].error_y.array[0] == pytest.approx(1.96)
    assert {shape.y0 for shape in figure.layout.shapes} >= {30.0, 10.0}
