"""The fold ensemble behind a verdict."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from vmcore.imaging.model_input import INPUT_SIDE, to_model_input
from vmcore.inference.engine import Array, Engine, ForwardOutput
from vmcore.inference.engine_choice import Precision, engine_of_bundle, engine_of_models
from vmcore.inference.heatmap import (
    HEATMAP_METHODS,
    Heatmap,
    eigen_cam,
    mean_map,
    offered_methods,
)
from vmcore.models.bundle_card import BundleCard, load_card
from vmcore.models.digest import bundle_digest
from vmcore.models.errors import BundleError
from vmcore.models.ood import Embeddings, OodDetector, load_ood_detector

if TYPE_CHECKING:
    from torch import nn

_WIDE_SPREAD = 0.15
_ATTEMPTS = 3
_CHANGED = "The model's bundle is just being changed; try again."


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the ensemble says of one image.

    Attributes:
        probability: of ventriculomegaly, the mean over folds, 0..1.
        fold_probabilities: (F,), each fold's own.
        label: "ventriculomegaly" where the probability reaches the threshold, else "normal".
        threshold: the bundle's, chosen on validation folds.
        heatmap: float32 (H, W) in [0, 1] over the image, or None where it was not asked for.
        in_domain: False where the image is unlike the training images, None where the bundle
            cannot tell.
        ood_score: how unlike the training images it is, up to 1 in distribution; or None.
        heatmap_method: how the heatmap was made, one of :data:`vmcore.inference.HEATMAP_METHODS`.
    """

    probability: float
    fold_probabilities: npt.NDArray[np.float64]
    label: Literal["normal", "ventriculomegaly"]
    threshold: float
    heatmap: Heatmap | None
    in_domain: bool | None
    ood_score: float | None = None
    heatmap_method: str = HEATMAP_METHODS[0]

    @property
    def spread(self) -> float:
        """Standard deviation of the folds' probabilities."""
        return float(self.fold_probabilities.std())

    @property
    def folds_disagree(self) -> bool:
        """Whether folds vote differently, and lie far apart or are mostly against what their mean says."""
        votes = self.fold_probabilities >= self.threshold
        against = (votes != (self.probability >= self.threshold)).mean() > 0.5
        return bool(votes.any() and not votes.all() and (against or self.spread > _WIDE_SPREAD))


class Classifier:
    """A bundle's folds, ready to answer; safe to share between threads.

    Attributes:
        card: the bundle's.
        digest: of the bundle that it was loaded from (:func:`vmcore.models.bundle_digest`), with the
            fold where it is one alone; None for models that were handed over.
    """

    def __init__(
        self,
        card: BundleCard,
        engine: Engine,
        modules: Callable[[], Sequence[nn.Module]],
        ood_detector: OodDetector | None = None,
        *,
        digest: str | None = None,
    ) -> None:
        """Put a classifier together; :meth:`load` and :meth:`of_models` do.

        Args:
            card: how its answers are read.
            engine: runs the networks.
            modules: the same networks as torch modules in float32, for heatmaps that need gradients.
            ood_detector: what tells images that are unlike the training images.
            digest: of the bundle.
        """
        self.card = card
        self.digest = digest
        self._engine = engine
        self._modules = modules
        self._ood_detector = ood_detector
        self._lock = threading.Lock()
        self._modules_lock = threading.Lock()

    @classmethod
    def load(
        cls, bundle: str | Path, *, device: str | None = None, precision: Precision | None = None
    ) -> Classifier:
        """Load a bundle.

        Args:
            bundle: its folder.
            device: "cuda", "cpu" and so on; the GPU where there is one by default.
            precision: of the products; what the device computes fastest by default.

        Raises:
            vmcore.models.BundleError: with what is wrong with the folder.
        """
        for _ in range(_ATTEMPTS):
            digest = bundle_digest(bundle)
            card = load_card(bundle)
            engine = engine_of_bundle(Path(bundle), card, device, precision)
            ood_detector = load_ood_detector(bundle, card.folds)
            if bundle_digest(bundle) == digest:  # else it was changed while it was read
                modules = cache(partial(_modules_of, Path(bundle), digest))
                return cls(card, engine, modules, ood_detector, digest=digest)
        raise BundleError(_CHANGED)

    @classmethod
    def of_models(
        cls,
        card: BundleCard,
        models: Sequence[nn.Module],
        ood_detector: OodDetector | None = None,
        *,
        device: str | None = None,
        precision: Precision | None = None,
    ) -> Classifier:
        """A classifier of torch modules, whose weights it takes as they are now."""
        engine = engine_of_models(card, models, device, precision)
        made = cls(card, engine, lambda: models, ood_detector)
        made._modules_lock = made._lock  # the engine may run the same modules
        return made

    def predict(
        self, images: Sequence[npt.NDArray[np.uint8]], *, heatmap: str | None = "eigen-cam"
    ) -> list[Prediction]:
        """Judge cleaned images.

        Args:
            images: uint8 (H, W, 3) each, RGB, from :func:`vmcore.imaging.clean_frame`.
            heatmap: one of :data:`vmcore.inference.HEATMAP_METHODS`, or None for none.

        Raises:
            ValueError: an image of another shape or type, an unknown method, or one that is not
                offered for this network (:func:`vmcore.inference.offered_methods`).
        """
        if heatmap not in {None, *HEATMAP_METHODS}:
            known = ", ".join(HEATMAP_METHODS)
            raise ValueError(f"No heatmap method is called {heatmap!r}: {known}.")
        if heatmap not in {None, *offered_methods(self.card.architecture)}:
            raise ValueError(
                f"{heatmap} takes too long for a network of this size; take another map."
            )
        if not images:
            return []
        batch = np.stack([to_model_input(image) for image in images])
        with self._lock:
            outputs = self._engine.forward(batch)
        maps = self._maps(outputs, batch, heatmap)
        probability = np.stack(
            [softmax(output.logits.astype(np.float64), axis=1)[:, 1] for output in outputs]
        )
        if self.card.calibration is not None:
            probability = self.card.calibration.apply(probability)
        scores = self._ood_scores(outputs)
        return [
            self._prediction(
                probability[:, index],
                mean_map([fold[index] for fold in maps], image.shape[:2]) if maps else None,
                None if scores is None else float(scores[index]),
                heatmap or HEATMAP_METHODS[0],
            )
            for index, image in enumerate(images)
        ]

    def only(self, fold: int) -> Classifier:
        """One fold alone, counted from 1, which shares its network with this classifier."""
        alone = copy(self)
        alone._engine = self._engine.only(fold - 1)  # noqa: SLF001
        alone._modules = lambda: [self._modules()[fold - 1]]  # noqa: SLF001
        alone.digest = f"{self.digest} fold {fold}" if self.digest else None
        alone._ood_detector = None  # noqa: SLF001  it compares embeddings of all folds
        return alone

    def embed(self, images: Sequence[npt.NDArray[np.uint8]]) -> Embeddings:
        """Embeddings (F, B, D) of cleaned images, float32."""
        batch = np.stack([to_model_input(image) for image in images])
        with self._lock:
            return np.stack([output.embedding for output in self._engine.forward(batch)])

    def _maps(
        self, outputs: list[ForwardOutput], batch: Array, method: str | None
    ) -> list[list[Heatmap]]:
        if method is None:
            return []
        if method == "eigen-cam":
            return [[eigen_cam(one, INPUT_SIDE) for one in out.activations] for out in outputs]
        from vmcore.inference.gradient_maps import gradient_maps  # noqa: PLC0415  it loads torch

        with self._modules_lock:  # they are hooked meanwhile; answers of others do not wait for it
            return [gradient_maps(model, batch, method) for model in self._modules()]

    def _ood_scores(self, outputs: list[ForwardOutput]) -> npt.NDArray[np.float64] | None:
        if self._ood_detector is None:
            return None
        return self._ood_detector.score(np.stack([output.embedding for output in outputs]))

    def _prediction(
        self,
        folds: npt.NDArray[np.float64],
        heatmap: Heatmap | None,
        ood_score: float | None,
        method: str,
    ) -> Prediction:
        probability = float(folds.mean())
        if not math.isfinite(
            probability
        ):  # no number lies beyond the threshold: it would be "normal"
            raise BundleError("The model gives no number for this picture; it is damaged.")
        return Prediction(
            probability=probability,
            fold_probabilities=folds,
            label="ventriculomegaly" if probability >= self.card.threshold else "normal",
            threshold=self.card.threshold,
            heatmap=heatmap,
            in_domain=None if ood_score is None else ood_score <= 1.0,
            ood_score=ood_score,
            heatmap_method=method,
        )


def _modules_of(bundle: Path, digest: str) -> list[nn.Module]:
    from vmcore.models.bundle import load_models  # noqa: PLC0415  it loads torch

    _, models = load_models(bundle)
    if bundle_digest(bundle) != digest:
        raise BundleError(_CHANGED)
    return models
