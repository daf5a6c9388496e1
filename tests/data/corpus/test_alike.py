"""What looks the same is found among many, and nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.data.corpus.drawn import texture
from vmcore.data.corpus import AlikeIndex, perceptual_hash
from vmcore.data.phantom import make_phantom


def distance(first: np.ndarray, second: np.ndarray) -> int:
    return (perceptual_hash(first) ^ perceptual_hash(second)).bit_count()


def again(image: np.ndarray, kind: str, *options: int) -> np.ndarray:
    done, encoded = cv2.imencode(kind, image, options)
    assert done
    return cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize("seed", range(12))
def test_an_image_is_known_again_when_it_is_encoded_anew_or_a_little_brighter(seed: int) -> None:
    image = cv2.resize(texture(seed), (224, 224), interpolation=cv2.INTER_NEAREST)
    wide = image.astype(int)
    for other in (
        again(image, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 80),
        again(image, ".webp", cv2.IMWRITE_WEBP_QUALITY, 90),
        np.clip(wide + 2, 0, 255).astype(np.uint8),
        np.clip(wide - 2, 0, 255).astype(np.uint8),
    ):
        assert distance(image, other) <= 2


def test_different_scans_differ() -> None:
    scans = [
        make_phantom(8.0 + seed / 10, seed, shape=(224, 224)).image[..., 0] for seed in range(12)
    ]
    far = [distance(one, two) for at, one in enumerate(scans) for two in scans[:at]]
    assert min(far) > 2


def test_the_hash_is_the_sign_of_the_lowest_frequencies() -> None:
    """By the definition of the cosine transform, summed up in plain numpy."""
    image = texture(3, (224, 224))
    small = image.reshape(32, 7, 32, 7).mean(axis=(1, 3))
    at = np.arange(32)
    basis = np.cos(np.pi * (at[None] + 0.5) * at[:8, None] / 32)
    basis[0] /= np.sqrt(2)
    lowest = (basis @ small @ basis.T).ravel()
    bits = int((lowest > np.median(lowest[1:])).sum())
    assert perceptual_hash(image).bit_count() == bits


@pytest.mark.parametrize("bits", [-1, 0, 1, 2, 3, 4])
def test_the_index_finds_what_comparing_all_finds(bits: int) -> None:
    rng = np.random.default_rng(bits + 1)
    hashes = [int(value) for value in rng.integers(0, 2**64, 300, np.uint64)]
    index = AlikeIndex(bits)
    for value in hashes:
        index.add(value)
    assert len(index) == 300
    for value in hashes[:100]:
        for flips in range(7):
            asked = value
            for bit in rng.choice(64, flips, replace=False):
                asked ^= 1 << int(bit)
            near = any((asked ^ one).bit_count() <= bits for one in hashes)
            assert index.holds(asked) == near
    assert not AlikeIndex(2).holds(0)


def test_a_hundred_thousand_hashes_take_no_comparison_of_all() -> None:
    index = AlikeIndex(2)
    rng = np.random.default_rng(5)
    for value in rng.integers(0, 2**64, 100_000, np.uint64).tolist():
        if not index.holds(value):
            index.add(value)
    assert len(index) == 100_000  # comparing each with all before it would be 5 thousand million
