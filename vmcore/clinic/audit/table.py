"""The audit trail as a table, on the page and as CSV."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd

from vmcore import RESEARCH_USE_ONLY
from vmcore.clinic.audit.entry import FIELDS, OF_ARCHIVES, Entry
from vmcore.reporting.spreadsheet import as_csv

COLUMNS = ("sequence", "at", *(name for name in FIELDS if name != "at"), "previous", "hash")


def audit_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row an entry, the newest last.

    Returns:
        columns sequence, at (UTC), person, action, pixels, bundle, anatomy, threshold, label,
        probability, width_mm, withheld, in_domain, device, decision, details (JSON), previous and hash. Entries
        about no picture (:data:`vmcore.clinic.audit.entry.OF_ARCHIVES`) have no numbers.
    """
    rows = [
        {name: getattr(entry.event, name) for name in FIELDS}
        | {
            "sequence": entry.sequence,
            "details": json.dumps(dict(entry.event.details), sort_keys=True),
            "previous": entry.previous,
            "hash": entry.hash,
        }
        for entry in entries
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    of_picture = ~table["action"].isin(OF_ARCHIVES)
    return table.assign(
        threshold=table["threshold"].astype(float).where(of_picture),
        probability=table["probability"].astype(float).where(of_picture),
        at=pd.to_datetime(table["at"], utc=True),
        width_mm=table["width_mm"].astype(float),
        in_domain=table["in_domain"].astype("boolean"),
        withheld=table["withheld"].astype("boolean").where(of_picture),
    )


def audit_csv(table: pd.DataFrame) -> str:
    """A table of :func:`audit_table`, or some of its rows, as CSV that no spreadsheet runs."""
    times = table["at"].map(lambda at: at.isoformat())
    return as_csv(table.assign(at=times, notice=RESEARCH_USE_ONLY))
