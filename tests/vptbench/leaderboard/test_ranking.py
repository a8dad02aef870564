from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vptbench.leaderboard.board import FACTS, Entry, Value
from vptbench.leaderboard.noise import Basis
from vptbench.leaderboard.ranking import entries_to_ranking


def entry(name, *values, kind="model"):
    facts = dict.fromkeys(FACTS, "") | {"name": name, "kind": kind}
    return Entry(facts, {f"m{i}-v1": Value(value, None, None) for i, value in enumerate(values)})


def summary(places):
    return [(place.entry.name, place.place, place.mean_rank) for place in places]


def test_places_by_hand():
    # first metric, higher is better: c 1, a and b (2 + 3)/2; second, lower is better: a 1, c 2, b 3
    entries = [
        entry("a", 0.8, 1.0),
        entry("b", 0.8, 3.0),
        entry("c", 0.9, 2.0),
        entry("x", 1, 0, kind="audit"),
    ]
    assert summary(entries_to_ranking(entries, [True, False])) == [
        ("c", 1, 1.5), ("a", 2, 1.75), ("b", 3, 2.75), ("x", None, None),
    ]  # fmt: skip


def test_equal_means_share_a_place():
    entries = [entry("z", 0.9, 2.0), entry("a", 0.8, 1.0), entry("m", 0.1, 9.0)]
    assert summary(entries_to_ranking(entries, [True, False])) == [
        ("a", 1, 1.5),
        ("z", 1, 1.5),
        ("m", 3, 3.0),
    ]


def test_a_board_of_audits_has_no_places():
    assert summary(entries_to_ranking([entry("x", 1.0, kind="audit")], [True])) == [("x", None, None)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6), st.randoms())
def test_the_order_of_rows_does_not_matter(values, random):
    entries = [entry(f"e{i}", *map(float, pair)) for i, pair in enumerate(values)]
    expected = summary(entries_to_ranking(entries, [True, False]))
    random.shuffle(entries)
    assert summary(entries_to_ranking(entries, [True, False])) == expected
    ranks = [rank for _, _, rank in expected]
    np.testing.assert_allclose(np.mean(ranks), (len(entries) + 1) / 2)


@dataclass(frozen=True)
class Near:
    """Noise of one size: figures no further apart are not told apart."""

    size: float

    def differ(self, metric, one, other):
        return abs(one.values[metric].value - other.values[metric].value) > self.size, Basis.VALUE


def test_shared_ranks_by_hand():
    # The leader 1.0 keeps 0.9; 0.8 is too far from it and leads 0.7, although 0.9 is near to 0.8.
    entries = [entry("d", 0.7), entry("b", 0.9), entry("a", 1.0), entry("c", 0.8)]
    places = entries_to_ranking(entries, [True], Near(0.15))
    assert summary(places) == [("a", 1, 1.5), ("b", 1, 1.5), ("c", 3, 3.5), ("d", 3, 3.5)]
    assert [place.entry.name for place in places if place.best] == ["a", "b"]
    assert [rank for _, _, rank in summary(entries_to_ranking(entries, [False], Near(0.15)))] == [
        1.5,
        1.5,
        3.5,
        3.5,
    ]


@given(st.lists(st.integers(0, 12), min_size=1, max_size=8), st.integers(0, 4), st.booleans(), st.randoms())
def test_ranks_never_contradict_figures_and_no_name_or_row_decides(values, size, higher, random):
    names = [f"e{number}" for number in range(len(values))]
    random.shuffle(names)
    entries = [entry(name, float(value)) for name, value in zip(names, values, strict=True)]
    found = {place.entry.name: place.mean_rank for place in entries_to_ranking(entries, [higher], Near(size))}
    ranks = sorted(
        (value if not higher else -value, found[name]) for name, value in zip(names, values, strict=True)
    )
    assert [rank for _, rank in ranks] == sorted(found.values())
    assert dict(ranks) == dict(reversed(ranks))  # equal figures share their rank
    np.testing.assert_allclose(np.mean(list(found.values())), (len(values) + 1) / 2)
    best = min(value for value, _ in ranks)
    top = [value for value, rank in ranks if rank == ranks[0][1]]
    assert max(top) <= best + size
