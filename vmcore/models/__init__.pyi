from .architectures import ARCHITECTURES, CLASSES
from .attention import plain_attention
from .bundle import load_models, save_bundle
from .bundle_card import BundleCard, load_card
from .bundle_weights import load_weights
from .calibration import Calibration
from .checkpoints import read_weights
from .classifier import create_classifier, input_of, parameter_count, vision_transformer
from .digest import bundle_digest, folder_digest
from .errors import BundleError, WeightsError
from .fetch import FetchProgress, fetch_public_weights
from .learnt import LEARNT_FILE, UNKNOWN, Learnt, read_learnt, write_learnt
from .masked_autoencoder import MAE_SHAPES, MaeShape, MaskedAutoencoder
from .ood import OodDetector, load_ood_detector
from .precision import Precision, emulated, fast_dtype, training_precision
from .usf_mae import PUBLIC_CHECKPOINTS, load_usf_mae_encoder

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
    "FetchProgress",
    "Learnt",
    "MaeShape",
    "MaskedAutoencoder",
    "OodDetector",
    "Precision",
    "WeightsError",
    "bundle_digest",
    "create_classifier",
    "emulated",
    "fast_dtype",
    "fetch_public_weights",
    "folder_digest",
    "input_of",
    "load_card",
    "load_models",
    "load_ood_detector",
    "load_usf_mae_encoder",
    "load_weights",
    "parameter_count",
    "plain_attention",
    "read_learnt",
    "read_weights",
    "save_bundle",
    "training_precision",
    "vision_transformer",
    "write_learnt",
]
