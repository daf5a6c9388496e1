"""What the anatomy model learns from besides outlines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.anatomy_data import atrium_of_phantom, speckle
from train.anatomy_heads import with_heads
from train.looking import OutlinedHead
from vmcore.anatomy import AnatomyModel
from vmcore.anatomy.views import level_view
from vmcore.data.phantom import make_phantom
from vmcore.training.outlined import HEAD, OutlinedPicture, example, random_example


def test_speckle_shows_nothing_and_is_known_to() -> None:
    pictures = speckle(12, 3)
    for one in pictures:
        assert one.grey.dtype == np.uint8
        assert one.known == (True, True, True)
        assert one.head is None
        shown = random_example(one, np.random.default_rng(0))
        assert not shown.structures.any()
        assert shown.known.all()
    assert len({one.subject_id for one in pictures}) == 12
    again = speckle(12, 3)
    assert all((one.grey == other.grey).all() for one, other in zip(pictures, again, strict=True))


def brain(number: int, subject: str) -> OutlinedPicture:
    grey = make_phantom(7.0, number, shape=(320, 420)).clean[..., 0]
    return OutlinedPicture(grey, subject, "brain-planes", visible=(True, False))


def test_found_heads_turn_a_picture_level_and_teach_no_outline(tmp_path: Path) -> None:
    model = AnatomyModel.load()
    pictures = [brain(1, "a"), brain(2, "a"), brain(3, "a"), brain(4, "b")]
    pictures.append(OutlinedPicture(pictures[0].grey, "c", "other-planes"))
    kept = tmp_path / "heads.json"
    found = with_heads(model._forward, pictures, kept)
    assert [one.head is not None for one in found] == [True, True, False, True, False]
    head = found[0].head
    assert head is not None
    shown = example(found[0], level_view(head))
    assert shown.structures[HEAD].any()
    assert not shown.known.any()

    def never(_: object) -> tuple[np.ndarray, ...]:
        raise AssertionError("The heads are kept.")

    assert [one.head for one in with_heads(never, pictures, kept)] == [one.head for one in found]


@pytest.mark.parametrize("number", [1, 2, 5])
def test_as_much_is_done_to_the_ventricle_as_elsewhere(number: int) -> None:
    phantom = make_phantom(5.5, number, shape=(440, 600))
    rectangle, head = atrium_of_phantom(phantom)
    one = OutlinedHead(phantom.clean, rectangle, head, "phantom")
    inside = phantom.geometry.far_ventricle
    assert (one.region & inside).any()
    width, length = (np.hypot(*(rectangle[at] - rectangle[0])) for at in (1, 3))
    assert one.region.sum() == pytest.approx(2 * width * (length + width), rel=0.06)
    changes = []
    for elsewhere in (False, True):
        other, factor = one.widened(np.random.default_rng(0), elsewhere=elsewhere)
        assert factor > 1
        changed = (other != phantom.clean).any(2)
        changes.append(changed.sum())
        assert (changed & one.region).any() != elsewhere
    assert 0.2 < changes[1] / changes[0] < 5
