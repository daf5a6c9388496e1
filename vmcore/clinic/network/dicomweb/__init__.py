"""An archive by DICOMweb (PS3.18): reports are stored there, images looked for there and brought here."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
