"""The check of a study: twins, subjects with both labels, counts, what is left out and rejected."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from vmcore.data import (
    ManifestError,
    class_counts,
    find_manifest,
    find_twins,
    load_study,
    prepare_study,
    preparing,
    pseudonyms,
    read_manifest,
    reject,
    rejected,
    two_faced_subjects,
)
from vmcore.data.checking import without_images
from vmcore.data.phantom import OverlaySettings, make_phantom, write_png
from vmcore.imaging import BusyError, to_model_pixels

LABELS = ["normal", "ventriculomegaly"]


def pixels(seed: int, width: float = 8.0) -> np.ndarray:
    return to_model_pixels(make_phantom(width, seed, shape=(240, 320)).image)


def stack(*images: np.ndarray) -> np.ndarray:
    return np.stack([image.transpose(2, 0, 1) for image in images])


def test_the_same_and_nearly_the_same_are_found_and_others_are_not() -> None:
    one, other = pixels(1), pixels(2)
    encoded = cv2.imencode(".jpg", one, [cv2.IMWRITE_JPEG_QUALITY, 60])[1]
    again = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    darker = (one * 0.7).astype(np.uint8)
    pairs = find_twins(stack(one, other, one, again, darker))
    assert (pairs[0].first, pairs[0].second) == (0, 2)
    assert [pair.exact for pair in pairs] == [True, False, False]
    assert {0, 2, 3, 4} == {row for pair in pairs for row in (pair.first, pair.second)}
    assert all(pair.correlation >= 0.985 for pair in pairs)
    assert find_twins(stack(one)) == []


def test_many_copies_are_as_many_pairs_and_black_ones_are_copies_too() -> None:
    one = pixels(3)
    pairs = find_twins(stack(*[one] * 300, *[np.zeros_like(one)] * 3))
    assert len(pairs) == 299 + 2
    assert all(pair.exact for pair in pairs)


def test_forty_different_heads_have_no_twin() -> None:
    assert find_twins(stack(*(pixels(seed, 5 + seed % 12) for seed in range(40)))) == []


def test_counts_and_subjects_with_both_labels() -> None:
    table = pd.DataFrame(
        {
            "path": list("abcd"),
            "label": ["normal", "VM", "0", "1"],
            "subject_id": ["x", "x", "y", "z"],
        }
    )
    assert class_counts(table).to_dict("records") == [
        {"label": "normal", "images": 2, "subjects": 2},
        {"label": "ventriculomegaly", "images": 2, "subjects": 2},
    ]
    assert two_faced_subjects(table) == ["x"]


def test_numbers_stand_for_names() -> None:
    table = pd.DataFrame({"subject_id": ["Doe^Jane", "Roe", "Doe^Jane"]})
    assert pseudonyms(table).to_dict("list") == {
        "image": [1, 2, 3],
        "subject": ["s1", "s2", "s1"],
    }


def test_folders_that_are_no_study_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no scans in folders called normal"):
        find_manifest(tmp_path)
    with pytest.raises(ManifestError, match="There is no folder"):
        find_manifest(tmp_path / "none")


def listed(root: Path, **columns: list[str]) -> Path:
    file = root / "manifest.csv"
    pd.DataFrame(columns).to_csv(file, index=False)
    return file


def test_images_that_are_not_there_are_named_by_line(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    file = listed(tmp_path, path=["a.png", "b.png"], label=LABELS, subject_id=["x", "y"])
    with pytest.raises(ManifestError, match=r"1 of 2 listed images are not there.* line 3"):
        find_manifest(file)


def test_a_path_must_stay_below_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    for name in ("a.png", "study/b.png"):
        (tmp_path / name).touch()
    file = listed(
        tmp_path / "study", path=["../a.png", "b.png"], label=LABELS, subject_id=["x", "y"]
    )
    with pytest.raises(ManifestError, match="stay below it"):
        find_manifest(file)


def test_labels_of_neither_class_can_be_left_out(tmp_path: Path) -> None:
    file = listed(
        tmp_path, path=["a", "b", "c"], label=[*LABELS, "poor"], subject_id=["x", "y", "z"]
    )
    with pytest.raises(ManifestError, match="has a label that is neither"):
        read_manifest(file)
    assert read_manifest(file, leave_out=["poor"])["path"].tolist() == ["a", "b"]


@pytest.mark.long
def test_a_study_is_checked_and_images_are_taken_out_and_back(tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "study"
    (source / "scans").mkdir(parents=True)
    settings = {"a": 8.0, "b": 15.0, "d": 9.0}
    for seed, (name, width) in enumerate(settings.items()):
        phantom = make_phantom(width, seed, shape=(240, 320), overlays=OverlaySettings())
        write_png(source / f"scans/{name}.png", phantom)
    (source / "scans/c.png").write_bytes((source / "scans/a.png").read_bytes())
    (source / "scans/e.png").write_bytes(b"not a picture")
    listed(
        source, path=[f"scans/{name}.png" for name in "abcde"],
        label=["normal", "vm", "normal", "normal", "vm"], subject_id=["x", "x", "y", "z", "w"],
    )  # fmt: skip
    study = prepare_study(source, folder, workers=1)
    assert len(study.table) == 4
    assert list(study.report.unreadable) == ["scans/e.png"]
    assert study.report.twins == [("scans/a.png", "scans/c.png", True, True)]
    assert study.report.two_faced == ["x"]
    said = " ".join(study.report.concerns())
    for words in (
        "1 files cannot be read", "1 pairs of images are exactly", "1 of these pairs belong",
        "1 subjects have images of both",
    ):  # fmt: skip
        assert words in said
    assert study.same_pictures == [("scans/a.png", "scans/c.png")]
    reject(folder, ["scans/c.png"])
    assert load_study(folder).table["path"].tolist() == [f"scans/{n}.png" for n in "abd"]
    assert load_study(folder).report.twins == []
    reject(folder, ["scans/b.png", "scans/c.png"])
    kept = load_study(folder).report
    assert (kept.two_faced, kept.counts) == ([], [{"label": "normal", "images": 2, "subjects": 2}])
    assert any("needs both classes" in sentence for sentence in kept.concerns())
    reject(folder, ["scans/c.png"])
    assert load_study(folder).images().shape == (3, 3, 224, 224)
    reject(folder, [])
    assert len(load_study(folder).table) == 4
    with pytest.raises(ManifestError, match="not a prepared study"):
        load_study(tmp_path)


def test_a_study_of_unreadable_files_is_refused(tmp_path: Path) -> None:
    for name in ("normal/a.png", "vm/b.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n cut short")
    with pytest.raises(ManifestError, match="None of the 2 files"):
        prepare_study(tmp_path, tmp_path / "study", workers=1)
    assert not (tmp_path / "study/study.json").exists()


def test_what_was_rejected_stays_out_under_another_name_and_contradictions_are_said(
    tmp_path: Path,
) -> None:
    source, folder = tmp_path / "source", tmp_path / "study"
    for seed, name in enumerate(("normal/P1/a.png", "normal/P2/b.png", "vm/P3/c.png")):
        (source / name).parent.mkdir(parents=True)
        write_png(source / name, make_phantom(8.0, seed, shape=(240, 320)))
    (source / "vm/P4").mkdir()
    copy = source / "vm/P4/d.png"
    copy.write_bytes((source / "normal/P1/a.png").read_bytes())
    study = prepare_study(source, folder, workers=1)
    assert study.report.two_labels == 1
    assert any("at once" in sentence for sentence in study.report.concerns())
    reject(folder, ["normal/P2/b.png"])
    (source / "normal/P2/b.png").rename(source / "normal/P1/other.png")
    study = prepare_study(source, folder, workers=1)
    assert study.table["path"].tolist() == ["normal/P1/a.png", "vm/P3/c.png", "vm/P4/d.png"]
    assert any("another name now" in sentence for sentence in study.report.concerns())
    (source / "normal/P1/other.png").rename(source / "normal/P1/third.png")
    assert len(prepare_study(source, folder, workers=1).table) == 3
    reject(folder, [*rejected(folder), "vm/P4/d.png"])  # the wrong one of both copies
    assert "normal/P1/a.png" in prepare_study(source, folder, workers=1).table["path"].tolist()
    # another picture under a name that a rejected one had
    write_png(source / "normal/P2/b.png", make_phantom(9.5, 11, shape=(240, 320)))
    study = prepare_study(source, folder, workers=1)
    assert "normal/P2/b.png" in study.table["path"].tolist()
    assert study.report.changed_rejected == 1


def test_copies_stay_together_when_one_of_them_is_taken_out() -> None:
    subjects = {path: path.upper() for path in "abcde"}
    twins = [("a", "b", True, True), ("a", "c", True, True), ("a", "d", False, True)]
    assert without_images(twins, {"a"}, subjects) == [
        ("b", "c", True, True),
        ("b", "d", False, True),
    ]
    assert without_images(twins, {"a", "b"}, subjects) == [("c", "d", False, True)]
    assert without_images(twins, {"b"}, subjects) == twins[1:]
    assert without_images(twins, {"e"}, subjects) == twins


def test_a_busy_machine_ends_preparing_and_loses_no_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, folder = tmp_path / "source", tmp_path / "study"
    for seed, name in enumerate(("normal/a.png", "vm/b.png")):
        (source / name).parent.mkdir(parents=True)
        write_png(source / name, make_phantom(8.0, seed, shape=(240, 320)))
    prepare_study(source, folder, workers=1)
    before = {path.name for path in (folder / "prepared").rglob("*.png")}
    write_png(source / "vm/b.png", make_phantom(9.0, 7, shape=(240, 320)))

    def busy(*_: object) -> None:
        raise BusyError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(preparing, "read_original", busy)
        with pytest.raises(ManifestError, match="no room for another process"):
            prepare_study(source, folder, workers=1)
    assert not (folder / "study.json").exists()  # it is not whole
    assert {path.name for path in (folder / "prepared").rglob("*.png")} == before
    assert len(prepare_study(source, folder, workers=1).table) == 2
