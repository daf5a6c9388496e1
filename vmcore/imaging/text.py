"""Find burned-in text. The words themselves are never kept: they may name a person."""

from __future__ import annotations

import multiprocessing
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.imaging.scan import Region

_SHORT_SIDE = 736  # vendor text is a few pixels high: smaller pictures are enlarged to this
_LONG_SIDE = 1600  # no picture is enlarged beyond this
_MOST = 4.0  # nor by more: what cannot be read then is no text
_SIGNS = 2  # speckle is read as a single letter now and then, which names nobody
_TALLEST = 0.12  # text higher than this share of the picture is a skull read as the letter O
_LIKELY, _DOUBTFUL = 0.5, 0.3  # how surely a place must hold text for it to be read
_CONFIDENT = 0.5  # how surely it must read as text
_lock = threading.Lock()


def _threads() -> int:
    """One where several processes read side by side, else two: more gain nothing on such pictures."""
    return 2 if multiprocessing.parent_process() is None else 1


class _Float32Session:
    """A network in float32 by OpenVINO: what is removed must not depend on the machine."""

    def __init__(self, model: Path) -> None:
        from openvino import Core  # noqa: PLC0415  slow to import, for scans only

        options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": _threads()}
        self._request = Core().compile_model(model, "CPU", options).create_infer_request()

    def __call__(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self._request.infer([pixels])
        found: npt.NDArray[np.float32] = self._request.get_output_tensor().data
        return found


@lru_cache(maxsize=1)
def _engine() -> Any:
    import rapidocr  # noqa: PLC0415  slow to import, for scans only

    engine = rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.text_score": _CONFIDENT,
            "Det.limit_side_len": 0,  # the size is chosen in find_text
            "Det.limit_type": "min",
            "EngineConfig.onnxruntime.intra_op_num_threads": _threads(),
        }
    )
    (model,) = (Path(rapidocr.__file__).parent / "models").glob("*_det_*.onnx")
    engine._load_det_model().session = _Float32Session(model)  # noqa: SLF001  rapidocr takes none
    return engine


def find_text(
    image: npt.NDArray[np.uint8], *, enlarge: float = 1.0, doubtful: bool = False
) -> tuple[Region, ...]:
    """Locate readable text by OCR (PP-OCR through rapidocr, on this machine only).

    Args:
        image: uint8 (H, W, 3), RGB.
        enlarge: look at the picture this much larger than usual: other sizes of text are found,
            smaller and fainter ones too, and it takes longer.
        doubtful: read in doubtful places as well, for pictures that are known to hold text.

    Returns:
        Bounding rectangles within the image, padded by a quarter of the text's height.
    """
    height, width = image.shape[:2]
    wanted = enlarge * max(_SHORT_SIDE / min(height, width), 1.0)
    scale = max(min(wanted, _MOST, _LONG_SIDE / max(height, width)), 1.0)
    if scale > 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    # one engine, one caller: its sessions are shared between the threads of the app
    with _lock:
        found = _engine()(
            cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
            use_det=True,
            use_cls=False,
            use_rec=True,
            box_thresh=_DOUBTFUL if doubtful else _LIKELY,
        )
    boxes = getattr(found, "boxes", None)
    words = getattr(found, "txts", None)
    if boxes is None or not words:
        return ()
    regions = []
    for box, word in zip(boxes, words, strict=True):
        left, top = np.floor(box.min(axis=0) / scale).astype(int)
        right, bottom = np.ceil(box.max(axis=0) / scale).astype(int)
        if sum(sign.isalnum() for sign in word) < _SIGNS or bottom - top > _TALLEST * height:
            continue
        pad = 2 + (bottom - top) // 4
        top, left = max(int(top - pad), 0), max(int(left - pad), 0)
        bottom, right = min(int(bottom + pad), height), min(int(right + pad), width)
        regions.append(Region(top, left, bottom - top, right - left))
    return tuple(regions)
