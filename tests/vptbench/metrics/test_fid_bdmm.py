"""The published numbers are those of `tests/golden/fid.json`; their origin stands in ORIGIN.md beside it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models.inception import inception_v3

from vptbench.errors import ShapeError, UsageError
from vptbench.metrics import fid_bdmm
from vptbench.metrics.fid_bdmm import FID_BDMM, frames_to_input
from vptbench.metrics.frechet import Statistics, distance
from vptbench.weights import Networks

STORED = json.loads((Path(__file__).parents[2] / "golden" / "fid.json").read_text())


@pytest.fixture(scope="module")
def filled(golden_module):
    """The metric, its network filled as that of the golden values was."""
    value = golden_module("fid_net").value
    checked = {}

    def load_state(name, networks, shapes):
        assert (name, networks) == ("inception-torchvision", Networks())
        state = {
            key: torch.from_numpy(value(key, tuple(like.shape), STORED["salt"]))
            for key, like in shapes.items()
        }
        checked.update(state)
        return state

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fid_bdmm, "load_state", load_state)
        metric = FID_BDMM.load(Networks())
    spot = STORED["network"]
    numbers = sum(each.numel() for key, each in checked.items() if not key.endswith("num_batches_tracked"))
    assert numbers == spot["parameters_and_buffers"]
    conv, norm = checked["Conv2d_1a_3x3.conv.weight"], checked["Mixed_7c.branch_pool.bn.running_var"]
    np.testing.assert_allclose(conv.flatten()[:4], spot["conv1_head"], rtol=1e-6)
    np.testing.assert_allclose(norm[:4], spot["var_head"], rtol=1e-6)
    return metric


@pytest.fixture(scope="module")
def sides(filled, golden_videos):
    """Features of the stored frames, generated and true, by video."""
    return [
        {clip: filled.features(frames) for clip, frames in golden_videos(f"fid/{part}").items()}
        for part in ("generated", "train")
    ]


def test_golden_features(sides):
    generated, train = sides
    rows = {"first of fid/train": train["v0.mp4"][0], "last of fid/generated": generated["v2.mp4"][-1]}
    for stored in STORED["images"]:
        found = rows[stored["image"]]
        np.testing.assert_allclose(found[:8], stored["features_0_7"], atol=1e-5)
        np.testing.assert_allclose(found[2040:], stored["features_2040_2047"], atol=1e-5)
        np.testing.assert_allclose(found.mean(dtype=np.float64), stored["mean"], rtol=1e-5)
        np.testing.assert_allclose(found.std(dtype=np.float64), stored["std"], rtol=1e-5)


def test_golden_value(sides):
    np.testing.assert_allclose(FID_BDMM.estimate(*sides).value, STORED["published"], rtol=1e-5)


def test_golden_statistics(sides):
    rows = np.concatenate(list(sides[1].values())).astype(np.float64)
    assert rows.shape == (30, 2048)
    np.testing.assert_allclose(rows.mean(0)[:4], STORED["train_mean_head"], atol=1e-6)
    np.testing.assert_allclose(rows.var(0, ddof=1)[:4], STORED["train_variance_head"], rtol=1e-4, atol=1e-12)


def test_golden_would_tell_the_divisor(sides):
    whole = [Statistics.from_features(np.concatenate(list(side.values()))) for side in sides]
    other = distance(*whole, ddof=0)
    np.testing.assert_allclose(other, STORED["divisor_n"], rtol=1e-5)
    assert abs(other / STORED["published"] - 1) > 1e-3  # a hundred times the tolerance above


def test_hand_input_scale():
    # White: 1 · (0.229/0.5) + (0.485 − 0.5)/0.5 = 0.458 − 0.03; black: −0.03. ImageNet-standardised input
    # (x − μ)/σ would come out at 2x − 1.
    frames = torch.stack([torch.ones(3, 4, 4), torch.zeros(3, 4, 4)])
    found = frames_to_input(frames)
    assert found.shape == (2, 3, 299, 299)
    np.testing.assert_allclose(found[:, 0, 5, 5], [0.428, -0.03], atol=1e-6)
    mean, deviation = (torch.tensor(each)[:, None, None] for each in (fid_bdmm.MEAN, fid_bdmm.DEVIATION))
    np.testing.assert_allclose(
        frames_to_input((frames - mean) / deviation)[:, :, 0, 0], [[1, 1, 1], [-1, -1, -1]], atol=1e-6
    )


def test_naive_input():
    # From 2 to 299 pixels: centres at (i + 0.5) · 2/299 − 0.5, held within 0..1.
    at = np.clip((np.arange(299) + 0.5) * 2 / 299 - 0.5, 0, 1)
    frames = torch.tensor([0.0, 1.0]).expand(1, 3, 2, 2)
    for channel, found in enumerate(frames_to_input(frames)[0]):
        expected = at * (fid_bdmm.DEVIATION[channel] / 0.5) + (fid_bdmm.MEAN[channel] - 0.5) / 0.5
        np.testing.assert_allclose(found, np.broadcast_to(expected, (299, 299)), atol=1e-6)


def test_features_equal_the_plain_network(filled, golden_module, moving):
    value = golden_module("fid_net").value
    net = inception_v3(aux_logits=True, transform_input=False, init_weights=False)
    net.load_state_dict(
        {
            key: torch.from_numpy(value(key, tuple(like.shape), STORED["salt"]))
            for key, like in net.state_dict().items()
        }
    )
    net.fc = torch.nn.Identity()
    frames = moving(2)
    with torch.no_grad():
        batch = torch.from_numpy(frames.transpose(0, 3, 1, 2).copy()).float() / 255
        expected = net.eval()(frames_to_input(batch)).numpy()
    found = filled.features(frames)
    np.testing.assert_allclose(np.linalg.norm(found - expected) / np.linalg.norm(expected), 0, atol=1e-5)


def test_facts_and_windows():
    assert FID_BDMM.reference == "train"
    assert FID_BDMM.network == "inception-torchvision"
    assert "64" in FID_BDMM.settings["published_stops_at"]
    assert FID_BDMM.windows("a", {"a": 2}, generated=False) == (range(1), range(1, 2))


def test_random_weights_tell_pictures_apart(moving):
    metric = FID_BDMM.load(Networks("random"))
    features = metric.features(moving(3))
    assert features.shape == (3, 2048)
    assert np.isfinite(features).all()
    assert features.std(0).mean() > 0.01 * features.mean()


def test_refusals(filled):
    with pytest.raises(ShapeError, match=r"scored frames: expected uint8 \(T, H, W, 3\), got float64"):
        filled.features(np.zeros((1, 8, 8, 3)))
    with pytest.raises(UsageError, match="load the metric first"):
        replace(FID_BDMM).features(np.zeros((1, 8, 8, 3), np.uint8))
