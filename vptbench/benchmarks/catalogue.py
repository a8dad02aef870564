"""Everything that ships with vptbench and can be named, in one table."""

from pathlib import Path

from vptbench.benchmarks.loader import BENCHMARKS, NOISY_BENCHMARKS, load_benchmark
from vptbench.benchmarks.noisy import load_any_benchmark, load_noisy_benchmark
from vptbench.benchmarks.source import source_to_text
from vptbench.config import config_to_json
from vptbench.manifest import Json

COLUMNS = ("id", "dataset", "split", "source", "pooling", "reference", "sha256")


def benchmarks_to_rows() -> list[dict[str, Json]]:
    """A row of `COLUMNS` for each protocol; lists of corruptions have their clean protocol's rules."""
    rows: list[dict[str, Json]] = []
    for name in BENCHMARKS + NOISY_BENCHMARKS:
        noisy = load_noisy_benchmark(name) if name in NOISY_BENCHMARKS else None
        rules = load_benchmark(name if noisy is None else noisy.clean)
        cells = (
            name, rules.dataset, rules.split, source_to_text(rules.source), rules.pooling, rules.reference,
            rules.sha256 if noisy is None else noisy.sha256,
        )  # fmt: skip
        rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return rows


def benchmark_to_json(id_or_path: str | Path) -> dict[str, Json]:
    """All that a protocol or a list of corruptions says, defaults and hash included.

    Raises:
        VptbenchError: As `load_any_benchmark`.
    """
    return config_to_json(load_any_benchmark(id_or_path))
