import dataclasses
import re

import pytest
import torch

from dmm_model.config import PRESETS, GeneratorConfig
from dmm_model.generator import Generator, check_inputs, chunks, size_to_problem
from vptbench.errors import ModelError, ShapeError

SMALL = GeneratorConfig(size=16, channels=4, widest=16, style_stages=3, keypoints=3, frames_per_chunk=3)
"""All parts of the network, for frames of 16 × 24; a chunk is 3 frames."""


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drawn_inputs(frames=7, batch=1, size=(16, 24)):
    """Source, poses, grids (some of them outside)."""
    return (
        drawn(batch, 3, *size).tanh(),
        drawn(batch, frames, 3, *size, seed=1).sigmoid(),
        0.6 * drawn(batch, frames, *size, 2, seed=2),
    )


def small_network(**changes):
    """In float64, with weights of the full small network wherever it has them."""
    torch.manual_seed(0)
    full = Generator(SMALL).double()
    made = Generator(dataclasses.replace(SMALL, **changes)).double()
    made.load_state_dict({key: full.state_dict()[key] for key in made.state_dict()})
    return made.eval()


# Chunks.


def test_chunks_cover_a_clip():
    assert list(chunks(7, 3)) == [(0, 3), (3, 6), (6, 7)]
    assert list(chunks(6, 3)) == [(0, 3), (3, 6)]
    assert list(chunks(1, 6)) == [(0, 1)]


@pytest.mark.parametrize("frames", [1, 3, 4, 7])
def test_a_clip_is_its_chunks_one_after_another(frames):
    network, (source, poses, grids) = small_network(), drawn_inputs(frames)
    with torch.no_grad():
        look, carried, made = network.look(source), None, []
        for start in range(0, frames, 3):
            stop = min(start + 3, frames)
            following = grids[:, stop] if stop < frames else grids[:, -1]
            part, carried = network.chunk(
                look, poses[:, start:stop], grids[:, start:stop], following, carried
            )
            made.append(part)
        found = network(source, poses, grids)
    assert found.shape == (1, frames, 3, 16, 24)
    assert found.abs().max() < 1
    assert torch.equal(found, torch.cat(made, 1))


def test_a_longer_last_chunk_and_a_whole_one_differ():
    network, given = small_network(), drawn_inputs(7)
    with torch.no_grad():
        by_three, by_six = network(*given), network(*given, frames_per_chunk=6)
        configured = small_network(frames_per_chunk=6)(*given)
    assert torch.equal(by_six, configured)
    assert (by_three - by_six).abs().amax((0, 2, 3, 4)).min() > 1e-6  # every frame


# Per change of inputs of a clip of 7 (chunks 0–2, 3–5, 6): frames it moves, both ways and forward only.
CHANGES = [
    ("poses", [0], {0, 1, 2, 3, 4, 5, 6}, {0, 1, 2, 3, 4, 5, 6}),
    ("poses", [2], {2, 3, 4, 5, 6}, {2, 3, 4, 5, 6}),
    ("poses", [3, 4, 5, 6], {3, 4, 5, 6}, {3, 4, 5, 6}),
    ("poses", [6], {6}, {6}),
    ("grids", [0], {0, 1, 2, 3, 4, 5, 6}, {0, 1, 2, 3, 4, 5, 6}),
    ("grids", [2], {0, 1, 2, 3, 4, 5, 6}, {2, 3, 4, 5, 6}),
    ("grids", [3], {0, 1, 2, 3, 4, 5, 6}, {3, 4, 5, 6}),
    ("grids", [4, 5], {3, 4, 5, 6}, {4, 5, 6}),
    ("grids", [6], {3, 4, 5, 6}, {6}),
]


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("name", "rows", "both_ways", "forward"), CHANGES)
def test_frames_depend_on_the_past_and_on_the_first_grid_after_their_chunk(
    name, rows, both_ways, forward, bidirectional
):
    network, (source, poses, grids) = small_network(bidirectional=bidirectional), drawn_inputs(7)
    changed = {"poses": poses, "grids": grids} | {name: (poses if name == "poses" else grids).clone()}
    changed[name][:, rows] += 0.3
    with torch.no_grad():
        before, after = network(source, poses, grids), network(source, changed["poses"], changed["grids"])
    moved = {row for row in range(7) if not torch.equal(before[:, row], after[:, row])}
    assert moved == (both_ways if bidirectional else forward)


def test_motion_comes_forward_from_the_past_and_backward_from_the_future():
    network, (source, _, grids) = small_network(), drawn_inputs(4)
    changed = grids.clone()
    changed[:, 1] += 0.3
    with torch.no_grad():
        look = network.look(source)
        before, after = (network._motion(look, g[:, :3], g[:, 3], None) for g in (grids, changed))
    for level in range(2):
        for direction, expected in enumerate(([1, 2], [0, 1])):
            states = [[frame[direction] for frame in found[0][level]] for found in (before, after)]
            moved = [row for row, pair in enumerate(zip(*states, strict=True)) if not torch.equal(*pair)]
            assert moved == expected
        torch.testing.assert_close(before[1][level], before[0][level][2][0], rtol=0, atol=0)


def test_all_that_is_carried_matters():
    network, (source, poses, grids) = small_network(), drawn_inputs(6)
    with torch.no_grad():
        look = network.look(source)
        _, carried = network.chunk(look, poses[:, :3], grids[:, :3], grids[:, 3], None)

        def second(**changes):
            given = dataclasses.replace(carried, **changes)
            return network.chunk(look, poses[:, 3:], grids[:, 3:], grids[:, 5], given)[0]

        coarse, fine = carried.forward
        before = second()
        for changes in (
            {"image": source}, {"feature": -carried.feature},
            {"forward": (coarse + 1, fine)}, {"forward": (coarse, fine + 1)},
        ):  # fmt: skip
            assert (second(**changes) - before).abs().max() > 1e-6, changes


def test_samples_of_a_batch_do_not_meet():
    network, given = small_network(), drawn_inputs(4, batch=2)
    with torch.no_grad():
        both = network(*given)
        for sample in range(2):
            alone = network(*(tensor[sample : sample + 1] for tensor in given))
            torch.testing.assert_close(both[sample : sample + 1], alone, rtol=1e-11, atol=1e-11)
    assert (both[0] - both[1]).abs().max() > 0.01


# Gradients.


@pytest.mark.parametrize("training", [True, False])
def test_only_training_cuts_gradients_between_chunks(training):
    network, (source, poses, grids) = small_network().train(training), drawn_inputs(6)
    leaves = [tensor.requires_grad_() for tensor in (poses, grids, source)]
    frames = network(source, poses, grids)
    by_pose, by_grid, by_source = torch.autograd.grad(frames[:, 5].square().sum(), leaves)
    for gradient in (by_pose, by_grid):
        assert (gradient[:, :3] != 0).flatten(2).any(2).all() != training
        assert (gradient[:, 3:] != 0).flatten(2).any(2).all()
    if training:
        assert (by_pose[:, :3] == 0).all()
        assert (by_grid[:, :3] == 0).all()
    assert by_source.abs().max() > 0


def test_training_generates_the_same_frames():
    network, given = small_network(), drawn_inputs(4)
    assert torch.equal(network.train()(*given), network.eval()(*given))


def test_recomputing_changes_no_number_but_runs_twice():
    def frames_and_gradients(*, recompute):
        network = small_network().train()
        network.recompute, runs = recompute, []
        for name in ("warp_encoder", "x_encoder", "for_rcnn64", "back_rcnn128", "conv3up"):
            network.get_submodule(name).register_forward_pre_hook(lambda *_, name=name: runs.append(name))
        frames = network(*drawn_inputs(4))
        learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
        gradients = torch.autograd.grad((frames * drawn(*frames.shape, seed=9)).sum(), learned)
        return sorted(runs), frames, gradients

    kept_runs, *kept = frames_and_gradients(recompute=False)
    runs, *again = frames_and_gradients(recompute=True)
    assert runs == sorted(2 * kept_runs)
    torch.testing.assert_close(again, kept, rtol=1e-11, atol=1e-12)


# Ablations.

ABLATIONS = {
    "forward only": ({"bidirectional": False}, r"back"),
    "deformable": ({"motion": "deformable"}, r"(for|back)conv\d\.conv\.modulation\."),
    "convolution": (
        {"motion": "convolution"},
        r"(for|back)conv\d\.(conv\.modulation|flow_conv|offset_conv|mask_conv)\.",
    ),
    "no style": ({"style_modulation": False}, r"(x_ref|.*\.conv\.modulation)\."),
}


@pytest.mark.parametrize(("changes", "absent"), ABLATIONS.values(), ids=ABLATIONS)
def test_ablations_lack_their_parameters_and_generate_other_frames(changes, absent):
    full, ablated, given = small_network(), small_network(**changes), drawn_inputs(4)
    expected = [key for key in full.state_dict() if not re.match(absent, key)]
    assert len(expected) < len(full.state_dict())
    assert list(ablated.state_dict()) == expected
    with torch.no_grad():
        found = ablated(*given)
        assert (found - full(*given)).abs().amax((0, 2, 3, 4)).min() > 1e-3  # every frame
    assert found.isfinite().all()


@pytest.mark.parametrize("name", [None, *ABLATIONS])
def test_every_weight_that_is_learned_has_a_gradient(name):
    """It is 0 but for rounding where a norm follows, which takes a bias away again."""
    network = small_network(**(ABLATIONS[name][0] if name else {})).train()
    network(*drawn_inputs(1)).square().sum().backward()
    still = {key for key, value in network.named_parameters() if not value.requires_grad}
    assert {key.rsplit(".", 3)[0] for key in still} == {"warp_encoder.encoder1"}
    gradients = {key: value.grad for key, value in network.named_parameters() if key not in still}
    assert [key for key, value in gradients.items() if value is None] == []
    idle = [key for key, value in gradients.items() if value.abs().max() < 1e-9]
    assert [key for key in idle if not re.search(r"\.model\.[25]\.bias$", key)] == []


def test_without_style_modulation_all_sources_share_their_weights():
    for changes, same in (({}, False), ({"style_modulation": False}, True)):
        network = small_network(**changes)
        looks = [network.look(drawn(1, 3, 16, 24, seed=seed)) for seed in (0, 1)]
        for name, weight in looks[0].weights.items():
            assert torch.equal(weight, looks[1].weights[name]) == same, name


# Presets, sizes and refusals.


@pytest.mark.parametrize(
    ("name", "count"),
    [("published", 31_540_083), ("published-100k", 31_540_083), ("small", None), ("tiny", None)],
)
def test_presets_make_networks_for_their_size(name, count):
    config = PRESETS[name].generator
    with torch.device("meta"):
        network = Generator(config)
    found = sum(parameter.numel() for parameter in network.parameters())
    assert found == count if count else found < 31_540_083 / 3
    assert size_to_problem(config, config.size, config.size) == ""
    style = list(network.x_ref.children())[-1].model[-1].out_channels
    assert style == network.conv1up.conv.modulation.weight.shape[1]


def test_tiny_generates_frames_of_64():
    torch.manual_seed(0)
    network = Generator(PRESETS["tiny"].generator).eval()
    with torch.no_grad():
        found = network(torch.rand(1, 3, 64, 64), torch.rand(1, 1, 25, 64, 64), torch.rand(1, 1, 64, 64, 2))
    assert found.shape == (1, 1, 3, 64, 64)
    assert found.std() > 0


SIZES = {
    "published": {(256, 256): True, (128, 128): True, (64, 128): True, (128, 64): True, (64, 64): False,
                  (32, 512): False, (132, 128): False, (128, 250): False, (0, 0): False},
    "tiny": {(64, 64): True, (32, 64): True, (32, 32): False, (60, 64): False},
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_sizes_that_a_network_can_take(name):
    config = PRESETS[name].generator
    assert {size: size_to_problem(config, *size) == "" for size in SIZES[name]} == SIZES[name]


@pytest.mark.parametrize("name", PRESETS)
def test_refused_sizes_come_with_sizes_that_work(name):
    config = PRESETS[name].generator
    problem = size_to_problem(config, 24, 20)
    assert "multiples of 8" in problem
    assert "got 24 × 20; prepare with --size" in problem
    size = int(re.search(r"--size (\d+)", problem)[1])
    assert size_to_problem(config, size, size) == ""
    one, other = re.search(r"at least (\d+ × \d+) or (\d+ × \d+),", problem).groups()
    for least in (one, other):
        height, width = map(int, least.split(" × "))
        assert size_to_problem(config, height, width) == ""
        assert size_to_problem(config, height - 8, width) or size_to_problem(config, height, width - 8)


@pytest.mark.parametrize("size", [(8, 8), (8, 16), (16, 8), (12, 16), (16, 20), (24, 16)])
def test_a_network_can_take_just_the_sizes_that_it_says(size):
    network, (source, poses, grids) = small_network(), drawn_inputs(1, size=size)
    if not size_to_problem(SMALL, *size):
        assert network(source, poses, grids).shape == (1, 1, 3, *size)
        return
    with pytest.raises(ShapeError, match="got {} × {}; prepare".format(*size)):
        network(source, poses, grids)
    with pytest.raises((RuntimeError, ValueError)):
        network.chunk(network.look(source), poses, grids, grids[:, 0], None)


@pytest.mark.parametrize(
    "shapes",
    [
        ((1, 3, 16, 24), (1, 2, 3, 16, 24), (1, 3, 16, 24, 2)),  # lengths
        ((1, 3, 16, 24), (2, 2, 3, 16, 24), (2, 2, 16, 24, 2)),  # batches
        ((1, 3, 16, 24), (1, 2, 4, 16, 24), (1, 2, 16, 24, 2)),  # heatmaps
        ((1, 3, 16, 24), (1, 2, 3, 16, 16), (1, 2, 16, 16, 2)),  # sizes
        ((1, 3, 16, 24), (1, 2, 3, 16, 24), (1, 2, 2, 16, 24)),  # grids with x and y first
        ((1, 3, 16, 24), (1, 0, 3, 16, 24), (1, 0, 16, 24, 2)),  # no frame
        ((1, 3, 16, 24), (2, 3, 16, 24), (2, 16, 24, 2)),  # no batch
        ((3, 16, 24), (1, 2, 3, 16, 24), (1, 2, 16, 24, 2)),
        ((1, 1, 16, 24), (1, 2, 3, 16, 24), (1, 2, 16, 24, 2)),  # grey
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(shapes):
    with pytest.raises(ShapeError) as info:
        small_network()(*map(torch.zeros, shapes))
    assert str(info.value) == (
        "expected source (B, 3, H, W), poses (B, T, 3, H, W) and grids (B, T, H, W, 2) with T > 0, "
        f"got {', '.join(map(str, shapes))}; give arrays of one batch, length and size"
    )


def test_arrays_that_fit_together_are_taken():
    check_inputs(SMALL, *drawn_inputs(2, batch=3))


# The published state dict.


def test_published_weights_that_do_not_fit_are_all_named():
    network = small_network()
    state = {f"module.{key}": torch.full_like(value, 7) for key, value in network.state_dict().items()}
    network.load_published(
        state | {"module.renderer.coords": torch.zeros(1), "renderer.map_fn": torch.zeros(2)}
    )
    assert all((value == 7).all() for value in network.state_dict().values())
    state["module.extra"] = state.pop("module.decoder256.bias")
    state["module.conv1up.bias"] = torch.zeros(1)
    with pytest.raises(ModelError) as info:
        network.load_published(state)
    for text in (
        "expected the weights of the published generator", "1 missing (decoder256.bias)",
        "1 surplus (extra)", "conv1up.bias of shape (1,) instead of (1, 8, 1, 1)",
    ):  # fmt: skip
        assert text in str(info.value)
    assert (network.conv1up.bias == 7).all()
