"""Images a second of training, forth and back: ``python -m benchmarks.training``.

Three ways take turns in one run on the same network and batch size:

- ours: the training loop itself, augmentation included, on images that lie in memory;
- bare: the network alone on one random batch that is in memory already, which is the limit;
- paper-like: PNG files through PIL transforms in a data loader, float32.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
import tyro
from PIL import Image
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.instructions import with_each
from vmcore.data import Fold
from vmcore.data.phantom import make_phantom
from vmcore.files import write_atomically
from vmcore.models import create_classifier, training_precision
from vmcore.training import FinetuneSettings, LabelledImages, Stopped, finetune_fold, make_fabric
from vmcore.training.steps import set_up, update


def ours(name: str, study: LabelledImages, batch: int, count: int) -> float:
    """Images a second of the training loop, the first batch left out."""
    marks: list[float] = []

    def stop() -> bool:
        marks.append(time.perf_counter())
        return len(marks) > count + 1

    rows = np.arange(len(study.labels))
    with suppress(Stopped):
        finetune_fold(
            create_classifier(name), study, Fold(np.resize(rows, batch * (count + 2)), rows[:2]),
            FinetuneSettings(epochs=1, batch_size=batch), make_fabric(), stop=stop,
        )  # fmt: skip
    return batch / statistics.median(after - before for before, after in list(pairwise(marks))[1:])


def bare(name: str, batch: int, count: int) -> float:
    """Images a second of the network alone."""
    fabric = make_fabric()
    model = create_classifier(name)
    wrapped, optimizer = set_up(fabric, model, weight_decay=1e-4, lr=1e-4)
    wrapped.train()
    images = torch.randn(batch, 3, 224, 224, device=fabric.device)
    labels = torch.zeros(batch, dtype=torch.long, device=fabric.device)
    taken = []
    for step in range(count + 1):
        started = time.perf_counter()
        loss = functional.cross_entropy(wrapped(images).float(), labels)
        update(fabric, wrapped, optimizer, loss, step=step, steps=count + 1, peak=1e-4)
        loss.item()
        taken.append(time.perf_counter() - started)
    return batch / statistics.median(taken[1:])


class _Files(Dataset[tuple[torch.Tensor, int]]):
    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.change = transforms.Compose(
            [
                transforms.Resize((224, 224), transforms.InterpolationMode.NEAREST),
                transforms.RandomRotation((0, 90)),
                transforms.RandomHorizontalFlip(),
                transforms.RandomVerticalFlip(),
                transforms.RandomResizedCrop(224, scale=(0.5, 1.0)),
                transforms.ToTensor(),
                transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        with Image.open(self.files[index]) as image:
            return self.change(image.convert("RGB")), index % 2


def paper_like(name: str, files: list[Path], batch: int, count: int) -> float:
    """Images a second of PIL transforms in a data loader, float32."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = create_classifier(name).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-4)
    loader = DataLoader(_Files(files), batch, shuffle=True, num_workers=2, drop_last=True)

    def forever() -> Iterator[list[torch.Tensor]]:
        while True:
            yield from loader

    taken, source = [], forever()
    for _ in range(count + 1):
        started = time.perf_counter()
        images, labels = next(source)
        loss = functional.cross_entropy(model(images.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()
        taken.append(time.perf_counter() - started)
    return batch / statistics.median(taken[1:])


def main(
    architectures: tuple[str, ...] = ("usf-mae-tiny", "usf-mae"),
    batch: int = 32,
    count: int = 4,
    rounds: int = 3,
    out: Path = Path("benchmarks/training.json"),
    measure_to: Path | None = None,
) -> None:
    """Measure each network, with AVX2 alone and with all that the processor has.

    Args:
        architectures: which ones.
        batch: images in a batch.
        count: batches measured in each turn.
        rounds: turns of each way.
        out: where the figures go.
        measure_to: measure on the machine as it is, and write that here instead.
    """
    if measure_to is None:
        asked = ("--batch", str(batch), "--count", str(count), "--rounds", str(rounds))
        found = with_each("benchmarks.training", *asked, "--architectures", *architectures)
        write_atomically(out, json.dumps(found, indent=2) + "\n")
        print(json.dumps(found, indent=2))
        return
    pictures = [
        cv2.resize(make_phantom(8.0, seed).image, (224, 224), interpolation=cv2.INTER_AREA)
        for seed in range(4 * batch)
    ]
    images = np.stack(pictures).transpose(0, 3, 1, 2)
    study = LabelledImages(np.ascontiguousarray(images), np.arange(4 * batch) % 2)
    results = []
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / f"{index}.png" for index in range(len(pictures))]
        for file, image in zip(files, pictures, strict=True):
            Image.fromarray(image).save(file)
        for architecture in architectures:
            speeds = [
                (
                    ours(architecture, study, batch, count),
                    bare(architecture, batch, count),
                    paper_like(architecture, files, batch, count),
                )
                for _ in range(rounds)
            ]
            mine, limit, theirs = (statistics.median(each) for each in zip(*speeds, strict=True))
            results.append(
                {
                    "model": architecture,
                    "batch": batch,
                    "ours_images_per_s": round(mine, 1),
                    "share_of_bare_network": round(mine / limit, 3),
                    "times_paper_like": round(mine / theirs, 2),
                }
            )
    figures = {
        "device": torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu",
        "precision": training_precision(make_fabric().device),
        "threads": torch.get_num_threads(),
        "results": results,
    }
    write_atomically(measure_to, json.dumps(figures))


if __name__ == "__main__":
    tyro.cli(main)
