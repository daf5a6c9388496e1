"""Run a measurement once as the processor is, and once as if it had AVX2 alone, as most clinics' have."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vmcore.processor import has_bfloat16

_OLDER = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}


def with_each(module: str, *arguments: str) -> dict[str, Any]:
    """What ``python -m module --measure-to FILE arguments`` writes, by instruction set.

    A processor that has no bfloat16 is measured once: it is such an older one itself.
    """
    sets: dict[str, Mapping[str, str]] = {"AVX2": _OLDER if has_bfloat16() else {}}
    if has_bfloat16():
        sets["all that the processor has"] = {}
    found: dict[str, Any] = {"processor": platform.processor() or platform.machine()}
    for name, environment in sets.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "figures.json"
            subprocess.run(
                [sys.executable, "-m", module, "--measure-to", str(file), *arguments],
                check=True, env={**os.environ, **environment},
            )  # fmt: skip
            found[name] = json.loads(file.read_text())
    return found
