"""vmcore: read, clean, classify and study fetal-brain ultrasound for ventriculomegaly.

The library under the VentriScope app. It never imports streamlit and works from a notebook.
Research use only; not a medical device.
"""

import os
import sys

__version__ = "0.1.0"

# libraries that tell their makers how they are used unless they are told not to
for _switch in (
    "MLFLOW_DISABLE_TELEMETRY",
    "HF_HUB_DISABLE_TELEMETRY",
    "ORT_DISABLE_TELEMETRY",  # ONNX Runtime's, which also keeps the machine's number on the disk
    "DO_NOT_TRACK",
):
    os.environ.setdefault(_switch, "true")
# OpenVINO's converter has no such switch: without the package that would tell, it does not
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

RESEARCH_USE_ONLY = "Research use only. Not a medical device; not for diagnosis or treatment."
