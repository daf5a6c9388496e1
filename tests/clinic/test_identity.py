"""What the node is sent is what its sender says, and nothing that must be unpacked to see that."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, generate_uid

from tests.clinic.sending_dicom import associated, receiving, small_image, stored
from vmcore.clinic.network.alike import same_image


def test_what_is_what_its_sender_says_is_kept(tmp_path: Path) -> None:
    with receiving(tmp_path / "inbox") as port:
        link = associated(port)
        assert stored(link, small_image(), tmp_path) == 0
        link.release()
    assert len(list((tmp_path / "inbox").iterdir())) == 1


@pytest.mark.parametrize(
    ("keyword", "status"), [("SOPClassUID", 0xA900), ("SOPInstanceUID", 0xC000)]
)
def test_what_is_another_than_its_sender_says_is_not_kept(
    tmp_path: Path, keyword: str, status: int
) -> None:
    image = small_image()
    told = image.SOPInstanceUID
    setattr(image, keyword, generate_uid())
    with receiving(tmp_path / "inbox") as port:
        link = associated(port)
        assert stored(link, image, tmp_path, told) == status
        link.release()
    assert not list((tmp_path / "inbox").iterdir())


def test_deflated_images_are_not_taken(tmp_path: Path) -> None:
    with receiving(tmp_path / "inbox") as port:
        assert not associated(port, DeflatedExplicitVRLittleEndian).accepted_contexts


def test_a_deflated_file_is_not_unpacked_to_compare_it(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("plain", "deflated")]
    image = small_image()
    image.file_meta = FileMetaDataset()
    for path, syntax in zip(
        paths, (ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian), strict=True
    ):
        image.file_meta.TransferSyntaxUID = syntax
        image.save_as(path, enforce_file_format=True)
    assert not same_image(*paths)
