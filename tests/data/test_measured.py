"""What is measured in images while a study is prepared, and that it goes as far as the results."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vmcore.anatomy import AnatomyModel, StudyMeasure
from vmcore.data import (
    MEASURED_COLUMNS,
    MeasuredImage,
    StoredStudy,
    load_study,
    prepare_images,
    prepare_study,
    reject,
)
from vmcore.data.phantom import Phantom, make_phantom, write_dicom, write_png
from vmcore.evaluation import read_predictions
from vmcore.evaluation.subgroups import subgroup_rows
from vmcore.imaging import clean_frame, read_scan

WIDTHS = {"a/1.dcm": 6.5, "b/2.dcm": 14.0, "c/3.png": 12.5}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two DICOM files with a spacing, a PNG without one, and one that shows no head."""
    root = tmp_path_factory.mktemp("scans")
    rows = []
    for number, (name, width) in enumerate(WIDTHS.items()):
        place = root / name
        place.parent.mkdir()
        phantom: Phantom = make_phantom(width, 40 + number)
        (write_dicom if place.suffix == ".dcm" else write_png)(place, phantom)
        label = "ventriculomegaly" if width >= 10 else "normal"
        rows.append({"path": name, "label": label, "subject_id": f"s{number}"})
    flat = make_phantom(7.0, 50)
    noise = np.random.default_rng(0).integers(0, 40, flat.image.shape, np.uint8)
    write_png(root / "none.png", Phantom(**{**_fields(flat), "image": noise}))
    rows.append({"path": "none.png", "label": "normal", "subject_id": "s9"})
    pd.DataFrame(rows).to_csv(root / "manifest.csv", index=False)
    return root


def _fields(phantom: Phantom) -> Mapping[str, object]:
    return {name: getattr(phantom, name) for name in phantom.__dataclass_fields__}


@pytest.fixture(scope="module")
def study(source: Path, tmp_path_factory: pytest.TempPathFactory) -> StoredStudy:
    folder = tmp_path_factory.mktemp("studies") / "clinic"
    return prepare_study(source, folder, measure=StudyMeasure.of(), workers=1)


def test_the_table_has_what_the_model_finds_in_the_cleaned_image(
    study: StoredStudy, source: Path
) -> None:
    assert set(MEASURED_COLUMNS) <= set(study.table.columns)
    table, model = study.table.set_index("path"), AnatomyModel.load()
    for name in WIDTHS:
        scan = read_scan((source / name).read_bytes())
        clean = clean_frame(scan.frames[0], region=scan.region)
        found = model.find(clean.image, scan.spacing_mm, uncleaned=scan.frames[0]).atrium
        assert found is not None
        row = table.loc[name]
        assert row["measured_plane"] == "ventricle measured"
        assert row["measured_side"] == found.side
        assert row["measured_width_share"] == pytest.approx(found.head_share, abs=1e-4)
        if name.endswith(".dcm"):
            assert row["measured_width_mm"] == pytest.approx(found.width_mm, abs=1e-4)
            assert row["measured_mm_from"] == "file"
        else:
            assert pd.isna(row["measured_width_mm"])


def test_an_image_without_a_head_is_told_of(study: StoredStudy) -> None:
    row = study.table.set_index("path").loc["none.png"]
    assert row["measured_plane"] == "no head"
    assert pd.isna(row["measured_width_share"])
    assert study.report.headless == ["none.png"]
    assert any("No fetal head was found" in sentence for sentence in study.report.concerns())


@pytest.mark.long
def test_what_measures_otherwise_measures_again_and_nothing_is_lost_without(
    study: StoredStudy, source: Path, tmp_path: Path
) -> None:
    def made(measure: object) -> int:
        table = study.table[["path"]]
        return prepare_images(table, source, tmp_path, measure=measure, workers=1).made  # type: ignore[arg-type]

    assert [made(None), made(None)] == [4, 0]
    assert [made(Always("one")), made(Always("one")), made(None)] == [4, 0, 0]
    assert made(Always("two")) == 4
    again = prepare_study(source, tmp_path / "plain", workers=1)
    assert not set(MEASURED_COLUMNS) & set(again.table.columns)
    assert again.digest == study.digest  # what is learnt from is the same
    assert not (again.folder / "anatomy.csv").exists()


class Always:
    """Measures the same in every image."""

    def __init__(self, digest: str) -> None:
        self.digest = digest

    def __call__(self, *_: object) -> MeasuredImage:
        """Measure nothing."""
        return MeasuredImage(measured_by=self.digest, measured_plane="no ventricle")


def test_a_picture_that_is_too_small_is_no_reason_to_do_without_it(source: Path) -> None:
    scan = read_scan((source / "c/3.png").read_bytes())
    found = StudyMeasure.of()(scan, 0, scan.frames[0][:12, :12])
    assert found.measured_plane == "not measured"


def test_what_was_rejected_is_not_to_be_looked_at(study: StoredStudy, tmp_path: Path) -> None:
    shutil.copytree(study.folder, tmp_path / "copy")
    reject(tmp_path / "copy", ["none.png"])
    assert load_study(tmp_path / "copy").report.headless == []


def test_a_damaged_table_is_no_study(study: StoredStudy, tmp_path: Path) -> None:
    (study.folder / "anatomy.csv").rename(tmp_path / "kept")
    (study.folder / "anatomy.csv").write_text("been here")
    try:
        with pytest.raises(ValueError, match="not a prepared study"):
            load_study(study.folder)
    finally:
        (tmp_path / "kept").replace(study.folder / "anatomy.csv")


def test_results_are_grouped_by_it(study: StoredStudy) -> None:
    kept = study.table.rename(columns={"path": "image", "subject_id": "subject"})
    kept["probability"] = [0.1, 0.9, 0.8, 0.2]
    cases = read_predictions(kept).cases("test")
    groups = {(row["grouped by"], row["group"]): row for row in subgroup_rows(cases, 0.5)}
    wide = groups["atrial width, as measured", "under 10 mm"]
    assert (wide["normal"], wide["ventriculomegaly"]) == (1, 0)
    assert groups["plane, as measured", "no head"]["normal"] == 1
    assert groups["plane, as measured", "ventricle measured"]["ventriculomegaly"] == 2
    assert any(by == "atrial width by the head, as measured" for by, _ in groups)
