"""What of some weights a classifier takes over, what it leaves, and what starts anew.

The factory loads by it and the report on a weights file tells by it, so that what is said of a file is
what happens with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from vmcore.models.architectures import Architecture
from vmcore.models.errors import WeightsError
from vmcore.models.positions import for_grid
from vmcore.models.usf_mae import encoder_state, of_decoder

GRID = 14
"""Patches on a side of a model input: 224 pixels in patches of 16."""


@dataclass(frozen=True, slots=True)
class ForClassifier:
    """Weights as a classifier takes them.

    Attributes:
        state: by the classifier's names, its head perhaps of other classes.
        fresh: parameters that the weights cannot give and that start at ones and zeros.
        said: sentences on what was changed or left out.
    """

    state: dict[str, Tensor]
    fresh: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


def for_classifier(
    architecture: Architecture, state: Mapping[str, Tensor], pooling: str
) -> ForClassifier:
    """Bring weights to a classifier's names and sizes, as far as that can be done exactly.

    Args:
        architecture: the classifier's.
        state: the weights by their bare names.
        pooling: "token" or "avg", what the classifier's head reads.

    Raises:
        WeightsError: they are no masked autoencoder's where one is needed, or were trained with
            another pooling.
    """
    if architecture.width is None:
        return ForClassifier(dict(state))
    fitting, interpolated = for_grid(state, GRID, "pos_embed")
    said = [interpolated] if interpolated else []
    if architecture.masked_autoencoder and "head.weight" not in state:
        fitting = encoder_state(fitting)
        if any(of_decoder(key) for key in state):
            said.append("The decoder draws hidden patches and is left out: a classifier has none.")
    averaged, of_token = "fc_norm.weight" in fitting, "norm.weight" in fitting
    if pooling == "token" and averaged and not of_token:
        raise WeightsError(
            "These weights end in fc_norm, the norm of a mean over patches, and have none for the "
            'class token. Take pooling "avg".'
        )
    if pooling == "avg" and of_token and not averaged:
        fitting = {key: value for key, value in fitting.items() if not key.startswith("norm.")}
        said.append(
            "The head reads the mean of the patches: the norm of the class token (norm) is left out, "
            "and the mean's own (fc_norm) starts at ones and zeros, as in the masked autoencoder's "
            "fine-tuning (He et al. 2022)."
        )
        return ForClassifier(fitting, ("fc_norm.weight", "fc_norm.bias"), tuple(said))
    return ForClassifier(fitting, (), tuple(said))
