"""How long a scan takes from bytes to heatmap: ``python -m benchmarks.classify``.

The reference is the straightforward way: float32, one fold after another, then pytorch-grad-cam's
own EigenCAM call for each fold (a second forward pass and a full decomposition over channels).
Both are measured in turn in one run, on the same image, and the ratio is what counts.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import tyro
from pytorch_grad_cam import EigenCAM
from rapidocr import RapidOCR
from torch import Tensor, nn

from vmcore.data.phantom import make_phantom
from vmcore.files import write_atomically
from vmcore.imaging import clean_frame, read_scan, to_model_input
from vmcore.imaging.text import find_text
from vmcore.inference import Classifier
from vmcore.models import BundleCard, create_classifier, load_models
from vmcore.settings import settings

_FOLDS = 5
_REST_S = 0.1  # until the threads of the piece before have stopped waiting for more work


def _tokens_to_map(tokens: Tensor) -> Tensor:
    return tokens[:, 1:].transpose(1, 2).reshape(len(tokens), -1, 14, 14)


def straightforward(models: Sequence[nn.Module], batch: Tensor) -> None:
    """Float32, fold after fold, then EigenCAM's own call for each fold."""
    with torch.inference_mode():
        for model in models:
            model(batch).softmax(1)
    for model in models:
        with EigenCAM(model, [model.blocks[-1]], reshape_transform=_tokens_to_map) as cam:  # type: ignore[index, union-attr]
            cam(input_tensor=batch, targets=None)


def median_ms(work: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Median milliseconds of each piece of work, measured in turn so that drift hits all alike."""
    for one in work:
        one()
    taken: list[list[float]] = [[] for _ in work]
    for _ in range(rounds):
        for index, one in enumerate(work):
            time.sleep(_REST_S)
            start = time.perf_counter()
            one()
            taken[index].append(1e3 * (time.perf_counter() - start))
    return [statistics.median(times) for times in taken]


def compare(name: str, models: list[nn.Module], data: bytes, rounds: int) -> dict[str, object]:
    """Measure one ensemble against the straightforward way on one file's bytes."""
    card = BundleCard(architecture=name, folds=len(models))
    classifier = Classifier(card, [create_classifier(name, m.state_dict()) for m in models])
    frame = read_scan(data).frames[0]
    image = clean_frame(frame).image
    batch = to_model_input(image)[None]
    exact = [model.float().eval() for model in models]

    def whole() -> None:
        classifier.predict([clean_frame(read_scan(data).frames[0]).image])

    reference, read, clean, ensemble, both, total = median_ms(
        [
            lambda: straightforward(exact, batch),
            lambda: read_scan(data),
            lambda: clean_frame(frame),
            lambda: classifier.predict([image], heatmap=None),
            lambda: classifier.predict([image]),
            whole,
        ],
        rounds,
    )
    return {
        "model": f"{len(models)} folds of {name}",
        "precision": str(classifier.dtype).removeprefix("torch."),
        "reference_ms": round(reference, 1),
        "read_ms": round(read, 1),
        "clean_ms": round(clean, 1),
        "ensemble_ms": round(ensemble, 1),
        "heatmap_ms": round(both - ensemble, 1),
        "whole_ms": round(total, 1),
        "ensemble_and_heatmap_faster_by": round(reference / both, 1),
        "whole_faster_by": round((reference + read + clean) / total, 2),
    }


def search_for_text(frame: npt.NDArray[np.uint8], rounds: int) -> dict[str, float]:
    """Measure the search for text against rapidocr's own engine, ONNX Runtime, at the same size."""
    engine = RapidOCR(
        params={
            "Global.log_level": "critical",
            "EngineConfig.onnxruntime.intra_op_num_threads": torch.get_num_threads(),
        }
    )
    flipped = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    reference, ours = median_ms(
        [lambda: engine(flipped, use_cls=False), lambda: find_text(frame)], rounds
    )
    return {
        "reference_ms": round(reference, 1),
        "search_ms": round(ours, 1),
        "faster_by": round(reference / ours, 1),
    }


def main(
    image: Path | None = None, rounds: int = 7, out: Path = Path("benchmarks/classify.json")
) -> None:
    """Measure the bundled model and five ViT-B/16 folds.

    Args:
        image: a scan, such as an HC18 image; a phantom of HC18's size without it.
        rounds: how often each piece is measured.
        out: where the figures go.
    """
    if image is None:
        _, encoded = cv2.imencode(".png", make_phantom(12.0, 1, shape=(540, 800)).image)
        data, source = encoded.tobytes(), "phantom, 800 x 540"
    else:
        data, source = image.read_bytes(), "the image given"
    card, bundled = load_models(settings().bundle)
    torch.manual_seed(0)
    large = [create_classifier("usf-mae") for _ in range(_FOLDS)]
    figures = {
        "image": source,
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "text": search_for_text(read_scan(data).frames[0], rounds),
        "results": [
            compare(card.architecture, bundled, data, rounds),
            compare("usf-mae", large, data, rounds),
        ],
    }
    write_atomically(out, json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    tyro.cli(main)
