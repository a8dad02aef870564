import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from pytorch_fid import inception
from torchvision.models.inception import inception_v3

from vptbench.errors import ScoreError, ShapeError, UsageError, WeightsError
from vptbench.metrics.fid import BATCH, FID, WIDTH
from vptbench.metrics.frechet import Statistics
from vptbench.weights import NETWORKS, Network, Networks, random_state


@pytest.fixture(scope="module")
def weights():
    with torch.device("meta"):
        shapes = inception_v3(num_classes=1008, aux_logits=False, init_weights=False).state_dict()
    return random_state("inception-fid", shapes)


class MeanColour(torch.nn.Module):
    """Stands in for the network: every feature is the mean of the picture, as the network sees it."""

    def forward(self, x):
        return [x.mean((1, 2, 3), keepdim=True).expand(-1, WIDTH, 1, 1)]


def test_hand_three_constant_pictures():
    # Black, mid-grey and white are 0, 127/255 and 1: mean 0.499, and every entry of the covariance 0.25
    # (pytorch-fid's own test, within 1e-3).
    frames = np.stack([np.full((8, 8, 3), value, np.uint8) for value in (0, 127, 255)])
    found = Statistics.from_features(replace(FID, net=MeanColour()).features(frames))
    np.testing.assert_allclose(found.mean, 0.5, atol=2e-3)
    np.testing.assert_allclose(found.scatter / 2, 0.25, atol=1e-3)


def naive_resize(frame, side):
    """Bilinear with half-pixel centres and no antialias, pixel by pixel, clamped at the border."""
    height, width = frame.shape[:2]
    out = np.empty((side, side, 3))
    for row, column in np.ndindex(side, side):
        y, x = max((row + 0.5) * height / side - 0.5, 0), max((column + 0.5) * width / side - 0.5, 0)
        y0, x0 = int(y), int(x)
        y1, x1 = min(y0 + 1, height - 1), min(x0 + 1, width - 1)
        top = frame[y0, x0] * (1 - x + x0) + frame[y0, x1] * (x - x0)
        bottom = frame[y1, x0] * (1 - x + x0) + frame[y1, x1] * (x - x0)
        out[row, column] = top * (1 - y + y0) + bottom * (y - y0)
    return out


def test_naive_preprocessing(fid_random, moving):
    frames = moving(1, side=40)
    seen = []
    hook = fid_random.net.blocks[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    fid_random.features(frames)
    hook.remove()
    expected = 2 * naive_resize(frames[0] / 255, 299) - 1
    np.testing.assert_allclose(seen[0][0].permute(1, 2, 0), expected, atol=2e-5)


def test_features_equal_the_package_called_by_itself(fid_random, weights, moving, monkeypatch):
    monkeypatch.setattr(inception, "load_state_dict_from_url", lambda *_, **__: weights)
    net = inception.InceptionV3([3]).eval()
    frames = moving(3)
    with torch.no_grad():
        batch = torch.from_numpy(frames.transpose(0, 3, 1, 2).copy()).float() / 255
        expected = net(batch)[0].squeeze(3).squeeze(2).numpy()
    found = fid_random.features(frames)
    assert found.shape == (3, WIDTH)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found - expected) / np.linalg.norm(expected), 0, atol=1e-5)


def test_property_batch_order_and_identity(fid_random, moving):
    frames = moving(BATCH + 1)
    features = fid_random.features(frames)
    scale = np.abs(features).max()
    np.testing.assert_allclose(fid_random.features(frames[:-4:-1]), features[:-4:-1], atol=1e-5 * scale)
    trace = features.var(0, ddof=1, dtype=np.float64).sum()
    for other in (features, features[::-1]):
        assert abs(fid_random.estimate({"a": features}, {"a": other}).value) <= 1e-9 * trace
    assert features.std(0).mean() > 0.01 * features.mean()  # random weights still tell pictures apart


def test_golden_more_blur_is_farther_and_symmetry(fid_random, moving, blurred):
    frames = moving(4)
    target, *sets = (
        {"a": fid_random.features(video)} for video in (frames, blurred(frames, 1), blurred(frames, 4))
    )
    values = [fid_random.estimate(generated, target).value for generated in sets]
    assert 1e-3 < values[0] < values[1]
    np.testing.assert_allclose(fid_random.estimate(target, sets[0]).value, values[0], rtol=1e-9)
    # Origin: this class with weights by vptbench-random-v1, torch 2.15 (CPU), pytorch-fid 0.3.0,
    # scikit-image 0.26.0's astronaut, 2026-08. It pins preprocessing, network, folding and divisor.
    np.testing.assert_allclose(values, [3.7435516421980184, 41.53846207565758], rtol=1e-3)


def test_pinned_network_comes_from_the_local_file_alone(monkeypatch, tmp_path, weights, fid_random, moving):
    buffer = io.BytesIO()
    torch.save(weights, buffer)
    (tmp_path / "i.pth").write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    pinned = Network(file="i.pth", url="http://127.0.0.1:9/i.pth", sha256=digest, licence="", serves="")
    monkeypatch.setitem(NETWORKS, "inception-fid", pinned)

    def download(*_, **__):
        pytest.fail("downloaded")

    monkeypatch.setattr(inception, "load_state_dict_from_url", download)
    generator = torch.get_rng_state()
    metric = FID.load(Networks(directory=tmp_path))
    assert torch.equal(torch.get_rng_state(), generator)
    assert inception.load_state_dict_from_url is download  # put back
    np.testing.assert_array_equal(metric.features(moving(1)), fid_random.features(moving(1)))


def test_weights_of_another_network_are_refused(monkeypatch, tmp_path, weights):
    buffer = io.BytesIO()
    torch.save({name: value for name, value in weights.items() if "Mixed_7c" not in name}, buffer)
    (tmp_path / "i.pth").write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    monkeypatch.setitem(NETWORKS, "inception-fid", Network("i.pth", "", digest, "", ""))
    with pytest.raises(RuntimeError, match="Missing key"):  # a pinned file cannot be so: a programmer's error
        FID.load(Networks(directory=tmp_path))
    (tmp_path / "i.pth").write_bytes(b"cut short")
    with pytest.raises(WeightsError, match="inception-fid: expected SHA-256"):
        FID.load(Networks(directory=tmp_path))


def test_refusals(fid_random):
    with pytest.raises(
        ShapeError, match=r"scored frames: expected uint8 \(T, H, W, 3\), got float64 \(1, 8, 8, 3\)"
    ):
        fid_random.features(np.zeros((1, 8, 8, 3)))
    none = fid_random.features(np.zeros((0, 8, 8, 3), np.uint8))
    assert none.shape == (0, WIDTH)
    with pytest.raises(ScoreError, match="expected at least 2 samples on each side for a covariance, got 0"):
        fid_random.estimate({"a": none}, {"a": none})
    with pytest.raises(UsageError, match="load the metric first"):
        FID.features(np.zeros((1, 8, 8, 3), np.uint8))


def test_windows_are_frames(fid_random, moving):
    assert FID.windows("a", {"a": 3, "b": 9}, generated=True) == (range(1), range(1, 2), range(2, 3))
    frames = moving(5)
    chosen = fid_random.features(frames, (range(3, 4), range(1, 2), range(3, 4)))
    np.testing.assert_allclose(chosen, fid_random.features(frames)[[3, 1, 3]], rtol=1e-5, atol=1e-6)


def test_estimate_leaves_groups_out():
    rows = np.random.default_rng(0).standard_normal((6, 4, 3)).astype(np.float32)
    made, true = dict(zip("abc", rows, strict=False)), dict(zip("abc", rows[3:], strict=True))
    found = FID.estimate(made, true, [(["a"], ["a"]), (["b", "c"], [])])
    without = [
        FID.estimate({c: made[c] for c in "bc"}, {c: true[c] for c in "bc"}),
        FID.estimate({"a": made["a"]}, true),
    ]
    np.testing.assert_allclose(found.left_out, [each.value for each in without], rtol=1e-9)
    assert found.least == 0
