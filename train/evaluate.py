"""Evaluate without the page: ``python -m train.evaluate --run ID --out FOLDER``.

Writes report.html, every table as CSV and LaTeX, and every plot as SVG and PNG.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from vmcore.evaluation import PredictionsError, compare, comparison_rows
from vmcore.file_modes import keep_private
from vmcore.files import write_atomically
from vmcore.models import BundleError
from vmcore.reporting.review import PrintError, evaluate, files, print_plots
from vmcore.runs import BUNDLED, Reviewed, RunError, imported, open_reviewed, provenance


@dataclass(frozen=True)
class EvaluateArguments:
    """What to evaluate. The bundled model without a run or predictions."""

    out: Path
    """Folder for the report; files of the same names are replaced."""
    run: str = BUNDLED
    """A finished run."""
    predictions: Path | None = None
    """Predictions made elsewhere: image, label, probability; subject, fold, split where known."""
    against: tuple[str, ...] = ()
    """Further runs (or "bundled") to compare with on the same cases."""
    split: Literal["validation", "test"] | None = None
    """The test where there is one."""
    prevalence: float = 0.01
    """Share of ventriculomegaly where the model is to be used."""


def main(arguments: EvaluateArguments) -> None:
    """Evaluate and write."""
    if not 0 < arguments.prevalence < 1:
        sys.exit("The prevalence must lie between 0 and 1.")
    try:
        made = _made(arguments)
        for name, content in made.items():
            write_atomically(arguments.out / name, content)
    except (RunError, BundleError, PredictionsError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The folder {arguments.out} cannot be written to ({error.strerror}).")
    sys.stdout.write(f"{len(made)} files in {arguments.out}; begin with report.html\n")


def _made(arguments: EvaluateArguments) -> dict[str, bytes]:
    reviewed = (
        _imported(arguments.predictions) if arguments.predictions else open_reviewed(arguments.run)
    )
    operating = reviewed.operating()
    split = arguments.split or operating.predictions.splits()[-1]
    others = [open_reviewed(key).operating() for key in arguments.against]
    found = {
        other.name: compare(
            operating.cases(split), other.cases(split), (operating.threshold, other.threshold)
        )
        for other in others
    }
    evaluated = evaluate(
        operating, provenance(reviewed), split=split, prevalence=arguments.prevalence, others=others,
        comparisons=comparison_rows(found),
    )  # fmt: skip
    made = files(evaluated)
    try:
        pictures = print_plots(evaluated.plots)
    except PrintError as error:
        sys.stdout.write(f"No pictures for print. {error}\n")
        pictures = {}
    return made | {f"plots/{name}": content for name, content in pictures.items()}


def _imported(path: Path) -> Reviewed:
    try:
        return imported(path.read_bytes(), path.stem)
    except OSError as error:
        raise PredictionsError("There is no such file of predictions.") from error


if __name__ == "__main__":
    keep_private()
    main(tyro.cli(EvaluateArguments))
