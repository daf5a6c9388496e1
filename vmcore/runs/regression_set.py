"""Old cases that every new model is held against before it answers: copies of prepared pixels.

STORE/regression/set.json    labels, digests of pixels and of original files, where they come from
STORE/regression/DIGEST.png  a case's prepared pixels, named by their digest
STORE/regression/answers/    what models said of them (promotion_check.py), so that none is asked twice

They are chosen once, so that models of different years are held against the same. No name, no path and no
subject is kept. An image that is taken out of its study, or whose study is deleted, goes from here too.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vmcore.data import pixel_digest
from vmcore.files import replacing, write_atomically
from vmcore.runs.access import require
from vmcore.runs.errors import RunError
from vmcore.settings import settings

BOUND = 0.2
"""By how much the probability for the true class may fall, unless somebody says otherwise."""
NOT_COMPARED = "No old cases are kept, so nothing was compared."
_SET, _ANSWERS = "set.json", "answers"
Picture = npt.NDArray[np.uint8]
_DAMAGED = "The old cases that are kept for checks are damaged. Remove them and choose them again."


class OldCase(BaseModel):
    """One case of the set.

    Attributes:
        label: 0 normal, 1 ventriculomegaly.
        pixels: SHA-256 of its prepared pixels, by which it is known again.
        source: SHA-256 of the original file; "" where that is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: int = Field(ge=0, le=1)
    pixels: str = Field(pattern=r"^[0-9a-f]{64}$")
    source: str = Field("", pattern=r"^([0-9a-f]{64})?$")

    @property
    def digests(self) -> frozenset[str]:
        """All by which weights may know it."""
        return frozenset({self.pixels, self.source} - {""})


class RegressionSet(BaseModel):
    """The old cases.

    Attributes:
        cases: counted from 1 where they are shown.
        chosen: the day they were chosen, ISO 8601.
        origin: name of the model whose validation and test cases they were.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cases: tuple[OldCase, ...] = Field(min_length=1)
    chosen: str
    origin: str

    @property
    def digest(self) -> str:
        """SHA-256 of labels and pixels."""
        lines = (f"{case.label} {case.pixels}\n" for case in self.cases)
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def image(self, number: int) -> Picture:
        """A case's prepared pixels, uint8 (224, 224, 3) RGB, by its number from 1.

        Raises:
            RunError: they are not there as they were kept.
        """
        case = self.cases[number - 1]
        read = cv2.imread(str(_file(case.pixels)))
        if read is None:
            raise RunError(_DAMAGED)
        image = cv2.cvtColor(read, cv2.COLOR_BGR2RGB)
        if pixel_digest(image.transpose(2, 0, 1)) != case.pixels:
            raise RunError(_DAMAGED)
        return np.asarray(image, np.uint8)


def read_regression_set() -> RegressionSet | None:
    """The old cases that are kept, or None where none were chosen.

    Raises:
        RunError: their list is damaged.
    """
    try:
        return RegressionSet.model_validate_json((_folder() / _SET).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise RunError(_DAMAGED) from error


def remove_regression_set() -> None:
    """Give up the old cases and what models said of them."""
    require("release")
    shutil.rmtree(_folder(), ignore_errors=True)


def forget_cases(sources: Collection[str]) -> None:
    """Remove cases for good whose original file has one of these digests; no copy of them stays.

    Whatever was cut off can be done again: the list forgets a case after its pixels are gone.

    Raises:
        RunError: the list is damaged.
        OSError: the folder cannot be written to.
    """
    kept = read_regression_set()
    gone = [case for case in kept.cases if case.source in sources] if kept else []
    if kept is None or not gone:
        return
    left = tuple(case for case in kept.cases if case not in gone)
    shutil.rmtree(_folder() / _ANSWERS, ignore_errors=True)
    for case in gone:
        _file(case.pixels).unlink(missing_ok=True)
    if left:
        _write(kept.model_copy(update={"cases": left}))
    else:
        (_folder() / _SET).unlink()


def answers_file(name: str) -> Path:
    """Where a model's answers on the cases are kept."""
    return _folder() / _ANSWERS / f"{name}.json"


def _folder() -> Path:
    return settings().store / "regression"


def _file(digest: str) -> Path:
    return _folder() / f"{digest}.png"


def keep_regression_set(found: Iterable[tuple[int, Picture, str]], origin: str) -> RegressionSet:
    """Keep these cases instead of those that are kept now.

    Args:
        found: a label, prepared pixels uint8 (224, 224, 3), and the SHA-256 of the original file or "".
        origin: name of the model whose cases they were.
    """
    require("release")
    shutil.rmtree(_folder(), ignore_errors=True)
    cases = []
    for label, image, source in found:
        digest = pixel_digest(image.transpose(2, 0, 1))
        done, png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        assert done
        with replacing(_file(digest)) as temporary:
            temporary.write_bytes(png.tobytes())
        cases.append(OldCase(label=label, pixels=digest, source=source))
    today = datetime.now(UTC).date().isoformat()
    made = RegressionSet(cases=tuple(cases), chosen=today, origin=origin)
    _write(made)
    return made


def _write(made: RegressionSet) -> None:
    write_atomically(_folder() / _SET, made.model_dump_json(indent=2) + "\n")
