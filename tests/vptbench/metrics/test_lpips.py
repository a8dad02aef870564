import hashlib
import io

import lpips
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vptbench.errors import ShapeError, WeightsError
from vptbench.metrics import lpips as room
from vptbench.metrics.lpips import LEAST, SLICES, Lpips
from vptbench.weights import NETWORKS, Network, Networks, random_state

quick = settings(deadline=None, max_examples=6, derandomize=True)

SHAPES = {
    "features.0.weight": (64, 3, 11, 11), "features.3.weight": (192, 64, 5, 5),
    "features.6.weight": (384, 192, 3, 3), "features.8.weight": (256, 384, 3, 3),
    "features.10.weight": (256, 256, 3, 3),
}  # fmt: skip
"""AlexNet's convolutions as torchvision publishes them."""


def published_state():
    shapes = {name: torch.empty(shape) for name, shape in SHAPES.items()}
    shapes |= {name.replace("weight", "bias"): torch.empty(shape[0]) for name, shape in SHAPES.items()}
    return random_state("alexnet", shapes)


def noise(seed, frames=2, side=48):
    return np.random.default_rng(seed).integers(0, 256, (frames, side, side, 3), np.uint8)


def test_hand_equal_frames(lpips_random, moving):
    frames = moving(3)
    np.testing.assert_array_equal(lpips_random.per_frame(generated=frames, target=frames), [0, 0, 0])


def naive(state, heads, a, b):
    """Equation 1 of the paper for one pair, layer by layer, in float64."""
    sides = []
    for frame in (a, b):
        x = torch.from_numpy(frame).double().permute(2, 0, 1)[None] * 2 / 255 - 1
        shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
        x = (x - shift[:, None, None]) / scale[:, None, None]
        layers = []
        for layer, (stride, padding) in zip(SLICES, ((4, 2), (1, 2), (1, 1), (1, 1), (1, 1)), strict=True):
            if layer in {3, 6}:
                x = torch.nn.functional.max_pool2d(x, 3, 2)
            weight, bias = (state[f"features.{layer}.{part}"].double() for part in ("weight", "bias"))
            x = torch.nn.functional.conv2d(x, weight, bias, stride, padding).clamp(min=0)
            layers.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        sides.append(layers)
    return sum(
        (head.double() * (u - v).square()).sum(1).mean().item()
        for head, u, v in zip(heads, *sides, strict=True)
    )


def test_naive(lpips_random, moving, blurred):
    target = np.concatenate([moving(2, side=70), noise(0, 1, 70)])
    generated = blurred(target, 1.5)
    heads = [lpips_random.net.lins[layer].model[1].weight for layer in range(5)]
    expected = [naive(published_state(), heads, a, b) for a, b in zip(generated, target, strict=True)]
    found = lpips_random.per_frame(generated=generated, target=target)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-8)


def test_equals_the_package_called_by_itself(lpips_random, moving, blurred):
    with pytest.warns(UserWarning, match="deprecated"):
        net = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    state = published_state()
    trunk = {
        f"slice{SLICES[int(name.split('.')[1])]}.{name.removeprefix('features.')}": state[name]
        for name in state
    }
    net.net.load_state_dict(trunk)
    target = moving(3)
    generated = blurred(target, 2)
    with torch.no_grad():
        expected = [
            net(*(lpips.im2tensor(frame) for frame in pair)).item()
            for pair in zip(generated, target, strict=True)
        ]
    found = lpips_random.per_frame(generated=generated, target=target)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-8)


@quick
@given(st.integers(0, 99), st.integers(1, 9))
def test_property_symmetry_sign_order_and_batch(lpips_random, seed, frames):
    a, b = noise(seed, frames), noise(seed + 1, frames)
    value = lpips_random.per_frame(generated=a, target=b)
    assert (value > 0).all()
    np.testing.assert_allclose(value, lpips_random.per_frame(generated=b, target=a), rtol=1e-5)
    backwards = lpips_random.per_frame(generated=a[::-1], target=b[::-1])
    np.testing.assert_allclose(value[::-1], backwards, rtol=1e-5)
    alone = lpips_random.per_frame(generated=a[-1:], target=b[-1:])
    np.testing.assert_allclose(value[-1:], alone, rtol=1e-5)


def test_more_blur_is_farther(lpips_random, moving, blurred):
    target = moving(4)
    values = [
        lpips_random.per_frame(generated=blurred(target, s), target=target).mean() for s in (0.7, 1.5, 3, 6)
    ]
    assert np.all(np.diff(values) > 0)
    assert values[0] > 1e-5


def test_golden(lpips_random, moving, blurred):
    # Origin: this class with weights by vptbench-random-v1, torch 2.15 (CPU), lpips 0.1.4, scikit-image
    # 0.26.0's astronaut, 2026-08. It pins preprocessing, trunk and heads.
    target = moving(2)
    value = lpips_random.per_frame(generated=blurred(target, 2), target=target)
    np.testing.assert_allclose(value, [0.012996775098145008, 0.014486963860690594], rtol=1e-4)


def test_pinned_trunk_comes_from_the_local_file_alone(monkeypatch, tmp_path, lpips_random, moving):
    state = published_state() | {"classifier.1.weight": torch.zeros(2, 2)}  # the published file holds more
    buffer = io.BytesIO()
    torch.save(state, buffer)
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    pinned = Network(file="a.pth", url="http://127.0.0.1:9/a.pth", sha256=digest, licence="", serves="")
    monkeypatch.setitem(NETWORKS, "alexnet", pinned)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_, **__: pytest.fail("downloaded"))
    (tmp_path / "a.pth").write_bytes(buffer.getvalue())
    generator = torch.get_rng_state()
    metric = Lpips.load(Networks(directory=tmp_path))
    assert torch.equal(torch.get_rng_state(), generator)
    frames = moving(2)
    found = metric.per_frame(generated=frames[::-1], target=frames)
    np.testing.assert_array_equal(found, lpips_random.per_frame(generated=frames[::-1], target=frames))


def test_refuses_other_heads(monkeypatch):
    monkeypatch.setattr(room, "HEADS_SHA256", "0" * 64)
    with pytest.raises(
        WeightsError, match=r"expected the LPIPS heads with SHA-256 0{64} at .*install lpips 0.1.4 again"
    ):
        Lpips.load(Networks("random"))


def test_refuses_frames_too_small_for_the_trunk(lpips_random):
    smallest = noise(0, 1, LEAST)
    assert lpips_random.per_frame(generated=smallest, target=smallest) == 0
    small = noise(0, 1, LEAST - 1)
    with pytest.raises(ShapeError, match="expected at least 31 × 31 pixels, got 30 × 30"):
        lpips_random.per_frame(generated=small, target=small)
