"""What a tree of mixed files may hold: each kind is read as a study reads it, and the rest is counted."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import struct
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom.data import get_testdata_file

from tests.data.corpus.drawn import PLAIN, QUICK, left_out, prepare, texture, write
from train.corpora import main as list_corpora
from train.prepare import main as prepare_main
from vmcore.data import prepare_study
from vmcore.data.corpus import (
    Corpus,
    CorpusError,
    CorpusSettings,
    CorpusSource,
    find_listed,
    left_out_study,
    listed_sources,
    open_corpus,
    prepare_corpus,
)
from vmcore.data.corpus.finding import find_files
from vmcore.data.corpus.moving import evenly
from vmcore.data.phantom import make_phantom, write_dicom, write_png
from vmcore.imaging import clean_frame, read_scan, to_model_pixels
from vmcore.runs import corpora_folder, studies_folder
from vmcore.settings import settings


def frames_of(corpus: Corpus) -> list[int]:
    return [int(row["frame"]) for row in corpus.rows()]


def expected(frame: np.ndarray, region: object = None) -> np.ndarray:
    """A grey frame as fine-tuning sees it."""
    return to_model_pixels(clean_frame(frame, region=region, settings=PLAIN).image)[..., 0]


@pytest.mark.parametrize(
    ("count", "most", "taken"),
    [(1, 8, [0]), (8, 8, list(range(8))), (30, 3, [5, 15, 25]), (9, 2, [2, 6]), (5, 1, [2])],
)
def test_frames_are_evenly_spaced(count: int, most: int, taken: list[int]) -> None:
    assert evenly(count, most) == taken


def test_a_corpus_and_a_study_see_the_same_pixels(tmp_path: Path) -> None:
    """With text removed, as both do unless they are told otherwise."""
    root = tmp_path / "images"
    (root / "normal").mkdir(parents=True)
    (root / "VM").mkdir()
    write_png(root / "normal/a.png", make_phantom(7.0, 1, shape=(200, 260)))
    write_dicom(root / "normal/b.dcm", make_phantom(8.0, 2, shape=(220, 240)))
    write_png(root / "VM/c.png", make_phantom(14.0, 3, shape=(240, 300)))
    study = prepare_study(root, tmp_path / "study", workers=1)
    corpus = prepare(root, tmp_path / "c", settings=CorpusSettings())
    assert set(corpus.pixel_digests()) == set(study.image_digests())
    assert set(corpus.originals()) == set(study.source_digests())


def test_real_ultrasound_dicom_gives_evenly_spaced_frames(tmp_path: Path) -> None:
    root = tmp_path / "images"
    root.mkdir()
    names = ("examples_ybr_color.dcm", "examples_palette.dcm")
    for name in names:
        shutil.copy(get_testdata_file(name), root / name)
    # frames of a loop are alike: keep all to see which were taken
    keep = QUICK.model_copy(update={"alike_bits": -1, "frames": 4})
    corpus = prepare(root, tmp_path / "c", settings=keep)
    originals = [hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names]
    rows = [(row["original"], int(row["frame"])) for row in corpus.rows()]
    palette = [(originals[1], 0)]
    assert rows == palette + [(originals[0], frame) for frame in (3, 11, 18, 26)]
    scan = read_scan(root / names[0])
    clean = clean_frame(scan.frames[11], region=scan.region, settings=PLAIN)
    red, green, blue = np.moveaxis(to_model_pixels(clean.image).astype(float), 2, 0)
    grey = 0.299 * red + 0.587 * green + 0.114 * blue  # ITU-R BT.601
    np.testing.assert_allclose(corpus[[2]][0], grey, atol=0.51)


def write_video(file: Path, code: str, frames: list[np.ndarray]) -> Path:
    height, width = frames[0].shape
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*code), 10, (width, height))
    if not writer.isOpened():
        pytest.skip(f"OpenCV cannot write {code} here")
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    return file


@pytest.mark.parametrize(("name", "code"), [("loop.avi", "MJPG"), ("loop.mp4", "mp4v")])
def test_videos_give_evenly_spaced_frames(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "images").mkdir()
    shown = [texture(seed) for seed in range(10)]
    write_video(tmp_path / "images" / name, code, shown)
    corpus = prepare(
        tmp_path / "images", tmp_path / "c", settings=QUICK.model_copy(update={"frames": 5})
    )
    assert frames_of(corpus) == [1, 3, 5, 7, 9]
    for image, at in zip(corpus[np.arange(5)], frames_of(corpus), strict=True):
        truth = expected(np.repeat(shown[at][..., None], 3, axis=2))
        assert np.corrcoef(image.ravel(), truth.ravel())[0, 1] > 0.98, "compressed, but this frame"


def test_a_damaged_video_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    write(tmp_path / "images/good.png", texture(1))
    file = write_video(tmp_path / "images/loop.avi", "MJPG", [texture(0)] * 3)
    file.write_bytes(file.read_bytes()[:600])
    (tmp_path / "images/other.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(600))
    corpus = prepare(tmp_path / "images", tmp_path / "c")
    assert len(corpus) == 1
    assert left_out(corpus) == {"The video is damaged or coded in a way that is not read here.": 2}


def nifti(values: np.ndarray, code: int) -> bytes:
    """A NIfTI-1 file by the format's definition; values (x, y, z)."""
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, *values.shape, 1, 1, 1, 1)
    struct.pack_into("<2h", head, 70, code, values.dtype.itemsize * 8)
    struct.pack_into("<8f", head, 76, 1, 1, 1, 1, 0, 0, 0, 0)
    struct.pack_into("<f", head, 108, 352.0)
    head[344:348] = b"n+1\0"
    return bytes(head) + values.tobytes(order="F")


@pytest.mark.parametrize("packed", [False, True])
def test_volumes_give_evenly_spaced_slices(tmp_path: Path, packed: bool) -> None:
    pytest.importorskip("nibabel", reason="nibabel is not installed yet")
    (tmp_path / "images").mkdir()
    slices = [texture(seed) for seed in range(6)]
    data = nifti(np.stack([one.T for one in slices], axis=2), 2)
    name = "volume.nii.gz" if packed else "volume.nii"
    (tmp_path / "images" / name).write_bytes(gzip.compress(data) if packed else data)
    wide = np.stack([one.T for one in slices[:1]], axis=2).astype("<i2") * 100 - 3000
    (tmp_path / "images/wide.nii").write_bytes(nifti(wide[:, ::-1], 4))
    (tmp_path / "images/cut.nii").write_bytes(data[:5000])
    settings = QUICK.model_copy(update={"frames": 3})
    corpus = prepare(tmp_path / "images", tmp_path / "c", settings=settings)
    assert frames_of(corpus) == [1, 3, 5, 0]
    for image, at in zip(corpus[np.arange(3)], (1, 3, 5), strict=True):
        np.testing.assert_array_equal(image, expected(np.repeat(slices[at][..., None], 3, axis=2)))
    low, high = int(slices[0].min()), int(slices[0].max())
    scaled = np.rint((slices[0][::-1] - low) * (255.0 / (high - low))).astype(np.uint8)
    difference = corpus[[3]][0].astype(int) - expected(np.repeat(scaled[..., None], 3, axis=2))
    assert np.abs(difference).max() <= 1
    assert sum(left_out(corpus).values()) == 1


def test_what_holds_nothing_to_learn_from_is_counted_by_reason(tmp_path: Path) -> None:
    root = tmp_path / "images"
    write(root / "good.png", texture(1))
    whole = (root / "good.png").read_bytes()
    (root / "broken.png").write_bytes(whole[: len(whole) // 2])
    (root / "notes.txt").write_text("Erika Musterfrau, 12 mm")
    (root / "empty.dcm").touch()
    (root / ".hidden.png").write_bytes(whole)
    (root / "__thing.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    write(root / "small.png", texture(2, (20, 30)))
    write(root / "smaller.png", texture(2, (21, 25)))
    write(root / "black.png", np.zeros((100, 100), np.uint8))
    dim = np.random.default_rng(0).integers(0, 12, (100, 100), np.uint8)
    write(root / "dim.png", dim)
    mask = np.zeros((224, 224), np.uint8)
    cv2.circle(mask, (110, 120), 60, 255, -1)
    write(root / "mask.png", mask)
    write(root / "mask.jpg", mask)
    corpus = prepare(root, tmp_path / "c")
    assert len(corpus) == 1
    assert left_out(corpus) == {
        "By its content the file is no picture, video or volume.": 1,
        "The file is empty.": 1,
        "The file or folder is hidden.": 1,
        "The image has few grey levels, as masks and drawings have.": 2,
        "The image is black or nearly uniform.": 2,
        "The image is too small to be a scan (N x N pixels; at least N on each side are needed).": 2,
        "The picture is damaged or incomplete and cannot be decoded.": 2,
    }
    report = (tmp_path / "c/report.json").read_text()
    assert hashlib.sha256((root / "broken.png").read_bytes()).hexdigest() in report
    assert "Erika" not in report
    assert ".png" not in report


def test_ten_thousand_empty_files_are_counted_at_once(tmp_path: Path) -> None:
    for number in range(10_000):
        os.close(os.open(tmp_path / f"{number}.dcm", os.O_CREAT))
    write(tmp_path / "good.png", texture(1))
    start = time.perf_counter()
    found = find_files([CorpusSource(tmp_path)])
    assert time.perf_counter() - start < 30  # well under a second where nothing else runs
    assert [file.path for file in found.files] == ["good.png"]
    assert found.skipped == {"The file is empty.": 10_000}


def test_links_stay_inside_the_source(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside/secret.png", texture(9)).parent
    root = tmp_path / "images"
    write(root / "a/one.png", texture(1))
    (root / "file.png").symlink_to(outside / "secret.png")
    (root / "folder").symlink_to(outside)
    (root / "up.png").symlink_to("../outside/secret.png")
    (root / "circle").symlink_to(root)
    (root / "gone.png").symlink_to(root / "nowhere.png")
    (root / "again").symlink_to(root / "a")
    os.mkfifo(root / "pipe.png")
    corpus = prepare(root, tmp_path / "c")
    assert len(corpus) == 1
    assert left_out(corpus) == {
        "It is a link that leads out of the source's folder.": 3,
        "It is no plain file, or cannot be looked at.": 2,
    }


def test_a_file_that_becomes_a_link_before_it_is_read_is_refused(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside/secret.png", texture(9))
    root = tmp_path / "images"
    write(root / "a.png", texture(1))
    write(root / "b.png", texture(2))
    write(root / "c.png", texture(3))

    def swap(*_: int) -> None:  # after the first chunk of two
        (root / "c.png").unlink(missing_ok=True)
        (root / "c.png").symlink_to(outside)

    corpus = prepare(root, tmp_path / "c", progress=swap)
    assert len(corpus) == 2
    assert left_out(corpus) == {"It is a link that leads out of the source's folder.": 1}


def test_folders_that_the_installation_does_not_name_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "images/a.png", texture(1))
    (tmp_path / "allowed").mkdir()
    monkeypatch.setenv("VMCORE_READABLE_ROOTS", json.dumps([str(tmp_path / "allowed")]))
    settings.cache_clear()
    try:
        with pytest.raises(CorpusError, match="VMCORE_READABLE_ROOTS"):
            prepare(tmp_path / "images", tmp_path / "c")
    finally:
        monkeypatch.undo()
        settings.cache_clear()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VMCORE_STORE", str(tmp_path / "store"))
    settings.cache_clear()
    yield tmp_path / "store"
    monkeypatch.undo()
    settings.cache_clear()


def test_a_study_that_weights_are_judged_by_stays_out(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its files, by its pixels in another file, and by a copy that is compressed."""
    judged = tmp_path / "study"
    write(judged / "normal/a.png", texture(1))
    write(judged / "VM/b.png", texture(2))
    study = prepare_study(judged, studies_folder() / "judged", workers=1)
    root = tmp_path / "images"
    write(root / "same.png", texture(1))
    write(root / "other.bmp", texture(2))
    write(root / "copy.jpg", texture(1), 1, 85)  # IMWRITE_JPEG_QUALITY
    write(root / "new.png", texture(3))
    write(root / "more/new.png", texture(4))
    prepare_main(
        root / "more", "some", for_pretraining=True, also=(root,), leave_out_study=("judged",),
        text=False, workers=1,
    )  # fmt: skip
    said = "3 images were left out: they are, or look like, one of the 2 in 1 studies\n"
    assert said in capsys.readouterr().out
    corpus = open_corpus(corpora_folder() / "some")
    assert corpus.sources() == {"source 1": 1, "source 2": 1}
    assert corpus.card.left_out == 2
    told = left_out(corpus)
    assert (
        told["The image, or one that is nearly the same, is in a study that was to be left out."]
        == 3
    )
    known = left_out_study(study)
    assert not known.originals & set(corpus.originals())
    assert not known.pixels & set(corpus.pixel_digests())


def test_what_cannot_be_prepared_is_said_in_a_sentence(tmp_path: Path, store: Path) -> None:
    write(tmp_path / "images/a.png", texture(1))
    for options, said in (
        ({"leave_out_study": ("none",)}, "not a prepared study"),
        ({"frames": 0}, "Nothing was prepared"),
        ({"leave_out": ("poor",)}, "for a corpus it is --leave-out-study"),
    ):
        with pytest.raises(SystemExit, match=said):
            prepare_main(tmp_path / "images", "c", for_pretraining=True, workers=1, **options)
    with pytest.raises(SystemExit, match="name is up to 60"):
        prepare_main(tmp_path / "images", "../out", for_pretraining=True, workers=1)
    with pytest.raises(SystemExit, match="belong to --for-pretraining"):
        prepare_main(tmp_path / "images", "c", also=(tmp_path,))
    assert not store.exists()


def test_the_list_of_public_datasets_says_where_it_was_read() -> None:
    listed = listed_sources()
    assert len(listed) == len({one.name for one in listed}) == 46
    for one in listed:
        assert one.link.startswith("https://")
        assert one.read_in == "https://github.com/Yusufii9/USF-MAE"
        told = one.published != "not stated" or one.licence != "not stated"
        assert told == one.published_read_in.startswith("https://")
    by_name = {one.name: one for one in listed}
    assert by_name["HC"].overlaps == ("HC18",)
    assert "FETAL_PLANES_DB" in by_name["DFHI"].overlaps
    names = [name for one in listed for name in {one.name, *one.aliases}]
    for name in names:
        assert sum(one.known_as(name) for one in listed) == 1, name


def test_public_datasets_are_found_by_their_folders_and_prepared_with_their_names(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "public"
    write(root / "HC18/a.png", texture(1))
    write(root / "aul/b.png", texture(2))
    write(root / "aul/c.png", texture(3))
    write(root / "holiday/d.png", texture(4))
    (root / "aul/empty.png").touch()
    assert [source.name for source, _ in find_listed(root)] == ["AUL", "HC"]
    list_corpora(root, prepare="public", workers=1)
    told = capsys.readouterr().out
    assert "AUL (Liver): 2 files; published: 735 images" in told
    assert "2 of 46 datasets are present" in told
    assert "Left out: 1: The file is empty.\n" in told
    corpus = open_corpus(corpora_folder() / "public")
    assert corpus.sources() == {"AUL": 2, "HC": 1}
    assert corpus.overlaps() == ("HC18",)
    card = json.loads((corpora_folder() / "public/corpus.json").read_text())
    assert {one["name"]: one["overlaps"] for one in card["sources"]} == {"AUL": [], "HC": ["HC18"]}
    with pytest.raises(SystemExit, match="None of the datasets"):
        list_corpora(root / "aul", prepare="none")


def test_overlaps_are_told_though_every_image_looks_like_an_earlier_one(tmp_path: Path) -> None:
    write(tmp_path / "mine/a.png", texture(1))
    write(tmp_path / "hc/b.jpg", texture(1), 1, 85)  # IMWRITE_JPEG_QUALITY
    sources = [CorpusSource(tmp_path / "mine"), CorpusSource(tmp_path / "hc", "HC", ("HC18",))]
    corpus = prepare_corpus(sources, tmp_path / "c", settings=QUICK, workers=1)
    assert corpus.sources() == {"source 1": 1, "HC": 0}
    assert corpus.overlaps() == ("HC18",)


def test_two_folders_of_one_dataset_are_counted_together(tmp_path: Path) -> None:
    write(tmp_path / "one/a.png", texture(1))
    write(tmp_path / "one/b.png", texture(2))
    write(tmp_path / "two/c.png", texture(3))
    sources = [CorpusSource(tmp_path / name, "HC", ("HC18",)) for name in ("one", "two")]
    corpus = prepare_corpus(sources, tmp_path / "c", settings=QUICK, workers=1)
    assert corpus.sources() == {"HC": 3}


@pytest.mark.parametrize("below", ["", "HC18"])
def test_a_public_dataset_that_is_prepared_by_its_folder_tells_its_overlaps(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str], below: str
) -> None:
    root = tmp_path / ("public" if below else "hc_18")
    write(root / below / "a.png", texture(1))
    prepare_main(root, "c", for_pretraining=True, text=False, workers=1)
    assert "Overlaps with test sets: HC18\n" in capsys.readouterr().out
    assert open_corpus(corpora_folder() / "c").sources() == {"source 1" if below else "HC": 1}
