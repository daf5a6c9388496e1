"""vmcore: read, clean, classify and study fetal-brain ultrasound for ventriculomegaly.

The library under the VentriScope app. It never imports streamlit and works from a notebook.
Research use only; not a medical device.
"""

__version__ = "0.1.0"

RESEARCH_USE_ONLY = "Research use only. Not a medical device; not for diagnosis or treatment."
