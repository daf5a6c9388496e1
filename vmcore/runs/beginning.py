"""Whether a plan can be run, and what its run's folder begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vmcore.data import load_study
from vmcore.models import FetchProgress
from vmcore.runs.errors import RunError
from vmcore.runs.lineage import find_starts
from vmcore.runs.paired_heads import check_originals
from vmcore.runs.plan import Plan
from vmcore.runs.pretraining_plan import PretrainPlan
from vmcore.runs.pretraining_start import described_start, learnt_before, starting_autoencoder
from vmcore.runs.start import SeenError
from vmcore.runs.unlabelled import unlabelled_images
from vmcore.runs.weights import describe_start, starting_model


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run's folder begins with.

    Attributes:
        known: of images and starting weights, for ``environment.json``.
        files: their text by name.
    """

    known: Mapping[str, object]
    files: Mapping[str, str] = field(default_factory=dict)


def begin(plan: Plan | PretrainPlan, on_fetch: FetchProgress | None = None) -> Beginning:
    """Check a plan; what cannot be had fails here, before anything is written.

    Args:
        plan: what is to be run.
        on_fetch: called with (bytes done, in all or None) while public weights are fetched.

    Raises:
        RunError, ManifestError: what is wrong.
    """
    if isinstance(plan, PretrainPlan):
        return _pretraining(plan, on_fetch)
    study = load_study(plan.study)
    splits = plan.splits(study)
    if plan.pairs:
        check_originals(study)
    starts = find_starts(plan, study, splits)
    starting_model(plan, starts[0], progress=on_fetch)
    known = {"study_digest": study.digest, "starting_weights": describe_start(plan, starts)}
    return Beginning(known, {"splits.csv": splits.table(study.table).to_csv(index=False)})


def refuse_changed(plan: Plan | PretrainPlan, beginning: Beginning) -> None:
    """Refuse to start on a study that is another one than when it was looked at.

    Raises:
        RunError: it is.
    """
    if isinstance(plan, Plan) and load_study(plan.study).digest != beginning.known["study_digest"]:
        raise RunError("The study has changed meanwhile; start the run again.")


def _pretraining(plan: PretrainPlan, on_fetch: FetchProgress | None) -> Beginning:
    images = unlabelled_images(plan)
    learnt = learnt_before(plan)
    seen = sum(not learnt.digests.isdisjoint(digests) for digests in images.held_out)
    if seen:
        raise SeenError(
            f"The weights that it would start from have learnt from {seen} of the "
            f"{len(images.held_out)} test images that are to stay unseen. Start from other weights, "
            "or leave nothing out."
        )
    starting_autoencoder(plan, progress=on_fetch)
    known = {
        "images_digest": images.digest,
        "images": images.counts(),
        "images_left_out": images.left_out,
        "starting_weights": described_start(plan, learnt),
    }
    return Beginning(known)
