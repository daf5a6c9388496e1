"""Training: masked pretraining, learning anatomy from phantoms, fine-tuning by fold."""

from vmcore.training.anatomy import learn_anatomy
from vmcore.training.checkpoint import CheckpointError, EpochResult
from vmcore.training.familiarity import fit_familiarity
from vmcore.training.finetune import (
    FinetuneSettings,
    FoldResult,
    Stopped,
    Study,
    class_weights,
    finetune_fold,
    predict,
)
from vmcore.training.predicting import fold_predictions
from vmcore.training.pretrain import PretrainSettings, pretrain
from vmcore.training.schedule import learning_rate
from vmcore.training.steps import make_fabric, seeded

__all__ = [
    "CheckpointError",
    "EpochResult",
    "FinetuneSettings",
    "FoldResult",
    "PretrainSettings",
    "Stopped",
    "Study",
    "class_weights",
    "finetune_fold",
    "fit_familiarity",
    "fold_predictions",
    "learn_anatomy",
    "learning_rate",
    "make_fabric",
    "predict",
    "pretrain",
    "seeded",
]
