"""What is raised of weights and bundles; each message is a sentence that says what is wrong."""

from __future__ import annotations


class WeightsError(ValueError):
    """Weights that cannot be read or do not fit; the message names what is wrong."""


class BundleError(ValueError):
    """A folder that cannot be used as a model bundle; the message says why."""
