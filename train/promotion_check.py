"""Does a model get old cases worse than the one in use? ``python -m train.promotion_check RUN``.

Nothing is promoted. The old cases are chosen once: ``python -m train.promotion_check --choose RUN`` keeps
copies of that run's test and validation pictures ("bundled" for the bundled model's). The command ends
with 1 where a case gets worse, or where there is nothing to compare.
"""

from __future__ import annotations

import sys
from typing import Annotated

import tyro

from vmcore.data import ManifestError
from vmcore.evaluation import PredictionsError
from vmcore.file_modes import keep_private
from vmcore.models import CLASSES, BundleError
from vmcore.runs import (
    PromotionCheck,
    RunError,
    check_promotion,
    choose_regression_set,
)
from vmcore.runs.regression_choice import MOST_CASES
from vmcore.runs.regression_set import BOUND

_CHOOSE = (
    "No old cases are kept. Choose them once, from a model that is known to be good: "
    "python -m train.promotion_check --choose RUN (or bundled)."
)


def main(
    run: Annotated[str, tyro.conf.Positional] = "",
    bound: float = BOUND,
    choose: str = "",
    most: int = MOST_CASES,
    replace: bool = False,
) -> None:
    """Compare a model with the one in use on the old cases, or choose these.

    Args:
        run: a finished run, or "bundled".
        bound: by how much the probability for the true class may fall.
        choose: keep old cases of this run (or of "bundled") first.
        most: how many at the most.
        replace: give up the old cases that are kept now.
    """
    if not run and not choose:
        sys.exit("Name the run that is to be checked.")
    try:
        if choose:
            made = choose_regression_set(choose, most=most, replace=replace)
            sys.stdout.write(f"{len(made.cases)} old cases kept, of {made.origin}.\n")
        if not run:
            return
        check = check_promotion(run, bound=bound)
    except (RunError, BundleError, ManifestError, PredictionsError) as error:
        sys.exit(str(error))
    if check is None:
        sys.exit(_CHOOSE)
    sys.stdout.write("\n".join(lines(check)) + "\n")
    if check.worse:
        sys.exit(1)


def lines(check: PromotionCheck) -> list[str]:
    """What was found, a line a case."""
    found = [f"{check.after_name} on old cases: {check.sentence()}"]
    for case in check.worse:
        wrong = ", called wrongly now" if case.flipped else ""
        found.append(
            f"  case {case.number} ({CLASSES[case.label]}): probability of ventriculomegaly "
            f"{case.before:.3f}, now {case.after:.3f}{wrong}"
        )
    return [*found, check.caution()]


if __name__ == "__main__":
    keep_private()
    tyro.cli(main)
