from .background import BackgroundWork, Progress
from .intake import IncomingFile, Intake, IntakeLimits, take_in

__all__ = [
    "BackgroundWork",
    "IncomingFile",
    "Intake",
    "IntakeLimits",
    "Progress",
    "take_in",
]
