"""Files that are no weights for a network get one sentence, whatever is in them."""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save
from torch import Tensor

from vmcore.models import MAE_SHAPES, MaskedAutoencoder, WeightsError, create_classifier

NETWORK = "usf-mae-tiny"


def saved(content: object, *, old: bool = False) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=not old)
    return stream.getvalue()


def classifier(**changed: Tensor) -> dict[str, Tensor]:
    return create_classifier(NETWORK).state_dict() | changed


def autoencoder(changed: dict[str, Tensor]) -> bytes:
    return saved({"model": MaskedAutoencoder(MAE_SHAPES[NETWORK]).state_dict() | changed})


def with_norm(value: Tensor) -> bytes:
    return saved(classifier(**{"norm.weight": value}))


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def header(text: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(text)) + text + data


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr("readme.txt", "nothing")
    return stream.getvalue()


def tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as packed:
        packed.addfile(tarfile.TarInfo("storages"), io.BytesIO())
    return stream.getvalue()


SMALL = {"a.weight": torch.zeros(2, 2)}
DAMAGED, NO_STATE, NO_TENSORS = "damaged", "holds no state dict", "holds no tensors"
FORM = "norm.weight in a form"
OF_SAFETENSORS = b'{"a":{"dtype":"%b","shape":[2],"data_offsets":[0,8]}}'
WRONG: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": (".pt", lambda: b"", DAMAGED),
    "text": (".pth", lambda: b"been here\n", DAMAGED),
    "another text": (".pt", lambda: b"hello, world\n", DAMAGED),
    "page of a website": (".pt", lambda: b"<html>Too many users</html>", DAMAGED),
    "table": (".pt", lambda: b"path,label,subject_id\na.png,0,1\n", DAMAGED),
    "zeros": (".bin", lambda: bytes(4096), DAMAGED),
    "brackets": (".pt", lambda: b"(" * 100_000, DAMAGED),
    "archive": (".pt", archive, DAMAGED),
    "tar": (".pt", tar, DAMAGED),
    "half": (".pth", lambda: half(saved(classifier())), DAMAGED),
    "half, older format": (".pth", lambda: half(saved(classifier(), old=True)), DAMAGED),
    "two bytes, older format": (".pth", lambda: saved(SMALL, old=True)[:2], DAMAGED),
    "list": (".pt", lambda: saved([torch.zeros(2)]), NO_STATE),
    "tensor": (".pt", lambda: saved(torch.zeros(2)), NO_STATE),
    "number": (".pt", lambda: saved(3), NO_STATE),
    "nothing": (".pt", lambda: saved(None), NO_STATE),
    "empty state": (".pt", lambda: saved({}), NO_TENSORS),
    "no tensors": (".pt", lambda: saved({"epoch": 3, "name": "x"}), NO_TENSORS),
    "list in a wrapper": (".pt", lambda: saved({"model": [1, 2]}), NO_TENSORS),
    "arrays": (".pt", lambda: pickle.dumps({"a": np.zeros(2)}), DAMAGED),
    "plain pickle": (".pt", lambda: pickle.dumps({"a": [1, 2]}), DAMAGED),
    "sparse": (".pt", lambda: with_norm(torch.zeros(192).to_sparse()), FORM),
    "without data": (".pt", lambda: with_norm(torch.zeros(192, device="meta")), FORM),
    "complex": (".pt", lambda: with_norm(torch.zeros(192, dtype=torch.complex64)), FORM),
    "another network's": (".pt", lambda: saved(timm.create_model("resnet18").state_dict()), "not a masked"),
    "a few others": (".pt", lambda: saved(SMALL), "not a masked autoencoder"),
    "numbers for names": (".pt", lambda: saved({7: torch.zeros(2)}), "not a masked autoencoder"),
    "single number for a token": (
        ".pt", lambda: autoencoder({"cls_token": torch.tensor(1.0)}), "cls_token is",
    ),
    "norm that is a number": (
        ".pt", lambda: autoencoder({"norm.weight": torch.tensor(1.0)}), "is .*, not",
    ),
    "block without a number": (
        ".pt", lambda: autoencoder({"blocks.norm.weight": torch.zeros(2)}), "lacks blocks",
    ),
    "block far away": (
        ".pt", lambda: autoencoder({"blocks.99999999.norm1.bias": torch.zeros(2)}), "lacks blocks",
    ),
    "head that is a number": (
        ".pt", lambda: saved(classifier(**{"norm.bias": torch.tensor(1.0)})), "wrong shape",
    ),
    "safetensors, empty": (".safetensors", lambda: b"", DAMAGED),
    "safetensors, text": (".safetensors", lambda: b"hello, world\n", DAMAGED),
    "safetensors, half": (".safetensors", lambda: half(save(classifier())), DAMAGED),
    "safetensors, no JSON": (".safetensors", lambda: header(b"not JSON"), DAMAGED),
    "safetensors, header too long": (".safetensors", lambda: b"\xff" * 8 + b"{}", DAMAGED),
    "safetensors, no data": (".safetensors", lambda: header(OF_SAFETENSORS % b"F32"), DAMAGED),
    "safetensors, kind of number": (
        ".safetensors", lambda: header(OF_SAFETENSORS % b"Q9", bytes(8)), DAMAGED,
    ),
    "safetensors, no tensors": (".safetensors", lambda: header(b"{}"), DAMAGED),
    "safetensors that is a .pt": (".safetensors", lambda: saved(SMALL), DAMAGED),
    ".pt that is safetensors": (".pt", lambda: save(SMALL), DAMAGED),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_file_is_refused_with_a_sentence(kind: str, tmp_path: Path) -> None:
    suffix, content, words = WRONG[kind]
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content())
    with pytest.raises(WeightsError, match=words) as caught:
        create_classifier(NETWORK, path)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("kind", ["folder", "missing", "below a file", "name too long"])
def test_what_is_no_file_is_said_to_be_none(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    named: dict[str, Any] = {
        "folder": tmp_path, "missing": tmp_path / "none.pt", "below a file": tmp_path / "file/a.pt",
        "name too long": tmp_path / ("x" * 300),
    }  # fmt: skip
    with pytest.raises(WeightsError, match="no weights file"):
        create_classifier(NETWORK, named[kind])


@pytest.mark.parametrize("start", range(0, 256, 16))
def test_bytes_of_any_kind_are_refused(start: int, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    for first in range(start, start + 16):
        for before in (b"", b"\x80\x02"):
            path.write_bytes(before + bytes([first]) + b"been\n\0\1here")
            with pytest.raises(WeightsError):
                create_classifier(NETWORK, path)
