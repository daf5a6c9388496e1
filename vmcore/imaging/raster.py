"""Read ordinary pictures: PNG, JPEG, BMP, TIFF and WebP, still pictures and TIFF stacks."""

from __future__ import annotations

import struct
import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin

from vmcore.imaging.loop_frames import whole_or_on_demand
from vmcore.imaging.scan import Content, Frames, ReadLimits, Scan, ScanError, stream_of

RASTER_SIGNATURES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"RIFF",
)
_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
_ON_THE_SIDE = {5, 6, 7, 8}  # orientations of EXIF that swap width and height
_DIFFERENT = "The pages of this TIFF differ in size; save the scan as a single page."
_DAMAGED = "The picture is damaged or incomplete and cannot be decoded."


_WHITE_IS_ZERO = 0  # PhotometricInterpretation; Pillow inverts what has 8 bits, and nothing deeper

GreyRange = tuple[float, float]
"""The values that are black and white."""


@dataclass(frozen=True, slots=True)
class TiffPages:
    """How the pages of a TIFF stack are decoded; a :class:`~vmcore.imaging.loop_frames.Recipe`.

    Attributes:
        shape: (T, H, W, 3).
        grey_range: of all pages, where they hold more than 8 bits.
    """

    shape: tuple[int, int, int, int]
    grey_range: GreyRange | None = None

    whole_file: ClassVar[bool] = True

    def encoded(self, content: Content, frame: int) -> Content:
        """The whole file: pages lie all over it."""
        del frame
        return content

    def decode(self, encoded: Content, frame: int) -> npt.NDArray[np.uint8]:
        """A page, uint8 (H, W, 3).

        Raises:
            Exception: whatever Pillow raises on a damaged one.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(stream_of(encoded), formats=("TIFF",)) as image:
                image.seek(frame)
                return _to_rgb(image, self.grey_range)

    def without_spans(self) -> TiffPages:
        """Itself."""
        return self


def read_raster(data: Content, limits: ReadLimits) -> Scan:
    """Decode a raster picture; EXIF rotation is applied, everything but pixels is dropped.

    Grey pictures of more than 8 bits are scaled from 0 and their brightest value to 8 bits, all pages of
    a stack alike; transparency is laid on black. A TIFF stack of equally sized pages becomes a loop.

    Raises:
        ScanError: too large, too small, animated, damaged or incomplete.
    """
    if data[12:16] == b"IHDR":  # a PNG's size, before anything of it is decoded
        width, height = struct.unpack(">II", data[16:24].ljust(8, b"\0"))
        limits.check_geometry(height, width)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's warnings quote metadata
        try:
            with Image.open(stream_of(data), formats=_FORMATS) as image:
                kind = str(image.format)
                pages = _check_pages(image, limits)
                return Scan(_frames(image, data, pages), None, device=None, kind=kind)
        except ScanError:
            raise
        except Image.DecompressionBombError:
            raise ScanError(
                "The image claims far more pixels than the limit of "
                f"{limits.frame_pixels / 1e6:.0f} million."
            ) from None
        except MemoryError:
            raise ScanError("The picture needs more memory than there is.") from None
        except Exception:  # a decoder may fail in its own way on damaged headers
            raise ScanError(_DAMAGED) from None


def _frames(image: Image.Image, data: Content, pages: int) -> Frames:
    image.seek(0)
    if pages == 1:
        return _to_rgb(image)[None]
    grey_range = _range_of_pages(image, pages) if _is_deep(image) else None
    image.seek(0)
    height, width = _to_rgb(image, grey_range).shape[:2]

    def decode(page: int) -> npt.NDArray[np.uint8]:
        image.seek(page)
        return _to_rgb(image, grey_range)

    return whole_or_on_demand(data, TiffPages((pages, height, width, 3), grey_range), decode)


def _check_pages(image: Image.Image, limits: ReadLimits) -> int:
    """How many pages there are, whose claims are checked before any of them is decoded."""
    limits.check_geometry(image.height, image.width)
    frames = int(getattr(image, "n_frames", 1))
    limits.check_geometry(image.height, image.width, frames)
    if frames > 1 and image.format != "TIFF":
        raise ScanError("This is an animated picture; save the frame of interest as a still one.")
    sizes = set()
    for index in range(frames if frames > 1 else 0):
        image.seek(index)
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) in _ON_THE_SIDE
        sizes.add(image.size[::-1] if turned else image.size)
        if len(sizes) > 1:
            raise ScanError(_DIFFERENT)
    return frames


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith(("I", "F"))


def _range_of_pages(image: Image.Image, pages: int) -> GreyRange:
    """What all pages that can be decoded are shown by."""
    ranges = []
    for page in range(pages):
        with suppress(Exception):  # a damaged one costs no other
            image.seek(page)
            ranges.append(_range_of(np.nan_to_num(np.asarray(image), posinf=0.0, neginf=0.0)))
    return min((low for low, _ in ranges), default=0.0), max(
        (top for _, top in ranges), default=1.0
    )


def _range_of(grey: npt.NDArray[np.generic]) -> GreyRange:
    return min(0.0, float(grey.min())), max(1.0, float(grey.max()))


def _to_rgb(image: Image.Image, grey_range: GreyRange | None = None) -> npt.NDArray[np.uint8]:
    if _is_deep(image):
        told = getattr(image, "tag_v2", {}).get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION)
        grey = np.asarray(ImageOps.exif_transpose(image)).astype(np.float64)
        if not np.isfinite(grey).all():
            raise ScanError("The picture holds values that are not numbers.")
        low, top = grey_range or _range_of(grey)
        scaled = np.rint((grey - low) * (255.0 / (top - low))).clip(0, 255).astype(np.uint8)
        scaled = 255 - scaled if told == _WHITE_IS_ZERO else scaled
        return np.repeat(scaled[..., None], 3, axis=2)
    image = ImageOps.exif_transpose(image)
    if image.mode in {"P", "PA", "LA", "RGBA", "La", "RGBa"} or "transparency" in image.info:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return np.array(image.convert("RGB"))
