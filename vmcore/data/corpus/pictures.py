"""From an original file to the grey images that a corpus keeps of it."""

from __future__ import annotations

import errno
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vmcore.data.containment import stays_inside
from vmcore.data.corpus.alike import perceptual_hash
from vmcore.data.corpus.card import CorpusError, CorpusSettings
from vmcore.data.corpus.disks import BAD_PLACE, others_are_read
from vmcore.data.corpus.finding import LEADS_OUT
from vmcore.data.corpus.moving import HEAD_BYTES, evenly, reader_of
from vmcore.data.digests import grey_digest, to_grey
from vmcore.imaging import (
    BusyError,
    FrameError,
    ReadLimits,
    Region,
    ScanError,
    ask_ahead,
    clean_frame,
    to_model_pixels,
)
from vmcore.imaging.kinds import looks_like_scan
from vmcore.imaging.sandbox import DiedError, SandboxedReader
from vmcore.memory import is_out_of_memory

FOREIGN = "By its content the file is no picture, video or volume."
BLANK = "The image is black or nearly uniform."
FEW_LEVELS = "The image has few grey levels, as masks and drawings have."
_UNCLEANED = "The image could not be cleaned."
_NO_MEMORY = (
    "Memory has run out. Prepare the corpus again, with fewer workers: it goes on where it was."
)
_PATIENCE_S = 300.0
_NARROW = 16  # grey levels between the darkest and the brightest hundredth
_FEW = 8
_TWO_LEVELS = 0.97  # share of pixels in two of 16 ranges of grey that are apart
_ITS_OWN = {errno.EACCES, errno.EPERM, errno.ELOOP, errno.EISDIR}  # troubles of one file alone
_NUMBER = re.compile(r"\d[\d,.]*\d|\d")


class Prepared(NamedTuple):
    """One image of an original: grey uint8 (224, 224), its frame's number and its hash."""

    image: npt.NDArray[np.uint8]
    frame: int
    pixels: str
    hash: int


class Original(NamedTuple):
    """What became of a file: its images, and for each frame that was left out why."""

    digest: str
    images: list[Prepared]
    skipped: list[str]


class _Read(NamedTuple):
    """What was read of a file: frames with their numbers, the part that is shown, what is damaged."""

    frames: list[tuple[int, npt.NDArray[np.uint8]]]
    region: Region | None
    skipped: list[str]


def prepare_original(path: str, root: Path, settings: CorpusSettings) -> Original:
    """Read, clean and shrink the frames of one file, as a study's images are.

    Colours become grey by ITU-R BT.601's weights after cleaning; a grey scan keeps its very values.

    Args:
        path: the file's, below ``root``.
        root: the source's folder.
        settings: how it is done.

    Raises:
        CorpusError: no process can be started that reads the file, memory runs out, or the source's
            disk is gone.
    """
    try:
        data = _content(root / path, root)
    except ScanError as error:
        return Original("", [], [_counted(str(error))])
    if not data:
        return Original("", [], [FOREIGN])
    digest = hashlib.sha256(data).hexdigest()
    try:
        read = _frames_again(data, settings.frames)
    except BusyError:
        raise CorpusError(
            "This machine has no room for another process. Prepare the corpus again, with fewer "
            "workers: it goes on where it was."
        ) from None
    except ScanError as error:
        return Original(digest, [], [_counted(str(error))])
    images, skipped = [], read.skipped
    for number, frame in read.frames:
        try:
            made = _of_frame(frame, number, read.region, settings)
        except Exception as error:  # one odd picture must not end the work of days
            if is_out_of_memory(error):
                raise CorpusError(_NO_MEMORY) from None
            made = _UNCLEANED
        if isinstance(made, str):
            skipped.append(made)
        else:
            images.append(made)
    return Original(digest, images, skipped)


def _of_frame(
    frame: npt.NDArray[np.uint8], number: int, region: Region | None, settings: CorpusSettings
) -> Prepared | str:
    """A frame as it is learnt from, or why it is not."""
    # masks lie beside scans by the thousand: no text needs to be looked for in them
    reason = unfit(to_grey(to_model_pixels(frame))) if region is None else None
    if reason is not None:
        return reason
    clean = clean_frame(frame, region=region, settings=settings.cleaning)
    grey = to_grey(to_model_pixels(clean.image))
    return unfit(grey) or Prepared(grey, number, grey_digest(grey), perceptual_hash(grey))


def unfit(grey: npt.NDArray[np.uint8]) -> str | None:
    """Why nothing can be learnt from an image, uint8 (H, W); None where something can."""
    counts = np.bincount(grey.ravel(), minlength=256)
    low, high = np.searchsorted(counts.cumsum(), (0.01 * grey.size, 0.99 * grey.size))
    if np.count_nonzero(counts) <= _FEW and high > low:
        return FEW_LEVELS
    if high - low < _NARROW:
        return BLANK
    ranges = counts.reshape(16, 16).sum(axis=1)
    first, second = np.argsort(ranges)[-2:]
    apart = abs(int(first) - int(second)) > 1
    return FEW_LEVELS if apart and ranges[[first, second]].sum() > _TWO_LEVELS * grey.size else None


def _content(file: Path, root: Path) -> bytes:
    """The file's bytes; none where its first ones tell that it holds no image."""
    if not stays_inside(file, root):  # it may have become a link since it was listed
        raise ScanError(LEADS_OUT)
    limit = ReadLimits().file_bytes
    try:
        with file.open("rb") as stream:
            head = stream.read(HEAD_BYTES)
            if not (looks_like_scan(head) or reader_of(head)):
                return b""
            return head + stream.read(limit + 1 - len(head))  # a byte too many is refused
    except OSError as error:
        words = f"The file cannot be opened ({error.strerror})."
        own = error.errno in _ITS_OWN
        if own or (error.errno in BAD_PLACE and others_are_read(root, file)):
            raise ScanError(words) from None
        # a disk or a share that is gone would leave out all that is left, for good
        raise CorpusError(
            f"{words} Is its disk there? Prepare the corpus again then: it goes on where it was."
        ) from None


def _frames_again(data: bytes, most: int) -> _Read:
    """A file's frames; where its decoder died it may be for want of memory, and one more may not."""
    try:
        return _frames(data, most)
    except DiedError:
        return _frames(data, most)


def _frames(data: bytes, most: int) -> _Read:
    limits = ReadLimits()
    moving = None if looks_like_scan(data[:HEAD_BYTES]) else reader_of(data[:HEAD_BYTES])
    if moving is not None:
        if len(data) > limits.file_bytes:
            raise ScanError(
                f"The file is larger than the limit of {limits.file_bytes // 2**20} MB."
            )
        return _Read(_reader().call(data, moving, limits, most), None, [])
    scan = _reader().read(data, limits)
    wanted = evenly(len(scan.frames), most)
    ask_ahead(scan.frames, wanted)
    frames, skipped = [], []
    for at in wanted:
        try:
            frames.append((at, scan.frames[at]))
        except FrameError as error:
            skipped.append(_counted(str(error)))
    return _Read(frames, scan.region, skipped)


@lru_cache(maxsize=1)
def _reader() -> SandboxedReader:
    return SandboxedReader(workers=1, patience_s=_PATIENCE_S)


def _counted(sentence: str) -> str:
    """A sentence without its numbers, so that files which were refused alike are counted together."""
    return _NUMBER.sub("N", sentence)
