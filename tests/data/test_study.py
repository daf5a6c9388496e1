"""Manifests and prepared images."""

from __future__ import annotations

import hashlib
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.data.test_splits import table
from vmcore.data import (
    ManifestError,
    StoredStudy,
    check_manifest,
    load_prepared,
    load_study,
    prepare_images,
    prepared_path,
    read_manifest,
    reject,
)
from vmcore.data.phantom import make_phantom, write_dicom, write_png
from vmcore.imaging import clean_frame, read_scan, to_model_pixels


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="label"), "lacks the column label"),
        (lambda t: t.iloc[:0], "lists no image"),
        (lambda t: t.assign(label="maybe"), "line 2 has a label that is neither"),
        (lambda t: t.assign(subject_id=None), "line 2 has no subject_id"),
        (lambda t: t.assign(path="a.png"), "lists an image twice, again on line 3"),
        (lambda t: t.assign(path=["./a//x.png", "a/x.png"]), "lists an image twice"),
        (lambda t: t.assign(path=["a/Case1.png", "a/case1.png"]), "only in upper and lower case"),
        (
            lambda t: t.assign(path=["caf\u00e9.png", "cafe\u0301.png"]),
            "only in upper and lower case",
        ),
        (lambda t: t.assign(path=["a/x", "a/x.png/y.dcm"]), "A folder is called like an image"),
        (lambda t: t.assign(path=["a/x", "A/X.PNG.json/y"]), "A folder is called like an image"),
        (lambda t: t.assign(path=["a", "b" * 201]), "more than 200 bytes"),
        (lambda t: t.assign(subject_known=["yes", "perhaps"]), "line 3 has a subject_known"),
    ],
)
def test_a_wrong_manifest_gets_a_sentence(change: object, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        check_manifest(change(table().iloc[:2]))  # type: ignore[operator]


def test_a_manifest_is_read_from_csv(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "m.csv", index=False)
    assert len(read_manifest(tmp_path / "m.csv")) == len(table())
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(tmp_path / "none.csv")


def test_images_are_prepared_once_and_as_the_clinic_sees_them(tmp_path: Path) -> None:
    root, folder = tmp_path / "raw", tmp_path / "prepared"
    (root / "a").mkdir(parents=True)
    write_png(root / "a/one.png", make_phantom(8.0, 1, shape=(200, 260)))
    write_dicom(root / "a/two.dcm", make_phantom(12.0, 2, shape=(200, 260)))
    (root / "bad.png").write_bytes(b"nothing")
    manifest = pd.DataFrame({"path": ["a/one.png", "a/two.dcm", "bad.png"]})
    seen: list[tuple[int, int]] = []
    report = prepare_images(
        manifest, root, folder, workers=1, progress=lambda done, total: seen.append((done, total))
    )
    assert (report.made, report.kept) == (2, 0)
    assert list(report.unreadable) == ["bad.png"]
    assert seen[-1] == (3, 3)
    scan = read_scan(root / "a/two.dcm")
    expected = to_model_pixels(clean_frame(scan.frames[0], region=scan.region).image)
    assert np.array_equal(cv2.imread(str(folder / "a/two.dcm.png"))[..., ::-1], expected)
    again = prepare_images(manifest.iloc[:2], root, folder, workers=1)
    assert (again.made, again.kept) == (0, 2)
    images = load_prepared(manifest.iloc[:2], folder)
    assert np.array_equal(images[1], expected.transpose(2, 0, 1))
    with pytest.raises(FileNotFoundError, match="prepare the data first"):
        load_prepared(manifest, folder)


def test_many_images_are_prepared_side_by_side_with_the_same_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    class Noted(ProcessPoolExecutor):
        def __init__(self, workers: int, **options: Any) -> None:
            started.append(workers)
            super().__init__(workers, **options)

    monkeypatch.setattr("vmcore.data.preparing._WORTH_A_PROCESS", 4)
    monkeypatch.setattr("vmcore.data.preparing.ProcessPoolExecutor", Noted)
    root = tmp_path / "raw"
    root.mkdir()
    names = [f"{index}.png" for index in range(12)]
    for index, name in enumerate(names):
        _, encoded = cv2.imencode(".png", np.full((48, 64), index, np.uint8))
        (root / name).write_bytes(encoded.tobytes())
    manifest = pd.DataFrame({"path": names})
    for folder, workers in (("one", 1), ("two", 2)):
        report = prepare_images(manifest, root, tmp_path / folder, workers=workers)
        assert (report.made, report.unreadable) == (12, {})
    assert started == [2]
    alone, beside = (load_prepared(manifest, tmp_path / folder) for folder in ("one", "two"))
    assert np.array_equal(alone, beside)
    assert [int(image[0, 0, 0]) for image in beside] == list(range(12))


def test_a_studys_digest_follows_its_pixels_and_not_its_place(
    phantom_study: StoredStudy, tmp_path: Path
) -> None:
    shutil.copytree(phantom_study.folder, tmp_path / "elsewhere")
    study = load_study(tmp_path / "elsewhere")
    before = study.image_digests()
    files = [prepared_path(study.folder / "prepared", p) for p in study.table["path"]]
    pictures = [cv2.imread(str(file))[:, :, ::-1].transpose(2, 0, 1) for file in files]
    assert before == [hashlib.sha256(picture.tobytes()).hexdigest() for picture in pictures]
    assert before == phantom_study.image_digests()
    assert study.digest == phantom_study.digest
    cv2.imwrite(str(files[2]), cv2.bitwise_not(cv2.imread(str(files[2]))))
    after = study.image_digests()
    assert [row for row in range(len(files)) if before[row] != after[row]] == [2]
    assert study.digest != phantom_study.digest


def test_a_studys_digest_follows_its_labels_and_rejected_images(
    phantom_study: StoredStudy, tmp_path: Path
) -> None:
    shutil.copytree(phantom_study.folder, tmp_path / "own")
    reject(tmp_path / "own", [phantom_study.table["path"][0]])
    rejected = load_study(tmp_path / "own")
    relabelled = phantom_study.table.assign(label=phantom_study.table["label"].to_numpy()[::-1])
    relabelled_study = StoredStudy(phantom_study.folder, relabelled, phantom_study.report)
    assert len({phantom_study.digest, rejected.digest, relabelled_study.digest}) == 3


def test_a_digest_of_an_image_that_is_gone_names_its_number_only(
    phantom_study: StoredStudy, tmp_path: Path
) -> None:
    shutil.copytree(phantom_study.folder, tmp_path / "own")
    study = load_study(tmp_path / "own")
    prepared_path(study.folder / "prepared", study.table["path"][3]).unlink()
    with pytest.raises(ManifestError, match="Image 4 of the study is not prepared") as refused:
        _ = study.digest
    assert study.table["path"][3] not in str(refused.value)
