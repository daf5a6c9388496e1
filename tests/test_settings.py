"""Settings come from the environment and refuse what makes no sense."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.conftest import ROOT
from vmcore.settings import Settings


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VMCORE_BUNDLE", str(tmp_path))
    monkeypatch.setenv("VMCORE_LARGEST_FILE_MB", "3")
    monkeypatch.setenv("VMCORE_MOST_FRAMES", "7")
    limits = Settings().read_limits()
    assert Settings().bundle == tmp_path
    assert (limits.file_bytes, limits.frames) == (3 * 1024 * 1024, 7)


def test_what_is_bundled_is_there() -> None:
    assert (Settings().bundle / "bundle.json").is_file()
    assert list(Settings().examples.glob("*.dcm"))


def test_a_limit_out_of_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VMCORE_LARGEST_FILE_MB", "0")
    with pytest.raises(ValidationError, match="largest_file_mb"):
        Settings()


def test_no_library_tells_its_maker_of_its_use() -> None:
    code = (
        "import vmcore.runs.record, mlflow.telemetry.utils as t, streamlit.config as c;"
        "import openvino.tools.ovc.telemetry_utils as o;"
        "assert o.tm.__name__.endswith('telemetry_stub');"
        "t._IS_IN_CI_ENV_OR_TESTING = t._IS_MLFLOW_DEV_VERSION = False;"
        "assert t.is_telemetry_disabled();"
        "assert not c.get_option('browser.gatherUsageStats')"
    )
    outside = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=outside)


def test_reading_text_in_a_picture_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    """The library that reads keeps the machine's number and its use in a database, if it may."""
    code = (
        "from vmcore.data.phantom import OverlaySettings, make_phantom;"
        "from vmcore.imaging.text import find_text;"
        "image = make_phantom(9.0, 5, shape=(240, 320), overlays=OverlaySettings()).image;"
        "assert len(find_text(image))"
    )
    own = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(tmp_path))
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=ROOT, env=own | {"PATH": os.environ["PATH"]}
    )
    assert list(tmp_path.rglob("*")) == []
