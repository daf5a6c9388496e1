"""The outlined pictures that the anatomy model learns from, set by set.

- fetal-head-structures: skull, cavum and atrium by experts;
- hc18: the skull alone, with the pixel size;
- fetal-brain-planes: no outline, but whether ventricle and cavum are visible;
- fetal-planes: abdomen, thorax and femur, in which there is no head;
- phantoms: everything, exactly;
- speckle: grain and bright arcs without meaning, in which there is no head either.

All sets from FETAL_PLANES_DB number patients alike, so a subject is one across them.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd

from vmcore.anatomy.head import HeadEllipse
from vmcore.data.phantom import Phantom, make_phantom
from vmcore.training.outlined import OutlinedPicture, atrium_rectangle

LONG_SIDE = 512
"""Pictures are kept no larger: in a view a head's short axis has 148 pixels."""
_HEAD, _CAVUM, _VENTRICLE = 1, 2, 3
_EARLY_MM, _EARLY_OFTEN = 100.0, 3.0
"""Head circumference of the first trimester, whose heads look unlike the others."""
_DRAWN_ASPECT = 959 / 661
"""Width over height of FETAL_PLANES_DB's pictures as the scanners drew them."""


def head_structures(folder: Path) -> list[OutlinedPicture]:
    """Heads with skull, cavum and atrium; six without the skull."""
    table = pd.read_csv(folder / "manifest.csv", dtype={"subject_id": str})
    pictures = []
    for row in table.itertuples():
        grey = _grey(folder / str(row.path))
        mask = _mask(folder / str(row.mask))
        small, scale = _shrunk(grey)
        outlined = bool((mask == _HEAD).any())
        head = HeadEllipse.through(_contour(mask > 0)) if outlined else None
        pictures.append(
            OutlinedPicture(
                small,
                str(row.subject_id),
                "head-structures",
                head=None if head is None else _scaled_head(head, scale),
                ventricle=_rectangle(mask == _VENTRICLE, scale),
                cavum=_rectangle(mask == _CAVUM, scale),
                known=(outlined, True, True),
                visible=(True, bool((mask == _CAVUM).any())),
                widenable=True,
            )
        )
    return pictures


def hc18(folder: Path) -> list[OutlinedPicture]:
    """Heads with the skull's outline and the pixels' size."""
    table = pd.read_csv(folder / "training_set_pixel_size_and_HC.csv")
    sizes = dict(zip(table["filename"], table["pixel size(mm)"], strict=True))
    pictures = []
    for path in sorted((folder / "images").iterdir()):
        (mask_path,) = (folder / "masks").glob(f"{path.stem}*")
        mask = _mask(mask_path)
        small, scale = _shrunk(_grey(path))
        size = float(sizes[f"{path.stem}.png"])
        mm = size / float(scale.mean())
        # the masks are one pixel larger all around than the circumference that comes with them
        outer = HeadEllipse.through(_contour(mask > 127))
        half_axes = (outer.half_axes[0] - 1, outer.half_axes[1] - 1)
        head = replace(outer, half_axes=half_axes)
        pictures.append(
            OutlinedPicture(
                small,
                f"hc-{path.stem.split('_')[0]}",
                "hc18",
                head=_scaled_head(head, scale),
                known=(True, False, False),
                spacing_mm=mm,
                often=_EARLY_OFTEN if head.circumference * size < _EARLY_MM else 1.0,
            )
        )
    return pictures


def brain_planes(folder: Path) -> list[OutlinedPicture]:
    """Screening brains with what is visible in their plane."""
    table = pd.read_csv(folder / "manifest.csv", dtype={"subject_id": str})
    return [
        OutlinedPicture(
            _as_drawn(_grey(folder / str(row.path))),
            str(row.subject_id),
            "brain-planes",
            visible=(str(row.lateral_ventricle_visible) == "1", str(row.csp_visible) == "1"),
        )
        for row in table.itertuples()
    ]


def other_planes(folder: Path) -> list[OutlinedPicture]:
    """Abdomen, thorax and femur: no head, no ventricle."""
    table = pd.read_csv(folder / "manifest.csv", dtype={"subject_id": str})
    table = table[table["plane"] != "brain"]
    return [
        OutlinedPicture(
            _as_drawn(_grey(folder / str(row.path))),
            str(row.subject_id),
            "other-planes",
            known=(True, True, True),
            visible=(False, False),
        )
        for row in table.itertuples()
    ]


def real_pictures(data: Path) -> list[OutlinedPicture]:
    """Every real picture of the sets."""
    return [
        *head_structures(data / "fetal-head-structures"),
        *hc18(data / "hc18"),
        *brain_planes(data / "fetal-brain-planes"),
        *other_planes(data / "fetal-planes"),
    ]


def phantoms(count: int, seed: int) -> list[OutlinedPicture]:
    """Drawn heads with atrial widths of 3 to 22 mm, without overlays."""
    draw = partial(_phantom, seed=seed)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return list(pool.map(draw, range(count), chunksize=16))


def _phantom(index: int, seed: int) -> OutlinedPicture:
    rng = np.random.default_rng([seed, index])
    width_mm = float(rng.uniform(3, 12) if rng.random() < 0.7 else rng.uniform(10, 22))
    shape = (int(rng.integers(360, 520)), int(rng.integers(460, 680)))
    phantom = make_phantom(width_mm, rng, shape=shape)
    grey, scale = _shrunk(phantom.clean[..., 0])
    rectangle, head = atrium_of_phantom(phantom)
    near = _contour(phantom.geometry.near_ventricle)
    return OutlinedPicture(
        grey,
        f"phantom-{seed}-{index}",
        "phantom",
        head=_scaled_head(head, scale),
        ventricle=_scaled(rectangle, scale),
        cavum=_rectangle(phantom.geometry.cavum, scale),
        known=(True, True, True),
        ignored=(_scaled(near, scale),) if len(near) > 2 else (),
        visible=(True, True),
        spacing_mm=phantom.spacing_mm[0] / float(scale.mean()),
    )


def atrium_of_phantom(phantom: Phantom) -> tuple[npt.NDArray[np.float64], HeadEllipse]:
    """The rectangle (4, 2) that an expert would draw around a phantom's atrium, and its head."""
    (x, y), (long, short), degrees = phantom.head
    head = HeadEllipse.of_axes((y, x), (long / 2, short / 2), np.deg2rad(degrees))
    return atrium_rectangle(np.array(phantom.atrium)[:, ::-1], head), head


def speckle(count: int, seed: int) -> list[OutlinedPicture]:
    """Pictures in which nothing is a head: grain of any size, often with bright arcs over it."""
    return [_speckle(index, seed) for index in range(count)]


def _speckle(index: int, seed: int) -> OutlinedPicture:
    rng = np.random.default_rng([seed, index, 7])
    shape = (int(rng.integers(200, 480)), int(rng.integers(260, 512)))
    noise = rng.normal(0, 1, shape).astype(np.float32)
    if rng.random() < 0.8:
        fine, coarse = rng.uniform(0.3, 3, 2), rng.uniform(5, 60)
        grain = cv2.GaussianBlur(noise, (0, 0), sigmaX=fine[0], sigmaY=fine[1])
        shade = cv2.GaussianBlur(rng.permuted(noise), (0, 0), coarse)
        noise = np.abs(grain / grain.std()) * np.exp(rng.uniform(0, 0.8) * shade / shade.std())
    else:
        noise = noise + rng.uniform(0, 3)
    picture = rng.uniform(10, 90) * np.maximum(noise, 0)
    for _ in range(rng.integers(0, 5)):
        centre = rng.uniform(0, 1, 2) * shape[::-1]
        axes = rng.uniform(0.1, 0.9, 2) * shape[0]
        first, length = rng.uniform(0, 360), rng.uniform(15, 130)  # never most of an ellipse
        arc = cv2.ellipse2Poly(
            (int(centre[0]), int(centre[1])), (int(axes[0]), int(axes[1])),
            int(rng.uniform(0, 180)), int(first), int(first + length), 3,
        )  # fmt: skip
        line = np.zeros(shape, np.float32)
        cv2.polylines(line, [arc], False, float(rng.uniform(60, 255)), int(rng.integers(2, 12)))
        picture = picture + cv2.GaussianBlur(line, (0, 0), rng.uniform(0.8, 4))
    grey = np.clip(picture, 0, 255).astype(np.uint8)
    return OutlinedPicture(
        grey, f"speckle-{seed}-{index}", "speckle", known=(True, True, True), visible=(False, False)
    )


def _grey(path: Path) -> npt.NDArray[np.uint8]:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise SystemExit(f"{path} cannot be read.")
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _mask(path: Path) -> npt.NDArray[np.uint8]:
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise SystemExit(f"{path} cannot be read.")
    return mask.astype(np.uint8)


def _as_drawn(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A picture that was squeezed to a square on its way here, in the shape that it had.

    In a squeezed picture a head is as wide as long, and lies across as often as along.
    """
    width = round(grey.shape[0] * _DRAWN_ASPECT)
    wide = cv2.resize(grey, (width, grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return _shrunk(wide.astype(np.uint8))[0]


def _shrunk(grey: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """A picture of at most 512 pixels, and (2,) its scale along x and y."""
    factor = min(LONG_SIDE / max(grey.shape), 1.0)
    height, width = (round(side * factor) for side in grey.shape)
    scale = np.array([width / grey.shape[1], height / grey.shape[0]])
    if factor == 1.0:
        return grey, scale
    return cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA), scale


def _scaled(
    points: npt.NDArray[np.float64], scale: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    return (points + 0.5) * scale - 0.5


def _scaled_head(head: HeadEllipse, scale: npt.NDArray[np.float64]) -> HeadEllipse:
    return HeadEllipse.through(_scaled(head.outline(), scale))


def _contour(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """(N, 2) points (x, y) on the outer edge of a mask's largest part."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.zeros((0, 2))
    return max(contours, key=cv2.contourArea)[:, 0].astype(np.float64)


def _rectangle(
    mask: npt.NDArray[np.bool_], scale: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64] | None:
    """(4, 2) corners of a mask's rectangle, its short side first; None without a mask."""
    points = _contour(mask)
    if len(points) < 4:
        return None
    (x, y), (first, second), degrees = cv2.minAreaRect(points.astype(np.float32))
    corners = cv2.boxPoints(((x, y), (first, second), degrees)).astype(np.float64)
    sides = np.hypot(*(np.roll(corners, -1, 0) - corners).T)
    return _scaled(np.roll(corners, -1, 0) if sides[0] > sides[1] else corners, scale)
