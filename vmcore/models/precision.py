"""Which precision a device computes fast: decided here, for inference and training alike."""

from __future__ import annotations

import os
from typing import Literal

import torch

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
"""As lightning-fabric calls them: float32, and bfloat16 or float16 beside float32 weights."""

# what ONEDNN_MAX_CPU_ISA may be set to without taking bfloat16, or matrix units, away
# (oneDNN's documentation, "CPU Dispatcher Control")
_WITH_AMX = {"", "ALL", "DEFAULT", "AVX512_CORE_AMX", "AVX512_CORE_AMX_FP16",
             "AVX10_1_512_AMX", "AVX10_1_512_AMX_FP16"}  # fmt: skip
_WITH_BFLOAT16 = _WITH_AMX | {"AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX10_1_512"}


def fast_dtype(device: torch.device) -> torch.dtype:
    """The type in which a device makes its products fastest: bfloat16, or float32.

    bfloat16 where the device has instructions for it. A processor without them emulates it, some
    hundred times slower than float32.
    """
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float32
    if device.type == "cpu":
        return torch.bfloat16 if _bfloat16_instructions() else torch.float32
    return torch.float32


def training_precision(device: torch.device) -> Precision:
    """The mixed precision that is fastest to train in on a device; float32 where none is.

    A GPU that is too old for bfloat16 takes float16, whose loss must be scaled.
    """
    if fast_dtype(device) == torch.bfloat16:
        return "bf16-mixed"
    return "16-mixed" if device.type == "cuda" else "32-true"


def emulated(precision: Precision, device: torch.device) -> bool:
    """Whether a device can compute in this precision only by emulating it."""
    if precision == "bf16-mixed":
        return fast_dtype(device) != torch.bfloat16
    return precision == "16-mixed" and device.type != "cuda"


def matrix_units() -> bool:
    """Whether the processor has matrix units (Intel's AMX) that oneDNN may use."""
    return bool(torch.cpu._is_amx_tile_supported()) and _allowed(_WITH_AMX)  # noqa: SLF001


def _bfloat16_instructions() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported()) and _allowed(_WITH_BFLOAT16)  # noqa: SLF001


def _allowed(instructions: set[str]) -> bool:
    """Whether neither oneDNN nor torch was told to do without these instructions."""
    told = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    return told.upper() in instructions and torch.backends.cpu.get_cpu_capability() == "AVX512"
