"""The model in use: what the registry says, and what stands where it says nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from tests.conftest import ROOT
from tests.runs.support import finished_run, small_plan
from tests.runs.tracking_server import NEEDS, TrackingServer, has_server, tracking_server
from vmcore.data import StoredStudy
from vmcore.models import load_card
from vmcore.runs import (
    BUNDLED,
    RunError,
    RunFolder,
    all_runs,
    bundle_in_use,
    open_reviewed,
    open_store,
    promote,
    promotions,
    roll_back,
)
from vmcore.runs.answers import is_missing
from vmcore.runs.model_in_use import _silences
from vmcore.settings import settings

_MLFLOW_TRIES_S = 20  # how long MLflow waits for a locked database; over HTTP it takes minutes
needs_server = pytest.mark.skipif(not has_server(), reason=NEEDS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with tracking_server(tmp_path_factory.mktemp("registry-server")) as started:
        yield started


@pytest.fixture(scope="module")
def template(
    phantom_study: StoredStudy, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, RunFolder]:
    """A store with a finished run that was promoted; not to be changed."""
    place = tmp_path_factory.mktemp("promoted") / "store"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VMCORE_STORE", str(place))
        restarted()
        folder = finished_run(small_plan(phantom_study.folder, name="promoted"))
        promote(folder.run_id, why="test")
        restarted()
    return place, folder


@pytest.fixture
def promoted(template: tuple[Path, RunFolder], store: Path) -> RunFolder:
    """A finished run in use, in a store of the test's own."""
    shutil.copytree(template[0], store)
    return RunFolder(store / "runs" / template[1].run_id)


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Somebody else keeps the database for himself."""
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("begin exclusive")
        yield
        other.execute("rollback")


def restarted() -> None:
    """As after a restart of the app."""
    _silences.clear()
    settings.cache_clear()
    open_store.cache_clear()


def assert_goes_on(folder: RunFolder) -> None:
    """The promoted model answers, soon, and the page can say what is unsure."""
    began = time.monotonic()
    in_use = bundle_in_use()
    assert time.monotonic() - began < _MLFLOW_TRIES_S
    assert in_use.run_id == folder.run_id
    assert load_card(in_use.bundle).name == "promoted"
    assert "goes on answering" in in_use.concern


@pytest.mark.long
@pytest.mark.parametrize("restart", [False, True])
def test_a_locked_database_leaves_the_promoted_model_in_use(
    promoted: RunFolder, store: Path, restart: bool
) -> None:
    with locked(store / "mlflow.db"):
        if restart:
            restarted()
        assert_goes_on(promoted)
        with pytest.raises(RunError, match="run store"):
            promotions()
        with pytest.raises(RunError, match="run store"):
            all_runs()
    deadline = time.monotonic() + 60
    while bundle_in_use().concern:  # it is asked again after a while
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert len(promotions()) == 1


@pytest.mark.parametrize("harm", ["garbage", "gone"])
def test_a_database_that_is_damaged_or_gone_leaves_the_promoted_model_in_use(
    promoted: RunFolder, store: Path, harm: str
) -> None:
    restarted()
    if harm == "garbage":
        (store / "mlflow.db").write_bytes(b"no database" * 1000)
    else:
        (store / "mlflow.db").unlink()
    assert_goes_on(promoted)


@pytest.mark.long
def test_an_emptied_registry_is_not_taken_for_the_bundled_model(
    promoted: RunFolder, store: Path
) -> None:
    (store / "mlflow.db").unlink()
    code = (
        "from vmcore.runs import all_runs, bundle_in_use, roll_back\n"
        "print(len(all_runs()))\n"  # looking at the training page makes a new database
        "one = bundle_in_use(); print(one.run_id, one.concern)\n"
        "roll_back(why='the database was lost'); print(bundle_in_use())"
    )
    asked = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, text=True, check=True, stdout=subprocess.PIPE
    )
    runs, one, after = asked.stdout.splitlines()
    assert runs == "0"
    assert one.startswith(promoted.run_id)
    assert "goes on answering" in one
    assert "run_id='bundled', concern=''" in after


def test_where_nothing_was_ever_answered_no_model_is_guessed(
    promoted: RunFolder, store: Path
) -> None:
    (store / "in-use.json").unlink()
    restarted()
    with locked(store / "mlflow.db"), pytest.raises(RunError, match="none answers"):
        bundle_in_use()


@pytest.mark.long
def test_the_answer_that_nothing_is_promoted_means_the_bundled_model(
    store: Path, phantom_study: StoredStudy
) -> None:
    assert (bundle_in_use().bundle, bundle_in_use().concern) == (settings().bundle, "")
    open_store(store)  # a registry without the model
    assert (bundle_in_use().bundle, bundle_in_use().concern) == (settings().bundle, "")
    folder = finished_run(small_plan(phantom_study.folder))
    promote(folder.run_id, why="test")
    assert bundle_in_use().run_id == folder.run_id
    roll_back(why="test")  # the model without the alias
    assert (bundle_in_use().bundle, bundle_in_use().concern) == (settings().bundle, "")
    with locked(store / "mlflow.db"):
        assert bundle_in_use().run_id == BUNDLED
        assert bundle_in_use().concern


@pytest.mark.long
def test_a_database_that_does_not_answer_says_nothing_of_a_run(
    promoted: RunFolder, store: Path
) -> None:
    with locked(store / "mlflow.db"), pytest.raises(RunError, match="run store cannot be opened"):
        open_reviewed(promoted.run_id)
    assert open_reviewed(promoted.run_id).key == promoted.run_id
    with locked(store / "mlflow.db"), pytest.raises(RunError, match="has not answered"):
        open_reviewed(promoted.run_id)


@pytest.mark.long
def test_promotions_at_the_same_time_are_all_kept(promoted: RunFolder, store: Path) -> None:
    code = (
        "import sys; from vmcore.runs import promote; input()\n"
        "for number in range(4): promote(sys.argv[1], why=f'{sys.argv[2]} {number}')"
    )
    people = [
        subprocess.Popen(
            [sys.executable, "-c", code, promoted.run_id, name], cwd=ROOT, text=True,
            stdin=subprocess.PIPE,
        )
        for name in ("one", "other")
    ]  # fmt: skip
    for person in people:
        assert person.stdin
        person.stdin.write("\n")
        person.stdin.flush()
    for person in people:
        person.communicate()
        assert person.returncode == 0
    reasons = [change.why for change in promotions()]
    expected = [f"{name} {number}" for name in ("one", "other") for number in range(4)]
    assert sorted(reasons) == sorted([*expected, "test"])
    assert [why for why in reversed(reasons) if why.startswith("one")] == expected[:4]


def test_records_that_were_numbered_stay_and_come_first(promoted: RunFolder, store: Path) -> None:
    client = open_store(store).client
    for number in range(2):
        record = {"run_id": BUNDLED, "name": "old", "who": "x", "when": "2025", "why": str(number)}
        client.set_registered_model_tag(
            "ventriscope", f"promotion.{number:06d}", json.dumps(record)
        )
    before = client.get_registered_model("ventriscope").tags
    promote(promoted.run_id, why="later")
    assert [change.why for change in promotions()] == ["later", "test", "1", "0"]
    after = client.get_registered_model("ventriscope").tags
    assert {key: after[key] for key in before} == before


@pytest.mark.long
@needs_server
@pytest.mark.parametrize("kind", ["sqlite", "server"])
def test_only_an_answer_counts_as_missing(
    server: TrackingServer, tmp_path: Path, kind: str
) -> None:
    uri = server.url if kind == "server" else f"sqlite:///{tmp_path / 'own.db'}"
    client = MlflowClient(uri, registry_uri=uri)
    with pytest.raises(MlflowException) as no_model:
        client.get_model_version_by_alias("nobody", "clinic")
    client.create_registered_model(f"model-{kind}")
    with pytest.raises(MlflowException) as no_alias:
        client.get_model_version_by_alias(f"model-{kind}", "clinic")
    with pytest.raises(MlflowException) as no_run:
        client.get_run("0" * 32)
    assert all(is_missing(error.value) for error in (no_model, no_alias, no_run))
    with pytest.raises(MlflowException) as refused:
        client.create_registered_model(f"model-{kind}")
    assert not is_missing(refused.value)


@pytest.mark.long
@needs_server
@pytest.mark.parametrize("trouble", ["gone", "hangs"])
def test_a_server_that_is_gone_leaves_the_fetched_model_in_use(
    store: Path, phantom_study: StoredStudy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:  # fmt: skip
    with tracking_server(tmp_path / "server") as own:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", own.url)
        folder = finished_run(small_plan(phantom_study.folder, name="promoted"))
        promote(folder.run_id, why="test")
        assert bundle_in_use().bundle.is_relative_to(store)
        assert not bundle_in_use().concern
        if trouble == "gone":
            own.stop()
        else:
            own.signal(signal.SIGSTOP)
        restarted()
        assert_goes_on(folder)
        own.stop()


def test_a_page_of_somebody_else_is_no_answer(
    promoted: RunFolder, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that answers 404 to everything knows nothing of promotions."""

    class NotFound(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *words: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), NotFound) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{proxy.server_port}")
        restarted()
        with pytest.raises(RunError, match="none answers"):
            bundle_in_use()  # what another registry said before does not count for this one
        proxy.shutdown()
    assert os.environ["MLFLOW_TRACKING_URI"] not in (store / "in-use.json").read_text()
