"""What scanners draw over a scan: a banner with a name, settings, callipers, ellipse, results."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from vmcore.data.phantom.rulers import Manner, draw_ruler
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
    """What to draw. All names and numbers are made up.

    With ``grey`` the measurements are drawn in white or grey, as on scanners without colour. A ruler
    counts as part of the scan, not as something to remove.
    """

    banner: bool = True
    settings_text: bool = True
    callipers: bool = True
    label: bool = True
    arrow: bool = False
    grey: bool = False
    ellipse: bool = False
    result_box: bool = False
    ruler: Manner | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured on a scan, in pixels of the scan below its banner.

    Attributes:
        atrium: the ends of the atrium's width, (row, column) each.
        head: the skull's outer ellipse as OpenCV writes it: centre (x, y), axes, angle in degrees.
    """

    atrium: tuple[tuple[float, float], tuple[float, float]]
    head: tuple[tuple[float, float], tuple[float, float], float]


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
        coloured = max(colour) - min(colour) > 40
        self._blend(np.asarray(page), colour, self.overlay if coloured else self.text)
        self.boxes += (Region(row + top, column + left, bottom - top, right - left),)
        return right

    def draw(self, mask: npt.NDArray[np.uint8], colour: tuple[int, int, int]) -> None:
        """Draw a mask (0..255, antialiased) in one colour."""
        self._blend(mask, colour, self.overlay)

    def _blend(
        self,
        mask: npt.NDArray[np.uint8],
        colour: tuple[int, int, int],
        truth: npt.NDArray[np.bool_],
    ) -> None:
        cover = mask.astype(np.float32)[..., None] / np.float32(255)
        tint = np.asarray(colour, np.float32)
        self.image = np.rint(self.image * (1 - cover) + tint * cover).astype(np.uint8)
        truth |= cover[..., 0] > 0.25


def draw_overlays(
    image: npt.NDArray[np.uint8],
    banner: int,
    mm: float,
    measured: Measured,
    settings: OverlaySettings,
    rng: np.random.Generator,
) -> Drawn:
    """Draw overlays as a scanner would.

    Args:
        image: uint8 (H, W, 3).
        banner: height of the banner in pixels; the scan starts below it.
        mm: millimetres per pixel.
        measured: what callipers and ellipse stand at.
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
    (r0, c0), (r1, c1) = ((round(row) + banner, round(column)) for row, column in measured.atrium)
    colour = _YELLOW if rng.random() < 0.7 else _CYAN
    if settings.grey:
        colour = (int(rng.integers(200, 256)),) * 3
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
    if settings.ellipse:
        _ellipse(drawn, banner, measured, colour, rng)
    if settings.result_box:
        _result_box(drawn, size, colour, rng)
    if settings.ruler is not None:
        drawn.image = draw_ruler(drawn.image, banner, mm, settings.ruler, rng)
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
    _cross(mask, first, arm)
    _cross(mask, last, arm)
    steps = max(int(np.hypot(last[0] - first[0], last[1] - first[1]) // 4), 1)
    for step in range(steps + 1):
        share = step / steps
        row = round(first[0] + share * (last[0] - first[0]))
        column = round(first[1] + share * (last[1] - first[1]))
        cv2.circle(mask, (column, row), 1, 255, -1)
    drawn.draw(mask, colour)


def _cross(mask: npt.NDArray[np.uint8], at: tuple[int, int], arm: int) -> None:
    row, column = at
    cv2.line(mask, (column - arm, row), (column + arm, row), 255, 1, cv2.LINE_8)
    cv2.line(mask, (column, row - arm), (column, row + arm), 255, 1, cv2.LINE_8)


def _ellipse(
    drawn: Drawn,
    banner: int,
    measured: Measured,
    colour: tuple[int, int, int],
    rng: np.random.Generator,
) -> None:
    """A dotted ellipse around the skull, with crosses where its axes end."""
    (x, y), (wide, long), angle = measured.head
    turn = np.deg2rad(angle)
    # people lay it on the bone's outer border: half a pixel beyond the last one that echoes
    half = (np.array([wide, long]) / 2 + 0.5) * rng.uniform(0.97, 1.03)
    height = drawn.image.shape[0]
    mask = np.zeros(drawn.image.shape[:2], np.uint8)
    spacing = rng.uniform(6, 9)
    count = max(int(np.pi * half.sum() / spacing), 16)
    dense = np.linspace(0, 2 * np.pi, 4000)
    steps = np.hypot(half[0] * np.sin(dense), half[1] * np.cos(dense)).cumsum()
    for at in np.interp(np.arange(count) / count * steps[-1], steps, dense):
        along, across = half * (np.cos(at), np.sin(at))
        column = x + along * np.cos(turn) - across * np.sin(turn)
        row = y + banner + along * np.sin(turn) + across * np.cos(turn)
        cv2.circle(mask, (round(column), round(row)), 1, 255, -1)
    for at in (0.0, 0.5 * np.pi, np.pi, 1.5 * np.pi):
        along, across = half * (np.cos(at), np.sin(at))
        column = x + along * np.cos(turn) - across * np.sin(turn)
        row = y + banner + along * np.sin(turn) + across * np.cos(turn)
        _cross(mask, (round(row), round(column)), max(height // 70, 4))
    drawn.draw(mask, colour)


def _result_box(
    drawn: Drawn, size: int, colour: tuple[int, int, int], rng: np.random.Generator
) -> None:
    """A panel with what was measured, over the scan's lower left or right."""
    height, width = drawn.image.shape[:2]
    lines = [
        f"{name} {rng.uniform(1.5, 30):.2f} cm"
        for name in rng.choice(["BPD", "HC", "OFD", "Vp", "TCD", "CM"], 3, replace=False)
    ]
    tall, wide = round(1.45 * size * len(lines)) + size, round(8.5 * size)
    row = height - tall - round(rng.uniform(0.04, 0.2) * height)
    column = round(rng.uniform(0.02, 0.12) * width)
    if rng.random() < 0.5:
        column = width - wide - column
    panel = (slice(row, row + tall), slice(column, column + wide))
    drawn.image[panel] = int(rng.choice([0, 0, 24, 60]))
    drawn.overlay[panel] = True
    if rng.random() < 0.6:
        mask = np.zeros((height, width), np.uint8)
        cv2.rectangle(mask, (column, row), (column + wide - 1, row + tall - 1), 255, 1)
        drawn.draw(mask, (160, 160, 160))
    for index, line in enumerate(lines):
        drawn.write(
            line, row + size // 2 + round(1.45 * size * index), column + size // 2, size, colour
        )
