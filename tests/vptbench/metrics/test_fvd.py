import hashlib
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vptbench.errors import ScoreError, ShapeError, UsageError
from vptbench.metrics import fvd
from vptbench.metrics.frechet import Statistics, distance, features_to_total
from vptbench.metrics.fvd import FVD, FVD_DISCO, frame_to_picture, load_i3d
from vptbench.metrics.i3d import CLASSES, I3D
from vptbench.weights import (
    DIRECTORY_VARIABLE,
    NETWORKS,
    Network,
    Networks,
    exact_inference,
    load_torchscript,
    random_state,
)

STORED = json.loads((Path(__file__).parents[2] / "golden" / "fvd.json").read_text())


class MeanOfWindow(torch.nn.Module):
    """Stands in for the network: records what it is given, and answers with the window's mean value."""

    def __init__(self):
        super().__init__()
        self.seen, self.calls = [], set()

    def forward(self, x, **call):
        self.seen.append(x)
        self.calls.add(tuple(call.items()))
        return x.float().mean((1, 2, 3, 4))[:, None].expand(-1, CLASSES)


def numbered(frames):
    return np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None, None], (frames, 4, 6, 3))


@pytest.mark.parametrize(
    ("frames", "means", "batches"),
    [
        (0, [], []),
        (15, [], []),
        (16, [7.5], [1]),
        (31, [7.5], [1]),
        (48, [7.5, 23.5, 39.5], [3]),
        (80, [7.5, 23.5, 39.5, 55.5, 71.5], [3, 2]),
    ],
)
def test_hand_windows(frames, means, batches):
    # Frame t is filled with t; windows 0..15, 16..31, 32..47 have the means 7.5, 23.5, 39.5; the rest
    # is not used.
    net = MeanOfWindow()
    features = replace(FVD, net=net).features(numbered(frames))
    assert features.shape == (len(means), CLASSES)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, np.repeat(np.array(means)[:, None], CLASSES, 1))
    assert net.calls <= {(("rescale", True), ("resize", True), ("return_features", True))}
    assert [len(batch) for batch in net.seen] == batches  # an odd window is not left alone
    for batch in net.seen:
        assert batch.shape[1:] == (3, 16, 4, 6)
        assert batch.dtype == torch.uint8


def test_hand_windows_of_every_step():
    # Frame t is filled with t, so that PIL has nothing to do; 19 frames have the windows 0..15 to 3..18.
    net = MeanOfWindow()
    features = replace(FVD_DISCO, net=net).features(numbered(19))
    np.testing.assert_allclose(features[:, 0], np.array([7.5, 8.5, 9.5, 10.5]) / 127.5 - 1, rtol=1e-6)
    assert net.calls == {(("rescale", False), ("resize", False), ("return_features", True))}
    assert net.seen[0].shape == (2, 3, 16, 224, 224)
    assert net.seen[0].dtype == torch.float32
    assert FVD_DISCO.windows("a", {"a": 15}, generated=True) == ()


def test_settings_tell_the_protocols_apart():
    assert (FVD.settings["frames"], FVD.settings["stride"], FVD.settings["step"]) == (16, 1, 16)
    assert (FVD_DISCO.settings["frames"], FVD_DISCO.settings["stride"], FVD_DISCO.settings["step"]) == (
        16,
        1,
        1,
    )
    assert FVD.extractor != FVD_DISCO.extractor
    assert "TorchScript" in FVD_DISCO.settings["network"]


def test_windows_given_by_hand(fvd_random, moving):
    frames = moving(20)
    windows = (range(4, 20), range(16), range(4, 20))
    found = fvd_random.features(frames, windows)
    np.testing.assert_array_equal(found[0], found[2])
    expected = fvd_random.features(frames[4:])[0]
    np.testing.assert_allclose(found[0], expected, atol=1e-5 * np.abs(expected).max())


@pytest.fixture(scope="module")
def plain():
    """The network of `fvd_random` as it comes from its file, neither frozen nor in another layout."""
    return load_torchscript("i3d-kinetics400", Networks("random"), I3D)


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


def test_property_batch_size_and_layout(fvd_random, plain, moving, monkeypatch):
    frames = moving(32)
    expected = np.concatenate([fvd_random.features(frames[at : at + 16]) for at in (0, 16)])
    scale = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(fvd_random.features(frames), expected, atol=scale)
    monkeypatch.setattr(fvd, "FRAMES", 16)
    np.testing.assert_allclose(replace(FVD, net=plain).features(frames), expected, atol=scale)


def test_property_identity_blur_motion_and_symmetry(fvd_random, moving, blurred):
    clips = {f"c{start}": moving(16, start=start) for start in (0, 150)}

    def features(change):
        return {clip: fvd_random.features(change(frames)) for clip, frames in clips.items()}

    target = features(lambda clip: clip)
    trace = np.concatenate(list(target.values())).var(0, ddof=1, dtype=np.float64).sum()
    assert abs(fvd_random.estimate(target, target).value) <= 1e-9 * trace
    blur = features(lambda clip: blurred(clip, 3))
    value = fvd_random.estimate(blur, target).value
    assert value > 0.01 * trace
    np.testing.assert_allclose(fvd_random.estimate(target, blur).value, value, rtol=1e-9)
    still = features(lambda clip: np.repeat(clip[:1], 16, 0))
    # a frozen video has the right frames, and no motion
    assert fvd_random.estimate(still, target).value > 1e-4 * trace


def test_golden(fvd_random, moving):
    # Origin: this class with weights by vptbench-random-v1, torch 2.15 (CPU), scikit-image 0.26.0's
    # astronaut, 2026-08. It pins window, preprocessing, network and padding.
    features = fvd_random.features(moving(16))
    np.testing.assert_allclose(features[0, :4], [0.823425, -0.996421, 0.630682, -0.668164], rtol=1e-3)


def test_golden_windows_of_disco(remembering, golden_videos):
    # The published program's number, with a stand-in for its network; see tests/golden/ORIGIN.md.
    metric, stored = replace(FVD_DISCO, net=remembering), STORED["windows"]
    made, true = (
        {clip: metric.features(frames) for clip, frames in golden_videos(stored[part]).items()}
        for part in ("generated", "test")
    )
    assert sum(map(len, made.values())) == stored["windows_generated"]
    assert sum(map(len, true.values())) == stored["windows_test"]
    first = stored["first_window_test_features"]
    np.testing.assert_allclose(true["v0.mp4"][0], first, atol=1e-5 * np.abs(first).max())
    np.testing.assert_allclose(metric.estimate(made, true).value, stored["published"], rtol=1e-5)
    parts = [features_to_total(rows for rows in part.values() if len(rows)) for part in (made, true)]
    other = distance(*parts, ddof=0)  # a mistake: it would be told, by a hundred times the tolerance
    np.testing.assert_allclose(other, stored["divisor_n"], rtol=1e-5)
    assert abs(other / stored["published"] - 1) > 1e-3


def test_picture_is_resized_as_pil_does(moving):
    # Against torch's bicubic with antialias, whose kernel is the same (a = −0.5), in float32: 2e-5 off.
    for side in (300, 64):
        frame = moving(1, side=side)[0]
        batch = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
        expected = torch.nn.functional.interpolate(
            batch, size=(224, 224), mode="bicubic", align_corners=False, antialias=True
        )
        found = frame_to_picture(frame)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected[0].numpy() / 127.5 - 1, atol=1e-4)


def test_picture_keeps_overshoot_and_ignores_aspect():
    frame = np.zeros((32, 48, 3), np.uint8)
    frame[:, 24:] = 255
    found = frame_to_picture(frame)
    assert found.shape == (3, 224, 224)
    assert found.min() < -1.05
    assert found.max() > 1.05
    np.testing.assert_allclose(found[:, :, 0], -1, atol=1e-6)


def test_pinned_network_comes_from_the_local_file(monkeypatch, tmp_path, plain, fvd_random, moving):
    buffer = io.BytesIO()
    with pytest.warns(FutureWarning, match="deprecated"):
        torch.jit.save(plain, buffer)
    (tmp_path / "i3d.pt").write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    monkeypatch.setitem(NETWORKS, "i3d-kinetics400", Network("i3d.pt", "", digest, "", ""))
    metric = FVD.load(Networks(directory=tmp_path))
    frames = moving(16)
    np.testing.assert_allclose(metric.features(frames), fvd_random.features(frames), rtol=1e-5, atol=1e-5)
    assert not list(metric.net.parameters())  # frozen


def test_a_file_that_cannot_be_frozen_is_used_as_it_is(monkeypatch, fvd_random, moving):
    def refuse(module):
        del module
        raise RuntimeError("no")

    monkeypatch.setattr(torch.jit, "freeze", refuse)
    net = load_i3d.__wrapped__("i3d-kinetics400", Networks("random"))  # not the one that is kept
    assert len(list(net.parameters())) > 0
    frames = moving(16)
    expected = fvd_random.features(frames)
    found = replace(FVD, net=net).features(frames)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_estimate_leaves_groups_out():
    rows = np.random.default_rng(0).standard_normal((4, 3, 5)).astype(np.float32)
    made, true = {"a": rows[0], "b": rows[1]}, {"a": rows[2], "b": rows[3]}
    found = FVD.estimate(made, true, [(["a"], ["a"]), (["b"], ["b"])])
    expected = [FVD.estimate({"x": made[clip]}, {"x": true[clip]}).value for clip in "ba"]
    np.testing.assert_allclose(found.left_out, expected, rtol=1e-9)


def test_refusals(fvd_random):
    with pytest.raises(
        ShapeError, match=r"scored frames: expected uint8 \(T, H, W, 3\), got uint8 \(16, 8, 8\)"
    ):
        fvd_random.features(np.zeros((16, 8, 8), np.uint8))
    few = {"a": np.zeros((1, CLASSES), np.float32)}
    with pytest.raises(ScoreError, match="expected at least 2 samples on each side for a covariance, got 1"):
        fvd_random.estimate(few, few)
    with pytest.raises(UsageError, match="load the metric first"):
        FVD.features(np.zeros((16, 8, 8, 3), np.uint8))


@pytest.fixture(scope="module")
def pinned():
    """The published network, where it is given."""
    folder = os.environ.get(DIRECTORY_VARIABLE)
    if not (folder and (Path(folder) / NETWORKS["i3d-kinetics400"].file).is_file()):
        pytest.skip("weights not given")
    return load_i3d("i3d-kinetics400", Networks(directory=Path(folder)))


@pytest.mark.weights
@pytest.mark.parametrize(
    ("frames", "value"), [(10, 569.2296), (16, 152.91750309), (23, 64.5886), (30, 151.2565)]
)
def test_published_value_of_black_against_white(pinned, frames, value):
    # Origin: README of common_metrics_on_video_quality, eight equal clips a side on [0, 1] scaled to [−1, 1]:
    # without variance the distance is that of two vectors. Its author allows about 1 between torch versions.
    with exact_inference():
        black, white = (
            pinned(
                torch.full((1, 3, frames, 224, 224), tone), rescale=False, resize=False, return_features=True
            ).double()
            for tone in (-1.0, 1.0)
        )
    np.testing.assert_allclose((black - white).square().sum(), value, rtol=1e-2)


@pytest.mark.weights
@pytest.mark.slow
def test_published_value_of_random_videos(pinned):
    # Origin: universome/fvd-comparison, 128 videos a side of 16 frames of noise on [0, 1], as they are; TF
    # gives 10.13808536529541. Videos are drawn one by one: together they would be 2.5 GB.
    sides = []
    for seed in (1, 2):
        state, rows = np.random.RandomState(seed), []
        for _ in range(128):
            video = torch.from_numpy(state.rand(1, 16, 224, 224, 3).astype(np.float32)).permute(0, 4, 1, 2, 3)
            with exact_inference():
                rows.append(pinned(video, rescale=False, resize=False, return_features=True).numpy())
        sides.append(Statistics.from_features(np.concatenate(rows)))
    np.testing.assert_allclose(distance(*sides), 10.138084766713924, rtol=1e-3)
