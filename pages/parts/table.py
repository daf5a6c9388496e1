"""Tables of facts: as wide as their place, no row numbers, a dash where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st


def show_table(
    rows: pd.DataFrame | Sequence[Mapping[str, Any]],
    column_config: Mapping[str, Any] | None = None,
) -> None:
    """Draw a table that is only read.

    Args:
        rows: a table, or its rows by their columns' names.
        column_config: what Streamlit's does, by column.
    """
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        placeholder="–",
        column_config=column_config,
    )
