"""Which precision a device trains in fast, and what it would only emulate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from vmcore.processor import has_bfloat16

if TYPE_CHECKING:
    import torch

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]
"""As lightning-fabric calls them: float32, and bfloat16 or float16 beside float32 weights."""


def fast_dtype(device: torch.device) -> torch.dtype:
    """The type in which a device makes its products fastest: bfloat16, or float32."""
    import torch  # noqa: PLC0415  slow to import; a plan needs the names of precisions alone

    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        native = device.type == "cpu" and has_bfloat16()
    return torch.bfloat16 if native else torch.float32


def training_precision(device: torch.device) -> Precision:
    """The mixed precision that is fastest to train in on a device; float32 where none is.

    A GPU that is too old for bfloat16 takes float16, whose loss must be scaled.
    """
    if not emulated("bf16-mixed", device):
        return "bf16-mixed"
    return "16-mixed" if device.type == "cuda" else "32-true"


def emulated(precision: Precision, device: torch.device) -> bool:
    """Whether a device can compute in this precision only by emulating it."""
    if precision == "bf16-mixed":
        return fast_dtype(device).itemsize > 2  # float32
    return precision == "16-mixed" and device.type != "cuda"
