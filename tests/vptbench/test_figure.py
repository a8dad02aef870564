import dataclasses
import math

import pytest

from vptbench.errors import ScoreError
from vptbench.figure import Figure

FIGURE = Figure("L1", "", higher_is_better=False, value=0.5, low=0.4, high=0.6, floor=None, pooling="clip",
                clips=2, frames=8, samples=8, infinite_frames=0, settings={}, reason="")  # fmt: skip


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"value": math.nan}, "expected finite numbers or null"),
        ({"value": None}, "either a value or a reason"),
        ({"reason": "no"}, "either a value or a reason"),
        ({"low": None}, "both ends of an interval"),
        ({"value": None, "reason": "no"}, "both ends of an interval"),
        ({"clips": -1}, "counts from 0"),
        ({"clips": "2"}, "clips: found '2'"),
        ({"value": True}, "value: found True"),
        ({"higher_is_better": 1}, "higher_is_better: found 1"),
    ],
)
def test_figures_that_contradict_themselves(change, text):
    with pytest.raises(ScoreError, match=text):
        dataclasses.replace(FIGURE, **change)
