"""A corpus that is written is read again, in any order, and says what is wrong with it."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.data.corpus.drawn import random_images, write_corpus
from vmcore.data import pixel_digest
from vmcore.data.corpus import CorpusError, ImageRow, ShardWriter, open_corpus
from vmcore.data.corpus.card import corpus_digest, read_card
from vmcore.data.corpus.shards import shard_path

IMAGES = random_images(23)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "c", IMAGES, 10)
    return tmp_path / "c"


def test_images_come_back_as_they_were_written_and_numpy_reads_them_too(folder: Path) -> None:
    corpus = open_corpus(folder)
    assert len(corpus) == 23
    assert corpus.nbytes == IMAGES.nbytes
    np.testing.assert_array_equal(corpus[np.arange(23)], IMAGES)
    shards = [np.load(shard_path(folder, number)) for number in range(3)]
    assert [len(shard) for shard in shards] == [10, 10, 3]
    np.testing.assert_array_equal(np.concatenate(shards), IMAGES)
    assert corpus.sources() == {"drawn": 23}


@pytest.mark.parametrize(
    "rows", [[22, 0, 9, 10, 11, 9, 9, 1], [], [5], list(range(22, -1, -1)), [3, 4, 5, 19, 20, 21]]
)
def test_rows_come_in_the_order_in_which_they_are_asked_for(folder: Path, rows: list[int]) -> None:
    asked = np.array(rows, np.int64)
    got = open_corpus(folder)[asked]
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, IMAGES[asked])


def test_many_rows_that_follow_one_another_are_read_whole(tmp_path: Path) -> None:
    images = np.repeat(random_images(2), 300, axis=0)
    corpus = write_corpus(tmp_path / "c", images, 580)
    np.testing.assert_array_equal(corpus[np.arange(20, 599)], images[20:599])


@pytest.mark.parametrize("rows", [[23], [-1], [[0]], [0.5], [True]])
def test_what_is_no_row_is_refused(folder: Path, rows: list[object]) -> None:
    with pytest.raises(IndexError):
        open_corpus(folder)[rows]


def test_pixel_digests_are_those_of_the_image_in_three_channels(folder: Path) -> None:
    expected = [pixel_digest(np.stack([image] * 3)) for image in IMAGES]
    assert list(open_corpus(folder).pixel_digests()) == expected


def test_a_corpus_is_read_by_many_threads_and_goes_to_other_processes(folder: Path) -> None:
    corpus = pickle.loads(pickle.dumps(open_corpus(folder)))
    asked = [np.random.default_rng(seed).integers(0, 23, 50) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for rows, got in zip(asked, pool.map(corpus.__getitem__, asked), strict=True):
            np.testing.assert_array_equal(got, IMAGES[rows])


def test_more_shards_than_files_that_may_be_open_are_read(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", IMAGES[:12], 1)
    code = (
        "import resource, sys, numpy as np; from pathlib import Path\n"
        "from vmcore.data.corpus import open_corpus, shards\n"
        "shards._OPEN_FILES = 3\n"
        "corpus = open_corpus(Path(sys.argv[1]))\n"
        "import os; before = len(os.listdir('/proc/self/fd'))\n"
        "corpus[np.arange(12)]\n"
        "print(len(os.listdir('/proc/self/fd')) - before)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "c"], cwd=ROOT, capture_output=True, check=True
    )
    assert told.stdout.strip() == b"3"


def cut(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.truncate(file.stat().st_size - 1)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (cut, "Shard 1 is cut short"),
        (Path.unlink, "Shard 1 is missing"),
        (lambda file: file.write_bytes(b"no array"), "Shard 1 is damaged"),
        (lambda file: np.save(file, IMAGES[:9]), "Shard 1 holds other images"),
        (lambda file: np.save(file, IMAGES[:10].astype(np.uint16)), "Shard 1 holds other images"),
        (lambda file: np.save(file, np.asfortranarray(IMAGES[:10])), "Shard 1 holds other images"),
    ],
)
def test_a_shard_that_is_not_whole_is_named(
    folder: Path, harm: Callable[[Path], None], said: str
) -> None:
    harm(shard_path(folder, 1))
    with pytest.raises(CorpusError, match=f"{said}.*prepare the corpus again"):
        open_corpus(folder)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (Path.unlink, "The rows of shard 1 are not there"),
        (cut, "The rows of shard 1 are not as they were written"),
        (
            lambda file: file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1])),
            "The rows of shard 1 are not as they were written",
        ),
    ],
)
def test_rows_that_are_not_as_they_were_written_are_refused(
    folder: Path, harm: Callable[[Path], None], said: str
) -> None:
    """A row that lacks would give every later image another one's digests."""
    harm(shard_path(folder, 1, "csv"))
    with pytest.raises(CorpusError, match=f"{said}.*prepare the corpus again"):
        list(open_corpus(folder).pixel_digests())


def test_a_shard_that_has_more_images_than_rows_is_refused(folder: Path) -> None:
    file = shard_path(folder, 2)
    np.save(file, np.concatenate([np.load(file), IMAGES[:1]]))
    card = read_card(folder)
    shards = (*card.shards[:2], card.shards[2].model_copy(update={"images": 4}))
    card = card.model_copy(update={"images": 24, "shards": shards, "digest": corpus_digest(shards)})
    (folder / "corpus.json").write_text(card.model_dump_json())
    with pytest.raises(CorpusError, match="Shard 2 has 4 images and 3 rows"):
        list(open_corpus(folder).rows())


def test_a_shard_that_is_cut_while_it_is_read_ends_nothing(folder: Path) -> None:
    corpus = open_corpus(folder)
    corpus[[12]]
    with shard_path(folder, 1).open("r+b") as stream:
        stream.truncate(100_000)
    with pytest.raises(CorpusError, match="Shard 1 was cut short"):
        corpus[[19]]
    np.testing.assert_array_equal(corpus[[22, 0]], IMAGES[[22, 0]])


def changed(card: dict, **values: object) -> str:
    return json.dumps(card | values)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda _: "{", "damaged"),
        (lambda card: changed(card, images="many"), "damaged"),
        (lambda card: changed(card, unknown=1), "damaged"),
        (lambda card: changed(card, images=24), "contradicts itself"),
        (lambda card: changed(card, digest="0" * 64), "contradicts itself"),
        (lambda card: changed(card, version=99), "another version"),
    ],
)
def test_a_damaged_card_is_refused(folder: Path, harm: Callable[[dict], str], said: str) -> None:
    file = folder / "corpus.json"
    file.write_text(harm(json.loads(file.read_text())))
    with pytest.raises(CorpusError, match=said):
        open_corpus(folder)


def test_a_folder_without_a_card_is_unfinished(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no finished corpus"):
        open_corpus(tmp_path)


def test_a_writer_leaves_nothing_of_a_shard_that_is_given_up(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, 0) as writer:
        writer.append(IMAGES[0], ImageRow(0, "", 0, "", ""))
        with pytest.raises(CorpusError, match="uint8"):
            writer.append(IMAGES[0].astype(np.int32), ImageRow(0, "", 0, "", ""))
    assert list(tmp_path.iterdir()) == []


def test_a_corpus_far_larger_than_the_memory_is_read(tmp_path: Path) -> None:
    """A sparse shard of 6 GB, read by a process that may take 256 MB more than it has."""
    corpus = write_corpus(tmp_path / "c", IMAGES, 23)
    images = 6 * 2**30 // 224**2
    with shard_path(corpus.folder, 0).open("r+b") as stream:
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "|u1", "fortran_order": False, "shape": (images, 224, 224)}
        )
        stream.truncate(128 + images * 224**2)
    card = corpus.card.model_copy(
        update={
            "images": images,
            "shards": (corpus.card.shards[0].model_copy(update={"images": images}),),
        }
    )
    card = card.model_copy(update={"digest": corpus_digest(card.shards)})
    (corpus.folder / "corpus.json").write_text(card.model_dump_json())
    code = (
        "import resource, sys, numpy as np; from pathlib import Path\n"
        "from vmcore.data.corpus import open_corpus\n"
        "open_corpus(Path(sys.argv[1]))\n"
        "own = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (own + 2**28, own + 2**28))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "corpus = open_corpus(Path(sys.argv[1]))\n"
        "rng = np.random.default_rng(0)\n"
        "for _ in range(8): corpus[rng.integers(0, len(corpus), 256)]\n"
        "for at in range(0, 20_000, 1000): corpus[np.arange(at, at + 1000)]\n"
        "print(corpus[[0, 22, len(corpus) - 1]].sum(axis=(1, 2)).tolist(),\n"
        "      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, corpus.folder], cwd=ROOT, capture_output=True, check=True
    )
    sums, grown = told.stdout.decode().rsplit(maxsplit=1)
    assert json.loads(sums) == [int(IMAGES[0].sum()), int(IMAGES[22].sum()), 0]
    assert int(grown) < 200_000, "kilobytes"
