"""What stays of an ultrasound image's header, all else being left out (PS3.15 E.1.1, note 5).

The profile's table cannot name attributes that are retired, new or misused, so what it does not name
stays only where it stands here: numbers, terms of closed lists, and the scanner's make.
"""

from __future__ import annotations

import re

NUMBERS = frozenset(
    {
        "SeriesNumber", "InstanceNumber", "AcquisitionNumber",
        "FrameTime", "FrameTimeVector", "FrameDelay", "FrameIncrementPointer", "CineRate",
        "RecommendedDisplayFrameRate", "StartTrim", "StopTrim",
        "PixelSpacing", "PixelAspectRatio",
        "MechanicalIndex", "BoneThermalIndex", "CranialThermalIndex", "SoftTissueThermalIndex",
        "SoftTissueFocusThermalIndex", "SoftTissueSurfaceThermalIndex",
        "DepthOfScanField", "TransducerFrequency", "PulseRepetitionFrequency",
        "UltrasoundColorDataPresent", "LossyImageCompressionRatio",
        # of a region (PS3.3 C.8.5.5)
        "RegionSpatialFormat", "RegionDataType", "RegionFlags",
        "RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1",
        "ReferencePixelX0", "ReferencePixelY0",
        "PhysicalUnitsXDirection", "PhysicalUnitsYDirection",
        "ReferencePixelPhysicalValueX", "ReferencePixelPhysicalValueY",
        "PhysicalDeltaX", "PhysicalDeltaY",
    }
)  # fmt: skip
"""Attributes with numbers alone, of the image and of its regions."""

LONGEST_NUMBER = 999_999
"""A whole number of more digits could be somebody's, whatever it is called."""

_TRANSDUCERS = (
    "SECTOR_(PHASED|MECH|ANNULAR)|LINEAR|CURVED LINEAR|SINGLE CRYSTAL|SPLIT XTAL CWD|"
    "IV_(PHASED|ROT XTAL|ROT MIRROR)|ENDOCAV_(PA|MECH|CLA|AA|LINEAR)|MULTIELEMENT|VECTOR_PHASED"
)
TERMS = {
    keyword: re.compile(pattern)
    for keyword, pattern in {
        "Modality": "US|OT|SC|ES",
        "ConversionType": "DV|DI|DF|WSD|SD|SI|DRW|SYN",
        "BodyPartExamined": "HEAD|BRAIN|SKULL|FETUS|ABDOMEN|PELVIS|UTERUS",
        "Laterality": "[LR]",
        "ImageLaterality": "[LRUB]",
        "PatientOrientation": "[ALPRHF]{1,3}",
        "TransducerType": _TRANSDUCERS,
        "LossyImageCompression": "00|01",
        "LossyImageCompressionMethod": r"ISO_\d{5}(_\d{1,2})?",
    }.items()
}
"""Attributes with terms, and what each of their values must be; any other is left out."""

SEQUENCES = frozenset({"SequenceOfUltrasoundRegions"})
"""Sequences that stay, with the same rules for what is in them."""

MAKE = frozenset({"Manufacturer", "ManufacturerModelName"})
"""The scanner's make and model, which the profile does not name: no single device, and no person."""

DEVICE = frozenset(
    {
        "DeviceSerialNumber", "DeviceUID", "DeviceDescription", "StationName", "GantryID",
        "ManufacturerDeviceClassUID", "ManufacturerDeviceIdentifier", "UniqueDeviceIdentifier",
        "SoftwareVersions", "TransducerData", "DateOfLastCalibration", "TimeOfLastCalibration",
        "PerformedStationName", "UDISequence", "TransducerIdentificationSequence",
    }
)  # fmt: skip
"""Which device it was: what the Retain Device Identity Option keeps of an ultrasound image."""

DATES = frozenset({"StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"})
"""Dates that are moved where the Modified Dates Option is asked for; times of the day go even then."""

APPLICATIONS = re.compile(
    "ABDOMINAL|BREAST|CHEST|ENDOCAVITARY|ENDORECTAL|ENDOVAGINAL|EPICARDIAL|FETAL HEART|GYNECOLOGY|"
    "INTRACARDIAC|INTRAOPERATIVE|INTRAVASCULAR|MUSCULOSKELETAL|NEONATAL HEAD|OBSTETRICAL|OPHTHALMIC|"
    "PEDIATRIC|PELVIC|RETROPERITONEAL|SCROTAL|SMALL PARTS|TEE|THYROID|TRANSCRANIAL|TTE|VASCULAR"
)
"""What an ultrasound image may be of: the third value of its type (PS3.3 C.8.5.6.1.1)."""
