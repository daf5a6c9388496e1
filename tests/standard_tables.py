"""DICOM objects held to the standard's own tables, by dicom-validator.

dicom-validator reads the tables from the standard's DocBook files. highdicom carries the same tables
(PS3.3: modules of an IOD, attributes of a module) in a shape of its own; here they are turned into
what dicom-validator judges by, so that nothing is to be fetched. highdicom's tables have no
conditions, so a conditional attribute or module (1C, 2C, C) may be there or not; what is there has to be
right. Two things that its tables lost are put back: content items lie in content items, to any depth
(PS3.3 C.17.3.2.4), and the value type of an item says which attributes it has (C.17.3.2, table C.17.3-7).
"""

from __future__ import annotations

from functools import cache
from typing import Any

from dicom_validator.spec_reader.condition import ConditionOperator, ConditionType
from dicom_validator.validator.dicom_info import DicomInfo
from dicom_validator.validator.error_handler import NullValidationResultHandler
from dicom_validator.validator.iod_validator import IODValidator
from dicom_validator.validator.validation_result import DicomTag, Status
from highdicom._standard_utils import (
    get_iod_module_map,
    get_module_attribute_map,
    get_sop_class_iod_map,
)
from pydicom import Dataset
from pydicom.datadict import keyword_for_tag, tag_for_keyword

CONTENT = "sr-document-content"
OF_VALUE_TYPES = {
    "TextValue": ("TEXT",),
    "DateTime": ("DATETIME",),
    "Date": ("DATE",),
    "Time": ("TIME",),
    "PersonName": ("PNAME",),
    "UID": ("UIDREF",),
    "ConceptCodeSequence": ("CODE",),
    "MeasuredValueSequence": ("NUM",),
    "ContinuityOfContent": ("CONTAINER",),
    "GraphicData": ("SCOORD", "SCOORD3D"),
    "GraphicType": ("SCOORD", "SCOORD3D"),
    "ReferencedFrameOfReferenceUID": ("SCOORD3D",),
    "ReferencedSOPSequence": ("IMAGE", "COMPOSITE", "WAVEFORM"),
    "TemporalRangeType": ("TCOORD",),
    "TabulatedValuesSequence": ("TABLE",),
}
"""Attributes that an item has if, and only if, it is of one of these value types: PS3.3 C.17.3.2.1 and the
macros that table C.17.3-7 includes (C.18)."""

Attributes = dict[str, dict[str, Any]]


def faults(dataset: Dataset) -> set[str]:
    """What the standard's tables have against an object; empty where it holds to them.

    Each is one line, ``module: Sequence / Attribute: Kind``, without any value of the object. Not
    seen: an attribute of several values (ImageType) that is there and empty.

    Raises:
        ValueError: the tables know no such SOP class, or the object names none.
    """
    result = IODValidator(
        dataset, standard(), error_handler=NullValidationResultHandler()
    ).validate()
    if result.status not in {Status.Passed, Status.Failed}:
        raise ValueError(f"The object could not be held to the tables: {result.status.name}.")
    return {
        f"{module}: {_path(tag)}: {error.code.name}"
        for module, errors in result.module_errors.items()
        for tag, error in errors.items()
    }


@cache
def standard() -> DicomInfo:
    """The standard's tables, as dicom-validator reads them."""
    modules = {name: _module(rows) for name, rows in get_module_attribute_map().items()}
    _complete_content(modules[CONTENT])
    iods = {
        uid: {
            "title": name,
            "modules": {
                entry["key"]: {"ref": entry["key"], "use": entry["usage"]}
                for entry in get_iod_module_map()[name]
            },
            "group_macros": {},
        }
        for uid, name in get_sop_class_iod_map().items()
    }
    return DicomInfo(dictionary={}, iods=iods, modules=modules)


def _module(rows: list[dict[str, Any]]) -> Attributes:
    """A module as nested attributes, each with its type and a sequence's with its items.

    Repeating groups (overlays, curves) have no tag of their own and are left out, so that an object
    that holds one is found as one that must not.
    """
    module: Attributes = {}
    for row in sorted(rows, key=lambda row: len(row["path"])):
        place = module
        for keyword in row["path"]:
            place = place[_tag(keyword)].setdefault("items", {})
        if tag_for_keyword(row["keyword"]) is not None:
            place[_tag(row["keyword"])] = {"name": row["keyword"], "type": row["type"]}
    return module


def _complete_content(module: Attributes) -> None:
    """Give items of an SR document items of their own, and each what its value type asks for."""
    items = module[_tag("ContentSequence")]["items"]
    for tag, attribute in module.items():
        items.setdefault(tag, attribute)
    for level in (module, items):
        for keyword, value_types in OF_VALUE_TYPES.items():
            attribute = level[_tag(keyword)]
            level[_tag(keyword)] = attribute | {
                "type": attribute["type"].rstrip("C") + "C",
                "cond": {
                    "type": ConditionType.MandatoryOrNotAllowed,
                    "op": ConditionOperator.EqualsValue,
                    "tag": _tag("ValueType"),
                    "index": 0,
                    "values": list(value_types),
                },
            }


def _tag(keyword: str) -> str:
    """A tag as dicom-validator writes it: ``(0008,0016)``."""
    number = tag_for_keyword(keyword) or 0
    return f"({number >> 16:04X},{number & 0xFFFF:04X})"


def _path(tag: DicomTag) -> str:
    return " / ".join(
        keyword_for_tag(one) or f"({one >> 16:04X},{one & 0xFFFF:04X})"
        for one in (*(tag.parents or ()), tag.tag)
    )
