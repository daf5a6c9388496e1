"""From bytes to model input: reading, de-identification, annotation removal, geometry.

One function turns pixels into model input (:func:`to_model_input`), and both the clinic and
training use it, so they cannot drift apart.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
