"""What MLflow's answers mean: that there is nothing of a name, or that nobody has answered.

The two must never be mixed up: "nothing was promoted" is an answer, a server that is gone is none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import TypeVar

from mlflow.exceptions import MlflowException

from vmcore.runs.errors import RunError, StoreSilentError

PATIENCE_S = 4.0
"""Seconds that a page waits; MLflow itself would try again for minutes."""

T = TypeVar("T")
_late: dict[str, list[threading.Thread]] = {}


def is_missing(error: MlflowException) -> bool:
    """Whether the store has answered that there is nothing of that name.

    A missing run or registered model is RESOURCE_DOES_NOT_EXIST, a missing alias is
    INVALID_PARAMETER_VALUE with a sentence. What the HTTP client makes of a foreign answer, such as a
    proxy's 404, bears the same code, but says of itself that a request failed.
    """
    said = str(error.message)
    if said.startswith("API request"):
        return False
    if error.error_code == "RESOURCE_DOES_NOT_EXIST":
        return True
    alias = "alias" in said.lower() and "not found" in said.lower()
    return error.error_code == "INVALID_PARAMETER_VALUE" and alias


@contextmanager
def understood() -> Iterator[None]:
    """Let MLflow's answer "there is none" pass; everything else that fails is silence.

    Raises:
        MlflowException: there is nothing of that name.
        StoreSilentError: anything else.
    """
    try:
        yield
    except MlflowException as error:
        if is_missing(error):
            raise
        raise StoreSilentError(f"The run store does not answer ({error.error_code}).") from error
    except RunError:
        raise
    except Exception as error:  # the database's driver and the HTTP client raise their own kinds
        raise StoreSilentError(
            f"The run store does not answer ({type(error).__name__})."
        ) from error


def within(seconds: float, store: str, call: Callable[[], T]) -> T:
    """What ``call`` returns, if it does so in time; it is not ended, but nobody waits for it.

    As long as a call is late, nobody waits for another one to the same store either.

    Raises:
        StoreSilentError: it is late.
    """
    late = [thread for thread in _late.get(store, []) if thread.is_alive()]
    _late[store] = late
    if late:
        raise StoreSilentError("The run store has not answered for a while.")
    answers: SimpleQueue[tuple[bool, object]] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put((True, call()))
        except BaseException as error:
            answers.put((False, error))

    thread = threading.Thread(target=ask, name="run-store", daemon=True)
    thread.start()
    try:
        went_well, answer = answers.get(timeout=seconds)
    except Empty as error:
        late.append(thread)
        raise StoreSilentError(
            f"The run store has not answered for {seconds:g} seconds."
        ) from error
    if not went_well:
        assert isinstance(answer, BaseException)
        raise answer
    return answer  # type: ignore[return-value]
