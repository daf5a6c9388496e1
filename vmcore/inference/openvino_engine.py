"""Networks on a processor by OpenVINO, which lays weights out for it once."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import Any, Literal

import openvino as ov

from vmcore.inference.engine import Array, ForwardOutput, embedding, patches_as_map
from vmcore.inference.vit_graph import vit_graph
from vmcore.models.bundle_weights import FoldWeights
from vmcore.processor import allowed_threads, has_bfloat16
from vmcore.resting import Network

_COMPILED_AT_ONCE = 2
Precision = Literal["float32", "bfloat16"]


class OpenVinoEngine:
    """An ensemble on the processor; see :class:`vmcore.inference.engine.Engine`.

    Attributes:
        precision: of its products, bfloat16 where the processor has instructions for it.
    """

    def __init__(
        self, graphs: Sequence[ov.Model], *, tokens: bool, precision: Precision | None = None
    ) -> None:
        """Compile the graphs.

        Args:
            graphs: one a network, with the outputs that :func:`vit_graph` or :func:`traced` names.
            tokens: whether they are vision transformers.
            precision: what the processor computes fastest by default.
        """
        self.precision: Precision = precision or ("bfloat16" if has_bfloat16() else "float32")
        self._tokens = tokens
        options = {
            "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[self.precision],
            "NUM_STREAMS": 1,  # one picture at a time, and every core for it
            "INFERENCE_NUM_THREADS": allowed_threads(),
        }
        core = ov.Core()
        with ThreadPoolExecutor(_COMPILED_AT_ONCE) as threads:
            compiled = list(
                threads.map(lambda one: core.compile_model(one, "CPU", options), graphs)
            )
        self._networks = [Network(one) for one in compiled]

    @classmethod
    def of_transformers(
        cls,
        weights: Sequence[FoldWeights],
        width: int,
        pooling: str,
        precision: Precision | None = None,
    ) -> OpenVinoEngine:
        """Vision transformers by their weights.

        Raises:
            WeightsError: weights that do not fit.
        """
        graphs = [vit_graph(fold, width, pooling) for fold in weights]
        return cls(graphs, tokens=True, precision=precision)

    @classmethod
    def of_modules(
        cls, modules: Sequence[Any], precision: Precision | None = None
    ) -> OpenVinoEngine:
        """Convolutional networks by their torch modules."""
        return cls([traced(module) for module in modules], tokens=False, precision=precision)

    def forward(self, batch: Array) -> list[ForwardOutput]:
        """See :class:`vmcore.inference.engine.Engine`."""
        return [self._one(network, batch) for network in self._networks]

    def only(self, index: int) -> OpenVinoEngine:
        """See :class:`vmcore.inference.engine.Engine`."""
        alone = copy(self)
        alone._networks = [self._networks[index]]  # noqa: SLF001
        return alone

    def _one(self, network: Network, batch: Array) -> ForwardOutput:
        outputs = network(batch)
        if self._tokens:
            logits, explained, last, pooled = outputs
            described = embedding(last[:, 1:], [pooled])
            return ForwardOutput(logits, patches_as_map(explained[:, 1:]), described)
        logits, activations = outputs
        features = activations.reshape(*activations.shape[:2], -1).transpose(0, 2, 1)
        return ForwardOutput(logits, activations, embedding(features))


def traced(module: Any) -> ov.Model:
    """A convolutional classifier of timm's as a graph from (B, 3, 224, 224) to (logits, last map)."""
    import torch  # noqa: PLC0415  slow to import; transformers are answered without it

    class Outputs(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = module.float().cpu().eval()

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            activations = self.model.forward_features(images)
            return self.model.forward_head(activations), activations

    shown = torch.zeros(1, 3, 224, 224)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing warns of sizes that are always the same here
        return ov.convert_model(Outputs(), example_input=shown, input=[-1, 3, 224, 224])
