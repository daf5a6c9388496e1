"""The weights of a bundle's folds as arrays, read without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, deserialize

from vmcore.models.bundle_card import BundleCard
from vmcore.models.errors import BundleError

FoldWeights = dict[str, npt.NDArray[np.float32]]
"""A network's parameters by torch's names for them."""
_DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64}


def fold_file(index: int) -> str:
    """Name of a fold's weights, folds counted from 1."""
    return f"fold-{index + 1}.safetensors"


def load_weights(folder: str | Path, card: BundleCard) -> list[FoldWeights]:
    """Read the weights of every fold; counters of batches stay whole numbers.

    Raises:
        BundleError: a fold's file is missing or damaged, or holds values that are no numbers.
    """
    found = []
    for index in range(card.folds):
        path = Path(folder) / fold_file(index)
        try:
            tensors = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
            found.append({name: _array(tensor) for name, tensor in tensors})
        except OSError as error:
            raise BundleError(f"The bundle lacks {path.name}.") from error
        except (SafetensorError, ValueError, KeyError) as error:
            raise BundleError(f"The bundle's {path.name} is damaged.") from error
        if not all(np.isfinite(values).all() for values in found[-1].values()):
            raise BundleError(f"The bundle's {path.name} holds values that are no numbers.")
    return found


def _array(tensor: dict[str, object]) -> npt.NDArray[np.float32]:
    data, shape = tensor["data"], tensor["shape"]
    assert isinstance(data, bytes | bytearray)
    assert isinstance(shape, list)
    if tensor["dtype"] == "BF16":  # the upper half of a float32, of which numpy has no type
        upper = np.frombuffer(data, "<u2").astype("<u4") << 16
        return upper.view(np.float32).reshape(shape)
    values = np.frombuffer(data, _DTYPES[str(tensor["dtype"])]).reshape(shape)
    kept = values if values.dtype == np.int64 else values.astype(np.float32)
    return np.array(kept)  # of its own, so that it may be changed
