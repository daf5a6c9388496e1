"""What is in a picture: the skull's ellipse, cavum and ventricle, and the atrium's calliper.

A model finds them on a cleaned picture; what is measured is a share of the head's short axis, and
millimetres where the pixels' size is known.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
