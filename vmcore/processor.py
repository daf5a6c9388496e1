"""What this machine's processor computes fast, told without loading torch.

The variables by which oneDNN and torch can be told to do without newer instructions are heeded, so
that a newer processor can stand for an older one.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

# what ONEDNN_MAX_CPU_ISA may be set to without taking bfloat16 away (oneDNN's documentation, "CPU
# Dispatcher Control")
_WITH_BFLOAT16 = {
    "", "ALL", "DEFAULT", "AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX10_1_512",
    "AVX512_CORE_AMX", "AVX512_CORE_AMX_FP16", "AVX10_1_512_AMX", "AVX10_1_512_AMX_FP16",
}  # fmt: skip


def has_bfloat16() -> bool:
    """Whether there are instructions for products of bfloat16 (AVX-512 BF16 or AMX) to be used.

    Without them bfloat16 is emulated, some hundred times slower than float32.
    """
    onednn = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA") or ""
    torch = os.environ.get("ATEN_CPU_CAPABILITY") or "avx512"
    allowed = onednn.upper() in _WITH_BFLOAT16 and torch.lower() == "avx512"
    return allowed and not {"avx512_bf16", "amx_bf16"}.isdisjoint(_flags())


def allowed_threads() -> int:
    """How many threads may compute; 0 for as many as there are cores.

    A Slurm job keeps to what it asked for: not every cluster holds its jobs to that.
    """
    return int(os.environ.get("SLURM_CPUS_PER_TASK") or 0)


@lru_cache(maxsize=1)
def _flags(source: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The processor's features as Linux names them; none where another system runs."""
    try:
        found = re.search(r"^flags\s*:(.*)$", source.read_text(), re.MULTILINE)
    except OSError:
        return frozenset()
    return frozenset(found[1].split()) if found else frozenset()
