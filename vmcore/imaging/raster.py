"""Read ordinary pictures: PNG, JPEG, BMP, TIFF and WebP, still pictures and TIFF stacks."""

from __future__ import annotations

import struct
import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from vmcore.imaging.loop_frames import whole_or_on_demand
from vmcore.imaging.scan import Content, ReadLimits, Scan, ScanError, stream_of

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


@dataclass(frozen=True, slots=True)
class TiffPages:
    """How the pages of a TIFF stack are decoded; a :class:`~vmcore.imaging.loop_frames.Recipe`.

    ``shape`` is (T, H, W, 3).
    """

    shape: tuple[int, int, int, int]

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
                return _to_rgb(image)

    def without_spans(self) -> TiffPages:
        """Itself."""
        return self


def read_raster(data: Content, limits: ReadLimits) -> Scan:
    """Decode a raster picture; EXIF rotation is applied, everything but pixels is dropped.

    16-bit grey pictures are scaled from their own range to 8 bits; transparency is laid on black.
    A TIFF stack of equally sized pages becomes a loop.

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
                image.seek(0)
                first = _to_rgb(image)
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
    if pages == 1:
        return Scan(first[None], spacing_mm=None, device=None, kind=kind)
    height, width = first.shape[:2]
    frames = whole_or_on_demand(data, TiffPages((pages, height, width, 3)), {0: first})
    return Scan(frames, spacing_mm=None, device=None, kind=kind)


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


def _to_rgb(image: Image.Image) -> npt.NDArray[np.uint8]:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):
        return _grey_to_rgb(np.asarray(image))
    if image.mode in {"P", "PA", "LA", "RGBA", "La", "RGBa"} or "transparency" in image.info:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return np.array(image.convert("RGB"))


def _grey_to_rgb(grey: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Scale more than 8 bits to 8: by the whole range of the type for 16 bits, else by content."""
    values = grey.astype(np.float64)
    if not np.isfinite(values).all():
        raise ScanError("The picture holds values that are not numbers.")
    low, high = min(0.0, float(values.min())), float(values.max())
    top = 65535.0 if 4095.0 < high <= 65535.0 else max(high, 1.0)
    scaled = np.rint((values - low) * (255.0 / (top - low))).clip(0, 255).astype(np.uint8)
    return np.repeat(scaled[..., None], 3, axis=2)
