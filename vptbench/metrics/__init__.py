"""Metrics by versioned ids: frame metrics, and distances between distributions of features."""

from vptbench.metrics.protocol import DistributionMetric, FrameMetric, Metric, is_frame_metric
from vptbench.metrics.table import METRICS, load, metric_facts, metric_name

__all__ = [
    "METRICS",
    "DistributionMetric",
    "FrameMetric",
    "Metric",
    "is_frame_metric",
    "load",
    "metric_facts",
    "metric_name",
]
