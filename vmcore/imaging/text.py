"""Find burned-in text. The words themselves are never kept: they may name a person."""

from __future__ import annotations

import multiprocessing
import threading
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.imaging.scan import Region

_SMALLEST_SIDE = 480  # vendor text is a few pixels high: smaller pictures are enlarged
_LARGEST_SIDE = 1600
_TALLEST = 0.12  # text higher than this share of the picture is a skull read as the letter O
_CONFIDENT = 0.5
_lock = threading.Lock()


def _threads() -> int:
    """One where several processes read side by side, else two: more gain nothing on such pictures."""
    return 2 if multiprocessing.parent_process() is None else 1


@lru_cache(maxsize=1)
def _engine() -> Any:
    from rapidocr import RapidOCR  # noqa: PLC0415  slow to import, and needed by scans only

    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": _CONFIDENT,
            "Global.max_side_len": _LARGEST_SIDE,
            "Det.limit_side_len": _SMALLEST_SIDE,
            "Det.limit_type": "min",
            "EngineConfig.onnxruntime.intra_op_num_threads": _threads(),
        }
    )


def find_text(image: npt.NDArray[np.uint8], *, enlarge: float = 1.0) -> tuple[Region, ...]:
    """Locate readable text by OCR (PP-OCR through rapidocr, on this machine only).

    Args:
        image: uint8 (H, W, 3), RGB.
        enlarge: look at the picture this much larger, which finds smaller and fainter text and
            takes longer.

    Returns:
        Bounding rectangles within the image, padded by a quarter of the text's height.
    """
    height, width = image.shape[:2]
    enlarge = max(min(enlarge, _LARGEST_SIDE / max(height, width)), 1.0)
    if enlarge > 1:
        image = cv2.resize(image, None, fx=enlarge, fy=enlarge, interpolation=cv2.INTER_CUBIC)
    # one engine, one caller: its sessions are shared between the threads of the app
    with _lock:
        found = _engine()(
            cv2.cvtColor(image, cv2.COLOR_RGB2BGR), use_det=True, use_cls=False, use_rec=True
        )
    boxes = getattr(found, "boxes", None)
    words = getattr(found, "txts", None)
    if boxes is None or not words:
        return ()
    regions = []
    for box, word in zip(boxes, words, strict=True):
        left, top = np.floor(box.min(axis=0) / enlarge).astype(int)
        right, bottom = np.ceil(box.max(axis=0) / enlarge).astype(int)
        if not any(sign.isalnum() for sign in word) or bottom - top > _TALLEST * height:
            continue
        pad = 2 + (bottom - top) // 4
        top, left = max(int(top - pad), 0), max(int(left - pad), 0)
        bottom, right = min(int(bottom + pad), height), min(int(right + pad), width)
        regions.append(Region(top, left, bottom - top, right - left))
    return tuple(regions)
