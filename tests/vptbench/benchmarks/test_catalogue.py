"""The table of everything that ships."""

import json

import pytest

from vptbench.benchmarks.catalogue import COLUMNS, benchmark_to_json, benchmarks_to_rows
from vptbench.benchmarks.loader import benchmark_ids, load_benchmark, noisy_benchmark_ids
from vptbench.errors import RegistryError


def test_every_id_has_a_row():
    rows = benchmarks_to_rows()
    assert [row["id"] for row in rows] == [*benchmark_ids(), *noisy_benchmark_ids()]
    assert all(tuple(row) == COLUMNS for row in rows)
    by_id = {row["id"]: row for row in rows}
    assert by_id["iper-bdmm-v1"] == {
        "id": "iper-bdmm-v1", "dataset": "iper", "split": "test", "source": "random of first 20, seed 0",
        "pooling": "frame", "reference": "train", "sha256": load_benchmark("iper-bdmm-v1").sha256,
    }  # fmt: skip
    noisy, clean = by_id["iper-noisy-v1"], by_id["iper-v1"]
    assert {name for name in COLUMNS if noisy[name] != clean[name]} == {"id", "sha256"}


@pytest.mark.parametrize("name", [*benchmark_ids(), *noisy_benchmark_ids()])
def test_everything_can_be_shown(name):
    shown = json.loads(json.dumps(benchmark_to_json(name)))
    assert shown["id"] == name
    assert len(shown["sha256"]) == 64
    if name in noisy_benchmark_ids():
        assert shown["corruptions"][0] == {
            "kind": "jitter",
            "severities": [1, 2, 3, 4, 5],
            "seeds": [0, 1, 2],
        }
    else:
        assert (shown["stride"], shown["driving"], shown["items"]) == (1, "self", [])


def test_items_are_shown_as_they_stand(with_items, item):
    assert json.loads(json.dumps(benchmark_to_json(with_items())))["items"] == [item()]


def test_unknown_ids_are_refused():
    with pytest.raises(RegistryError, match="did you mean 'synthetic-v1'"):
        benchmark_to_json("synthetic-v2")
