"""Settings come from the environment and refuse what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

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
