"""Write a bundle's card as a document: ``python -m train.card``."""

from __future__ import annotations

from pathlib import Path

import tyro

from vmcore.files import write_atomically
from vmcore.models import load_card
from vmcore.reporting import model_card

BUNDLED = Path("assets/model")
DOCUMENT = Path("docs/model-card.md")


def main(bundle: Path = BUNDLED, out: Path = DOCUMENT) -> None:
    """Write the card.

    Args:
        bundle: the bundle's folder.
        out: the Markdown file.
    """
    write_atomically(out, model_card(load_card(bundle)))


if __name__ == "__main__":
    tyro.cli(main)
