"""One frame's report as DICOM objects of the original's study: capture, report, presentation state."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
