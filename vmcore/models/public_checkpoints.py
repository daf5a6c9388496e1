"""USF-MAE's public weights by name."""

from __future__ import annotations

from collections.abc import Mapping

PUBLIC_CHECKPOINTS: Mapping[str, str] = {
    "usf-mae-100": "1ZPu_7KhMEuaq-XdLhVp2EEgMgLJ4dKhr",
    "usf-mae-500": "15n71qHXSBjEjrLtCOzvBb6gTsGhh7NUg",
}
"""Google Drive ids of the public files by pretraining epochs; 100 is the recommended one."""
