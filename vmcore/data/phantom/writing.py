"""Write a phantom as PNG or as a valid ultrasound DICOM file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    generate_uid,
)

from vmcore.data.phantom.make import Phantom

MADE_UP_NAME = "PHANTOM^ERIKA^MADE-UP"
MADE_UP_NUMBER = "PH-0012345"


def write_png(path: Path, phantom: Phantom) -> Path:
    """Write the image with its overlays as PNG."""
    if not cv2.imwrite(str(path), cv2.cvtColor(phantom.image, cv2.COLOR_RGB2BGR)):
        raise OSError(f"{path} cannot be written.")
    return path


def write_dicom(path: Path, *phantoms: Phantom) -> Path:
    """Write one or more equally large phantoms as the frames of an ultrasound DICOM file.

    The file carries a made-up name and number (so that a leak of them can be seen), the B-mode
    region and its spacing (SequenceOfUltrasoundRegions, DICOM PS3.3 C.8.5.5).

    Raises:
        ValueError: no phantom, or of different shapes.
    """
    if not phantoms or len({phantom.image.shape for phantom in phantoms}) != 1:
        raise ValueError("A DICOM file needs one or more phantoms of the same shape.")
    first, many = phantoms[0], len(phantoms) > 1
    dataset = Dataset()
    dataset.SOPClassUID = UltrasoundMultiFrameImageStorage if many else UltrasoundImageStorage
    dataset.SOPInstanceUID, dataset.StudyInstanceUID = generate_uid(), generate_uid()
    dataset.SeriesInstanceUID = generate_uid()
    dataset.Modality, dataset.Manufacturer = "US", "VentriScope"
    dataset.ManufacturerModelName = "Phantom"
    dataset.PatientName, dataset.PatientID = MADE_UP_NAME, MADE_UP_NUMBER
    dataset.PatientBirthDate, dataset.PatientSex = "19950101", "F"
    dataset.StudyDate, dataset.StudyTime = "20250101", "120000"
    dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "1", "A1", ""
    dataset.SeriesNumber, dataset.InstanceNumber = 1, 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "", "0001"]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 3, "RGB"
    dataset.PlanarConfiguration, dataset.PixelRepresentation = 0, 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.Rows, dataset.Columns = first.image.shape[:2]
    if many:
        dataset.NumberOfFrames, dataset.FrameTime = len(phantoms), "40"
        dataset.FrameIncrementPointer = 0x00181063
    dataset.SequenceOfUltrasoundRegions = Sequence([_region(first)])
    dataset.PixelData = np.stack([phantom.image for phantom in phantoms]).tobytes()
    dataset["PixelData"].VR = "OB"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    return path


def _region(phantom: Phantom) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat, item.RegionDataType, item.RegionFlags = 1, 1, 0
    row, column, height, width = phantom.region
    item.RegionLocationMinX0, item.RegionLocationMinY0 = column, row
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = column + width - 1, row + height - 1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3
    item.PhysicalDeltaY, item.PhysicalDeltaX = (value / 10 for value in phantom.spacing_mm)
    return item
