"""Which layer's Eigen-CAM points at the ventricle: ``python -m benchmarks.heatmap_layers``.

Phantoms that the bundled model never saw, drawn with a ventricle of known place. For each layer:
the share of the map's mass within the ventricles grown by half the atrium's width, and how often
the map's peak lies there (the pointing game, Zhang et al. 2018). The reference is a map that is the
same everywhere within the sector.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from vmcore.data.phantom import Phantom, make_phantom, random_atrial_width_mm
from vmcore.files import write_atomically
from vmcore.imaging import INPUT_SIDE, to_model_input
from vmcore.inference import eigen_cam
from vmcore.inference.engine import patches_as_map
from vmcore.inference.heatmap import mean_map
from vmcore.models import load_models
from vmcore.settings import settings

_PHANTOMS, _SEED = 100, 90210
LAYERS = {
    "blocks[-1].norm1 (what the last attention takes in)": lambda model: model.blocks[-1].norm1,
    "blocks[-1] (what the last block puts out)": lambda model: model.blocks[-1],
}

Mask = npt.NDArray[np.bool_]


def phantoms() -> Iterator[Phantom]:
    """Heads of both classes without overlays."""
    for index in range(_PHANTOMS):
        rng = np.random.default_rng([_SEED, index])
        yield make_phantom(random_atrial_width_mm(rng, dilated=bool(index % 2)), rng)


def around_ventricles(phantom: Phantom) -> Mask:
    """Both ventricles, grown by half the atrium's width."""
    inside = phantom.geometry.far_ventricle | phantom.geometry.near_ventricle
    reach = [round(phantom.atrial_width_mm / 2 / side) for side in phantom.spacing_mm]
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach[1] + 1, 2 * reach[0] + 1))
    return cv2.dilate(inside.astype(np.uint8), kernel).astype(bool)


def maps(image: npt.NDArray[np.uint8], models: list[torch.nn.Module]) -> Iterator[npt.NDArray]:
    """The ensemble's Eigen-CAM over the image, a layer each."""
    inputs = torch.from_numpy(to_model_input(image)[None])
    for choose in LAYERS.values():
        found = []
        for model in models:
            kept: list[torch.Tensor] = []
            hook = choose(model).register_forward_hook(
                lambda _m, _i, out, kept=kept: kept.append(out)
            )
            with torch.inference_mode():
                model(inputs)
            hook.remove()
            found.append(eigen_cam(patches_as_map(kept[0][:, 1:].numpy())[0], INPUT_SIDE))
        yield mean_map(found, image.shape[:2])


def main() -> None:
    """Measure and keep the figures."""
    _, models = load_models(settings().bundle)
    mass, hits = np.zeros((_PHANTOMS, len(LAYERS))), np.zeros((_PHANTOMS, len(LAYERS)))
    even = np.zeros(_PHANTOMS)
    for row, phantom in enumerate(phantoms()):
        target = around_ventricles(phantom) & phantom.sector
        even[row] = target.sum() / phantom.sector.sum()
        for column, heat in enumerate(maps(phantom.image, models)):
            mass[row, column] = heat[target].sum() / heat.sum()
            hits[row, column] = target.flat[heat.argmax()]
    figures = {"phantoms": _PHANTOMS, "mass of an even map": round(float(even.mean()), 3)}
    for column, name in enumerate(LAYERS):
        figures[name] = {
            "mass at the ventricles": round(float(mass[:, column].mean()), 3),
            "pointing game": round(float(hits[:, column].mean()), 3),
        }
    write_atomically(Path(__file__).with_suffix(".json"), json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
