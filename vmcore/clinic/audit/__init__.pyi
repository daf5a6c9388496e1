from .entry import (
    ACTIONS,
    Action,
    Entry,
    Event,
    answered,
    asked_archive,
    assessed,
    exported,
    fetched,
    kept,
    not_recorded,
    taken_out,
)
from .figures import device_figure, drift_figure, outcome_figure
from .monitoring import outcomes_by_device, outcomes_by_week, weekly_drift
from .pending import PendingEvents
from .table import audit_csv, audit_table
from .trail import AUDIT_FILE, AuditError, AuditTrail

__all__ = [
    "ACTIONS",
    "AUDIT_FILE",
    "Action",
    "AuditError",
    "AuditTrail",
    "Entry",
    "Event",
    "PendingEvents",
    "answered",
    "asked_archive",
    "assessed",
    "audit_csv",
    "audit_table",
    "device_figure",
    "drift_figure",
    "exported",
    "fetched",
    "kept",
    "not_recorded",
    "outcome_figure",
    "outcomes_by_device",
    "outcomes_by_week",
    "taken_out",
    "weekly_drift",
]
