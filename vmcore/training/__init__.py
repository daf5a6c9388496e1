"""Training: masked pretraining, learning ventricles from phantoms, fine-tuning by fold."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
