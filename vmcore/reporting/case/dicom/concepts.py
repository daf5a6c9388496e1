"""Codes of the report, with the meanings that PS3.16 gives them.

PS3.16 has no code for ventriculomegaly. SNOMED CT's is the one by which the German maternity record tells
of conspicuous ventricles: 144181000119106, "Fetal ultrasound ventriculomegaly (finding)", in the value set
https://fhir.kbv.de/ValueSet/KBV_VS_MIO_MR_Morphology (KBV, MIO Mutterpass 1.1.0).
"""

from __future__ import annotations

from typing import Literal

from highdicom.sr import CodedConcept
from pydicom.sr.codedict import codes

VENTRICLE_WIDTH = CodedConcept("12171-5", "LN", "Lateral Ventricle width")  # CID 12007
LATERAL_VENTRICLE = CodedConcept("66720007", "SCT", "Lateral Ventricle")  # CID 12022
LENGTH = CodedConcept("410668003", "SCT", "Length")  # where there are no millimetres
VENTRICULOMEGALY = CodedConcept("144181000119106", "SCT", "Fetal ultrasound ventriculomegaly")
OBSTETRIC_SCAN = CodedConcept("268445003", "SCT", "Obstetric US scan")  # CID 12024
MILLIMETRE = CodedConcept("mm", "UCUM", "mm")
PIXELS = CodedConcept("{pixels}", "UCUM", "pixels")
COMMENT = CodedConcept("121106", "DCM", "Comment")
UPPER_UNCERTAINTY = CodedConcept(
    "371886008", "SCT", "+, range of upper measurement uncertainty"
)  # CID 225
LOWER_UNCERTAINTY = CodedConcept("371885007", "SCT", "-, range of lower measurement uncertainty")
USER_CHOSEN = CodedConcept("121410", "DCM", "User chosen value")  # CID 224
PERSON, DEVICE = codes.DCM.Person, codes.DCM.Device
FETUS = codes.DCM.Fetus
PRESENCE = {
    # CID 240 "Present-Absent-Undetermined" by what was said
    "ventriculomegaly": CodedConcept("52101004", "SCT", "Present"),
    "normal": CodedConcept("272519000", "SCT", "Absent"),
    "withheld": CodedConcept("373068000", "SCT", "Undetermined"),
}
Said = Literal["ventriculomegaly", "normal", "withheld"]
