"""What is read from a file of predictions, and what is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from vmcore.evaluation import (
    PredictionsError,
    image_numbers,
    read_predictions,
    without_names,
)

GOOD = """image,subject,label,split,fold,probability
a,s1,normal,validation,1,0.1
b,s2,VM,validation,2,0.8
c,s3,0,test,1,0.2
c,s3,0,test,2,0.4
d,s4,1,test,1,0.9
d,s4,1,test,2,0.7
"""


def test_cases_hold_each_folds_answer_and_their_mean() -> None:
    read = read_predictions(GOOD.encode())
    assert read.splits() == ("validation", "test")
    test = read.cases("test")
    np.testing.assert_allclose(test.by_fold, [[0.2, 0.4], [0.9, 0.7]])
    np.testing.assert_allclose(test.probability, [0.3, 0.8])
    assert test.labels.tolist() == [0, 1]
    validation = read.cases("validation")
    np.testing.assert_allclose(validation.by_fold, [[0.1, np.nan], [np.nan, 0.8]])
    assert validation.folds == (1, 2)


def test_predictions_made_elsewhere_need_only_image_label_and_probability() -> None:
    read = read_predictions(b"image,label,probability\nx,normal,0.2\ny,ventriculomegaly,0.9\n")
    assert len(read.cases("test")) == 2
    assert any("subject of its own" in said for said in read.concerns)


def test_an_image_on_both_sides_is_a_concern() -> None:
    read = read_predictions(GOOD.replace("b,s2", "b,s4").encode())
    assert any("1 subjects stand in validation and in test" in said for said in read.concerns)


def line(number: int, text: str) -> bytes:
    lines = GOOD.splitlines()
    lines[number - 1] = text
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no predictions"),
        (b"image,subject,label,split,fold,probability\n", "no predictions"),
        (b"\x00\x01\x02\xff\xfe", "lack the column|cannot be read"),
        (b"image,label\na,0\n", "lack the column probability"),
        (line(2, "a,s1,cyst,validation,1,0.1"), "Line 2 has a label that is neither"),
        (line(3, "b,s2,VM,validation,2,1.8"), "Line 3 has a probability that does not lie"),
        (line(3, "b,s2,VM,validation,2,-0.1"), "Line 3 has a probability that does not lie"),
        (line(3, "b,s2,VM,validation,2,"), "Line 3 has a probability that is not a number"),
        (line(3, "b,s2,VM,validation,2,nan"), "Line 3 has a probability that is not a number"),
        (line(5, "c,s3,0,test,1,0.4"), "Line 5 judges an image that the same fold"),
        (line(5, "c,s3,1,test,2,0.4"), "Line 5 gives an image another label"),
        (line(5, "e,s3,1,test,2,0.4"), "2 test images are not judged by each of the 2 folds"),
        (line(3, "a,s1,normal,validation,2,0.8"), "validates an image that another fold"),
        (line(4, "c,s3,0,training,1,0.2"), "neither validation nor test"),
        (line(4, "c,s3,0,test,,0.2"), "Line 4 has no fold number"),
        (line(4, ",s3,0,test,1,0.2"), "Line 4 has no image"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content: bytes, words: str) -> None:
    with pytest.raises(PredictionsError, match=words):
        read_predictions(content)


def test_a_missing_file_and_a_missing_split_are_said(tmp_path: Path) -> None:
    with pytest.raises(PredictionsError, match="no such file"):
        read_predictions(tmp_path / "none.csv")
    with pytest.raises(PredictionsError, match="no validation predictions"):
        read_predictions(b"image,label,probability\nx,0,0.2\n").cases("validation")


def test_no_name_leaves_the_page() -> None:
    table = without_names(read_predictions(GOOD.replace("a,s1", "doe.dcm,Jane").encode()))
    text = table.to_csv()
    assert "doe" not in text
    assert "Jane" not in text
    assert isinstance(table, pd.DataFrame)
    assert table["image"].tolist() == [1, 2, 3, 3, 4, 4]


def test_numbers_that_a_study_gave_are_kept() -> None:
    text = GOOD.replace("\na,", "\n17,").replace("\nb,", "\n4,").replace("\nc,", "\n30,")
    numbered = read_predictions(text.replace("\nd,", "\n2,").encode())
    assert image_numbers(numbered) == {"17": 17, "4": 4, "30": 30, "2": 2}
    assert without_names(numbered)["image"].tolist() == [17, 4, 30, 30, 2, 2]


def test_numbers_that_are_no_study_s_are_given_anew() -> None:
    """They may be a patient's; two that mean one number stay two images."""
    told = "image,label,probability\n19800412007,1,0.9\n7,0,0.1\n"
    assert without_names(read_predictions(told.encode()), anew=True)["image"].tolist() == [1, 2]
    alike = read_predictions(b"image,label,probability\n001,1,0.9\n1,0,0.1\n")
    assert image_numbers(alike) == {"001": 1, "1": 2}
    foreign = read_predictions("image,label,probability\n\u0661,1,0.9\n1,0,0.1\n".encode())
    assert sorted(image_numbers(foreign).values()) == [1, 2]


def test_a_subject_of_several_folds_is_a_concern() -> None:
    rows = [f"{n},s{n // 2},{n % 2},validation,{n % 2 + 1},0.5" for n in range(8)]
    table = "\n".join(["image,subject,label,split,fold,probability", *rows])
    assert any("more than one fold" in said for said in read_predictions(table.encode()).concerns)
