"""A corpus for pretraining: unlabelled images by the hundred thousand, in shards that are read at random."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
