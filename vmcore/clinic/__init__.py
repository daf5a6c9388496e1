"""What a clinic needs around the answers: a trail of what was answered and decided, and a look at it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
