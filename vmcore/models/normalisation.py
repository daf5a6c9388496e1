"""Weights that were trained with another mean and deviation, brought to the one of this project.

Everything that goes into a model here is normalised by ImageNet's mean and deviation
(:func:`vmcore.training.normalise`). Weights that expect another normalisation are changed once, when
they are loaded: the affine map from our input to theirs goes into their first convolution.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vmcore.models.architectures import OURS, Normalisation
from vmcore.models.errors import WeightsError


def to_our_input(
    model: nn.Module, state: Mapping[str, Tensor], trained: Normalisation
) -> dict[str, Tensor]:
    """Change a state dict so that it gives for our input what it gave for its own.

    With x the pixels in 0..1, ours is (x - m) / s and theirs (x - m') / s', which is ours times
    s / s' plus (m - m') / s'. The factor goes into the weight of the first convolution, the rest into
    its bias: exact where the convolution has a bias and no padding, as a patch embedding. Padded
    zeros would stand for other pixels than before, so a padded convolution is refused.

    Args:
        model: the network that the weights are for; it is not changed.
        state: its weights, or some of them, the first convolution among them.
        trained: the normalisation that the weights expect.

    Raises:
        WeightsError: it cannot be done exactly.
    """
    if trained == OURS:
        return dict(state)
    name, convolution = next(
        (name, module) for name, module in model.named_modules() if isinstance(module, nn.Conv2d)
    )
    if convolution.padding not in {(0, 0), "valid"} or convolution.bias is None:
        raise WeightsError(
            f"These weights expect input normalised by mean {trained.mean} and deviation "
            f"{trained.deviation}, and {name} cannot be brought to another one exactly: it is "
            "padded or has no bias. Take weights with ImageNet's mean and deviation."
        )
    weight, bias = state.get(f"{name}.weight"), state.get(f"{name}.bias")
    if weight is None or bias is None or weight.shape != convolution.weight.shape:
        return dict(state)  # it does not fit, which is said where it is loaded
    mean, deviation = _exact(OURS.mean), _exact(OURS.deviation)
    factor = deviation / _exact(trained.deviation)
    shift = (mean - _exact(trained.mean)) / _exact(trained.deviation)
    exact = weight.double()
    changed = {
        f"{name}.weight": exact * factor.view(1, 3, 1, 1),
        f"{name}.bias": bias.double() + torch.einsum("oihw,i->o", exact, shift),
    }
    return {**state, **{key: value.to(state[key].dtype) for key, value in changed.items()}}


def _exact(values: tuple[float, float, float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)
