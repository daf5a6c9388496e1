"""Every path, limit and switch in one object, settable by VMCORE_* environment variables."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from vmcore.imaging import ReadLimits

_ASSETS = Path(__file__).resolve().parent.parent / "assets"


class Settings(BaseSettings):
    """What an installation may change."""

    model_config = SettingsConfigDict(env_prefix="VMCORE_", frozen=True)

    bundle: Path = _ASSETS / "model"
    """The model bundle that the classify page uses."""
    examples: Path = _ASSETS / "examples"
    """Example scans offered on the classify page."""
    device: str | None = None
    """"cuda" or "cpu"; the GPU where there is one without it."""
    largest_file_mb: int = Field(256, ge=1, le=4096)
    """Largest file that is read, in MB."""
    most_frames: int = Field(2000, ge=1)
    """Longest loop that is read, in frames."""
    most_scans: int = Field(24, ge=1)
    """Scans that one session holds at a time."""

    def read_limits(self) -> ReadLimits:
        """Limits for :func:`vmcore.imaging.read_scan`."""
        return ReadLimits(file_bytes=self.largest_file_mb * 2**20, frames=self.most_frames)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The installation's settings, read once."""
    return Settings()
