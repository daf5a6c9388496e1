from .inbox import Inbox, InboxFullError
from .node import serve
from .outbox import Outbox, Parcel

__all__ = [
    "Inbox",
    "InboxFullError",
    "Outbox",
    "Parcel",
    "serve",
]
