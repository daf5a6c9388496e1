"""What was measured in an image when it was prepared: kept beside it, and a column each in anatomy.csv."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from vmcore.files import write_atomically
from vmcore.imaging import Scan

ANATOMY_FILE = "anatomy.csv"
MEASURED_COLUMNS = (
    "measured_plane", "measured_side", "measured_width_share", "measured_width_share_sd",
    "measured_width_mm", "measured_width_mm_sd", "measured_mm_from",
)  # fmt: skip
"""Columns of ``anatomy.csv`` after path, which a study's table has too where it was measured."""
NO_HEAD, NO_VENTRICLE, MEASURED = "no head", "no ventricle", "ventricle measured"
NOT_MEASURED = "not measured"


class MeasuredImage(BaseModel):
    """What was measured in an image.

    Attributes:
        measured_by: digest of what measured.
        measured_plane: whether a head was found, and a ventricle in it that can be measured; "not measured"
            where the picture is none that can be looked at, such as a very small one.
        measured_side: of the head's half in which the atrium lies, near to the probe or far from it.
        measured_width_share: the atrium's width over the head's short axis; ``_sd``: its standard
            deviation.
        measured_width_mm: the same in mm, where the file or the scanner's ruler gives them.
        measured_mm_from: which of both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    measured_by: str
    measured_plane: Literal["no head", "no ventricle", "ventricle measured", "not measured"]
    measured_side: Literal["near", "far"] | None = None
    measured_width_share: float | None = None
    measured_width_share_sd: float | None = None
    measured_width_mm: float | None = None
    measured_width_mm_sd: float | None = None
    measured_mm_from: Literal["file", "ruler"] | None = None


class Measure(Protocol):
    """What measures an image while it is prepared; it is sent to other processes."""

    @property
    def digest(self) -> str:
        """Changes when it would measure otherwise; images are then prepared again."""

    def __call__(self, scan: Scan, frame: int, image: npt.NDArray[np.uint8]) -> MeasuredImage:
        """Measure.

        Args:
            scan: as it was read.
            frame: which of its frames.
            image: uint8 (H, W, 3), that frame, cleaned.
        """


def write_measured(folder: Path, measured: Mapping[str, MeasuredImage]) -> None:
    """Write a study's ``anatomy.csv``, a row an image that was measured."""
    rows = [{"path": path} | one.model_dump() for path, one in measured.items()]
    table = pd.DataFrame(rows, columns=["path", *MEASURED_COLUMNS])
    write_atomically(folder / ANATOMY_FILE, table.to_csv(index=False))


def with_measured(folder: Path, table: pd.DataFrame) -> pd.DataFrame:
    """A study's table with what was measured, where anything was; a column of the manifest's stays.

    Raises:
        OSError, ValueError: ``anatomy.csv`` is damaged.
    """
    file = folder / ANATOMY_FILE
    if not file.is_file():
        return table
    empty = {name: [""] for name in MEASURED_COLUMNS}
    measured = pd.read_csv(
        file, dtype={"path": str}, usecols=["path", *MEASURED_COLUMNS], keep_default_na=False,
        na_values=empty,
    ).set_index("path")  # fmt: skip
    own = [name for name in MEASURED_COLUMNS if name not in table.columns]
    return table.join(measured[own], on="path")
