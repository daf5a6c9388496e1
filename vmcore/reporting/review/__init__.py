"""What the results page shows and gives away: plots, tables, gallery, document, checklist."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
