"""Networks and their weights: USF-MAE, the baselines, checkpoints and bundles."""

from vmcore.models.attention import plain_attention
from vmcore.models.bundle import (
    BundleCard,
    BundleError,
    load_card,
    load_familiarity,
    load_models,
    save_bundle,
)
from vmcore.models.calibration import Calibration
from vmcore.models.checkpoints import WeightsError, read_weights
from vmcore.models.classifier import (
    ARCHITECTURES,
    CLASSES,
    create_classifier,
    input_of,
    parameter_count,
    vision_transformer,
)
from vmcore.models.digest import bundle_digest
from vmcore.models.familiarity import Familiarity
from vmcore.models.fetch import FetchProgress, fetch_public_weights
from vmcore.models.learnt import LEARNT_FILE, UNKNOWN, Learnt, read_learnt, write_learnt
from vmcore.models.masked_autoencoder import MAE_SHAPES, MaeShape, MaskedAutoencoder
from vmcore.models.precision import Precision, emulated, fast_dtype, training_precision
from vmcore.models.usf_mae import PUBLIC_CHECKPOINTS, load_usf_mae_encoder

__all__ = [
    "ARCHITECTURES",
    "CLASSES",
    "LEARNT_FILE",
    "MAE_SHAPES",
    "PUBLIC_CHECKPOINTS",
    "UNKNOWN",
    "BundleCard",
    "BundleError",
    "Calibration",
    "Familiarity",
    "FetchProgress",
    "Learnt",
    "MaeShape",
    "MaskedAutoencoder",
    "Precision",
    "WeightsError",
    "bundle_digest",
    "create_classifier",
    "emulated",
    "fast_dtype",
    "fetch_public_weights",
    "input_of",
    "load_card",
    "load_familiarity",
    "load_models",
    "load_usf_mae_encoder",
    "parameter_count",
    "plain_attention",
    "read_learnt",
    "read_weights",
    "save_bundle",
    "training_precision",
    "vision_transformer",
    "write_learnt",
]
