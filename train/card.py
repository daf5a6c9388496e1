"""Write the models' cards as documents: ``python -m train.card``."""

from __future__ import annotations

from pathlib import Path

import tyro

from vmcore.anatomy import load_anatomy_card
from vmcore.files import write_atomically
from vmcore.models import load_card
from vmcore.reporting import anatomy_card, model_card

BUNDLED, ANATOMY = Path("assets/model"), Path("assets/anatomy")
DOCUMENT, ANATOMY_DOCUMENT = Path("docs/model-card.md"), Path("docs/anatomy-card.md")


def main(
    bundle: Path = BUNDLED,
    out: Path = DOCUMENT,
    anatomy: Path = ANATOMY,
    anatomy_out: Path = ANATOMY_DOCUMENT,
) -> None:
    """Write the cards.

    Args:
        bundle: the bundle's folder.
        out: its Markdown file.
        anatomy: the anatomy model's folder.
        anatomy_out: its Markdown file.
    """
    write_atomically(out, model_card(load_card(bundle)))
    write_atomically(anatomy_out, anatomy_card(load_anatomy_card(anatomy)))


if __name__ == "__main__":
    tyro.cli(main)
