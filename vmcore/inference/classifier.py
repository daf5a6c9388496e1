"""The fold ensemble behind a verdict."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vmcore.imaging import INPUT_SIDE, to_model_input
from vmcore.inference.comparison import gradient_map
from vmcore.inference.forward import ForwardOutput, forward_pass
from vmcore.inference.heatmap import Heatmap, eigen_cam, mean_map
from vmcore.inference.packing import pack, unpacked
from vmcore.models import (
    BundleCard,
    BundleError,
    Familiarity,
    bundle_digest,
    fast_dtype,
    load_familiarity,
    load_models,
)

_WIDE_SPREAD = 0.15
_ATTEMPTS = 3


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
        strangeness: how unlike the training images it is, up to 1 familiar; or None.
    """

    probability: float
    fold_probabilities: npt.NDArray[np.float64]
    label: Literal["normal", "ventriculomegaly"]
    threshold: float
    heatmap: Heatmap | None
    in_domain: bool | None
    strangeness: float | None = None

    @property
    def spread(self) -> float:
        """Standard deviation of the folds' probabilities."""
        return float(self.fold_probabilities.std())

    @property
    def folds_disagree(self) -> bool:
        """Whether folds vote differently while their probabilities lie far apart."""
        votes = self.fold_probabilities >= self.threshold
        return bool(votes.any() and not votes.all()) and self.spread > _WIDE_SPREAD


class Classifier:
    """A bundle's folds, ready to answer; safe to share between threads.

    The models given become its own: they are moved, converted and laid out for the processor.

    Attributes:
        card: the bundle's.
        digest: of the bundle that it was loaded from (:func:`vmcore.models.bundle_digest`), with the
            fold where it is one alone; None for models that were handed over.
    """

    def __init__(
        self,
        card: BundleCard,
        models: Sequence[nn.Module],
        familiarity: Familiarity | None = None,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        digest: str | None = None,
    ) -> None:
        self.card = card
        self.digest = digest
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.dtype = dtype or fast_dtype(self.device)
        self._models = [pack(model.to(self.device, self.dtype).eval()) for model in models]
        self._familiarity = familiarity
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls,
        bundle: str | Path,
        *,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
    ) -> Classifier:
        """Load a bundle.

        Args:
            bundle: its folder.
            device: "cuda", "cpu" and so on; the GPU where there is one by default.
            dtype: bfloat16 where the device has it by default.

        Raises:
            vmcore.models.BundleError: with what is wrong with the folder.
        """
        for _ in range(_ATTEMPTS):
            digest = bundle_digest(bundle)
            card, models = load_models(bundle)
            familiarity = load_familiarity(bundle)
            if bundle_digest(bundle) == digest:  # else it was changed while it was read
                return cls(card, models, familiarity, device=device, dtype=dtype, digest=digest)
        raise BundleError("The model's bundle is just being changed; try again.")

    def predict(
        self, images: Sequence[npt.NDArray[np.uint8]], *, heatmap: str | None = "eigen-cam"
    ) -> list[Prediction]:
        """Judge cleaned images.

        Args:
            images: uint8 (H, W, 3) each, RGB, from :func:`vmcore.imaging.clean_frame`.
            heatmap: one of :data:`vmcore.inference.HEATMAP_METHODS`, or None for none.

        Raises:
            ValueError: an image of another shape or type, or an unknown method.
        """
        if not images:
            return []
        batch = torch.stack([to_model_input(image) for image in images]).to(self.device)
        with self._lock:
            outputs = self._forward(batch)
            maps = self._maps(outputs, batch, heatmap)
        probability = np.stack([part.logits.double().softmax(1)[:, 1].cpu() for part in outputs])
        if self.card.calibration is not None:
            probability = self.card.calibration.apply(probability)
        strange = self._strangeness(outputs)
        return [
            self._prediction(
                probability[:, index],
                mean_map([fold[index] for fold in maps], image.shape[:2]) if maps else None,
                None if strange is None else float(strange[index]),
            )
            for index, image in enumerate(images)
        ]

    def only(self, fold: int) -> Classifier:
        """One fold alone, counted from 1, which shares its network with this classifier."""
        alone = copy(self)
        alone._models = [self._models[fold - 1]]  # noqa: SLF001
        alone.digest = f"{self.digest} fold {fold}" if self.digest else None
        alone._familiarity = None  # noqa: SLF001  it compares embeddings of all folds
        return alone

    @torch.inference_mode()
    def embed(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Embeddings (F, B, D) of cleaned images, float32."""
        batch = torch.stack([to_model_input(image) for image in images]).to(self.device)
        with self._lock:
            return torch.stack([part.embedding.cpu() for part in self._forward(batch)])

    def _forward(self, batch: Tensor) -> list[ForwardOutput]:
        with torch.inference_mode():
            return [forward_pass(model, batch.to(self.dtype)) for model in self._models]

    def _maps(
        self, outputs: list[ForwardOutput], batch: Tensor, method: str | None
    ) -> list[list[Heatmap]]:
        if method is None:
            return []
        if method == "eigen-cam":
            return [[eigen_cam(one, INPUT_SIDE) for one in part.activations] for part in outputs]
        return [
            gradient_map(unpacked(model).float(), batch.float(), method) for model in self._models
        ]

    def _strangeness(self, outputs: list[ForwardOutput]) -> npt.NDArray[np.float64] | None:
        if self._familiarity is None:
            return None
        embeddings = torch.stack([part.embedding.cpu() for part in outputs])
        return self._familiarity.strangeness(embeddings)

    def _prediction(
        self, folds: npt.NDArray[np.float64], heatmap: Heatmap | None, strangeness: float | None
    ) -> Prediction:
        probability = float(folds.mean())
        return Prediction(
            probability=probability,
            fold_probabilities=folds,
            label="ventriculomegaly" if probability >= self.card.threshold else "normal",
            threshold=self.card.threshold,
            heatmap=heatmap,
            in_domain=None if strangeness is None else strangeness <= 1.0,
            strangeness=strangeness,
        )
