"""The clinic: whole examinations, what is recorded of them, and what may leave for research."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
