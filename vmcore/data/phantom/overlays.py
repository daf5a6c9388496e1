"""What scanners draw over a scan: a banner with a name, settings, callipers, text and arrows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from vmcore.imaging.scan import Region

_FAMILY = (
    "DOE",
    "MUSTER",
    "ROSSI",
    "TANAKA",
    "OKAFOR",
    "LINDQVIST",
    "ALVAREZ",
    "NGUYEN",
    "KOWALSKI",
)
_GIVEN = ("JANE", "ERIKA", "ANNA", "YUKI", "AMARA", "MAJA", "LUCIA", "LINH", "EWA", "SOFIA")
_CLINICS = ("ST MARY HOSPITAL", "WOMENS CLINIC", "PRENATAL CENTRE", "CITY HOSPITAL", "MATERNITY 2")
_YELLOW, _GREEN, _CYAN = (255, 224, 32), (64, 230, 80), (40, 200, 235)


@dataclass(frozen=True, slots=True)
class OverlaySettings:
    """What to draw. All names and numbers are made up."""

    banner: bool = True
    settings_text: bool = True
    callipers: bool = True
    label: bool = True
    arrow: bool = False


@dataclass(slots=True)
class Drawn:
    """An image with its overlays, and where they are."""

    image: npt.NDArray[np.uint8]
    overlay: npt.NDArray[np.bool_]
    text: npt.NDArray[np.bool_]
    boxes: tuple[Region, ...] = ()

    @classmethod
    def blank(cls, image: npt.NDArray[np.uint8]) -> Drawn:
        """Nothing drawn yet."""
        empty = np.zeros(image.shape[:2], bool)
        return cls(image.copy(), empty.copy(), empty.copy())

    def write(
        self, words: str, row: int, column: int, height: int, colour: tuple[int, int, int]
    ) -> int:
        """Write words with their top left corner there; returns the width in pixels."""
        font = ImageFont.load_default(size=height)
        left, top, right, bottom = (int(v) for v in font.getbbox(words))
        column = max(min(column, self.image.shape[1] - right - 2), 0)
        row = max(min(row, self.image.shape[0] - bottom - 2), 0)
        page = Image.new("L", (self.image.shape[1], self.image.shape[0]), 0)
        ImageDraw.Draw(page).text((column, row), words, fill=255, font=font)
        cover = np.asarray(page, np.float32)[..., None] / np.float32(255)
        self._blend(cover, colour)
        self.boxes += (Region(row + top, column + left, bottom - top, right - left),)
        return right

    def _blend(self, cover: npt.NDArray[np.float32], colour: tuple[int, int, int]) -> None:
        tint = np.asarray(colour, np.float32)
        self.image = np.rint(self.image * (1 - cover) + tint * cover).astype(np.uint8)
        hit = cover[..., 0] > 0.25
        coloured = max(colour) - min(colour) > 40
        target = self.overlay if coloured else self.text
        target |= hit

    def draw(self, mask: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> None:
        """Draw a mask (0..255, antialiased) in one colour."""
        self._blend(mask.astype(np.float32)[..., None] / np.float32(255), colour)


def draw_overlays(
    image: npt.NDArray[np.uint8],
    banner: int,
    mm: float,
    callipers: tuple[tuple[int, int], tuple[int, int]],
    settings: OverlaySettings,
    rng: np.random.Generator,
) -> Drawn:
    """Draw overlays as a scanner would.

    Args:
        image: uint8 (H, W, 3).
        banner: height of the banner in pixels; the scan starts below it.
        mm: millimetres per pixel.
        callipers: the measured ends, (row, column) below the banner.
        settings: what to draw.
        rng: for the made-up words and places.
    """
    drawn = Drawn.blank(image)
    height, width = image.shape[:2]
    size = max(round(height / 32), 11)
    if settings.banner:
        _banner(drawn, banner, size, rng)
    if settings.settings_text:
        _settings(drawn, banner, size, rng)
    (r0, c0), (r1, c1) = ((row + banner, column) for row, column in callipers)
    colour = _YELLOW if rng.random() < 0.7 else _CYAN
    if settings.callipers:
        _calliper(drawn, (r0, c0), (r1, c1), colour, max(height // 60, 5))
        value = float(np.hypot(r1 - r0, c1 - c0)) * mm
        drawn.write(f"1 Vp {value:.1f} mm", height - 2 * size, size, size, colour)
    if settings.label:
        word = str(rng.choice(["CEREBRO", "BRAIN", "Va", "TV PLANE", "HEAD"]))
        place = (int(height * rng.uniform(0.75, 0.9)), int(width * rng.uniform(0.55, 0.75)))
        drawn.write(word, *place, size + 2, _GREEN)
    if settings.arrow:
        mask = np.zeros((height, width), np.uint8)
        tip = (c1 + size, r1)
        cv2.arrowedLine(mask, (tip[0] + 4 * size, tip[1] + 2 * size), tip, 255, 2, cv2.LINE_AA)
        drawn.draw(mask, _GREEN)
    return drawn


def _banner(drawn: Drawn, banner: int, size: int, rng: np.random.Generator) -> None:
    name = f"{rng.choice(_FAMILY)}, {rng.choice(_GIVEN)}"
    number = f"ID {rng.integers(100000, 9999999)}"
    date = f"{rng.integers(1, 29):02d}.{rng.integers(1, 13):02d}.20{rng.integers(10, 26)}"
    width = drawn.image.shape[1]
    text_size = max(min(size, banner // 2 - 2), 9)
    bright = int(rng.integers(170, 256))
    white = (bright, bright, bright)
    drawn.write(name, 1, 6, text_size, white)
    drawn.write(number, banner // 2, 6, text_size, white)
    drawn.write(str(rng.choice(_CLINICS)), 1, int(width * 0.42), text_size, white)
    drawn.write(date, 1, width - 8 * text_size, text_size, white)


def _settings(drawn: Drawn, banner: int, size: int, rng: np.random.Generator) -> None:
    lines = [
        f"{rng.integers(12, 45)}Hz/{rng.uniform(8, 16):.1f}cm",
        f"2.Trim. {rng.integers(50, 80)}°",
        f"Gn {rng.integers(-5, 9)}",
        f"C{rng.integers(4, 9)}/M{rng.integers(4, 9)}",
        f"FF{rng.integers(1, 4)}/E{rng.integers(1, 4)}",
        "SRI II 3",
    ]
    grey = int(rng.integers(130, 220))
    small = max(round(size * 0.85), 10)
    for index, line in enumerate(lines[: int(rng.integers(3, 7))]):
        row = banner + 6 + index * round(1.45 * small)
        drawn.write(line, row, drawn.image.shape[1] - 7 * small, small, (grey,) * 3)


def _calliper(
    drawn: Drawn,
    first: tuple[int, int],
    last: tuple[int, int],
    colour: tuple[int, int, int],
    arm: int,
) -> None:
    mask = np.zeros(drawn.image.shape[:2], np.uint8)
    for row, column in (first, last):
        cv2.line(mask, (column - arm, row), (column + arm, row), 255, 1, cv2.LINE_8)
        cv2.line(mask, (column, row - arm), (column, row + arm), 255, 1, cv2.LINE_8)
    steps = max(int(np.hypot(last[0] - first[0], last[1] - first[1]) // 4), 1)
    for step in range(steps + 1):
        share = step / steps
        row = round(first[0] + share * (last[0] - first[0]))
        column = round(first[1] + share * (last[1] - first[1]))
        cv2.circle(mask, (column, row), 1, 255, -1)
    drawn.draw(mask, colour)
