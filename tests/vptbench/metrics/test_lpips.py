import hashlib
import io
import subprocess
import sys
import warnings
from dataclasses import replace

import lpips
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models import vgg

from vptbench.errors import ShapeError, UsageError, WeightsError
from vptbench.metrics import lpips as room
from vptbench.metrics.lpips import (
    LPIPS,
    LPIPS_BACKGROUND,
    LPIPS_HIS,
    LPIPS_PERSON,
    LPIPS_VGG,
    LPIPS_VGG_DISCO,
    TRUNKS,
)
from vptbench.weights import NETWORKS, Network, Networks, random_state

quick = settings(deadline=None, max_examples=6, derandomize=True)

SHAPES = {
    "features.0.weight": (64, 3, 11, 11), "features.3.weight": (192, 64, 5, 5),
    "features.6.weight": (384, 192, 3, 3), "features.8.weight": (256, 384, 3, 3),
    "features.10.weight": (256, 256, 3, 3),
}  # fmt: skip
"""AlexNet's convolutions as torchvision publishes them."""

SLICES = {
    "alex": {1: [0], 2: [3], 3: [6], 4: [8], 5: [10]},
    "vgg": {1: [0, 2], 2: [5, 7], 3: [10, 12, 14], 4: [17, 19, 21], 5: [24, 26, 28]},
}
"""For each slice of the package's trunks, the published numbers of its convolutions."""


def published_state():
    shapes = {name: torch.empty(shape) for name, shape in SHAPES.items()}
    shapes |= {name.replace("weight", "bias"): torch.empty(shape[0]) for name, shape in SHAPES.items()}
    return random_state("alexnet", shapes)


def noise(seed, frames=2, side=48):
    return np.random.default_rng(seed).integers(0, 256, (frames, side, side, 3), np.uint8)


@pytest.fixture(scope="module")
def regions(lpips_random):
    """The metrics of person and background, with the network of `lpips_random`."""
    return [replace(metric, net=lpips_random.net) for metric in (LPIPS_PERSON, LPIPS_BACKGROUND)]


@pytest.fixture(scope="module")
def disco(lpips_vgg_random):
    return replace(LPIPS_VGG_DISCO, net=lpips_vgg_random.net)


@pytest.fixture(scope="module")
def package(lpips_random, lpips_vgg_random):
    """The authors' package with the same weights, as a function (generated, target, scaled) by trunk."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package calls torchvision as was usual in 2021
        patch.setattr(  # without a classifier of a hundred million random numbers
            lpips.pretrained_networks.tv, "vgg16",
            lambda **_: torch.nn.ModuleDict({"features": vgg.make_layers(vgg.cfgs["D"])}),
        )  # fmt: skip
        nets = {name: lpips.LPIPS(net=name, pnet_rand=True, verbose=False) for name in SLICES}
    for name, ours in (("alex", lpips_random), ("vgg", lpips_vgg_random)):
        state = {key: tensor.clone() for key, tensor in ours.net.package.net.state_dict().items()}
        nets[name].net.load_state_dict(state, strict=True)

    def call(name, generated, target, *, scaled=True):
        values = []
        for pair in zip(generated, target, strict=True):
            a, b = (lpips.im2tensor(frame, cent=1.0 if scaled else 0.0, factor=255 / (1 + scaled))
                    for frame in pair)  # fmt: skip
            with torch.no_grad():
                values.append(nets[name](a, b).item())
        return values

    return call


def test_hand_equal_frames(lpips_random, lpips_vgg_random, regions, moving):
    frames = moving(3)
    for metric in (lpips_random, lpips_vgg_random):
        np.testing.assert_array_equal(metric.per_frame(generated=frames, target=frames), [0, 0, 0])
    mask = np.ones(frames.shape[:3], bool)
    found = [metric.per_frame(generated=frames, target=frames, mask=mask) for metric in regions]
    np.testing.assert_array_equal(found, [[0, 0, 0], [np.inf] * 3])


def test_hand_a_region_weighs_positions_by_its_part_of_them():
    # Two layers of one and of two positions in a frame of 1 × 4 pixels: of the person's three pixels two lie
    # in the left half, so (2·5 + 1·8) / 3 = 6, and the one position of the other layer counts whole: 6 + 7.
    def net(a, _):
        return [np.full((len(a), 1, 1), 7.0), np.tile([[[5.0, 8.0]]], (len(a), 1, 1))]

    frames, mask = np.zeros((1, 1, 4, 3), np.uint8), np.zeros((1, 1, 4), bool)
    mask[:, :, :3] = True
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "TRUNKS", {"alexnet": replace(TRUNKS["alexnet"], least=1)})
        for metric, expected in ((LPIPS_PERSON, 7 + 6), (LPIPS_BACKGROUND, 7 + 8)):
            found = replace(metric, net=net).per_frame(generated=frames, target=frames, mask=mask)
            np.testing.assert_allclose(found, [expected], rtol=1e-14)


def naive_layers(state, heads, a, b):
    """Equation 1 of the paper for one pair, before its means, layer by layer, in float64."""
    sides = []
    for frame in (a, b):
        x = torch.from_numpy(frame).double().permute(2, 0, 1)[None] * 2 / 255 - 1
        shift, scale = torch.tensor([-0.030, -0.088, -0.188]), torch.tensor([0.458, 0.448, 0.450])
        x = (x - shift[:, None, None]) / scale[:, None, None]
        layers = []
        for layer, (stride, padding) in zip((0, 3, 6, 8, 10), ((4, 2), (1, 2), *[(1, 1)] * 3), strict=True):
            if layer in {3, 6}:
                x = torch.nn.functional.max_pool2d(x, 3, 2)
            weight, bias = (state[f"features.{layer}.{part}"].double() for part in ("weight", "bias"))
            x = torch.nn.functional.conv2d(x, weight, bias, stride, padding).clamp(min=0)
            layers.append(x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10))
        sides.append(layers)
    return [
        (head.double() * (u - v).square()).sum(1)[0].numpy() for head, u, v in zip(heads, *sides, strict=True)
    ]


def naive_areas(mask, height, width):
    """Mean of the mask over each of height × width cells: by repeating pixels until cells hold whole ones."""
    fine = mask.astype(float).repeat(height, 0).repeat(width, 1)
    return fine.reshape(height, mask.shape[0], width, mask.shape[1]).mean((1, 3))


def test_naive(lpips_random, regions, moving, blurred):
    target = np.concatenate([moving(2, side=70), noise(0, 1, 70)])
    generated = blurred(target, 1.5)
    heads = [head.model[1].weight.detach() for head in lpips_random.net.package.lins]
    layers = [naive_layers(published_state(), heads, a, b) for a, b in zip(generated, target, strict=True)]
    found = lpips_random.per_frame(generated=generated, target=target)
    assert found.dtype == np.float64
    expected = [sum(part.mean() for part in parts) for parts in layers]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-8)
    mask = np.random.default_rng(0).random((3, 70, 70)) < [[[0.1]], [[0.9]], [[0.5]]]
    mask[2, :, 20:] = False
    for metric, region in zip(regions, (mask, ~mask), strict=True):
        found = metric.per_frame(generated=generated, target=target, mask=mask)
        expected = [
            sum(np.average(part, weights=naive_areas(here, *part.shape)) for part in parts)
            for parts, here in zip(layers, region, strict=True)
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-8)


def test_equals_the_package(package, lpips_random, lpips_vgg_random, disco, moving, blurred):
    target = np.concatenate([moving(3), noise(1, 1, 64)])
    generated = blurred(target, 2)
    for metric, expected in (
        (lpips_random, package("alex", generated, target)),
        (replace(LPIPS_HIS, net=lpips_random.net), package("alex", generated, target)),
        (lpips_vgg_random, package("vgg", generated, target)),
        (disco, package("vgg", generated, target, scaled=False)),
    ):
        found = metric.per_frame(generated=generated, target=target)
        assert (found > 1e-4).all()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@quick
@given(st.integers(0, 99), st.integers(1, 10))
def test_property_symmetry_sign_order_and_batch(lpips_random, regions, seed, frames):
    a, b = noise(seed, frames), noise(seed + 1, frames)
    mask = np.random.default_rng(seed).random((frames, 48, 48)) < 0.4
    for metric, more in ((lpips_random, {}), *((metric, {"mask": mask}) for metric in regions)):

        def call(x, y, rows=slice(None), metric=metric, more=more):
            return metric.per_frame(
                generated=x[rows], target=y[rows], **{name: m[rows] for name, m in more.items()}
            )

        value = call(a, b)
        assert (value > 0).all()
        np.testing.assert_allclose(value, call(b, a), rtol=1e-5)
        np.testing.assert_allclose(value[::-1], call(a, b, slice(None, None, -1)), rtol=1e-5)
        np.testing.assert_allclose(value[-1:], call(a, b, slice(-1, None)), rtol=1e-5)


def test_property_regions(lpips_random, regions, moving, blurred):
    target = moving(3)
    generated = blurred(target, 2)
    mask = np.ones(target.shape[:3], bool)
    whole = lpips_random.per_frame(generated=generated, target=target)
    person = regions[0].per_frame(generated=generated, target=target, mask=mask)
    np.testing.assert_allclose(person, whole, rtol=1e-12)  # a region of everything
    mask[1] = False
    found = [metric.per_frame(generated=generated, target=target, mask=mask) for metric in regions]
    np.testing.assert_allclose(found[0], [whole[0], np.inf, whole[2]], rtol=1e-5)
    np.testing.assert_allclose(found[1], [np.inf, whole[1], np.inf], rtol=1e-5)
    half = np.indices(mask.shape)[2] < 32
    generated = np.where(half[..., None], target, generated)
    left, right = (metric.per_frame(generated=generated, target=target, mask=half) for metric in regions)
    assert (left < 0.7 * right).all()  # features see beyond the edge between the halves


def test_more_blur_is_farther(lpips_random, lpips_vgg_random, disco, moving, blurred):
    target = moving(2)
    for metric in (lpips_random, lpips_vgg_random, disco):
        values = [
            metric.per_frame(generated=blurred(target, s), target=target).mean() for s in (0.7, 1.5, 3, 6)
        ]
        assert np.all(np.diff(values) > 0)
        assert values[0] > 1e-6


def test_golden(lpips_random, lpips_vgg_random, disco, regions, moving, blurred):
    # Origin: these objects with weights by vptbench-random-v1, torch 2.15 (CPU), heads of lpips 0.1.4,
    # scikit-image 0.26.0's astronaut, 2026-08. They pin preprocessing, trunk and heads; the first ones are
    # also what the package gave in place of our own trunk.
    target = moving(2)
    pair = {"generated": blurred(target, 2), "target": target}
    value = lpips_random.per_frame(**pair)
    np.testing.assert_allclose(value, [0.012996775098145008, 0.014486963860690594], rtol=1e-4)
    mask = np.indices(target.shape[:3])[2] < 24
    found = [metric.per_frame(**pair)[0] for metric in (lpips_vgg_random, disco)]
    np.testing.assert_allclose(found, [0.016404565595635523, 0.002739699234735493], rtol=1e-4)
    found = [metric.per_frame(**pair, mask=mask)[0] for metric in regions]
    np.testing.assert_allclose(found, [0.013450178028382989, 0.012724734515442579], rtol=1e-4)


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
    metric = LPIPS.load(Networks(directory=tmp_path))
    assert torch.equal(torch.get_rng_state(), generator)
    frames = moving(2)
    found = metric.per_frame(generated=frames[::-1], target=frames)
    np.testing.assert_array_equal(found, lpips_random.per_frame(generated=frames[::-1], target=frames))


@pytest.mark.parametrize("metric", [LPIPS, LPIPS_VGG], ids=lambda metric: metric.id)
def test_refuses_other_heads(metric, monkeypatch):
    other = {metric.network: replace(TRUNKS[metric.network], heads_sha256="0" * 64)}
    monkeypatch.setattr(room, "TRUNKS", other)
    monkeypatch.setattr(room, "load_state", lambda *_: pytest.fail("the trunk is read only then"))
    with pytest.raises(
        WeightsError, match=r"expected the LPIPS heads with SHA-256 0{64} at .*install lpips 0.1.4 again"
    ):
        room.load_net.__wrapped__(metric.network, Networks("random"))  # not the one that is kept


def test_refuses_frames_too_small_for_the_trunk(lpips_random, lpips_vgg_random):
    for metric, least in ((lpips_random, 31), (lpips_vgg_random, 16)):
        smallest = noise(0, 1, least)
        assert metric.per_frame(generated=smallest, target=smallest) == 0
        small = noise(0, 1, least - 1)
        with pytest.raises(
            ShapeError, match=f"expected at least {least} × {least} pixels, got {least - 1} × {least - 1}"
        ):
            metric.per_frame(generated=small, target=small)


@pytest.mark.parametrize("metric", [LPIPS, LPIPS_VGG_DISCO, LPIPS_HIS], ids=lambda metric: metric.id)
def test_refuses_to_run_before_it_is_loaded(metric):
    frames = noise(0, 1)
    with pytest.raises(UsageError, match=r"expected a metric with its network.*load the metric first"):
        metric.per_frame(generated=frames, target=frames)


def test_refuses_a_mask_of_another_kind(regions):
    frames = noise(0, 1)
    with pytest.raises(ShapeError, match=r"mask: expected bool \(1, 48, 48\), got float64"):
        regions[0].per_frame(generated=frames, target=frames, mask=np.ones((1, 48, 48)))


def test_reading_the_facts_imports_neither_torch_nor_the_package():
    code = (
        "import sys; from vptbench.metrics import metric_facts; metric_facts('lpips-v1'); "
        "print(sorted({'torch', 'torchvision', 'lpips'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
