"""Find burned-in text. The words themselves are never kept: they may name a person."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from vmcore.imaging.scan import Region
from vmcore.resting import Resting, kept_until_idle

Pixels = npt.NDArray[np.float32]
_SHORT_SIDE = 736  # vendor text is a few pixels high: smaller pictures are enlarged to this
_LONG_SIDE = 1600  # no picture is enlarged beyond this to be searched for the first time
_MOST = 4.0  # nor by more
_STEP = 32  # the network takes sides that are multiples of it
_SIGNS = 2  # speckle is read as a single letter now and then, which names nobody
_TALL = 0.12  # of the picture's height: a skull is read as the letter O, but not as a word
_SIGNS_OF_TALL = 4
_TALLEST = 0.3
_CONFIDENT = 0.5  # how surely a place must read as text
LIKELY, DOUBTFUL = 0.5, 0.3
"""How surely a place must look like text to be read: in any picture, and in one that holds text."""
_lock = threading.Lock()


class TextBox(NamedTuple):
    """A place that looks like text: its corners (4, 2) as x and y in pixels, and how surely, 0..1."""

    corners: npt.NDArray[np.float32]
    score: float


class _Detector(Resting):
    """The network that looks for text, in float32: what is removed must not depend on the machine.

    By ONNX Runtime, which works in one memory for pictures of all sizes; OpenVINO lays one out for each size.
    """

    def __init__(self, model: Path) -> None:
        import onnxruntime  # noqa: PLC0415  slow to import, for scans only

        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_mem_pattern = False  # it would keep a plan and its memory for each size
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._shrinking = onnxruntime.RunOptions()
        self._shrinking.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def __call__(self, pixels: Pixels) -> Pixels:
        with self._at_work():
            options = None if kept_until_idle() else self._shrinking
            found: Pixels = self._session.run(None, {self._input: pixels}, options)[0]
        return found

    def _give_back(self) -> None:
        least = np.zeros((1, 3, _STEP, _STEP), np.float32)
        self._session.run(None, {self._input: least}, self._shrinking)


class _Engine(NamedTuple):
    """PP-OCR's parts through rapidocr: what looks for text, makes boxes of it, and reads."""

    detect: _Detector
    boxes: Any
    ocr: Any


def _threads() -> int:
    """One where several processes read side by side, else two: more gain nothing on such pictures."""
    return 2 if multiprocessing.parent_process() is None else 1


@lru_cache(maxsize=1)
def _engine() -> _Engine:
    import rapidocr  # noqa: PLC0415  slow to import, for scans only
    from rapidocr.ch_ppocr_det.utils import DBPostProcess  # noqa: PLC0415

    ocr = rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": _threads(),
        }
    )
    told = {key: ocr.cfg.Det[key] for key in ("unclip_ratio", "use_dilation", "score_mode")}
    (model,) = (Path(rapidocr.__file__).parent / "models").glob("*_det_*.onnx")
    boxes = DBPostProcess(thresh=ocr.cfg.Det.thresh, box_thresh=DOUBTFUL, **told)
    return _Engine(_Detector(model), boxes, ocr)


def rest_text_search() -> None:
    """Give back what the network that looks for text worked in; no more pictures are searched just now."""
    if _engine.cache_info().currsize:
        _engine().detect.rest()


def usual_scale(shape: tuple[int, ...]) -> float:
    """By how much a picture (H, W, ...) is enlarged to be searched; never under 1."""
    wanted = max(_SHORT_SIDE / min(shape[:2]), 1.0)
    return max(min(wanted, _MOST, _LONG_SIDE / max(shape[:2])), 1.0)


def detect_text(image: npt.NDArray[np.uint8], scale: float = 1.0) -> list[TextBox]:
    """Places that look like text, doubtful ones too, by PP-OCR's network on this machine.

    Args:
        image: uint8 (H, W, 3), RGB.
        scale: by how much it is enlarged first; at most by 4.
    """
    height, width = image.shape[:2]
    scale = min(scale, _MOST)
    size = tuple(max(round(scale * side / _STEP), 1) * _STEP for side in (width, height))
    seen = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    blob = cv2.dnn.blobFromImage(seen, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True)
    with _lock:  # one engine, one caller: its sessions are shared between the threads of the app
        engine = _engine()
        corners, scores = engine.boxes(engine.detect(blob), (height, width))
    pairs = zip(corners, scores, strict=True)
    return [TextBox(np.asarray(found, np.float32), float(score)) for found, score in pairs]


def reads_as_text(
    image: npt.NDArray[np.uint8], boxes: Sequence[TextBox], scale: float = 1.0
) -> list[bool]:
    """Whether each place reads as text of at least two letters or digits.

    Args:
        image: uint8 (H, W, 3), RGB.
        boxes: places in it.
        scale: by how much they are enlarged to be read.
    """
    if not boxes:
        return []
    seen = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    seen = cv2.resize(seen, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    from rapidocr.ch_ppocr_rec import TextRecInput  # noqa: PLC0415  slow to import

    with _lock:
        ocr = _engine().ocr
        pieces = ocr.crop_text_regions(seen, np.stack([scale * box.corners for box in boxes]))
        # what runs upwards or downwards was turned to be read, perhaps the wrong way round
        turned = [at for at, box in enumerate(boxes) if _is_upright(box)]
        pieces += [cv2.rotate(pieces[at], cv2.ROTATE_180) for at in turned]
        read = ocr._load_rec_model()(TextRecInput(img=pieces))  # noqa: SLF001  its parts alone
    least = [
        _SIGNS_OF_TALL if line_height(box) > _TALL * image.shape[0] else _SIGNS for box in boxes
    ]
    least += [least[at] for at in turned]
    told = [
        score >= _CONFIDENT and sum(sign.isalnum() for sign in words) >= signs
        for words, score, signs in zip(read.txts, read.scores, least, strict=True)
    ]
    other_way = dict(zip(turned, told[len(boxes) :], strict=True))
    return [one or other_way.get(at, False) for at, one in enumerate(told[: len(boxes)])]


def _is_upright(box: TextBox) -> bool:
    """Whether a line of text runs upwards or downwards."""
    across, down = np.ptp(box.corners, axis=0)
    return bool(down > 1.5 * across)


def line_height(box: TextBox) -> float:
    """How high a line of text is in pixels, whichever way it runs: its box's shorter side."""
    sides = np.linalg.norm(box.corners - np.roll(box.corners, 1, axis=0), axis=1)
    return float(sides.min())


def around(box: TextBox, shape: tuple[int, ...]) -> Region:
    """The rectangle about a place in a picture (H, W, ...), padded by a quarter of its line's height."""
    height, width = shape[:2]
    left, top = np.floor(box.corners.min(axis=0)).astype(int)
    right, bottom = np.ceil(box.corners.max(axis=0)).astype(int)
    pad = 2 + round(line_height(box) / 4)
    top, left = max(int(top - pad), 0), max(int(left - pad), 0)
    bottom, right = min(int(bottom + pad), height), min(int(right + pad), width)
    return Region(top, left, max(bottom - top, 0), max(right - left, 0))


def too_tall(box: TextBox, shape: tuple[int, ...], *, again: bool = False) -> bool:
    """Whether a place is higher than text in a picture (H, W, ...) can be.

    Args:
        box: the place.
        shape: of the picture.
        again: it is looked for once more, where tall text would have been found before.
    """
    allowed = _TALLEST if box.score >= LIKELY and not again else _TALL
    return line_height(box) > allowed * shape[0]


def find_text(image: npt.NDArray[np.uint8]) -> tuple[Region, ...]:
    """Locate readable text in a picture that is not known to hold any.

    Args:
        image: uint8 (H, W, 3), RGB.

    Returns:
        Bounding rectangles within the image, padded by a quarter of the text's height.
    """
    scale = usual_scale(image.shape)
    likely = [
        box
        for box in detect_text(image, scale)
        if box.score >= LIKELY and not too_tall(box, image.shape)
    ]
    read = reads_as_text(image, likely, scale)
    return tuple(
        around(box, image.shape) for box, is_text in zip(likely, read, strict=True) if is_text
    )
