"""Artifacts of a store that is elsewhere: each version of a run's bundle is fetched once and kept.

STORE/fetched/RUN/DIGEST/bundle, plan.json, …   DIGEST is that of the bundle, a tag of the run
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from mlflow.tracking import MlflowClient

from vmcore.files import write_atomically
from vmcore.models import BundleError, bundle_digest
from vmcore.runs.answers import understood
from vmcore.runs.errors import RunError
from vmcore.runs.locks import alone

BUNDLE = "bundle"
DIGEST_TAG = "bundle_digest"
_PATIENCE_S = 600.0


def fetch_artifact(
    client: MlflowClient, folder: Path, run_id: str, name: str, digest: str | None
) -> Path:
    """The local copy of an artifact, fetched where it is not there yet.

    Args:
        client: the store's.
        folder: where copies lie.
        run_id: the run.
        name: "bundle", or a file that belongs to it.
        digest: of the run's present bundle; without one the bundle is fetched and its digest noted.

    Raises:
        RunError: the run has no such artifact, or the fetched bundle is not the one that was noted.
        StoreSilentError: the store does not answer.
        MlflowException: there is no such run.
    """
    kept = folder / run_id
    if digest is not None and (kept / digest / name).exists():
        return kept / digest / name
    kept.mkdir(parents=True, exist_ok=True)
    with alone(kept / ".lock", "The model is just being fetched; look again.", _PATIENCE_S):
        if digest is None or name == BUNDLE:
            digest = _fetch_bundle(client, kept, run_id, digest)
        place = kept / digest / name
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=kept, prefix=".fetching-") as staged:
                _into_place(_download(client, run_id, name, staged), place)
    return place


def changed_copy(bundle: Path, name: str, content: str) -> Path:
    """A further version of a fetched bundle, in which one file is another one, in its own folder."""
    kept = bundle.parent.parent
    with tempfile.TemporaryDirectory(dir=kept, prefix=".changing-") as folder:
        staged = Path(folder) / BUNDLE
        shutil.copytree(bundle, staged, copy_function=_same_or_copy)
        write_atomically(staged / name, content)
        place = kept / bundle_digest(staged) / BUNDLE
        for file in bundle.parent.iterdir():  # what belongs to the bundle stays as it was
            if file.is_file() and not (place.parent / file.name).exists():
                place.parent.mkdir(exist_ok=True)
                _same_or_copy(str(file), str(place.parent / file.name))
        _into_place(staged, place)
    return place


def _fetch_bundle(client: MlflowClient, kept: Path, run_id: str, digest: str | None) -> str:
    if digest is not None and (kept / digest / BUNDLE).exists():
        return digest
    with tempfile.TemporaryDirectory(dir=kept, prefix=".fetching-") as staged:
        fetched = _download(client, run_id, BUNDLE, staged)
        try:
            found = bundle_digest(fetched)
        except BundleError as error:
            raise RunError("The run has no bundle, or a damaged one.") from error
        if digest is None:
            with understood():
                client.set_tag(run_id, DIGEST_TAG, found)
        elif found != digest:
            raise RunError(
                "The run's bundle in the run store is not the one that was noted with the run: it is "
                "just being changed, or damaged. Try again, or promote another one."
            )
        _into_place(fetched, kept / found / BUNDLE)
    return found


def _download(client: MlflowClient, run_id: str, name: str, folder: str) -> Path:
    with understood():
        if name not in {found.path for found in client.list_artifacts(run_id)}:
            raise RunError(f"The run has no {name} in the run store.")
        return Path(client.download_artifacts(run_id, name, folder))


def _into_place(staged: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        staged.rename(place)


def _same_or_copy(source: str, target: str) -> None:
    """The same file under another name, which takes no room, where the disk can do that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
