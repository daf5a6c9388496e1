"""Answers for one scan: the fold ensemble, where it looked, and whether it knows such images."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
