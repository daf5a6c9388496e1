"""Which kinds of images the inbox takes: ultrasound and secondary captures (PS3.4, table B.5-1)."""

_STORAGE = "1.2.840.10008.5.1.4.1.1."
IMAGE_CLASSES = tuple(
    _STORAGE + number for number in ("6.1", "3.1", "6", "3", "7", "7.1", "7.2", "7.3", "7.4")
)
"""Ultrasound, multi-frame, both as retired; secondary captures of each kind."""
