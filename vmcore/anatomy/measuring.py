"""Measure images while a study is prepared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vmcore.anatomy.card import anatomy_digest
from vmcore.data.measured import (
    MEASURED,
    NO_HEAD,
    NO_VENTRICLE,
    NOT_MEASURED,
    MeasuredImage,
)
from vmcore.imaging import Scan
from vmcore.settings import settings

if TYPE_CHECKING:
    from vmcore.anatomy.model import AnatomyModel

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class StudyMeasure:
    """Measures with an anatomy model, which each process loads when it measures first.

    Attributes:
        folder: the model's.
        digest: of that folder.
    """

    folder: Path
    digest: str

    @classmethod
    def of(cls, folder: str | Path | None = None) -> StudyMeasure:
        """With the model of a folder; the installation's by default.

        Raises:
            AnatomyError: it is missing or damaged.
        """
        folder = Path(folder) if folder is not None else settings().anatomy
        return cls(folder, anatomy_digest(folder))

    def __call__(self, scan: Scan, frame: int, image: npt.NDArray[np.uint8]) -> MeasuredImage:
        """See :class:`vmcore.data.measured.Measure`."""
        model = _model(self.folder, self.digest)
        try:
            anatomy = model.find(
                image, scan.spacing_mm, pixel_aspect=scan.pixel_aspect, uncleaned=scan.frames[frame]
            )
        except ValueError:  # too small, say: no reason to do without the image
            return MeasuredImage(measured_by=self.digest, measured_plane=NOT_MEASURED)
        if anatomy.atrium is None:
            plane = NO_HEAD if anatomy.head is None else NO_VENTRICLE
            return MeasuredImage(measured_by=self.digest, measured_plane=plane)
        atrium = anatomy.atrium
        return MeasuredImage(
            measured_by=self.digest,
            measured_plane=MEASURED,
            measured_side=atrium.side,
            measured_width_share=round(atrium.head_share, _DIGITS),
            measured_width_share_sd=round(atrium.uncertainty, _DIGITS),
            measured_width_mm=_rounded(atrium.width_mm),
            measured_width_mm_sd=_rounded(atrium.uncertainty_mm),
            measured_mm_from=atrium.millimetres_from,
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


@lru_cache(maxsize=1)
def _model(folder: Path, digest: str) -> AnatomyModel:
    del digest  # another one is another model
    from vmcore.anatomy.model import AnatomyModel  # noqa: PLC0415  a moment's work, for whoever measures

    return AnatomyModel.load(folder)
