"""Which metrics there are."""

from typing import Protocol, cast

from vptbench.metrics.protocol import Facts, Metric
from vptbench.registry import id_to_object
from vptbench.weights import Mode, Networks

METRICS: dict[str, str] = {
    "ssim-v1": "vptbench.metrics.ssim:Ssim",
    "psnr-v1": "vptbench.metrics.psnr:Psnr",
    "l1-v1": "vptbench.metrics.l1:L1",
    "lpips-v1": "vptbench.metrics.lpips:Lpips",
    "fid-v1": "vptbench.metrics.fid:Fid",
    "fvd-v1": "vptbench.metrics.fvd:Fvd",
}
"""Id to "module:class"; the class has the members of `Facts` and a ``load(networks)``."""


class MetricClass(Facts, Protocol):
    """What the table points to."""

    def load(self, networks: Networks) -> Metric:
        """Make the metric (a class method), with its network where it has one."""


def metric_facts(metric_id: str) -> MetricClass:
    """The class of a metric: its label, unit and direction, before any weights are needed.

    Raises:
        RegistryError: The id is unknown.
    """
    return cast("MetricClass", id_to_object(metric_id, METRICS, "metric"))


def load_metric(metric_id: str, networks: Networks) -> Metric:
    """Make a metric ready to run.

    Raises:
        RegistryError: The id is unknown.
        WeightsError: Its network's weights are missing or not the pinned ones.

    Example:
        ``load_metric("ssim-v1", Networks()).per_frame(generated=frames, target=frames)``
    """
    return metric_facts(metric_id).load(networks)


def metric_name(metric_id: str, mode: Mode) -> str:
    """The name that figures of a metric carry: "fid-v1@random" where its network has random weights.

    Raises:
        RegistryError: The id is unknown.
    """
    return f"{metric_id}@random" if mode == "random" and metric_facts(metric_id).network else metric_id
