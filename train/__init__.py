"""Command line of the study: every step is ``python -m train.<step> --help``."""
