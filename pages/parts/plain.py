"""Text from outside, made plain: no link, picture or colour of its own where Markdown is drawn."""

from __future__ import annotations

import re

_SIGNS = re.compile(r"([!-/:-@\[-`{-~])")  # all ASCII punctuation (CommonMark 2.4)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_JOINS = re.compile(r"(?<=:)(?=\S)|(?<=@)|(?<=www)(?=\.)|(?<=-)(?=[->])|(?<=<)(?=-)", re.IGNORECASE)
"""Where an unseen word joiner keeps addresses, symbols and arrows from being made of plain text."""


def seen(text: object) -> str:
    """The same text where none is marked up, as in tables: signs that cannot be seen become a space."""
    return _UNSEEN.sub(" ", str(text))


def plain(text: object) -> str:
    """The same text for ``st.markdown`` and its like, in which every sign stands for itself.

    What comes from files and people (devices, names of runs, studies and models, paths, labels)
    goes through it wherever Markdown is drawn. Line breaks and signs that cannot be seen, as those
    that turn a line's direction, become a space.
    """
    apart = _JOINS.sub("\u2060", _UNSEEN.sub(" ", str(text)))
    return _SIGNS.sub(r"\\\1", apart)
