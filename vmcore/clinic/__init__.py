"""The clinic: whole examinations, and what a hospital's network and records ask for."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
