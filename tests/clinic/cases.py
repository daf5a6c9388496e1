"""A frame as a report, made without a model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.reporting.test_measurement import CARD, analysed, calliper
from vmcore.reporting.case import ReportedCase


def case(
    seed: int = 0, *, width_mm: float | None = 14.0, probability: float = 0.9,
    device: str | None = "Maker One", bundle: str | None = "b" * 64, in_domain: bool | None = True,
) -> ReportedCase:  # fmt: skip
    """A case whose picture differs by seed."""
    analysis = analysed(calliper(width_mm), probability, in_domain=in_domain)
    grey = np.random.default_rng(seed).integers(0, 255, analysis.clean.image.shape, np.uint8)
    return ReportedCase(
        replace(
            analysis,
            clean=replace(analysis.clean, image=grey),
            scan=replace(analysis.scan, device=device),
            bundle_digest=bundle,
            anatomy_digest="a" * 64,
        ),
        CARD,
    )
