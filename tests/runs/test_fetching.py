"""Bundles on a tracking server: each version is fetched once, and nothing answers for another."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.parts.model import load_classifier
from pages.parts.uploaded_scan import Models
from pages.parts.uploads import DroppedFile, UploadBudget, Uploads
from tests.runs.support import finished_run, small_plan
from tests.runs.tracking_server import NEEDS, TrackingServer, has_server, tracking_server
from vmcore.data import StoredStudy
from vmcore.data.phantom import make_phantom, write_png
from vmcore.evaluation import ThresholdRule
from vmcore.imaging import ReadLimits
from vmcore.inference import Classifier
from vmcore.models import BundleError, bundle_digest, load_card
from vmcore.runs import (
    RunError,
    RunFolder,
    bundle_in_use,
    keep_decision,
    open_reviewed,
    open_store,
    promote,
)
from vmcore.settings import settings

needs_server = pytest.mark.skipif(not has_server(), reason=NEEDS)


def as_files(bundle: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in bundle.iterdir()}


def copied(bundle: Path, place: Path) -> Path:
    return Path(shutil.copytree(bundle, place))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with tracking_server(tmp_path_factory.mktemp("artifacts-server")) as started:
        yield started


@pytest.fixture
def remote(
    server: TrackingServer, store: Path, phantom_study: StoredStudy, monkeypatch: pytest.MonkeyPatch
) -> RunFolder:
    """A finished run whose artifacts lie on a server."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    return finished_run(small_plan(phantom_study.folder))


def use_store(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another host with a store of its own, on the same server."""
    monkeypatch.setenv("VMCORE_STORE", str(folder))
    settings.cache_clear()


@needs_server
def test_a_bundle_is_fetched_once_however_often_it_is_looked_at(
    remote: RunFolder, server: TrackingServer
) -> None:
    promote(remote.run_id, why="test")
    bundle = bundle_in_use().bundle
    fetched = server.downloads(remote.run_id)
    assert len(fetched) == len(list(bundle.iterdir()))  # each of its files
    for _ in range(5):
        assert bundle_in_use().bundle == bundle
        open_reviewed(remote.run_id)
    later = server.downloads(remote.run_id)[len(fetched) :]
    assert sorted(line.rsplit("/", 1)[1] for line in later) == ["environment.json", "plan.json"]


@pytest.mark.long
@needs_server
def test_a_kept_decision_is_fetched_once_by_other_hosts_and_not_at_all_by_its_own(
    remote: RunFolder, server: TrackingServer, store: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    promote(remote.run_id, why="test")
    use_store(tmp_path / "other", monkeypatch)
    before = bundle_in_use().bundle
    assert before.is_relative_to(tmp_path / "other")
    old = as_files(before)
    use_store(store, monkeypatch)
    open_reviewed(remote.run_id)
    count = len(server.downloads(remote.run_id))
    kept = keep_decision(remote.run_id, ThresholdRule("sensitivity", 0.9), "none", why="test")
    assert load_card(bundle_in_use().bundle).threshold == kept.threshold
    open_reviewed(remote.run_id)
    assert len(server.downloads(remote.run_id)) == count
    use_store(tmp_path / "other", monkeypatch)
    after = bundle_in_use().bundle
    assert load_card(after).threshold == kept.threshold
    assert as_files(before) == old  # whoever is reading it reads on
    count = len(server.downloads(remote.run_id))
    assert bundle_in_use().bundle == after
    assert len(server.downloads(remote.run_id)) == count


@pytest.mark.long
@needs_server
def test_a_bundle_that_is_not_the_noted_one_is_refused(
    remote: RunFolder, server: TrackingServer
) -> None:
    """As while somebody replaces its card, or after somebody has changed it behind the run."""
    (card,) = (server.log.parent / "artifacts").rglob(
        f"{remote.run_id}/artifacts/bundle/bundle.json"
    )
    card.write_text(card.read_text().replace('"small"', '"other"'))
    with pytest.raises(RunError, match="not the one that was noted"):
        open_store(settings().store).artifact(remote.run_id, "bundle")


@pytest.mark.long
@needs_server
def test_a_run_without_a_digest_gets_one(remote: RunFolder, server: TrackingServer) -> None:
    runs = open_store(settings().store)
    noted = runs.client.get_run(remote.run_id).data.tags["bundle_digest"]
    runs.client.delete_tag(remote.run_id, "bundle_digest")
    bundle = runs.artifact(remote.run_id, "bundle")
    assert runs.client.get_run(remote.run_id).data.tags["bundle_digest"] == noted
    assert bundle.parent.name == noted


def test_a_digest_is_that_of_names_and_contents(small_bundle: Path, tmp_path: Path) -> None:
    bundle = copied(small_bundle, tmp_path / "bundle")
    expected = hashlib.sha256()
    for file in sorted(bundle.iterdir()):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        expected.update(f"{file.name}\0{content}\0".encode())
    assert bundle_digest(bundle) == expected.hexdigest() == bundle_digest(small_bundle)
    for file in list(bundle.iterdir()):
        whole, before = file.read_bytes(), bundle_digest(bundle)
        file.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])  # of the same size
        assert bundle_digest(bundle) != before
        file.write_bytes(whole)
    (bundle / "fold-1.safetensors").rename(bundle / "fold-3.safetensors")
    assert bundle_digest(bundle) != expected.hexdigest()
    (bundle / "bundle.json").unlink()
    with pytest.raises(BundleError, match="no model bundle"):
        bundle_digest(bundle)


@pytest.mark.long
def test_an_analysis_belongs_to_the_version_of_the_model_that_made_it(
    small_bundle: Path, tmp_path: Path
) -> None:
    bundle = copied(small_bundle, tmp_path / "bundle")
    uploads = Uploads(ReadLimits(), UploadBudget(4, 1200, 4000))
    write_png(tmp_path / "scan.png", make_phantom(12.0, 1, shape=(200, 260)))
    uploads.sync([DroppedFile("scan", "scan.png", (tmp_path / "scan.png").read_bytes)])
    (uploaded,) = uploads.scans
    seen = []
    for threshold in (0.5, 0.9, 0.1):
        card = load_card(bundle).model_copy(update={"threshold": threshold})
        (bundle / "bundle.json").write_text(card.model_dump_json())
        classifier = Classifier.load(bundle)  # the former one's memory may become this one's
        analysis = uploads.analysis(uploaded, Models(classifier), 0, "eigen-cam")
        assert analysis.prediction.threshold == threshold
        assert analysis.bundle_digest == classifier.digest == bundle_digest(bundle)
        assert uploads.analysis(uploaded, Models(classifier), 0, "eigen-cam") is analysis
        ((number, answer),) = uploads.results(classifier)  # nobody else's
        assert number == uploaded.number
        assert answer.prediction.threshold == threshold
        assert answer.prediction.probability == analysis.prediction.probability
        seen.append(classifier.digest)
        del classifier
    assert len(set(seen)) == 3


def test_a_model_is_loaded_again_when_its_bundle_changes_and_only_then(
    small_bundle: Path, tmp_path: Path
) -> None:
    bundle = copied(small_bundle, tmp_path / "bundle")
    first = load_classifier(bundle, "cpu")
    assert load_classifier(copied(bundle, tmp_path / "copy"), "cpu") is first
    card = bundle / "bundle.json"
    card.touch()
    assert load_classifier(bundle, "cpu") is first
    stamp = card.stat().st_mtime_ns
    card.write_text(card.read_text().replace('"threshold": 0.5', '"threshold": 0.7'))

    os.utime(card, ns=(stamp, stamp))  # its time of change alone would not tell
    assert load_classifier(bundle, "cpu").card.threshold == 0.7
