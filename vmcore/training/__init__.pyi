from .checkpoint import CheckpointError, known_epochs
from .epochs import EpochResult, PretrainEpoch
from .finetune import (
    FoldResult,
    LabelledImages,
    Stopped,
    class_weights,
    finetune_fold,
    predict,
)
from .normalise import normalise
from .ood import fit_ood_detector
from .pairs import PairedHeads, WidenedPair, model_pair, widened_pair
from .predicting import fold_predictions
from .pretrain import pretrain
from .reconstruction import Reconstruction, reconstruct
from .schedule import learning_rate
from .settings import PRETRAIN_PRESETS, Compiling, FinetuneSettings, PretrainSettings
from .steps import make_fabric, seeded
from .ventricle_patches import learn_ventricle_patches

__all__ = [
    "PRETRAIN_PRESETS",
    "CheckpointError",
    "Compiling",
    "EpochResult",
    "FinetuneSettings",
    "FoldResult",
    "LabelledImages",
    "PairedHeads",
    "PretrainEpoch",
    "PretrainSettings",
    "Reconstruction",
    "Stopped",
    "WidenedPair",
    "class_weights",
    "finetune_fold",
    "fit_ood_detector",
    "fold_predictions",
    "known_epochs",
    "learn_ventricle_patches",
    "learning_rate",
    "make_fabric",
    "model_pair",
    "normalise",
    "predict",
    "pretrain",
    "reconstruct",
    "seeded",
    "widened_pair",
]
