"""Frozen protocols: which clips, which source frame, which targets, which metrics."""

from vptbench.benchmarks.loader import Benchmark, load_benchmark

__all__ = ["Benchmark", "load_benchmark"]
