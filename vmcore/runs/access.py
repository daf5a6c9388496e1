"""Who acts, and what that person may do; asked wherever runs, studies or models are changed."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from vmcore.runs.errors import RunError

Role = Literal["classify", "review", "train", "release"]
ROLES: tuple[Role, ...] = get_args(Role)
_MAY = {
    "classify": "classify scans",
    "review": "look at results",
    "train": "change studies and runs",
    "release": "change the model in use or its threshold",
}


class NotAllowedError(RunError):
    """Somebody asks for what is not theirs to do."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts.

    Attributes:
        name: stands with what is kept of changes.
        roles: classify, review (results), train (studies and runs), release (the model in use).
        signed_in: whether a login vouches for the name.
    """

    name: str
    roles: frozenset[Role]
    signed_in: bool = False


def local_user() -> Person:
    """The user of the operating system, who may do everything that the system allows."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no entry
        name = "unknown"
    return Person(name, frozenset(ROLES))


_asked: list[Callable[[], Person]] = [local_user]


def identify_by(who: Callable[[], Person]) -> None:
    """Let ``who`` say who acts, from now on in this process; a server asks its login."""
    _asked[:] = [who]


def acting() -> Person:
    """Who acts just now: the operating system's user where nothing else was said."""
    return _asked[0]()


def require(role: Role, *others: Role) -> Person:
    """Who acts, if that person has a role, or one of others that serve as well.

    Raises:
        NotAllowedError: the person has none of them.
    """
    person = acting()
    if not person.roles & {role, *others}:
        raise NotAllowedError(
            f"You may not {_MAY[role]} here: that needs the role {role}. Ask who runs this "
            "installation."
        )
    return person


def named(person: Person, said: str | None) -> str:
    """The name that stands with a change: who signed in, or what the local user says to be called."""
    return person.name if person.signed_in else (said or "").strip() or person.name
