"""What is raised of runs; each message is a sentence that says why and what to do."""

from __future__ import annotations


class RunError(RuntimeError):
    """A run that cannot be started, continued or used; the message says why and what to do."""


class StoreSilentError(RunError):
    """The run store does not answer, or not with anything that can be understood."""
