"""What was answered, decided and taken away: a trail that only grows, and how the answers fare."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
