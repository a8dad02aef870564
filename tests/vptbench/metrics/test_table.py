import ast
import importlib
import inspect
import itertools

import numpy as np
import pytest

from vptbench.errors import RegistryError, WeightsError
from vptbench.metrics import METRICS, is_frame_metric, load, metric_facts, metric_name
from vptbench.metrics.protocol import MASK
from vptbench.registry import check_id
from vptbench.weights import NETWORKS, Networks

WITH_NETWORK = [name for name in METRICS if not name.startswith(("ssim", "psnr", "l1", "flicker"))]


def constant_to_docstring(module, name):
    """The text that stands under the assignment of a module's constant."""
    body = ast.parse(inspect.getsource(module)).body
    for statement, after in itertools.pairwise(body):
        named = isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", None) == name
        if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            return str(after.value.value)
    return ""


@pytest.mark.parametrize("metric_id", METRICS)
def test_every_id_has_its_facts_and_its_source(metric_id):
    facts = metric_facts(check_id(metric_id))
    assert facts.id == metric_id
    assert facts.higher_is_better == metric_id.startswith(("ssim", "psnr"))
    assert facts.unit == ("dB" if metric_id.startswith("psnr") else "")
    assert facts.tolerance > 0
    assert (facts.network in NETWORKS) == (metric_id in WITH_NETWORK)
    module, name = METRICS[metric_id].split(":")
    text = constant_to_docstring(importlib.import_module(module), name)
    assert text, f"{module}: expected a text under {name}"
    assert "Source:" in text + str(type(facts).__doc__)


def test_labels_tell_ids_apart():
    labels = [metric_facts(name).label for name in METRICS]
    assert len(set(labels)) == len(labels)
    for name, label in zip(METRICS, labels, strict=True):
        assert label.lower().startswith(name.split("-", maxsplit=1)[0])


def test_person_and_background_need_a_mask_and_flicker_the_flow():
    needs = {name: metric_facts(name).needs for name in METRICS if is_frame_metric(metric_facts(name))}
    of_regions = {name for name in METRICS if "person" in name or "background" in name}
    assert {name for name, needed in needs.items() if needed == (MASK,)} == of_regions
    assert {name: needed for name, needed in needs.items() if needed not in {(), (MASK,)}} == {
        "flicker-v1": ("flow",)
    }
    assert [name for name in needs if metric_facts(name).floored] == ["flicker-v1"]


def test_names_of_figures_tell_random_weights():
    assert [metric_name(name, "pinned") for name in METRICS] == list(METRICS)
    assert {name for name in METRICS if metric_name(name, "random") == f"{name}@random"} == {*WITH_NETWORK}
    assert {name for name in METRICS if metric_name(name, "random") == name} == {*METRICS} - {*WITH_NETWORK}


@pytest.mark.parametrize("metric_id", [name for name in METRICS if name not in WITH_NETWORK])
def test_pixel_metrics_need_no_weights(metric_id, tmp_path):
    metric = load(metric_id, Networks(directory=tmp_path))
    assert is_frame_metric(metric)
    none = np.zeros((0, 16, 16, 3), np.uint8)
    given = {"mask": none[..., 0] > 0, "flow": none[..., :2].astype(np.float32)}
    more = {name: given[name] for name in metric.needs}
    assert metric.per_frame(generated=none, target=none, **more).shape == (0,)


@pytest.mark.parametrize("metric_id", WITH_NETWORK)
def test_network_metrics_stop_without_weights(metric_id, tmp_path):
    with pytest.raises(
        WeightsError, match=r"found no file; run `vptbench weights fetch`, or use `--weights random`"
    ):
        load(metric_id, Networks(directory=tmp_path))


def test_the_pinned_weights_are_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("VPTBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(WeightsError, match=str(tmp_path)):
        load("lpips-v1")
    assert load("ssim-v1") is metric_facts("ssim-v1")


def test_refuses_an_unknown_id():
    with pytest.raises(RegistryError, match="expected a known metric, got 'sim-v1'; did you mean 'ssim-v1'"):
        load("sim-v1", Networks())
