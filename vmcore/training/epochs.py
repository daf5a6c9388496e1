"""What one epoch of a training did."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What one epoch of a fine-tuning did; ``validation`` holds :func:`vmcore.evaluation.binary_metrics`."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation: dict[str, float]
    learning_rate: float
    seconds: float = field(default=0.0, compare=False)

    @property
    def score(self) -> tuple[float, float]:
        """What the best epoch has most of: validation accuracy, then low validation loss."""
        return self.validation["accuracy"], -self.validation_loss


@dataclass(frozen=True, slots=True)
class PretrainEpoch:
    """What one epoch of a pretraining did.

    Attributes:
        epoch: counted from 0.
        loss: mean over the epoch's images.
        learning_rate: of its last step.
        seconds: that it took, interruptions left out.
        images_per_s: images a second, of all processes together.
    """

    epoch: int
    loss: float
    learning_rate: float
    seconds: float = field(default=0.0, compare=False)
    images_per_s: float = field(default=0.0, compare=False)
