"""How long a scan takes from bytes to heatmap: ``python -m benchmarks.classify``.

The reference of cleaning is one call of rapidocr as it comes; that of the answer is the straightforward way: float32, one fold after another, then pytorch-grad-cam's
own EigenCAM call for each fold (a second forward pass and a full decomposition over channels).
Both are measured in turn in one run, on the same image, and the ratio is what counts.
"""

from __future__ import annotations

import json
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

from benchmarks.instructions import with_each
from vmcore.anatomy import AnatomyModel
from vmcore.anatomy.views import VIEW_HEIGHT, VIEW_WIDTH
from vmcore.data.phantom import OverlaySettings, make_phantom
from vmcore.files import write_atomically
from vmcore.imaging import clean_frame, read_sandboxed, read_scan, to_model_input
from vmcore.inference import Classifier, analyse
from vmcore.models import BundleCard, create_classifier, load_models
from vmcore.resting import keep_until_idle
from vmcore.settings import settings

Frame = npt.NDArray[np.uint8]
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


def compare(name: str, models: list[nn.Module], frame: Frame, rounds: int) -> dict[str, object]:
    """Measure one ensemble against the straightforward way on one frame."""
    card = BundleCard(architecture=name, folds=len(models))
    classifier = Classifier.of_models(card, models, device="cpu")
    image = clean_frame(frame).image
    batch = torch.from_numpy(to_model_input(image)[None])
    exact = [model.float().eval() for model in models]
    reference, ensemble, both = median_ms(
        [
            lambda: straightforward(exact, batch),
            lambda: classifier.predict([image], heatmap=None),
            lambda: classifier.predict([image]),
        ],
        rounds,
    )
    return {
        "model": f"{len(models)} folds of {name}",
        "precision": getattr(classifier._engine, "precision", "of the graphics card"),
        "reference_ms": round(reference, 1),
        "ensemble_ms": round(ensemble, 1),
        "heatmap_ms": round(both - ensemble, 1),
        "ensemble_and_heatmap_faster_by": round(reference / both, 1),
    }


def cleaning(frame: Frame, rounds: int) -> dict[str, float]:
    """Measure cleaning against one call of rapidocr as it comes (ONNX Runtime, its own size)."""
    engine = RapidOCR(params={"Global.log_level": "critical"})
    flipped = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    reference, ours = median_ms([lambda: engine(flipped), lambda: clean_frame(frame)], rounds)
    return {
        "reference_ms": round(reference, 1),
        "clean_ms": round(ours, 1),
        "share_of_reference": round(ours / reference, 2),
    }


def whole_way(data: bytes, rounds: int) -> float:
    """Milliseconds from a file's bytes to measurement, verdict and heatmap of the bundled models."""
    classifier, anatomy_model = Classifier.load(settings().bundle), AnatomyModel.load()

    def whole() -> None:
        analyse(read_sandboxed(data), classifier, anatomy_model=anatomy_model)

    return round(median_ms([whole], rounds)[0], 1)


def finding(frame: Frame, rounds: int) -> dict[str, float]:
    """Measure the anatomy against its two passes of the network alone."""
    model = AnatomyModel.load()
    views = np.zeros((2, 1, VIEW_HEIGHT, VIEW_WIDTH), np.float32)

    def network() -> None:
        model._forward(views)
        model._forward(views)

    reference, whole = median_ms([network, lambda: model.find(frame)], rounds)
    return {"network_ms": round(reference, 1), "find_ms": round(whole, 1)}


def measure(scans: Sequence[bytes], rounds: int) -> dict[str, object]:
    """Everything, on this processor as it is; the first scan holds text, the other one none."""
    card, bundled = load_models(settings().bundle)
    torch.manual_seed(0)
    large = [create_classifier("usf-mae") for _ in range(_FOLDS)]
    names = ("with text", "without text")
    frames = [read_scan(data).frames[0] for data in scans]
    return {
        "threads": torch.get_num_threads(),
        "cleaning": {n: cleaning(f, rounds) for n, f in zip(names, frames, strict=True)},
        "anatomy": finding(frames[1], rounds),
        "bundled model, whole way, ms": {
            n: whole_way(data, rounds) for n, data in zip(names, scans, strict=True)
        },
        "ensembles": [
            compare(card.architecture, bundled, frames[1], rounds),
            compare("usf-mae", large, frames[1], rounds),
        ],
    }


def drawn(overlays: OverlaySettings | None) -> bytes:
    """A phantom of HC18's size as PNG."""
    image = make_phantom(12.0, 1, shape=(540, 800), overlays=overlays).image
    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def main(
    with_text: Path | None = None,
    without_text: Path | None = None,
    rounds: int = 7,
    out: Path = Path("benchmarks/classify.json"),
    measure_to: Path | None = None,
) -> None:
    """Measure the bundled model and five ViT-B/16 folds, with AVX2 alone and with all there is.

    Args:
        with_text: a scan with a vendor's text; a phantom without it.
        without_text: a scan without text, such as an HC18 image; a phantom without it.
        rounds: how often each piece is measured.
        out: where the figures go.
        measure_to: measure on the processor as it is, and write that here instead.
    """
    if measure_to is None:
        given = {"--with-text": with_text, "--without-text": without_text}
        options = [part for key, path in given.items() if path for part in (key, str(path))]
        figures = with_each("benchmarks.classify", "--rounds", str(rounds), *options)
        figures["scans"] = "the ones given" if options else "phantoms, 800 x 540"
        write_atomically(out, json.dumps(figures, indent=2) + "\n")
        print(json.dumps(figures, indent=2))
        return
    keep_until_idle()  # as in the app
    scans = [
        with_text.read_bytes() if with_text else drawn(OverlaySettings()),
        without_text.read_bytes() if without_text else drawn(None),
    ]
    write_atomically(measure_to, json.dumps(measure(scans, rounds)))


if __name__ == "__main__":
    tyro.cli(main)
