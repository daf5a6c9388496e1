from .audit import AUDIT_FILE, AuditError, AuditTrail
from .audit_entry import ACTIONS, Action, Entry, Event, answered, assessed, exported
from .audit_table import audit_csv, audit_table
from .monitoring import outcomes_by_device, outcomes_by_week, weekly_drift
from .monitoring_figures import device_figure, drift_figure, outcome_figure

__all__ = [
    "ACTIONS",
    "AUDIT_FILE",
    "Action",
    "AuditError",
    "AuditTrail",
    "Entry",
    "Event",
    "answered",
    "assessed",
    "audit_csv",
    "audit_table",
    "device_figure",
    "drift_figure",
    "exported",
    "outcome_figure",
    "outcomes_by_device",
    "outcomes_by_week",
    "weekly_drift",
]
