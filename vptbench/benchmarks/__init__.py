"""Frozen protocols: which clips, which source frame, which targets, which metrics."""

from vptbench.benchmarks.items import Item, benchmark_items
from vptbench.benchmarks.loader import Benchmark, load_benchmark

__all__ = ["Benchmark", "Item", "benchmark_items", "load_benchmark"]
