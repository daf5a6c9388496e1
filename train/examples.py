"""Draw the example scans that come with the app: ``python -m train.examples``.

They are phantoms, so that no person's picture is shipped.
"""

from __future__ import annotations

from pathlib import Path

import tyro

from vmcore.data.phantom import OverlaySettings, make_phantom, write_dicom

_SINGLE = {"1-normal": (6.5, 101), "2-borderline": (10.4, 102), "3-wide": (14.5, 103)}
_LOOP_WIDTHS_MM = (6.0, 7.5, 9.0, 10.5, 12.0, 13.5)


def main(out: Path = Path("assets/examples")) -> None:
    """Write the examples.

    Args:
        out: folder for them.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, (width, seed) in _SINGLE.items():
        overlays = OverlaySettings(arrow=True)
        write_dicom(out / f"{name}.dcm", make_phantom(width, seed, overlays=overlays))
    frames = [make_phantom(width, 104, shape=(360, 480)) for width in _LOOP_WIDTHS_MM]
    write_dicom(out / "4-loop.dcm", *frames)


if __name__ == "__main__":
    tyro.cli(main)
