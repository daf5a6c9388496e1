"""Telling want of memory from other errors."""

from __future__ import annotations

import sys


def is_out_of_memory(error: BaseException) -> bool:
    """Whether there was no memory left, in Python's, OpenCV's or torch's way, the machine's or the device's.

    Neither library is loaded for it.
    """
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, RuntimeError):  # torch's allocator on a processor has no kind of its own
        return "DefaultCPUAllocator" in str(error)
    cv2 = sys.modules.get("cv2")
    return cv2 is not None and isinstance(error, cv2.error) and error.code == cv2.Error.StsNoMem
