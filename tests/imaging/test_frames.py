"""Frames are counted, not believed: every one that is there can be chosen, none that is not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate, itemize_fragment
from pydicom.uid import JPEG2000Lossless, RLELossless

from tests.imaging.drawn import compressed, dataset_of, jpeg, picture, reopened, saved
from vmcore.imaging import ReadLimits, ScanError, read_scan

LOOP = np.stack([np.full_like(picture(), 12), picture(), picture()[::-1], picture()[:, ::-1]])


def plain() -> Dataset:
    return dataset_of(LOOP)


def planes() -> Dataset:
    dataset = dataset_of(LOOP)
    dataset.PixelData, dataset.PlanarConfiguration = LOOP.transpose(0, 3, 1, 2).tobytes(), 1
    return dataset


def grey() -> Dataset:
    return dataset_of(LOOP[..., 0], colour="MONOCHROME2")


def run_lengths() -> Dataset:
    dataset = plain()
    dataset.compress(RLELossless)
    return dataset


def jpeg_2000() -> Dataset:
    dataset = plain()
    dataset.compress(JPEG2000Lossless)
    return dataset


def streams() -> list[bytes]:
    return [jpeg(frame) for frame in LOOP]


def jpeg_with_table() -> Dataset:
    return compressed(streams(), has_bot=True)


def jpeg_without_table() -> Dataset:
    return compressed(streams(), has_bot=False)


def jpeg_in_pieces() -> Dataset:
    dataset = compressed(streams())
    dataset.PixelData = encapsulate(streams(), fragments_per_frame=3, has_bot=False)
    return dataset


def jpeg_in_one_fragment() -> Dataset:
    dataset = compressed(streams())
    together = b"".join(stream + b"\0" * (len(stream) % 2) for stream in streams())
    dataset.PixelData = itemize_fragment(b"") + itemize_fragment(together)
    return dataset


WAYS = [
    plain, planes, grey, run_lengths, jpeg_2000, jpeg_with_table, jpeg_without_table,
    jpeg_in_pieces, jpeg_in_one_fragment,
]  # fmt: skip


@pytest.mark.parametrize("count", ["missing", "", "0", "1", "2", "-3", "four"])
@pytest.mark.parametrize("make", WAYS)
def test_every_frame_that_is_there_is_read(make: Callable[[], Dataset], count: str) -> None:
    dataset = make()
    del dataset.NumberOfFrames
    if count != "missing":
        dataset.add_new(0x00280008, "LO", count)  # of a kind that takes any text
    scan = read_scan(saved(dataset))
    assert scan.frames.shape == LOOP.shape
    assert np.abs(scan.frames.astype(int) - LOOP).mean() < 2
    assert any("4 frames" in note for note in scan.notes)


@pytest.mark.parametrize("make", WAYS)
def test_a_loop_that_counts_right_has_no_note(make: Callable[[], Dataset]) -> None:
    scan = read_scan(saved(make()))
    assert np.abs(scan.frames.astype(int) - LOOP).mean() < 2
    assert scan.notes == ()


@pytest.mark.parametrize("make", WAYS)
def test_fewer_frames_than_announced_are_refused(make: Callable[[], Dataset]) -> None:
    dataset = make()
    dataset.NumberOfFrames = 5
    with pytest.raises(ScanError, match="incomplete"):
        read_scan(saved(dataset))


def test_one_frame_in_many_fragments_is_one_frame() -> None:
    dataset = compressed([jpeg(picture())])
    dataset.PixelData = encapsulate([jpeg(picture())], fragments_per_frame=4, has_bot=False)
    scan = read_scan(saved(dataset))
    assert len(scan.frames) == 1
    assert scan.notes == ()


def test_frames_beyond_the_limit_are_refused_though_not_announced() -> None:
    dataset = jpeg_without_table()
    del dataset.NumberOfFrames
    with pytest.raises(ScanError, match="4 frames, more than the limit of 3"):
        read_scan(saved(dataset), limits=ReadLimits(frames=3))


def odd(count: int = 1) -> np.ndarray:
    frame = picture()[:-1, :-1]
    return np.stack([frame] * count) if count > 1 else np.ascontiguousarray(frame)


@pytest.mark.parametrize("count", [1, 3])
def test_an_odd_picture_that_lost_its_last_byte_is_whole(count: int) -> None:
    dataset = dataset_of(odd(count))
    dataset.PixelData = dataset.PixelData[:-1]
    scan = read_scan(saved(dataset))
    assert np.array_equal(scan.frames.reshape(odd(count).shape), odd(count))
    assert any("last byte" in note for note in scan.notes)


def test_an_odd_grey_picture_that_lost_its_last_byte_is_whole() -> None:
    dataset = dataset_of(odd()[..., 0].copy(), colour="MONOCHROME2")
    dataset.PixelData = dataset.PixelData[:-1]
    scan = read_scan(saved(dataset))
    assert np.array_equal(scan.frames[0].reshape(-1)[:-3], odd().reshape(-1)[:-3])
    assert scan.notes


@pytest.mark.parametrize("pixels", [odd(), picture()], ids=["odd", "even"])
@pytest.mark.parametrize("missing", [3, 4, 500])
def test_a_larger_gap_is_refused(pixels: np.ndarray, missing: int) -> None:
    dataset = dataset_of(pixels)
    dataset.PixelData = dataset.PixelData[:-missing]
    with pytest.raises(ScanError, match="incomplete"):
        read_scan(saved(dataset))


def test_a_loop_that_ends_within_a_frame_is_refused_though_it_announces_none() -> None:
    dataset = plain()
    del dataset.NumberOfFrames
    dataset.PixelData = dataset.PixelData[:-1000]
    with pytest.raises(ScanError, match="incomplete"):
        read_scan(saved(dataset))


def test_a_jpeg_that_lost_the_last_byte_of_its_end_mark_is_whole() -> None:
    stream = jpeg(picture())
    assert stream.endswith(b"\xff\xd9")
    scan = read_scan(saved(compressed([stream[:-1]])))
    assert np.array_equal(scan.frames, read_scan(saved(compressed([stream]))).frames)


def test_a_compressed_file_that_lost_its_last_byte_is_whole() -> None:
    data = saved(jpeg_without_table())
    scan = read_scan(data[:-1])
    assert np.array_equal(scan.frames, read_scan(data).frames)


@pytest.mark.parametrize("make", [jpeg_with_table, jpeg_2000])
def test_a_compressed_picture_larger_than_its_header_is_not_decoded(
    make: Callable[[], Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vmcore.imaging.dicom import frames

    monkeypatch.setattr(frames, "get_decoder", lambda _: pytest.fail("it was decoded"))
    dataset = reopened(saved(make()))
    dataset.Rows, dataset.Columns = 80, 100
    with pytest.raises(ScanError, match="not as large"):
        read_scan(saved(dataset))
