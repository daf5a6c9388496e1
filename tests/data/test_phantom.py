"""The phantom is what it says: widths, masks, overlays, files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread

from vmcore.data.phantom import (
    OverlaySettings,
    Phantom,
    make_phantom,
    random_atrial_width_mm,
    write_dicom,
    write_png,
)


def inscribed_mm(phantom: Phantom) -> float:
    """Width of the far ventricle as the largest circle that fits in it, by OpenCV."""
    mask = phantom.geometry.far_ventricle.astype(np.uint8)
    radius = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max()
    return float(2 * radius * phantom.spacing_mm[0])


@pytest.mark.parametrize("width", [4.5, 6.0, 8.0, 9.9, 10.1, 12.0, 15.0, 18.0, 22.0])
def test_the_atrium_is_as_wide_as_it_says(width: float) -> None:
    for seed in range(3):
        phantom = make_phantom(width, seed, shape=(600, 800))
        tolerance = 2.5 * phantom.spacing_mm[0]
        assert inscribed_mm(phantom) == pytest.approx(width, abs=tolerance)
        assert phantom.label == int(width >= 10)


def test_the_same_seed_draws_the_same_pixels() -> None:
    first, again, other = (make_phantom(9.0, seed).image for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_ventricles_are_darker_than_brain_and_skull_is_brightest() -> None:
    for seed in range(8):
        phantom = make_phantom(13.0, seed)
        grey, parts = phantom.clean[..., 0].astype(float), phantom.geometry
        fluid = parts.far_ventricle & ~parts.choroid
        tissue = parts.brain & ~parts.far_ventricle & ~parts.near_ventricle
        assert grey[fluid].mean() < grey[tissue].mean() < grey[parts.skull].mean()


def test_speckle_is_rayleigh_distributed() -> None:
    from vmcore.data.phantom.speckle import ScanPhysics, _speckle

    rng = np.random.default_rng(0)
    magnitude = _speckle((400, 400), ScanPhysics.draw(rng), rng)
    # mean over deviation of a Rayleigh distribution is sqrt(pi / (4 - pi)) = 1.913
    assert magnitude.mean() / magnitude.std() == pytest.approx(1.913, abs=0.12)


def test_outside_the_sector_there_is_only_background() -> None:
    phantom = make_phantom(9.0, 4)
    assert len(np.unique(phantom.clean[~phantom.sector])) == 1


def test_overlays_change_exactly_what_they_say(annotated: Phantom) -> None:
    changed = (annotated.image != annotated.clean).any(axis=2)
    near = cv2.dilate(
        (annotated.overlay | annotated.text).astype(np.uint8), np.ones((5, 5), np.uint8)
    ).astype(bool)
    assert not (changed & ~near).any()
    assert annotated.overlay.sum() > 300
    assert len(annotated.text_boxes) >= 7


def test_callipers_span_the_atrium(annotated: Phantom) -> None:
    yellowish = annotated.overlay & annotated.geometry.far_ventricle
    rows, columns = np.nonzero(yellowish)
    extent = np.hypot(np.ptp(rows), np.ptp(columns)) * annotated.spacing_mm[0]
    assert extent == pytest.approx(annotated.atrial_width_mm, rel=0.4)


def test_dicom_is_valid_and_carries_region_and_spacing(tmp_path: Path) -> None:
    phantom = make_phantom(11.0, 7, shape=(200, 260), overlays=OverlaySettings())
    dataset = dcmread(write_dicom(tmp_path / "p.dcm", phantom))  # not forced: a real file
    assert np.array_equal(dataset.pixel_array, phantom.image)
    item = dataset.SequenceOfUltrasoundRegions[0]
    assert item.PhysicalDeltaX * 10 == pytest.approx(phantom.spacing_mm[1])
    assert item.RegionLocationMinY0 == phantom.region.row
    with pytest.raises(ValueError, match="same shape"):
        write_dicom(tmp_path / "q.dcm", phantom, make_phantom(9.0, 1))
    with pytest.raises(ValueError, match="one or more"):
        write_dicom(tmp_path / "q.dcm")


def test_png_comes_back(tmp_path: Path) -> None:
    phantom = make_phantom(11.0, 7, shape=(200, 260))
    path = write_png(tmp_path / "p.png", phantom)
    assert np.array_equal(cv2.imread(str(path))[..., ::-1], phantom.image)


def test_drawn_widths_keep_clear_of_the_limit() -> None:
    rng = np.random.default_rng(0)
    normal = [random_atrial_width_mm(rng, dilated=False) for _ in range(200)]
    dilated = [random_atrial_width_mm(rng, dilated=True) for _ in range(200)]
    assert max(normal) < 10 <= min(dilated)


@pytest.mark.parametrize("width", [1.0, 31.0])
def test_impossible_widths_are_refused(width: float) -> None:
    with pytest.raises(ValueError, match="Atrial width"):
        make_phantom(width, 0)


def test_too_small_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 96"):
        make_phantom(8.0, 0, shape=(64, 200))
