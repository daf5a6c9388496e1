"""The run store: MLflow on SQLite, or the tracking server that a group shares."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from vmcore.files import write_atomically
from vmcore.models import bundle_digest
from vmcore.runs.answers import PATIENCE_S, T, understood, within
from vmcore.runs.errors import RunError, StoreSilentError
from vmcore.runs.fetching import BUNDLE, DIGEST_TAG, changed_copy, fetch_artifact
from vmcore.runs.moved_store import adopt_artifacts, local_path
from vmcore.runs.plan import CROSS_VALIDATION
from vmcore.runs.purging import purge_deleted
from vmcore.runs.run_plan import RunPlan
from vmcore.runs.store_address import database_file, store_name, store_uri

EXPERIMENT = "VentriScope"
_KIND, _REASON = "kind", "reason"


class RunStore:
    """Runs and what is known of each.

    What fails raises :class:`vmcore.runs.answers.StoreSilentError`, with a sentence; where only
    something is looked up, as by a page, it does so within seconds.
    """

    def __init__(self, folder: Path, uri: str | None = None) -> None:
        self.folder = folder
        self.uri = uri = uri or store_uri(folder)
        self.local = uri.startswith("sqlite:")
        self.name = store_name(folder, uri)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if self.local:  # MLflow would try again and again for minutes
                with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as connection:
                    connection.execute("select count(*) from sqlite_master")
                    if uri == f"sqlite:///{database_file(folder)}":
                        adopt_artifacts(connection, EXPERIMENT, folder / "artifacts")
            self.client = MlflowClient(uri, registry_uri=uri)
        except (
            Exception
        ) as error:  # the database's driver and the HTTP client raise their own kinds
            raise StoreSilentError(
                f"The run store cannot be opened ({type(error).__name__}); is the store's folder "
                "writable, or MLFLOW_TRACKING_URI reachable?"
            ) from error

    def ask(self, call: Callable[[], T]) -> T:
        """Look something up in the store, with a page's patience.

        Raises:
            MlflowException: there is nothing of that name.
            StoreSilentError: the store does not answer.
        """
        with understood():
            return within(PATIENCE_S, f"{self.folder} {self.name}", call)

    @cached_property
    def experiment(self) -> str:
        """The experiment that all runs belong to."""
        with understood():
            return self._experiment()

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        place = (self.folder / "artifacts").resolve().as_uri() if self.local else None
        try:
            return str(self.client.create_experiment(EXPERIMENT, artifact_location=place))
        except MlflowException:  # somebody else was quicker
            found = self.client.get_experiment_by_name(EXPERIMENT)
            if found is None:
                raise
            return str(found.experiment_id)

    @understood()
    def create(self, plan: RunPlan) -> str:
        """Note a new run; returns its identifier."""
        run_id = str(self.client.create_run(self.experiment, run_name=plan.name).info.run_id)
        params = [Param(key, str(value)[:500]) for key, value in plan.recorded().items()]
        self.client.log_batch(run_id, params=params, tags=[RunTag(_KIND, plan.kind)])
        self.client.update_run(run_id, status="SCHEDULED")
        return run_id

    @understood()
    def log_epochs(self, run_id: str, epochs: Sequence[Mapping[str, float]]) -> None:
        """Note the epochs of a part of a run that are not noted yet.

        Args:
            run_id: the run.
            epochs: figures by name, of every epoch from the first one; the first name tells which
                epochs are noted.
        """
        if not epochs:
            return
        known = self.client.get_metric_history(run_id, next(iter(epochs[0])))
        done = max((metric.step for metric in known), default=-1)
        fresh = [
            Metric(key, float(value), 0, epoch)
            for epoch, figures in enumerate(epochs)
            if epoch > done
            for key, value in figures.items()
        ]
        for start in range(0, len(fresh), 900):  # MLflow takes 1,000 at a time
            self.client.log_batch(run_id, metrics=fresh[start : start + 900])

    @understood()
    def set_status(self, run_id: str, status: str, reason: str = "") -> None:
        """Set MLflow's status: SCHEDULED, RUNNING, FINISHED, FAILED or KILLED."""
        run = self.client.get_run(run_id)
        if run.info.status == status:
            return
        if reason:
            self.client.set_tag(run_id, _REASON, reason[:500])
        elif _REASON in run.data.tags:  # of a time before it was resumed
            self.client.delete_tag(run_id, _REASON)
        if status in {"FINISHED", "FAILED", "KILLED"}:
            self.client.set_terminated(run_id, status)
        else:
            self.client.update_run(run_id, status=status)

    @understood()
    def finish(self, run_id: str, metrics: Mapping[str, float], folder: Path) -> None:
        """Keep a finished run's figures and files, and which bundle is among them, where one is."""
        values = [Metric(key, float(value), 0, 0) for key, value in metrics.items()]
        self.client.log_batch(run_id, metrics=values)
        self.client.log_artifacts(run_id, str(folder))
        if (folder / BUNDLE).is_dir():
            self.client.set_tag(run_id, DIGEST_TAG, bundle_digest(folder / BUNDLE))

    @understood()
    def delete(self, run_id: str) -> None:
        """Remove a run with its artifacts for good; a server only marks it deleted.

        There, whoever runs the server removes what is marked with ``mlflow gc``. What lies outside of
        this store stays.
        """
        artifacts = local_path(self.client.get_run(run_id).info.artifact_uri)
        self.client.delete_run(run_id)
        shutil.rmtree(self.folder / "fetched" / run_id, ignore_errors=True)
        if not self.local:
            return
        own = (self.folder / "artifacts").resolve()
        if artifacts is not None and artifacts.resolve().is_relative_to(own):
            place = artifacts.parent if artifacts.parent.name == run_id else artifacts
            shutil.rmtree(place, ignore_errors=True)
        purge_deleted(self.uri, run_id)

    @understood()
    def change_bundle(self, run_id: str, bundle: Path, name: str, content: str) -> Path:
        """Replace one file of a run's bundle; returns where the changed bundle lies.

        Args:
            run_id: the run.
            bundle: from :meth:`artifact`.
            name: of the file.
            content: its new content.
        """
        if self._is_local(run_id):
            write_atomically(bundle / name, content)
        else:
            bundle = changed_copy(bundle, name, content)
            self.client.log_artifact(run_id, str(bundle / name), BUNDLE)
        self.client.set_tag(run_id, DIGEST_TAG, bundle_digest(bundle))
        return bundle

    def _is_local(self, run_id: str) -> bool:
        return local_path(self.client.get_run(run_id).info.artifact_uri) is not None

    def summaries(self) -> list[dict[str, Any]]:
        """All runs, the newest first: run_id, name, kind, status, created, params, metrics."""
        found = self.ask(self._all_runs)
        return [_summary(run) for run in found]

    def _all_runs(self) -> list[Any]:
        runs: list[Any] = []
        token = None
        while True:
            page = self.client.search_runs([self.experiment], max_results=1000, page_token=token)
            runs += page
            token = page.token
            if not token:
                return runs

    def status(self, run_id: str) -> str:
        """What the store last heard of a run: SCHEDULED, RUNNING, FINISHED, FAILED or KILLED.

        Raises:
            RunError: there is no such run, or the store does not answer.
        """
        return str(self._run(run_id).info.status)

    def _run(self, run_id: str) -> Any:
        if not run_id.isalnum():  # what MLflow would call an invalid value
            raise RunError("There is no such run.")
        try:
            return self.ask(lambda: self.client.get_run(run_id))
        except MlflowException as error:
            raise RunError("There is no such run.") from error

    def artifact(self, run_id: str, name: str) -> Path:
        """A local path of one of a run's artifacts, fetched once where the store is elsewhere.

        Args:
            run_id: the run.
            name: "bundle", or a file beside it.

        Raises:
            RunError: it is not there.
            StoreSilentError: the store does not answer.
        """
        run = self._run(run_id)
        local = local_path(f"{run.info.artifact_uri}/{name}")
        if local is None:
            digest = run.data.tags.get(DIGEST_TAG)
            local = fetch_artifact(self.client, self.folder / "fetched", run_id, name, digest)
        if not local.exists():
            raise RunError(f"Run {run_id} has no {name}.")
        return local


def _summary(run: Any) -> dict[str, Any]:
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "kind": run.data.tags.get(_KIND, CROSS_VALIDATION),
        "status": run.info.status,
        "created": run.info.start_time,
        "params": dict(run.data.params),
        "metrics": dict(run.data.metrics),
    }


@lru_cache(maxsize=4)
def open_store(folder: Path) -> RunStore:
    """The run store of a folder, opened once a process."""
    return RunStore(folder)


def unique_name(when: datetime) -> str:
    """A name that nobody else gives, and that sorts by time."""
    return f"{when:%Y%m%dT%H%M%S%f}.{secrets.token_hex(4)}"


def as_json(value: Mapping[str, Any]) -> str:
    """JSON as the run's files are written."""
    return json.dumps(value, indent=2, default=str) + "\n"
