"""Cleaning: names and annotations go, grey tissue stays bit for bit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from rapidocr import RapidOCR

from vmcore.data.phantom import OverlaySettings, Phantom, make_phantom
from vmcore.imaging import CleaningSettings, Region, clean_frame, read_scan
from vmcore.imaging.drawing.colour import colour_evidence

NO_TEXT = CleaningSettings(remove_text=False)


@pytest.fixture(scope="module")
def strict_readers() -> list[RapidOCR]:
    """Independent readings with OCR's own defaults, at its own size and a larger one."""
    return [
        RapidOCR(
            params={
                "Global.log_level": "critical",
                "Det.limit_side_len": size,
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,  # more only spin, and wait
            }
        )
        for size in (736, 960)
    ]


def words_in(readers: list[RapidOCR], image: np.ndarray) -> list[str]:
    """Words of at least three letters or digits that OCR is confident about."""
    words = []
    for reader in readers:
        found = reader(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), use_cls=False)
        pairs = zip(found.txts or (), found.scores or (), strict=True)
        words += [word for word, score in pairs if score > 0.6 and _letters(word) >= 3]
    return words


def _letters(word: str) -> int:
    return sum(sign.isalnum() for sign in word)


def test_a_grey_frame_passes_bit_for_bit() -> None:
    frame = make_phantom(11.0, 1).image
    clean = clean_frame(frame)
    row, column = clean.offset
    assert (row, column) == (round(0.08 * frame.shape[0]), 0)
    assert np.array_equal(clean.image, frame[row:])
    assert not clean.mask.any()
    assert [removal.kind for removal in clean.removals] == ["strip"]


@pytest.mark.parametrize("seed", range(4))
def test_grey_noise_passes_bit_for_bit(seed: int) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (200, 260, 1), np.uint8)
    frame = np.repeat(grey, 3, axis=2)
    clean = clean_frame(frame, settings=CleaningSettings(top_strip=0.0))
    assert np.array_equal(clean.image, frame)


def test_the_region_is_cut_out_where_the_file_names_one(annotated: Phantom) -> None:
    region = annotated.region
    clean = clean_frame(annotated.image, region=region, settings=NO_TEXT)
    assert clean.offset == (region.row, region.column)
    assert clean.image.shape[:2] == (region.height, region.width)


def test_pixels_outside_the_mask_are_unchanged(annotated: Phantom) -> None:
    clean = clean_frame(annotated.image, region=annotated.region)
    row, column = clean.offset
    height, width = clean.image.shape[:2]
    source = annotated.image[row : row + height, column : column + width]
    assert np.array_equal(clean.image[~clean.mask], source[~clean.mask])
    assert clean.mask.any()


def test_overlays_are_masked_and_tissue_is_left_alone() -> None:
    covered, overlay, touched, tissue = 0, 0, 0, 0
    settings = OverlaySettings(banner=False, settings_text=False, arrow=True)
    for seed in range(25):
        phantom = make_phantom(6.0 + 0.4 * seed, seed, overlays=settings)
        clean = clean_frame(
            phantom.image, settings=CleaningSettings(top_strip=0.0, remove_text=False)
        )
        near = cv2.dilate(phantom.overlay.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
        covered += int((clean.mask & phantom.overlay).sum())
        overlay += int(phantom.overlay.sum())
        touched += int((clean.mask & phantom.sector & ~near).sum())
        tissue += int((phantom.sector & ~near).sum())
    assert overlay > 10_000
    assert covered / overlay >= 0.98
    assert touched / tissue < 0.01


def test_the_whole_mask_costs_little_tissue() -> None:
    settings = OverlaySettings(banner=False, settings_text=False, label=False)
    lost, tissue = 0, 0
    for seed in range(20):
        phantom = make_phantom(6.0 + 0.5 * seed, seed, overlays=settings)
        clean = clean_frame(
            phantom.image, settings=CleaningSettings(top_strip=0.0, remove_text=False)
        )
        lost += int((clean.mask & phantom.sector & ~phantom.overlay).sum())
        tissue += int((phantom.sector & ~phantom.overlay).sum())
    assert lost / tissue < 0.01


def test_painting_over_is_opencvs_navier_stokes(annotated: Phantom) -> None:
    settings = CleaningSettings(top_strip=0.0, remove_text=False)
    clean = clean_frame(annotated.image, settings=settings)
    expected = cv2.inpaint(annotated.image, clean.mask.astype(np.uint8), 3, cv2.INPAINT_NS)
    assert np.array_equal(clean.image[clean.mask], expected[clean.mask])


def test_annotations_survive_jpeg_and_are_still_found() -> None:
    phantom = make_phantom(9.0, 3, overlays=OverlaySettings(banner=False, settings_text=False))
    _, packed = cv2.imencode(".jpg", phantom.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    frame = np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1])
    mask = colour_evidence(frame).mask
    assert (mask & phantom.overlay).sum() / phantom.overlay.sum() > 0.95


def test_a_tinted_scan_is_not_taken_for_an_annotation() -> None:
    grey = make_phantom(9.0, 3).image.astype(np.float32)
    sepia = (grey * (1.0, 0.82, 0.6)).astype(np.uint8)
    assert colour_evidence(sepia).mask.mean() < 0.005
    drawn = sepia.copy()
    cv2.line(drawn, (200, 200), (300, 220), (40, 230, 80), 2)
    assert colour_evidence(drawn).mask[200:220, 200:300].any()


def test_a_coloured_frame_is_left_alone_and_said_so() -> None:
    frame = np.full((120, 160, 3), 120, np.uint8)
    frame[:, :64] = (230, 60, 20)
    clean = clean_frame(frame, settings=NO_TEXT)
    assert clean.removed("colour")
    assert not clean.mask.any()


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(first, marks=pytest.mark.long) for first in range(2, 50, 2))]
)
def test_no_text_remains_on_fifty_varied_banners(
    strict_readers: list[RapidOCR], first: int
) -> None:
    before, after = 0, []
    for seed in range(first, first + 2):
        rng = np.random.default_rng(seed)
        shape = (int(rng.integers(360, 720)), int(rng.integers(480, 960)))
        phantom = make_phantom(
            float(rng.uniform(5, 16)), seed, shape=shape, overlays=OverlaySettings()
        )
        known = phantom.region if seed % 3 == 0 else None
        clean = clean_frame(phantom.image, region=known)
        before += len(words_in(strict_readers, phantom.image)) if seed == first else 0
        after += words_in(strict_readers, clean.image)
    assert before > 8  # the readers do read what was there
    assert after == []


def test_text_beside_the_sector_turns_black_and_is_reported() -> None:
    phantom = make_phantom(9.0, 2, shape=(480, 900), overlays=OverlaySettings())
    clean = clean_frame(phantom.image)
    assert clean.removed("text")
    assert all("DOE" not in removal.why for removal in clean.removals)
    row = clean.offset[0]
    beside = phantom.text[row:] & ~phantom.sector[row:]
    assert clean.image[beside].max() < 100  # the letters' own grey is over 130


def test_letters_across_the_sectors_edge_lend_it_no_grey() -> None:
    frame = np.zeros((480, 640, 3), np.uint8)
    frame[:, 200:] = np.random.default_rng(0).integers(40, 80, (480, 440, 1))
    cv2.putText(frame, "DOE JANE", (140, 200), 0, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    clean = clean_frame(frame)
    assert clean.removed("text")
    tissue = clean.image[:, 200:]
    assert clean.mask[:, 200:].sum() > 500
    assert tissue.max() < 80
    assert not clean.image[:, :190].any()


@pytest.mark.long
def test_real_vendor_text_is_gone(real_data: Path, strict_readers: list[RapidOCR]) -> None:
    paths = sorted((real_data / "fetal-planes/images").glob("*Plane3*.jpg"))[::37]
    assert len(paths) >= 10
    before, after = 0, 0
    for path in paths:
        frame = read_scan(path).frames[0]
        before += len(words_in(strict_readers, frame))
        after += len(words_in(strict_readers, clean_frame(frame).image))
    assert before > 6 * len(paths)
    assert after <= 0.02 * before


@pytest.mark.long
def test_real_grey_scans_without_text_pass_unchanged(real_data: Path) -> None:
    unchanged = 0
    paths = sorted((real_data / "hc18/images").glob("*_HC.*"))[:20]
    assert len(paths) == 20
    for path in paths:
        frame = read_scan(path).frames[0]
        clean = clean_frame(frame)
        unchanged += np.array_equal(clean.image, frame[clean.offset[0] :])
    assert unchanged >= len(paths) - 1


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
    ],
)
def test_a_wrong_array_is_refused(frame: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        clean_frame(frame)


def test_a_region_larger_than_the_frame_is_clipped() -> None:
    frame = make_phantom(8.0, 1, shape=(120, 160)).image
    clean = clean_frame(frame, region=Region(20, 30, 500, 500), settings=NO_TEXT)
    assert clean.image.shape == (100, 130, 3)
