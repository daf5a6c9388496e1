"""Write the anatomy model's folder: the network as a graph, and a card with what was measured."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import openvino as ov
import pandas as pd
import torch

from train.anatomy_check import choose_limits, figures
from train.anatomy_split import OUTLINED
from vmcore.anatomy import AnatomyCard
from vmcore.anatomy.card import CARD_FILE, GRAPH_FILE, WEIGHTS_FILE
from vmcore.anatomy.network import StructureNetwork
from vmcore.anatomy.views import VIEW_HEIGHT, VIEW_WIDTH
from vmcore.files import write_atomically
from vmcore.training.outlined import OutlinedPicture

_FIGURES_TITLE = (
    "Measured on subjects that the network had not seen (95 % intervals: proportions of pictures by "
    "Wilson, means by bootstrap over subjects)"
)
_DATA_TITLE = "Pictures that it learnt from"
_CAUTIONS = [
    "Research use only; not a medical device.",
    (
        "Atria were outlined by experts in 37 pictures of 36 fetuses of one source, all of normal width. The truth "
        "of a width is the short side of the rectangle that they drew, not a calliper from wall to wall."
    ),
    "Wide ventricles were learnt from the same heads with their ventricle widened, and from phantoms.",
    (
        "Outlined atria were measured out of fold by four networks, with limits from the other folds; the "
        "rest by one of the four. The network that answers learnt from all pictures, so its own figures are "
        "not known; its limits are those of the four."
    ),
    "HC18 counts examinations: a woman may be among its subjects more than once.",
    "In six outlined heads the skull is not outlined: there the found head's axis is the measure.",
    (
        "The pictures of fetal-brain-planes and fetal-planes came squeezed to a square and were given the shape "
        "959:661 of the outlined pictures of the same database again; which shape each one had is not known. "
        "Many are turned or blurred copies, and show callipers."
    ),
    (
        "Where people say that no ventricle is visible, a width is told in some pictures all the same: look "
        "where the calliper lies. Heads are found somewhat too large, those of the third trimester and of the "
        "first the most. Pictures of the first (circumference under 100 mm) were shown three times as often."
    ),
    "No picture at hand has an atrial width that was measured in millimetres.",
    (
        "What the networks learn from and how the head's size is learnt was chosen after looking at an earlier "
        "network's errors on these same heads, HC18's held-back ones included."
    ),
    "Where no falx stands out, the ellipse's long axis stands for the midline.",
]


def write_anatomy_model(
    folder: Path,
    network: StructureNetwork,
    table: pd.DataFrame,
    pictures: Sequence[OutlinedPicture],
) -> Path:
    """Export a network and write its card.

    Args:
        folder: where to.
        network: the one that answers.
        table: rows of :func:`train.anatomy_check.measured`, each by a network that had not seen it.
        pictures: those that it learnt from.
    """
    folder.mkdir(parents=True, exist_ok=True)
    limits = choose_limits(table[table["source"] == OUTLINED])
    card = AnatomyCard(
        name="VentriScope anatomy",
        created=datetime.now(UTC).strftime("%Y-%m-%d"),
        limits=limits,
        training_data={_DATA_TITLE: _sources(pictures)},
        metrics={_FIGURES_TITLE: figures(table)},
        cautions=_CAUTIONS,
        licence=(
            "Encoder started from EfficientNet-Lite0's ImageNet weights (Apache-2.0); trained on HC18, "
            "FETAL_PLANES_DB and its outlines by Alzubaidi et al. 2023 (CC BY 4.0)"
        ),
    )
    graph = exported(network)
    temporary = folder / f".{GRAPH_FILE}"
    ov.save_model(graph, temporary, compress_to_fp16=True)
    temporary.with_suffix(".bin").replace(folder / WEIGHTS_FILE)
    temporary.replace(folder / GRAPH_FILE)
    write_atomically(folder / CARD_FILE, card.model_dump_json(indent=2) + "\n")
    return folder


def _sources(pictures: Sequence[OutlinedPicture]) -> list[dict[str, object]]:
    counted = Counter(one.source for one in pictures)
    subjects = {
        source: len({one.subject_id for one in pictures if one.source == source})
        for source in counted
    }
    return [
        {"set": source, "pictures": count, "subjects": subjects[source]}
        for source, count in counted.items()
    ]


def exported(network: StructureNetwork) -> ov.Model:
    """A network as a graph from views (B, 1, 192, 256)."""
    network = network.to(memory_format=torch.contiguous_format).eval()
    shown = torch.zeros(1, 1, VIEW_HEIGHT, VIEW_WIDTH)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # tracing warns of sizes that are always the same here
        graph = ov.convert_model(
            network, example_input=shown, input=[-1, 1, VIEW_HEIGHT, VIEW_WIDTH]
        )
    for output, name in zip(graph.outputs, ("structures", "calliper", "visible"), strict=True):
        output.get_tensor().set_names({name})
    return graph
