"""Decided scans as training data: cleaned pixels and a person's label, under numbers for whose they are.

What is kept is a folder of the store that a study is prepared from. It stands beside deidentification, whose
keys make its numbers, because what leaves as DICOM and what stays as pixels are two things.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
