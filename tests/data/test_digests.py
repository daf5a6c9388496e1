"""Digests by which a study's image is known again in a corpus, which keeps grey values alone."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from vmcore.data import prepared_path
from vmcore.data.digests import grey_digest, pixel_digest, prepared_digests


@pytest.mark.parametrize("tinted", [False, True])
def test_an_image_has_the_digest_of_its_grey_values_beside_its_own(
    tmp_path: Path, tinted: bool
) -> None:
    grey = np.random.default_rng(0).integers(0, 200, (224, 224)).astype(np.uint8)
    image = np.repeat(grey[..., None], 3, axis=2)
    if tinted:
        image[..., 0] += 30
    file = prepared_path(tmp_path, "scan.png")
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), image[..., ::-1])
    pixels, greys = prepared_digests(tmp_path, "scan.png", 1, 2, 3)
    assert pixels == pixel_digest(image.transpose(2, 0, 1))
    assert greys == grey_digest(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    assert (pixels != greys) == tinted
