"""De-identified DICOM for research, by DICOM PS3.15 Annex E.

The Basic Application Level Confidentiality Profile with the Clean Pixel Data Option. It stands above
imaging because it is no way of reading a scan: it makes a new file of one, with numbers that a
collection keeps the key of, and what it makes is a study that training can read.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
