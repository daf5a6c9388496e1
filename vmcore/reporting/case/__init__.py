"""What is reported of one frame, to people (PDF) and to archives (DICOM)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
