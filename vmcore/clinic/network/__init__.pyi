from .answers import ANSWERS_FILE, Answer, Answers, Judged
from .arriving import InboxFullError, TooLargeError
from .inbox import Inbox, Kept
from .node import serve
from .outbox import Outbox, Parcel
from .running import judging_runs, node_runs
from .sending import State
from .worklist import Received, most_to_learn, worklist

__all__ = [
    "ANSWERS_FILE",
    "Answer",
    "Answers",
    "Inbox",
    "InboxFullError",
    "Judged",
    "Kept",
    "Outbox",
    "Parcel",
    "Received",
    "State",
    "TooLargeError",
    "judging_runs",
    "most_to_learn",
    "node_runs",
    "serve",
    "worklist",
]
