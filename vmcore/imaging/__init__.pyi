from .cleaning import CleanFrame, CleaningSettings, Removal, clean_frame, still_text
from .loop_frames import LoopFrames, ask_ahead, held_bytes, whole
from .model_input import INPUT_SIDE, to_model_input, to_model_pixels
from .reading import read_scan
from .sandbox import read_sandboxed, read_source_sandboxed
from .scan import (
    BusyError,
    Calibration,
    FrameError,
    Frames,
    GoneError,
    ReadLimits,
    Region,
    Scan,
    ScanError,
)
from .text import find_text, rest_text_search

__all__ = [
    "INPUT_SIDE",
    "BusyError",
    "Calibration",
    "CleanFrame",
    "CleaningSettings",
    "FrameError",
    "Frames",
    "GoneError",
    "LoopFrames",
    "ReadLimits",
    "Region",
    "Removal",
    "Scan",
    "ScanError",
    "ask_ahead",
    "clean_frame",
    "find_text",
    "held_bytes",
    "read_sandboxed",
    "read_scan",
    "read_source_sandboxed",
    "rest_text_search",
    "still_text",
    "to_model_input",
    "to_model_pixels",
    "whole",
]
