import numpy as np
import pytest

from vptbench.errors import RegistryError, WeightsError
from vptbench.metrics import METRICS, is_frame_metric, load_metric, metric_facts, metric_name
from vptbench.registry import check_id
from vptbench.weights import NETWORKS, Networks


@pytest.mark.parametrize("metric_id", METRICS)
def test_every_id_has_its_facts_and_its_source(metric_id):
    facts = metric_facts(check_id(metric_id))
    assert facts.id == metric_id
    assert facts.label.isupper() or facts.label == "L1"
    assert facts.tolerance > 0
    assert facts.network is None or facts.network in NETWORKS
    assert "Source:" in facts.__doc__
    assert f"`{metric_id}`" in facts.__doc__


def test_the_six_and_their_directions():
    assert {name: metric_facts(name).higher_is_better for name in METRICS} == {
        "ssim-v1": True, "psnr-v1": True, "l1-v1": False, "lpips-v1": False, "fid-v1": False, "fvd-v1": False,
    }  # fmt: skip


def test_names_of_figures_tell_random_weights():
    assert [metric_name(name, "pinned") for name in METRICS] == list(METRICS)
    assert [metric_name(name, "random") for name in METRICS] == [
        "ssim-v1", "psnr-v1", "l1-v1", "lpips-v1@random", "fid-v1@random", "fvd-v1@random",
    ]  # fmt: skip


@pytest.mark.parametrize("metric_id", ["ssim-v1", "psnr-v1", "l1-v1"])
def test_pixel_metrics_need_no_weights(metric_id, tmp_path):
    metric = load_metric(metric_id, Networks(directory=tmp_path))
    assert is_frame_metric(metric)
    none = np.zeros((0, 16, 16, 3), np.uint8)
    assert metric.per_frame(generated=none, target=none).shape == (0,)


@pytest.mark.parametrize("metric_id", ["lpips-v1", "fid-v1", "fvd-v1"])
def test_network_metrics_stop_without_weights(metric_id, tmp_path):
    with pytest.raises(
        WeightsError, match=r"found no file; run `vptbench weights fetch`, or use `--weights random`"
    ):
        load_metric(metric_id, Networks(directory=tmp_path))


def test_refuses_an_unknown_id():
    with pytest.raises(RegistryError, match="expected a known metric, got 'sim-v1'; did you mean 'ssim-v1'"):
        load_metric("sim-v1", Networks())
