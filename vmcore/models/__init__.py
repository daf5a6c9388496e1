"""Networks and their weights: USF-MAE, the baselines, checkpoints and bundles."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
