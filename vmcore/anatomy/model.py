"""The anatomy model: a folder with a card and a network, ready to find."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino as ov

from vmcore.anatomy.card import (
    GRAPH_FILE,
    WEIGHTS_FILE,
    AnatomyCard,
    AnatomyError,
    anatomy_digest,
    load_anatomy_card,
)
from vmcore.anatomy.finding import find_anatomy
from vmcore.anatomy.result import Anatomy
from vmcore.anatomy.scale import find_in_mm
from vmcore.anatomy.views import VIEW_HEIGHT, VIEW_WIDTH, grey_of
from vmcore.processor import allowed_threads
from vmcore.resting import Network
from vmcore.settings import settings

Array = npt.NDArray[np.float32]


class AnatomyModel:
    """Finds head, cavum and ventricle in a picture; safe to share between threads.

    Attributes:
        card: what it learnt from, its limits and how well it measures.
        digest: of the folder that it was loaded from; None for a graph that was handed over.
    """

    def __init__(self, card: AnatomyCard, graph: ov.Model, *, digest: str | None = None) -> None:
        """Compile a network for this processor; :meth:`load` reads it from a folder.

        Args:
            card: the model's.
            graph: from views (B, 1, 192, 256) to structures, calliper and visible.
            digest: of its folder.
        """
        options = {
            "INFERENCE_PRECISION_HINT": "f32",  # widths are told to a fraction of a pixel
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": allowed_threads(),
        }
        self.card, self.digest = card, digest
        self._network = Network(ov.Core().compile_model(graph, "CPU", options))

    @classmethod
    def load(cls, folder: str | Path | None = None) -> AnatomyModel:
        """Load a model.

        Args:
            folder: its folder; the installation's (``VMCORE_ANATOMY``) by default.

        Raises:
            AnatomyError: it is missing, damaged or of another kind.
        """
        folder = Path(folder) if folder is not None else settings().anatomy
        card = load_anatomy_card(folder)
        try:
            graph = ov.Core().read_model(folder / GRAPH_FILE, folder / WEIGHTS_FILE)
            shape = graph.input(0).get_partial_shape()
            fits = shape == ov.PartialShape([-1, 1, VIEW_HEIGHT, VIEW_WIDTH])
        except RuntimeError as error:
            raise AnatomyError(
                f"The anatomy model's network ({GRAPH_FILE}, {WEIGHTS_FILE}) cannot be read."
            ) from error
        if not fits or len(graph.outputs) != 3:
            raise AnatomyError("The anatomy model's network is not one that finds structures.")
        return cls(card, graph, digest=anatomy_digest(folder))

    def find(
        self,
        image: npt.NDArray[np.uint8],
        spacing_mm: tuple[float, float] | None = None,
        *,
        pixel_aspect: float = 1.0,
        uncleaned: npt.NDArray[np.uint8] | None = None,
    ) -> Anatomy:
        """Find the structures of a cleaned picture.

        Args:
            image: uint8 (H, W, 3), RGB, at least 16 pixels on each side.
            spacing_mm: (row, column) millimetres per pixel; without it lengths are in pixels and in
                shares of the head only.
            pixel_aspect: a pixel's height over its width, where there is no spacing.
            uncleaned: uint8 (H, W, 3), the picture as the scanner drew it, with the same pixels, a strip
                more at most: without a spacing, a ruler at its edge gives one.

        Raises:
            ValueError: images of another shape or type, or a spacing that is no length.
        """
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"An image must be uint8 (H, W, 3), not {image.dtype} {image.shape}.")
        if min(image.shape[:2]) < 16:
            raise ValueError("An image needs at least 16 pixels on each side.")
        if uncleaned is not None and (
            uncleaned.dtype != np.uint8
            or uncleaned.shape[2:] != (3,)
            or any(more < side for more, side in zip(uncleaned.shape, image.shape, strict=True))
        ):
            raise ValueError(
                "The uncleaned picture must be uint8 (H, W, 3), no smaller than the image."
            )
        if spacing_mm is not None and not all(np.isfinite(mm) and mm > 0 for mm in spacing_mm):
            raise ValueError("A spacing must be two positive lengths in mm.")
        grey = grey_of(image)

        def find(spacing_mm: tuple[float, float] | None) -> Anatomy:
            return find_anatomy(
                self._forward, grey, spacing_mm=spacing_mm, pixel_aspect=pixel_aspect,
                limits=self.card.limits,
            )  # fmt: skip

        if spacing_mm is None and uncleaned is not None:
            return find_in_mm(find, uncleaned, pixel_aspect)
        return find(spacing_mm)

    def _forward(self, views: Array) -> tuple[Array, ...]:
        return tuple(self._network(views))
