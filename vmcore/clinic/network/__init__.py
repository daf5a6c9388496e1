"""The hospital's DICOM network: a node that receives, an inbox, and an outbox that tries until it arrived."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
