"""Names of parameters in foreign files: what training programs put before them is taken away."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vmcore.models.errors import WeightsError

_OF_PROGRAMS = ("module.", "_orig_mod.")
"""Put before every name by torch's data-parallel training and by torch.compile."""
_OF_PARTS = ("encoder.", "backbone.")
"""What a larger network calls the part that is looked for here."""
_FIRST = "patch_embed.proj.weight"


def without_prefixes(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Take prefixes away, however many stand before each other.

    ``module.`` and ``_orig_mod.`` go wherever they stand. ``encoder.`` and ``backbone.`` go where a
    vision transformer's patch embedding, or everything, lies below them; what lies beside them stays.

    Args:
        state: parameters by the names of the file.

    Returns:
        parameters by their bare names, and what was taken away, the outermost first ("" for nothing).

    Raises:
        WeightsError: two parameters would get the same name.
    """
    named, taken = dict(state), ""
    while prefix := _next(named):
        bare = {key.removeprefix(prefix): value for key, value in named.items()}
        if len(bare) < len(named):
            twice = next(key for key in named if f"{prefix}{key}" in named)
            raise WeightsError(f"The file holds {twice} both with and without {prefix} before it.")
        named, taken = bare, taken + prefix
    return named, taken


def _next(state: Mapping[str, Tensor]) -> str:
    for prefix in _OF_PROGRAMS:
        if any(key.startswith(prefix) for key in state):
            return prefix
    for prefix in _OF_PARTS:
        below = [key for key in state if key.startswith(prefix)]
        inner = [key.removeprefix(prefix) for key in below]
        inside = any(key.endswith(_FIRST) and _is_prefixed(key) for key in inner)
        if below and (inside or len(below) == len(state)):
            return prefix
    return ""


def _is_prefixed(key: str) -> bool:
    """Whether nothing but prefixes stands before the patch embedding's name."""
    rest = key.removesuffix(_FIRST)
    while rest:
        prefix = next((one for one in (*_OF_PROGRAMS, *_OF_PARTS) if rest.startswith(one)), None)
        if prefix is None:
            return False
        rest = rest.removeprefix(prefix)
    return True
