import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dmm_model.discriminators import ClipDiscriminator, FrameDiscriminator
from dmm_model.losses import adversarial_loss, discriminator_loss
from vptbench.errors import ModelError, ShapeError

GOLDEN = Path(__file__).parents[1] / "golden"
STATES = json.loads((GOLDEN / "discriminators_state.json").read_text())

# Per network: class, name of its keys and of its values in tests/golden, salt, shape of its published input.
KINDS = {
    "frame": (FrameDiscriminator, "net_D", "D", "d.", (2, 3, 64, 64)),
    "clip": (ClipDiscriminator, "net_D_V", "D_V", "dv.", (1, 3, 6, 64, 64)),
}


@pytest.fixture(params=KINDS)
def published(request, golden_rule):
    """A published network in float64, its real and generated input, and its golden values.

    Origin: shared/golden/README.md, the published modules in float64 on weights and inputs drawn from names.
    """
    make, name, prefix, salt, shape = KINDS[request.param]
    net = make()
    net.load_published(
        {
            f"module.{key}": torch.from_numpy(golden_rule.weight(key, tuple(size), salt))
            for key, size in STATES[name].items()
        }
    )
    inputs = []
    for letter in "xy":
        drawn = 0.5 * torch.from_numpy(golden_rule.normal(shape, salt + letter)).double()
        inputs.append(drawn.transpose(1, 2) if request.param == "clip" else drawn)
    with np.load(GOLDEN / "discriminators.npz") as stored:
        values = {
            key.removeprefix(f"{prefix}_"): stored[key] for key in stored if key.startswith(f"{prefix}_")
        }
    return net.double(), inputs, values


def as_published(tensor):
    return tensor.detach().numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_keys_and_shapes_are_the_published_ones(kind):
    make, name, *_ = KINDS[kind]
    state = make().state_dict()
    assert {key: list(tensor.shape) for key, tensor in state.items()} == STATES[name]
    assert list(state) == list(STATES[name])


@pytest.mark.parametrize(("kind", "count"), [("frame", 664_577), ("clip", 1_032_961)])
def test_parameters_are_as_many_as_published(kind, count):
    assert sum(parameter.numel() for parameter in KINDS[kind][0]().parameters()) == count


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_scores_and_losses_golden(published, mode):
    net, (x, y), values = published
    head = x[0, 0, :, 0, :2] if x.ndim == 5 else x[0, :, 0, :2]
    np.testing.assert_allclose(values["x_head"], head, rtol=1e-7)  # the rule draws as it did
    net.train(mode == "train")
    scores = {"x": net(x), "y": net(y)}
    for letter, found in scores.items():
        np.testing.assert_allclose(as_published(found), values[f"{mode}_{letter}"], rtol=1e-9, atol=1e-12)
    losses = {
        "real": adversarial_loss(scores["x"], 1.0),
        "fake": adversarial_loss(scores["y"], 0.0),
        "d": discriminator_loss(scores["x"], scores["y"]),
        "g": adversarial_loss(net(y), 1.0),
    }
    for name, found in losses.items():
        np.testing.assert_allclose(as_published(found), values[f"{mode}_loss_{name}"], rtol=1e-9)


def test_float32_scores_golden(published):
    net, (x, y), values = published
    net.float().train()
    for letter, given in (("x", x), ("y", y)):
        expected = values[f"train_{letter}"]
        np.testing.assert_allclose(
            as_published(net(given.float())), expected, rtol=0, atol=1e-5 * np.abs(expected).max()
        )


def test_training_gradients_golden(published):
    net, (x, y), values = published
    net.train()
    discriminator_loss(net(x), net(y)).backward()
    gradients = {key: parameter.grad for key, parameter in net.named_parameters()}
    norms = [0.0 if key not in gradients else float(gradients[key].norm()) for key in net.state_dict()]
    np.testing.assert_allclose(norms, values["train_grad_norms"], rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(as_published(net.conv.weight_u), values["train_u"], rtol=1e-12)
    np.testing.assert_allclose(as_published(net.conv.weight_v), values["train_v"], rtol=1e-9, atol=1e-14)
    fake = y.clone().requires_grad_()
    adversarial_loss(net(fake), 1.0).backward()
    np.testing.assert_allclose(float(fake.grad.norm()), values["train_loss_g_input_grad_norm"], rtol=1e-9)


def test_spectral_norm_is_one_step_of_power_iteration_per_training_pass(published):
    net, (x, _), values = published
    u, v = net.conv.weight_u.clone(), net.conv.weight_v.clone()
    weight = net.conv.weight_orig.detach().flatten(1)
    net.eval()(x)
    assert torch.equal(net.conv.weight_u, u)
    np.testing.assert_allclose(float(u @ weight @ v), values["eval_sigma"], rtol=1e-9)
    net.train()(x)
    np.testing.assert_allclose(float(weight.norm()), values["train_sigma"], rtol=1e-9)  # one row: its length
    np.testing.assert_allclose(float(net.conv.weight.detach().norm()), 1, rtol=1e-12)


def test_scores_depend_on_nothing_else_in_the_batch():
    torch.manual_seed(0)
    net = FrameDiscriminator(channels=4, widest=8).eval()
    frames = torch.rand(3, 3, 32, 48) * 2 - 1
    scores = net(frames)
    assert scores.shape == (3, 1, 2, 3)
    torch.testing.assert_close(net(frames[1:2]), scores[1:2], rtol=1e-5, atol=1e-6)


def test_widths_double_up_to_the_widest():
    net = FrameDiscriminator(channels=6, widest=16)
    blocks = [net.block0, net.encoder0, net.encoder1, net.encoder2]
    assert [block.model[3].out_channels for block in blocks] == [6, 12, 16, 16]
    assert [block.model[1].out_channels for block in blocks] == [6, 6, 12, 16]
    assert net.conv.in_channels == 16


@pytest.mark.parametrize("frames", [5, 6, 9])
def test_clips_of_other_lengths(frames):
    net = ClipDiscriminator(channels=4, widest=16, frames=frames)
    assert net.encoder0.model[1].in_channels == 8 * (frames - 4)
    clips = torch.zeros(2, frames, 3, 40, 16).requires_grad_()
    scores = net(clips)
    assert scores.shape == (2, 1, 2, 1)
    scores.sum().backward()
    assert torch.isfinite(clips.grad).all()


def test_the_clip_critic_sees_the_order_of_frames():
    torch.manual_seed(0)
    net = ClipDiscriminator(channels=4, widest=16).eval()
    clip = torch.rand(1, 6, 3, 16, 16) * 2 - 1
    assert (net(clip) - net(clip.flip(1))).abs().max() > 1e-5


def test_folding_puts_channels_first_and_the_frames_of_each_after():
    net = ClipDiscriminator(channels=4, widest=16)
    seen = []
    net.block1.register_forward_hook(lambda _module, _inputs, maps: seen.append(maps))
    net.encoder0.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    net(torch.rand(1, 6, 3, 16, 16))
    unfolded, folded = seen
    assert unfolded.shape == (1, 8, 2, 4, 4)
    for channel in range(8):
        for frame in range(2):
            assert torch.equal(folded[0, 2 * channel + frame], unfolded[0, channel, frame])


def test_shortcut_is_the_mean_of_four_pixels():
    block = FrameDiscriminator(channels=2, widest=2).block0
    for layer in block.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
    with torch.no_grad():
        block.shortcut[1].weight[0, 0] = 1
    pixels = torch.zeros(1, 3, 2, 2)
    pixels[0, 0] = torch.tensor([[1.0, 2.0], [3.0, 6.0]])  # their mean is 3
    assert block(pixels).flatten().tolist() == [3, 0]


@pytest.mark.parametrize("frames", [0, 4])
def test_chunks_too_short_are_refused(frames):
    with pytest.raises(
        ModelError,
        match=rf"clip discriminator: expected chunks of at least 5 frames, got {frames}; raise "
        r"generator\.frames_per_chunk, or set losses\.temporal to 0",
    ):
        ClipDiscriminator(frames=frames)


@pytest.mark.parametrize(
    ("make", "shape", "wanted"),
    [
        (FrameDiscriminator, (2, 4, 32, 32), r"\(B, 3, H, W\)"),
        (FrameDiscriminator, (1, 2, 3, 32, 32), r"\(B, 3, H, W\)"),
        (FrameDiscriminator, (1, 3, 32, 15), r"\(B, 3, H, W\)"),
        (ClipDiscriminator, (1, 5, 3, 32, 32), r"\(B, 6, 3, H, W\)"),
        (ClipDiscriminator, (1, 3, 6, 32, 32), r"\(B, 6, 3, H, W\)"),
        (ClipDiscriminator, (1, 6, 3, 8, 32), r"\(B, 6, 3, H, W\)"),
    ],
)
def test_other_shapes_are_refused(make, shape, wanted):
    net = make(channels=2, widest=2)
    found = ", ".join(map(str, shape))
    with pytest.raises(
        ShapeError, match=rf"expected frames {wanted}, sides of at least 16 pixels, got \({found}\)"
    ):
        net(torch.zeros(shape))


@pytest.mark.parametrize("make", [FrameDiscriminator, ClipDiscriminator])
def test_published_weights_that_do_not_fit_are_all_named(make):
    net = make(channels=2, widest=4)
    state = {f"module.{key}": torch.full_like(tensor, 7) for key, tensor in net.state_dict().items()}
    net.load_published(state)
    assert all((tensor == 7).all() for tensor in net.state_dict().values())
    state["module.extra"] = state.pop("module.conv.bias")
    state["module.conv.weight_u"] = torch.zeros(3)
    with pytest.raises(ModelError) as info:
        net.load_published(state)
    for text in ("missing (conv.bias)", "surplus (extra)", "conv.weight_u of shape (3,) instead of (1,)"):
        assert text in str(info.value)
    assert (net.conv.weight_u == 7).all()
