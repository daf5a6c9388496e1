from .audit import AUDIT_FILE, AuditError, AuditTrail
from .audit_entry import ACTIONS, Action, Entry, Event, answered, assessed, exported
from .audit_table import audit_csv, audit_table
from .background import BackgroundWork, Progress
from .deidentification import (
    CollectionError,
    CollectionFile,
    CollectionReport,
    DeidentifiedScan,
    DeidentifyOptions,
    Pseudonyms,
    collection_pseudonyms,
    deidentify,
    export_collection,
)
from .intake import IncomingFile, Intake, IntakeLimits, take_in
from .monitoring import outcomes_by_device, outcomes_by_week, weekly_drift
from .monitoring_figures import device_figure, drift_figure, outcome_figure

__all__ = [
    "ACTIONS",
    "AUDIT_FILE",
    "Action",
    "AuditError",
    "AuditTrail",
    "BackgroundWork",
    "CollectionError",
    "CollectionFile",
    "CollectionReport",
    "DeidentifiedScan",
    "DeidentifyOptions",
    "Entry",
    "Event",
    "IncomingFile",
    "Intake",
    "IntakeLimits",
    "Progress",
    "Pseudonyms",
    "answered",
    "assessed",
    "audit_csv",
    "audit_table",
    "collection_pseudonyms",
    "deidentify",
    "device_figure",
    "drift_figure",
    "export_collection",
    "exported",
    "outcome_figure",
    "outcomes_by_device",
    "outcomes_by_week",
    "take_in",
    "weekly_drift",
]
