"""Which metrics there are."""

from typing import Protocol, cast

from vptbench.metrics.protocol import Facts, Metric
from vptbench.registry import id_to_object
from vptbench.weights import Mode, Networks

METRICS: dict[str, str] = {
    "ssim-v1": "vptbench.metrics.ssim:SSIM",
    "psnr-v1": "vptbench.metrics.psnr:PSNR",
    "l1-v1": "vptbench.metrics.l1:L1",
    "lpips-v1": "vptbench.metrics.lpips:LPIPS",
    "fid-v1": "vptbench.metrics.fid:FID",
    "fvd-v1": "vptbench.metrics.fvd:FVD",
    "kid-v1": "vptbench.metrics.kid:KID",
    "flicker-v1": "vptbench.metrics.temporal:FLICKER",
    "ssim-person-v1": "vptbench.metrics.ssim:SSIM_PERSON",
    "psnr-person-v1": "vptbench.metrics.psnr:PSNR_PERSON",
    "l1-person-v1": "vptbench.metrics.l1:L1_PERSON",
    "lpips-person-v1": "vptbench.metrics.lpips:LPIPS_PERSON",
    "ssim-background-v1": "vptbench.metrics.ssim:SSIM_BACKGROUND",
    "psnr-background-v1": "vptbench.metrics.psnr:PSNR_BACKGROUND",
    "l1-background-v1": "vptbench.metrics.l1:L1_BACKGROUND",
    "lpips-background-v1": "vptbench.metrics.lpips:LPIPS_BACKGROUND",
    "ssim-bdmm-v1": "vptbench.metrics.ssim:SSIM_BDMM",
    "psnr-cap100-v1": "vptbench.metrics.psnr:PSNR_CAP100",
    "l1-bdmm-v1": "vptbench.metrics.l1:L1_BDMM",
    "fid-bdmm-v1": "vptbench.metrics.fid_bdmm:FID_BDMM",
    "fvd-bdmm-train-16f-v1": "vptbench.metrics.fvd_bdmm:TRAIN_16F",
    "fvd-bdmm-train-128f-v1": "vptbench.metrics.fvd_bdmm:TRAIN_128F",
    "fvd-bdmm-train-128f-s8-v1": "vptbench.metrics.fvd_bdmm:TRAIN_128F_S8",
    "fvd-bdmm-test-16f-v1": "vptbench.metrics.fvd_bdmm:TEST_16F",
    "fvd-bdmm-test-128f-v1": "vptbench.metrics.fvd_bdmm:TEST_128F",
    "fvd-bdmm-test-128f-s8-v1": "vptbench.metrics.fvd_bdmm:TEST_128F_S8",
    "ssim-disco-v1": "vptbench.metrics.ssim:SSIM_DISCO",
    "psnr-u8overflow-v1": "vptbench.metrics.psnr:PSNR_U8OVERFLOW",
    "l1-disco-v1": "vptbench.metrics.l1:L1_DISCO",
    "lpips-vgg-disco-v1": "vptbench.metrics.lpips:LPIPS_VGG_DISCO",
    "fvd-disco-ts-v1": "vptbench.metrics.fvd:FVD_DISCO",
    "ssim-his-v1": "vptbench.metrics.ssim:SSIM_HIS",
    "psnr-his-v1": "vptbench.metrics.psnr:PSNR_HIS",
    "lpips-his-v1": "vptbench.metrics.lpips:LPIPS_HIS",
    "lpips-vgg-v1": "vptbench.metrics.lpips:LPIPS_VGG",
    "ssim-sk7-v1": "vptbench.metrics.ssim:SSIM_SK7",
    "ssim-reflect-v1": "vptbench.metrics.ssim:SSIM_REFLECT",
    "ssim-matlab-down-v1": "vptbench.metrics.ssim:SSIM_MATLAB_DOWN",
}
"""Id to "module:object"; the object has the members of `Facts` and a ``load(networks)``.

First this project's own: what its benchmarks measure, then what may stand beside them. Then the definitions
that published tables are made of, each under the name of whose it is.
"""


class MetricClass(Facts, Protocol):
    """What the table points to."""

    def load(self, networks: Networks) -> Metric:
        """Make the metric ready to run, with its network where it has one.

        Raises:
            WeightsError: The network's weights are missing or not the pinned ones.
        """


def metric_facts(metric_id: str) -> MetricClass:
    """The table's object of a metric: its label, unit and direction, before any weights are needed.

    Raises:
        RegistryError: The id is unknown.
    """
    return cast("MetricClass", id_to_object(metric_id, METRICS, "metric"))


def load(metric_id: str, networks: Networks | None = None) -> Metric:
    """Make a metric ready to run.

    Args:
        metric_id: A key of `METRICS`.
        networks: Which weights, and where they run; the pinned ones on the CPU by default.

    Raises:
        RegistryError: The id is unknown.
        WeightsError: Its network's weights are missing or not the pinned ones.

    Example:
        ``load("ssim-v1").per_frame(generated=frames, target=frames)``
    """
    return metric_facts(metric_id).load(Networks() if networks is None else networks)


def metric_name(metric_id: str, mode: Mode) -> str:
    """The name that figures of a metric carry: "fid-v1@random" where its network has random weights.

    Raises:
        RegistryError: The id is unknown.
    """
    return f"{metric_id}@random" if mode == "random" and metric_facts(metric_id).network else metric_id
