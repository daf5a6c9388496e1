"""Say what is in a weights file: ``python -m train.weights FILE [--architecture usf-mae]``.

Nothing is trained and nothing is written. The command ends with 1 where neither
a classifier's training nor a pretraining could start from it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

import tyro

from vmcore.models import WeightsError, WeightsReport, explain_weights

_LISTED = 8


def main(
    file: tyro.conf.Positional[Path],
    architecture: str = "usf-mae",
    pooling: Literal["token", "avg"] | None = None,
) -> None:
    """Say what is in a weights file.

    Args:
        file: .safetensors, .pt, .pth or .bin.
        architecture: the network that is to start from it.
        pooling: what that network's head reads; what the file suggests without.
    """
    try:
        report = explain_weights(file, architecture, pooling)
    except (WeightsError, ValueError) as error:
        sys.exit(str(error))
    sys.stdout.write("\n".join(_lines(report)) + "\n")
    if report.error and not report.pretraining:
        sys.exit(1)


def _lines(report: WeightsReport) -> list[str]:
    wrapped = f'under "{report.wrapper}"' if report.wrapper else "flat"
    prefix = f"; {report.prefix} taken from before every name" if report.prefix else ""
    return [
        report.network.sentence(),
        f"Format: {report.format}, {wrapped}{prefix}.",
        f"SHA-256: {report.sha256}",
        f"Held against: {report.architecture}, pooling {report.pooling}.",
        *_listed("matched", report.matched),
        *_listed("missing", report.missing),
        *_listed("left over", report.left_over),
        *_listed("of another size", report.wrong_shape),
        *report.said,
        *report.pretraining,
        *_refused("Pretraining cannot go on from it.", report.pretraining_error),
        *_refused("No classifier's training can start from it.", report.error),
    ]


def _refused(what: str, why: str) -> list[str]:
    return [f"{what} {why}"] if why else []


def _listed(title: str, names: tuple[str, ...]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return [f"  {len(names):>4} {title}: {', '.join(names[:_LISTED])}{more}"]


if __name__ == "__main__":
    tyro.cli(main)
