"""Keep what libraries tell of images and connections out of the log: they quote UIDs and values."""

import logging


def say_nothing_of_images() -> None:
    """Silence the DICOM libraries; our own sentences say what went wrong."""
    for library in ("pynetdicom", "pydicom"):
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
