"""Boards of real datasets: declared by their name, their benchmark and the pinned networks."""

from dataclasses import replace
from pathlib import Path

import pytest

from vptbench.benchmarks.loader import BENCHMARKS, SYNTHETIC, load_benchmark
from vptbench.errors import BoardError
from vptbench.figure import Figure
from vptbench.leaderboard import add_entry, declare_board, read_board
from vptbench.leaderboard.check import board_to_problems
from vptbench.metrics import metric_facts
from vptbench.weights import NETWORKS

ROOT = Path(__file__).parents[3]
REAL = [name for name in BENCHMARKS if load_benchmark(name).dataset != SYNTHETIC]


@pytest.fixture
def real(folder, make_scores):
    """A function that writes scores under a frozen benchmark, by pinned networks; fields can be replaced."""

    def write(name="iper-v1", model="a", *, settings=None, drop=None, **fields):
        benchmark = load_benchmark(name)
        known = make_scores().metrics["fid-v1@random"]
        metrics: dict[str, Figure] = {}
        for metric in benchmark.metrics:
            facts = metric_facts(metric)
            metrics[metric] = replace(
                known, label=facts.label, higher_is_better=facts.higher_is_better, unit=facts.unit,
                settings={**facts.settings, **(settings or {}).get(metric, {})},
                pooling=benchmark.pooling if hasattr(facts, "per_frame") else "",
            )  # fmt: skip
        if drop:
            del metrics[drop]
        networks = {
            facts.network: {"mode": "pinned", "sha256": NETWORKS[facts.network].sha256.ljust(64, "0")}
            for facts in map(metric_facts, benchmark.metrics)
            if facts.network
        }
        record = {"id": name, "sha256": benchmark.sha256, "dataset": benchmark.dataset, "pooling": "clip"}
        empty = {table: getattr(make_scores(), table).iloc[:0] for table in ("per_clip", "per_frame")}
        given = {
            "metrics": metrics, "networks": networks, "benchmark": record, "outputs": None, **empty, **fields
        }  # fmt: skip
        return folder(model, **given)

    return write


@pytest.mark.parametrize("name", REAL)
def test_what_was_measured_as_declared_is_taken(real, tmp_path, name):
    board = tmp_path / f"{name}.csv"
    assert declare_board(board).metrics == load_benchmark(name).metrics
    add_entry(real(name), board)
    assert [entry.name for entry in read_board(board).entries] == ["a"]
    assert declare_board(board).entries == read_board(board).entries  # what is there stays
    assert board_to_problems(board) == []


@pytest.mark.parametrize("there", [True, False], ids=["declared", "missing"])
@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"networks": {"inception-fid": {"mode": "pinned", "sha256": "1" * 64}}},
            "network alexnet: .* takes pinned:7be5be791159…, these scores have none; .*network inception-fid",
        ),
        (
            {"networks": {"alexnet": {"mode": "random", "sha256": "1" * 64}}},
            "expected pinned networks on boards",
        ),
        (
            {"benchmark": {"id": "iper-v1", "sha256": "2" * 64, "dataset": "iper"}},
            "benchmark's hash: a board of this name takes [0-9a-f]{12}…, these scores have 222222222222…",
        ),
        (
            {"benchmark": {"id": "mine-v1", "sha256": "2" * 64, "dataset": "iper"}},
            "benchmark: a board of this name takes iper-v1, these scores have mine-v1",
        ),
        (
            {"drop": "fid-v1"},
            r"metrics: a board of this name takes ssim-v1, .* these scores have ssim-v1, psnr-v1",
        ),
        ({"settings": {"fvd-v1": {"step": 8}}}, "fvd-v1: step: its definition has 16, these scores 8"),
    ],
)
def test_anything_else_is_refused_from_the_first_entry_on(real, tmp_path, fields, text, there):
    board = tmp_path / "iper-v1.csv"
    if there:
        declare_board(board)
    before = board.read_bytes() if there else None
    with pytest.raises(BoardError, match=text):
        add_entry(real(**fields), board)
    assert (board.read_bytes() if there else None) == before
    assert board.exists() == there


def test_random_scores_of_synthetic_clips_never_reach_a_real_board(folder, tmp_path):
    text = "benchmark: a board of this name takes iper-v1, these scores have synthetic-v1"
    with pytest.raises(BoardError, match=text):
        add_entry(folder("a"), tmp_path / "iper-v1.csv")


def test_a_board_renamed_to_a_real_one_is_caught(folder, tmp_path):
    add_entry(folder("a"), tmp_path / "b.csv")
    (tmp_path / "b.csv").rename(tmp_path / "iper-v1.csv")
    (tmp_path / "b.clips").rename(tmp_path / "iper-v1.clips")
    assert "benchmark: a board of this name takes iper-v1" in " ".join(
        board_to_problems(tmp_path / "iper-v1.csv")
    )


@pytest.mark.parametrize("name", ["synthetic-v1", "iper-v9", "board"])
def test_other_names_declare_nothing(tmp_path, name):
    with pytest.raises(BoardError, match="expected a board named after a frozen benchmark of real data"):
        declare_board(tmp_path / f"{name}.csv")


@pytest.mark.parametrize("name", REAL)
def test_the_boards_of_the_project_are_whole(name):
    board = ROOT / "leaderboards" / f"{name}.csv"
    assert read_board(board).metrics == load_benchmark(name).metrics
    assert board_to_problems(board) == []
