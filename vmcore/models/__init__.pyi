from .architectures import ARCHITECTURES, CLASSES
from .attention import plain_attention
from .bundle import load_models, save_bundle
from .bundle_card import BundleCard, StartingWeights, load_card
from .bundle_weights import load_weights
from .calibration import Calibration
from .checkpoints import read_weights
from .classifier import create_classifier, input_of, parameter_count, reads_mean, vision_transformer
from .depthwise import depthwise_in_float32
from .digest import bundle_digest, file_digest, folder_digest
from .errors import BundleError, WeightsError
from .fetch import FetchProgress, fetch_public_weights
from .found_network import FoundNetwork, find_network
from .learnt import LEARNT_FILE, UNKNOWN, Learnt, read_learnt, write_learnt
from .mae_shapes import MAE_SHAPES, MaeShape
from .masked_autoencoder import MaskedAutoencoder
from .ood import OodDetector, load_ood_detector
from .precision import Precision, emulated, fast_dtype, training_precision
from .pretraining_weights import ForPretraining, for_pretraining
from .public_checkpoints import PUBLIC_CHECKPOINTS
from .usf_mae import load_usf_mae_encoder
from .weights_report import WeightsReport, explain_weights

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
    "ForPretraining",
    "FoundNetwork",
    "Learnt",
    "MaeShape",
    "MaskedAutoencoder",
    "OodDetector",
    "Precision",
    "StartingWeights",
    "WeightsError",
    "WeightsReport",
    "bundle_digest",
    "create_classifier",
    "depthwise_in_float32",
    "emulated",
    "explain_weights",
    "fast_dtype",
    "fetch_public_weights",
    "file_digest",
    "find_network",
    "folder_digest",
    "for_pretraining",
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
    "reads_mean",
    "save_bundle",
    "training_precision",
    "vision_transformer",
    "write_learnt",
]
