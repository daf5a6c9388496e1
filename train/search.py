"""Search settings: ``python -m train.search --study NAME``; run it again, or several at once."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, fields
from typing import Literal

import tyro
from pydantic import ValidationError

from train.crossval import CrossvalArguments
from train.following import in_words
from vmcore.data import ManifestError
from vmcore.file_modes import keep_private
from vmcore.runs import RunError
from vmcore.runs.search import finished_trials, open_search, search, untried

log = logging.getLogger("train.search")

_SEARCHED = ("batch_size", "learning_rate", "weight_decay")
_OF_ONE_RUN = ("resume", "detach")


@dataclass(frozen=True)
class SearchArguments(CrossvalArguments):
    """What is searched; batch size, learning rate and weight decay are the search's."""

    name: str = "search"
    sampler: Literal["grid", "tpe"] = "grid"
    """The paper's 48 points, or a sampler that learns from what it saw and prunes."""
    trials: int | None = None
    """At most so many; needed for tpe, which has no end."""

    def refuse_what_is_not_searched_with(self) -> None:
        """Say which options of a single run were given: a search would pass over them.

        Raises:
            SystemExit: there are such options.
        """
        defaults = {field.name: field.default for field in fields(self)}
        given = [
            name for name in (*_SEARCHED, *_OF_ONE_RUN) if getattr(self, name) != defaults[name]
        ]
        if not given:
            return
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        sys.exit(
            f"A search does not take {options}: it tries batch sizes, learning rates and weight decays itself, "
            "waits for its runs, and goes on where it is when it is started again."
        )


def main(arguments: SearchArguments) -> None:
    """Search and say what was best."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    arguments.refuse_what_is_not_searched_with()
    if arguments.sampler == "tpe" and arguments.trials is None:
        sys.exit("Say how many --trials to make: this sampler has no end.")
    try:
        study = open_search(arguments.name, arguments.sampler, arguments.seed)
        search(
            arguments.plan(), study, trials=arguments.trials,
            on_trial=lambda trial: log.info("%s %s %s", trial.state.name, trial.params, trial.value),
        )  # fmt: skip
    except ValidationError as error:
        sys.exit(in_words(error))
    except (RunError, ManifestError) as error:
        sys.exit(str(error))
    if missing := untried(study):
        sys.stdout.write(
            f"{len(missing)} settings have no result: their runs failed. Search again to try them.\n"
        )
    for trial in finished_trials(study)[:5]:
        sys.stdout.write(f"{trial.value:.4f}  {trial.params}  run {trial.user_attrs['run_id']}\n")


if __name__ == "__main__":
    keep_private()
    main(tyro.cli(SearchArguments))
