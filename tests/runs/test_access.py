"""What a person may not do is refused where it is done, whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vmcore.data import StoredStudy
from vmcore.runs import (
    BUNDLED,
    NotAllowedError,
    Person,
    Plan,
    acting,
    cancel_run,
    continue_preparing,
    delete_run,
    delete_study,
    estimate_seconds,
    identify_by,
    keep_decision,
    local_user,
    promote,
    promotions,
    reject_images,
    resume_run,
    roll_back,
    start_preparing,
    start_run,
    stop_preparing,
)
from vmcore.runs.access import ROLES, Role


@pytest.fixture
def as_person(store: Path) -> Iterator[Callable[..., None]]:
    def become(*roles: Role, name: str = "anna@clinic.example") -> None:
        identify_by(lambda: Person(name, frozenset(roles), signed_in=True))

    yield become
    identify_by(local_user)


def test_without_a_login_the_systems_user_may_everything() -> None:
    assert acting() == local_user()
    assert acting().roles == set(ROLES)
    assert not acting().signed_in


def test_only_those_who_train_change_studies_and_runs(
    as_person: Callable[..., None], phantom_study: StoredStudy, store: Path
) -> None:
    as_person("classify", "review", "release")
    study = phantom_study.folder
    for act in (
        lambda: start_run(Plan(name="a", study=study, architecture="usf-mae-tiny")),
        lambda: resume_run("abc"),
        lambda: cancel_run("abc"),
        lambda: delete_run("abc"),
        lambda: start_preparing(study, "b"),
        lambda: continue_preparing(study),
        lambda: stop_preparing(study),
        lambda: reject_images(study, {"a.png"}),
        lambda: delete_study(study),
        lambda: estimate_seconds(Plan(name="a", study=study, architecture="usf-mae-tiny")),
    ):
        with pytest.raises(NotAllowedError, match="role train"):
            act()
    assert not store.exists()
    assert not (study / "rejected.csv").exists()


def test_only_those_who_release_change_the_model_in_use(as_person: Callable[..., None]) -> None:
    as_person("classify", "review", "train")
    for act in (
        lambda: promote(BUNDLED, why="better"),
        lambda: roll_back(why="worse"),
        lambda: keep_decision("abc", "youden", "none", why="better"),  # type: ignore[arg-type]
    ):
        with pytest.raises(NotAllowedError, match="role release"):
            act()


def test_a_change_stands_with_the_name_that_the_login_vouches_for(
    as_person: Callable[..., None],
) -> None:
    as_person("release")
    made = promote(BUNDLED, why="a try", who="Somebody Else")
    assert made.who == "anna@clinic.example"
    identify_by(local_user)
    assert promote(BUNDLED, why="a try", who="Maja").who == "Maja"
    assert promote(BUNDLED, why="a try").who == local_user().name
    assert [change.who for change in promotions()][-1] == "anna@clinic.example"
