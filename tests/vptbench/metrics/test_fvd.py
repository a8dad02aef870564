import hashlib
import io

import numpy as np
import pytest
import torch

from vptbench.errors import ScoreError, ShapeError
from vptbench.metrics.frechet import features_to_statistics, merged
from vptbench.metrics.fvd import WINDOW, Fvd
from vptbench.metrics.i3d import CLASSES, I3D
from vptbench.weights import NETWORKS, Network, Networks, exact_inference, random_state


class MeanOfWindow(torch.nn.Module):
    """Stands in for the network: records what it is given, and answers with the window's mean value."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x, *, rescale, resize, return_features):
        assert rescale
        assert resize
        assert return_features
        self.seen.append(x)
        return x.float().mean((1, 2, 3, 4))[:, None].expand(-1, CLASSES)


def numbered(frames):
    return np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None, None], (frames, 4, 6, 3))


@pytest.mark.parametrize(
    ("frames", "means"), [(0, []), (15, []), (16, [7.5]), (31, [7.5]), (48, [7.5, 23.5, 39.5])]
)
def test_hand_windows(frames, means):
    # Frame t is filled with t; windows 0..15, 16..31, 32..47 have the means 7.5, 23.5, 39.5; the rest
    # is not used.
    net = MeanOfWindow()
    features = Fvd(net, "cpu").features(numbered(frames))
    assert features.shape == (len(means), CLASSES)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, np.repeat(np.array(means)[:, None], CLASSES, 1))
    for window in net.seen:
        assert window.shape == (1, 3, WINDOW, 4, 6)
        assert window.dtype == torch.uint8


def test_naive(fvd_random, moving):
    frames = moving(17)
    net = I3D()
    net.load_state_dict(random_state("i3d-kinetics400", net.state_dict()))
    net.eval()
    with exact_inference():
        video = np.zeros((1, 3, 16, 64, 64), np.float32)
        for step in range(16):
            for channel in range(3):
                video[0, channel, step] = frames[step, :, :, channel]
        expected = net(torch.from_numpy(video), rescale=True, resize=True, return_features=True).numpy()
    found = fvd_random.features(frames)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_property_identity_blur_motion_and_symmetry(fvd_random, moving, blurred):
    clips = [moving(16, start=start) for start in (0, 150)]

    def statistics(change):
        return merged([features_to_statistics(fvd_random.features(change(clip))) for clip in clips])

    target = statistics(lambda clip: clip)
    trace = (target.rows**2).sum() / (target.count - 1)
    assert abs(fvd_random.distance(target, target)) <= 1e-9 * trace
    blur = statistics(lambda clip: blurred(clip, 3))
    assert fvd_random.distance(blur, target) > 0.01 * trace
    np.testing.assert_allclose(
        fvd_random.distance(target, blur), fvd_random.distance(blur, target), rtol=1e-9
    )
    still = statistics(lambda clip: np.repeat(clip[:1], 16, 0))
    assert (
        fvd_random.distance(still, target) > 1e-4 * trace
    )  # a frozen video has the right frames, and no motion


def test_golden(fvd_random, moving):
    # Origin: this class with weights by vptbench-random-v1, torch 2.15 (CPU), scikit-image 0.26.0's
    # astronaut, 2026-08. It pins window, preprocessing, network and padding.
    features = fvd_random.features(moving(16))
    np.testing.assert_allclose(features[0, :4], [0.823425, -0.996421, 0.630682, -0.668164], rtol=1e-3)


def test_pinned_network_comes_from_the_local_file(monkeypatch, tmp_path, fvd_random):
    buffer = io.BytesIO()
    with pytest.warns(FutureWarning, match="deprecated"):
        torch.jit.save(fvd_random.net, buffer)
    (tmp_path / "i3d.pt").write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    monkeypatch.setitem(NETWORKS, "i3d-kinetics400", Network("i3d.pt", "", digest, "", ""))
    metric = Fvd.load(Networks(directory=tmp_path))
    for found, expected in zip(metric.net.parameters(), fvd_random.net.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_refusals(fvd_random):
    with pytest.raises(
        ShapeError, match=r"scored frames: expected uint8 \(T, H, W, 3\), got uint8 \(16, 8, 8\)"
    ):
        fvd_random.features(np.zeros((16, 8, 8), np.uint8))
    few = features_to_statistics(np.zeros((1, CLASSES)))
    with pytest.raises(ScoreError, match="expected at least 2 samples on each side for a covariance, got 1"):
        fvd_random.distance(few, few)
