"""Cells of a list of corruptions: their order, their names, and a part of them."""

import json
from dataclasses import replace

import pytest

from vptbench.benchmarks.noisy import load_noisy_benchmark
from vptbench.errors import RegistryError, UsageError
from vptbench.robustness import cells
from vptbench.robustness.cells import CLEAN_CELL, Cell, CellFilter, benchmark_to_cells
from vptbench.robustness.corruptions import Corruption, load_kind


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    """Two kinds, of which the second draws nothing."""
    rules = [
        {"kind": "jitter", "severities": [1, 4], "seeds": [0, 2]},
        {"kind": "lag", "severities": [2, 3], "seeds": [1, 5]},
    ]
    document = {
        "format": "vptbench-benchmark", "version": 1, "id": "mine-noisy-v1", "clean": "synthetic-v1",
        "corruptions": rules,
    }  # fmt: skip
    (tmp_path / "list.json").write_text(json.dumps(document))
    jitter = load_kind("jitter")
    monkeypatch.setattr(cells, "load_kind", lambda name: replace(jitter, drawn=name != "lag"))
    return load_noisy_benchmark(tmp_path / "list.json")


def names(benchmark, **chosen):
    return [cell.name for cell in benchmark_to_cells(benchmark, CellFilter(**chosen))]


def test_all_cells_in_order_and_one_seed_of_what_draws_nothing(benchmark):
    assert names(benchmark) == [
        "jitter-1-0", "jitter-1-2", "jitter-4-0", "jitter-4-2", "lag-2-1", "lag-3-1",
    ]  # fmt: skip
    assert cells.benchmark_to_undrawn(benchmark) == ("lag",)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"kinds": ("lag",)}, ["lag-2-1", "lag-3-1"]),
        ({"severities": (1, 3)}, ["jitter-1-0", "jitter-1-2", "lag-3-1"]),
        ({"seeds": (2,)}, ["jitter-1-2", "jitter-4-2", "lag-2-1", "lag-3-1"]),
        ({"kinds": ("jitter",), "severities": (4,), "seeds": (0,)}, ["jitter-4-0"]),
    ],
)
def test_a_part_of_them(benchmark, chosen, expected):
    assert names(benchmark, **chosen) == expected


@pytest.mark.parametrize(
    ("chosen", "error", "text"),
    [
        (
            {"kinds": ("jiter",)},
            RegistryError,
            "known kind of mine-noisy-v1, got 'jiter'; did you mean 'jitter'",
        ),
        ({"severities": (1, 5)}, UsageError, "expected severities among 1, 2, 3, 4, got 5$"),
        ({"seeds": (3,)}, UsageError, "expected seeds among 0, 1, 2, 5, got 3$"),
        ({"kinds": ("lag",), "severities": (4,)}, UsageError, "expected severities among 2, 3, got 4$"),
        ({"severities": (1,), "seeds": (1,)}, UsageError, "the choice leaves none"),
    ],
)
def test_what_is_not_in_the_list_is_refused(benchmark, chosen, error, text):
    with pytest.raises(error, match=text):
        names(benchmark, **chosen)


def test_names():
    cell = Cell("other-body", 3, 1)
    assert (cell.name, cell.control) == ("other-body-3-1", "other-body-3-1-control")
    assert (CLEAN_CELL.name, CLEAN_CELL.control) == ("clean", "clean-control")
    assert Cell("jitter", 2, 1).corruption == Corruption("jitter", 2, 1)
