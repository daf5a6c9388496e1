"""DICOM files with a value that is known again in every attribute that PS3.15's table names."""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Iterator

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from pydicom import DataElement, Dataset, dcmwrite
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UltrasoundImageStorage

from tests.imaging.drawn import dataset_of, picture

TEXTS = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "UR"}
NAMES = {  # character set, and a name that it is needed for
    "ISO_IR 192": "Łęcka^Żółć",
    "ISO_IR 100": "Müllérçhen^Zoë",
    "ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "ISO_IR 144": "Люкceмбypг^Иван",
}


def table_tags() -> list[BaseTag]:
    """Every single attribute of the table that a data set may hold."""
    tags = (Tag(tag[0], tag[1]) for tag in table.ALL_TAGS if len(tag) == 2)
    return [tag for tag in tags if tag.group >= 0x0008 and tag.group != 0xFFFA]


class Marks:
    """Values of which none is like another, and the bytes that each is written as."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self._numbers = itertools.count(10001)

    def element(self, tag: BaseTag, depth: int = 0) -> DataElement | None:
        """An attribute with a value of its own; a sequence holds a name, a UID, a day and another one."""
        vr = dictionary_VR(tag).split(" or ")[0] if keyword_for_tag(tag) else "LO"
        number = next(self._numbers)
        if vr == "SQ":
            return DataElement(tag, "SQ", [self.item(depth + 1)])
        if vr in {"US", "SS"}:
            return DataElement(tag, vr, number % 30000)  # two bytes stand anywhere by chance
        value, mark = _value(vr, number)
        self.written.append(mark)
        return DataElement(tag, vr, value)

    def item(self, depth: int = 0) -> Dataset:
        """What a sequence's item may name people by."""
        item = Dataset()
        for keyword in ("PatientName", "PatientBirthDate", "ReferencedSOPInstanceUID", "TextValue"):
            item.add(self.element(Tag(keyword), depth))
        block = item.private_block(0x0011, self.text("CREATOR"), create=True)
        block.add_new(0x01, "LO", self.text("PRIVATE"))
        if depth < 3:
            item.add(self.element(Tag("PersonIdentificationCodeSequence"), depth))
        return item

    def text(self, word: str) -> str:
        """A word that stands nowhere else."""
        made = f"{word[:4]}Q{next(self._numbers)}Z"
        self.written.append(made.encode())
        return made


def _value(vr: str, number: int) -> tuple[object, bytes]:
    """A value of this representation, and its bytes in a file."""
    day = f"1{number % 1000:03d}0717"
    words = {
        "UI": f"1.3.987.{number}.4",
        "DA": day,
        "TM": f"1{number % 10}3147.{number}",
        "DT": f"{day}134759.{number}",
        "AS": f"{number % 1000:03d}D",
        "IS": f"77{number}77",
        "DS": f"77{number}77",
    } | dict.fromkeys(TEXTS, f"QX{number}ZK")
    if vr in words:
        return words[vr], words[vr].encode()
    fraction, whole = number * 1.0009765625, 0x51000000 + number
    numbers = {
        "FD": (fraction, struct.pack("<d", fraction)),
        "FL": (fraction, struct.pack("<f", fraction)),
        "UL": (whole, struct.pack("<L", whole)),
        "SL": (whole, struct.pack("<l", whole)),
        "SV": (whole << 32, struct.pack("<q", whole << 32)),
    }
    return numbers.get(vr, (f"QB{number}ZK".encode(),) * 2)


def marked_file(character_set: str = "ISO_IR 192") -> tuple[bytes, list[bytes]]:
    """A file with all of them, also in sequences, private groups, curves, overlays and meta information.

    Returns:
        the file, and what must not stand in one made of it.
    """
    marks = Marks()
    dataset = dataset_of(picture()[..., 0], colour="MONOCHROME2")
    for tag in table_tags():
        if tag not in dataset or tag == 0x00080018:
            dataset.add(marks.element(tag))
    _add_region(dataset, marks)
    _add_retired_and_odd(dataset, marks)
    dataset.SpecificCharacterSet = (
        ["", character_set] if character_set.startswith("ISO 2022") else character_set
    )
    name = NAMES[character_set]
    dataset.PatientName = dataset.PatientComments = name
    marks.written += [part.encode(code) for part in name.replace("=", "^").split("^")
                      for code in _encodings(part)]  # fmt: skip
    meta = dataset.file_meta
    meta.MediaStorageSOPClassUID = UltrasoundImageStorage
    meta.MediaStorageSOPInstanceUID = "1.3.987.1.1.77"
    meta.SourceApplicationEntityTitle = marks.text("SRCE")
    meta.SendingApplicationEntityTitle = marks.text("SEND")
    meta.PrivateInformationCreatorUID = "1.3.987.1.1.78"
    meta.PrivateInformation = marks.text("INFO").encode()
    dataset.preamble = marks.text("PREA").encode().ljust(128, b"-")
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue(), [*marks.written, b"1.3.987"]


def _encodings(part: str) -> Iterator[str]:
    for code in ("utf-8", "latin-1", "iso2022_jp", "iso8859-5", "utf-16-le", "utf-16-be"):
        try:
            part.encode(code)
        except UnicodeEncodeError:
            continue
        yield code


def _add_region(dataset: Dataset, marks: Marks) -> None:
    """A region, which stays, with names among its numbers."""
    region = marks.item()
    region.RegionSpatialFormat = region.RegionDataType = 1
    region.RegionFlags = 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 16
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 199, 159
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX = region.PhysicalDeltaY = 0.05
    dataset.SequenceOfUltrasoundRegions = [region]


def _add_retired_and_odd(dataset: Dataset, marks: Marks) -> None:
    """What no table names: private groups, curves, overlays, retired, unknown and misused attributes."""
    block = dataset.private_block(0x0009, marks.text("MAKE"), create=True)
    block.add_new(0x01, "LO", marks.text("PRIV"))
    block.add_new(0x02, "SQ", [marks.item()])
    block.add_new(0x03, "UN", marks.text("UNKN").encode())
    for group in (0x5000, 0x501E):
        dataset.add_new((group, 0x0022), "LO", marks.text("CURV"))
        dataset.add_new((group, 0x3000), "OB", marks.text("CURD").encode())
    for group in (0x6000, 0x601E):
        dataset.add_new((group, 0x0022), "LO", marks.text("OVER"))
        dataset.add_new((group, 0x3000), "OB", marks.text("OVED").encode())
        dataset.add_new((group, 0x4000), "LT", marks.text("OVEC"))
    dataset.add_new((0x0008, 0x4000), "LT", marks.text("RETIRED"))  # Identifying Comments
    dataset.add_new((0x0011 - 1, 0x9999), "LO", marks.text("NONE"))  # not in the dictionary
    dataset.add_new((0x0018, 0x1063), "LO", marks.text("MISU"))  # Frame Time is a number
    dataset.add_new((0x0020, 0x0060), "CS", marks.text("LATE"))  # Laterality is R or L
    dataset.add_new((0x0020, 0x0011), "IS", "123456789")  # too long for a series' number
    marks.written.append(b"123456789")
