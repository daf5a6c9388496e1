"""Keep what libraries tell of images and connections out of the log: they quote UIDs, values and URLs."""

import logging


def say_nothing_of_images() -> None:
    """Silence the libraries of DICOM and of the web; our own sentences say what went wrong."""
    for library in ("pynetdicom", "pydicom", "dicomweb_client", "urllib3", "requests"):
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
