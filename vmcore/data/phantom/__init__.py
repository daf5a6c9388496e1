"""A speckled fetal head with known truth: atrial width, tissue, overlay pixels and text.

Ground truth for tests and material for the tutorial and for pretraining the bundled model. It is
drawn, not scanned: a model that is right on it has proved nothing about people.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
