"""The midline follows the falx where it is seen, not the skull's long axis."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.anatomy.test_finding import HEAD, drawn, found
from vmcore.anatomy import HeadEllipse, measure_by_hand
from vmcore.anatomy.midline import Falx, find_falx
from vmcore.anatomy.views import VIEW_HEIGHT, VIEW_WIDTH, level_view, normalised
from vmcore.data.phantom import make_phantom
from vmcore.imaging import Scan


def level_phantom(seed: int) -> tuple[npt.NDArray[np.float32], HeadEllipse]:
    """A phantom's head in its level view: its falx lies along the ellipse's long axis."""
    phantom = make_phantom(9.0, seed)
    (x, y), (long, short), degrees = phantom.head
    head = HeadEllipse.of_axes((y, x), (long / 2, short / 2), float(np.deg2rad(degrees)))
    view = level_view(head)
    shown = normalised(view.take(phantom.clean[..., 0]))
    return shown, HeadEllipse.through(view.to_view(head.outline()))


@pytest.mark.parametrize(("turned_deg", "shifted_px"), [(0.0, 0.0), (5.0, 6.0), (-6.0, -7.0)])
def test_the_falx_is_found_where_the_ellipse_lies_askew(
    turned_deg: float, shifted_px: float
) -> None:
    seen = []
    for seed in range(10):
        view, head = level_phantom(seed)
        row, column = head.centre
        askew = replace(
            head, angle=head.angle + np.deg2rad(turned_deg), centre=(row + shifted_px, column)
        )
        falx = find_falx(view, askew)
        if falx is not None:
            off = abs(falx.across(np.array([column, row])))
            seen.append((off, np.rad2deg(abs(falx.angle - head.angle))))
    assert len(seen) >= 6
    pixels, degrees = np.transpose(seen)  # of 148 pixels; the drawn falx is itself a little wavy
    assert max(np.median(pixels), np.median(degrees)) < 1.5
    assert max(*pixels, *degrees) < 6.0


def test_grain_without_a_line_seldom_has_a_falx() -> None:
    head = HeadEllipse((VIEW_HEIGHT / 2, VIEW_WIDTH / 2), (92.0, 74.0), 0.0)
    rng = np.random.default_rng(3)
    found_in = 0
    for fine in np.linspace(0.6, 3.0, 40):
        noise = rng.normal(0, 1, (VIEW_HEIGHT, VIEW_WIDTH)).astype(np.float32)
        grain = cv2.GaussianBlur(noise, (0, 0), float(fine))
        view = normalised(np.clip(60 + 40 * grain / grain.std(), 0, 255).astype(np.uint8))
        found_in += find_falx(view, head) is not None
    assert found_in <= 8


def test_its_ends_lie_on_the_skull_and_on_the_line() -> None:
    falx = Falx(np.array([340.0, 250.0]), np.deg2rad(20))
    ends = falx.in_head(HEAD)
    assert [np.hypot(*HEAD.level(y, x)) for x, y in ends] == pytest.approx([1.0, 1.0])
    assert [falx.across(end) for end in ends] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert falx.across(np.array([340.0, 260.0])) == pytest.approx(10 * np.cos(np.deg2rad(20)))


def test_a_seen_falx_is_the_midline_and_parts_near_from_far() -> None:
    atrium = ((420.0, 268.0), (130.0, 32.0), 2.0)  # below the long axis there, above the falx
    picture = drawn(atrium=atrium)
    falx = Falx(np.array([330.0, 256.0]), np.deg2rad(18))
    first, last = np.round(falx.in_head(HEAD)).astype(int)
    lined = cv2.line(picture.copy(), first.tolist(), last.tolist(), 160, 4)
    inside = cv2.erode((picture > 0).astype(np.uint8), np.ones((9, 9))) > 0
    lined = np.where(inside & (picture < 200), lined, picture)
    anatomy = found(lined)
    assert anatomy.midline is not None
    assert anatomy.atrium is not None
    ends = np.array(anatomy.midline)[:, ::-1]
    assert [falx.across(end) for end in ends] == pytest.approx([0.0, 0.0], abs=6)
    without = found(picture)
    assert without.atrium is not None
    assert (anatomy.atrium.side, anatomy.midline_from) == ("near", "falx")
    assert (without.atrium.side, without.midline_from) == ("far", "long axis")
    scan = Scan(np.repeat(picture[None, ..., None], 3, 3), None, None)
    for one in (anatomy, without):  # a person who sets the same ends measures the same ventricle
        assert one.atrium is not None
        hand = measure_by_hand(
            one.atrium.start, one.atrium.end, scan, shape=picture.shape, anatomy=one
        )
        assert hand.side == one.atrium.side
