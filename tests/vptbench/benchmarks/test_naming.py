"""Naming the first few of many things."""

import pytest

from vptbench.benchmarks.naming import named


@pytest.mark.parametrize(
    ("things", "joint", "text"),
    [
        ([], ", ", ""),
        ([1, 2, 3, 4], ", ", "1, 2, 3, 4"),
        (range(6), ", ", "0, 1, 2, 3 and 2 more"),
        ("abcde", "; ", "a; b; c; d; and 1 more"),
    ],
)
def test_four_are_named_and_the_rest_counted(things, joint, text):
    assert named(things, joint) == text
