import math

import pandas as pd
import pytest

from vptbench.leaderboard.ranking import Column
from vptbench.report.table import scores_to_sections
from vptbench.report.values import Values, section_to_lead, section_to_values
from vptbench.scorefile import write_scores

UP, DOWN = Column("up", "Up", "", "↑", 2), Column("down", "Down", "dB", "↓", 1)


def values(*rows, judged):
    return Values(tuple(rows), ({},) * len(rows), judged)


def test_clips_are_ordered_by_the_mean_of_the_judged_rows_worst_first():
    found = values(
        {"up": {"a": 1.0, "b": 2.0, "c": 3.0}, "down": {"a": 1.0, "b": 2.0}},
        {"up": {"a": 9.0, "b": 2.0, "c": 3.0}},
        {"up": {"a": 0.0, "b": 99.0, "c": 99.0}},  # an audit
        judged=(0, 1),
    )
    assert found.order(UP) == ["b", "c", "a"]  # means 2, 3, 5
    assert found.order(DOWN) == ["b", "a"]
    assert found.mean(UP, "a") == 5
    assert found.mean(DOWN, "c") is None


def test_equal_clips_are_ordered_by_name_and_infinite_ones_are_best():
    found = values({"up": {"c": 1.0, "a": math.inf, "b": 1.0}}, judged=(0,))
    assert found.order(UP) == ["b", "c", "a"]
    assert found.texts(0, [UP, DOWN], "b") == ("Up 1.00",)
    assert found.texts(0, [UP], "a") == ()


@pytest.fixture
def section(tmp_path, make_scores):
    write_scores(tmp_path / "a", make_scores("a", infinite=[("a", 1)]))
    write_scores(tmp_path / "b", make_scores("oracle", kind="audit"))
    (found,) = scores_to_sections([tmp_path / "b", tmp_path / "a"])
    return found


def test_tables_are_looked_through_once(section):
    found = section_to_values(section)
    assert [row.name for row in section.rows] == ["a", "oracle"]
    assert found.judged == (0,)
    frames: pd.DataFrame = section.rows[0].scores.per_frame
    numbers, curve = found.frames[0]["psnr-v1", "a"]
    kept = frames[(frames["clip"] == "a") & (frames["metric"] == "psnr-v1")]
    assert (list(numbers), list(curve)) == (kept["frame"].tolist(), kept["value"].tolist())
    assert curve[0] == math.inf
    lead = section_to_lead(section, found)
    assert lead.name == "ssim-v1"  # the first in the order of the table of metrics
