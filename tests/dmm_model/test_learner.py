import pytest
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from hypothesis import given
from hypothesis import strategies as st

from dmm_model.checkpoint import write_checkpoint
from dmm_model.config import LossConfig, TrainConfig, resolve_preset
from dmm_model.generator import Generator
from dmm_model.learner import (
    ChunkGenerator,
    Critics,
    average_weights,
    find_spoilt,
    learner_to_state,
    make_learner,
    rate_factor,
    restore_learner,
    set_rates,
)
from dmm_model.losses import adversarial_loss, discriminator_loss
from vptbench.errors import ModelError

FRAMES = 5
"""Frames of a chunk, the fewest that the clip critic takes."""

SMALLEST = ("generator.channels=4", "generator.widest=16", f"generator.frames_per_chunk={FRAMES}")


def preset(*changes):
    return resolve_preset("tiny", (*SMALLEST, *changes))


@pytest.fixture(scope="module")
def accelerator():
    return Accelerator(cpu=True)


@pytest.fixture
def make(accelerator):
    """A function from changes of the configuration, and a seed, to a learner."""

    def learner(*changes, seed=0):
        set_seed(seed)
        return make_learner(preset(*changes), accelerator)

    return learner


@pytest.fixture
def critics():
    torch.manual_seed(0)
    return Critics(LossConfig(), FRAMES)


def clips(seed, size=32):
    return torch.rand(2, FRAMES, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def inputs():
    """Of a chunk: source, heatmaps, grids, and the grid that follows."""
    generator = torch.Generator().manual_seed(1)
    shapes = ((1, 3, 64, 64), (1, FRAMES, 25, 64, 64), (1, FRAMES, 64, 64, 2), (1, 64, 64, 2))
    return [torch.rand(shape, generator=generator) * 2 - 1 for shape in shapes]


# Of 10 iterations the last 4 fall: (10 - n) / 4 for n = 6 to 9.
@pytest.mark.parametrize(
    ("config", "factors"),
    [
        (TrainConfig(iterations=10, decay_from=6), [1, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0]),
        (TrainConfig(iterations=4, decay_from=0), [1, 0.75, 0.5, 0.25, 0]),
        (TrainConfig(iterations=4, decay_from=4), [1] * 5),
        (TrainConfig(iterations=4, decay_from=9), [1] * 5),
        (TrainConfig(iterations=4, decay_from=0, parity=True), [1] * 5),
    ],
)
def test_rates_stay_and_then_fall_to_zero(config, factors):
    assert [rate_factor(config, iteration) for iteration in range(config.iterations + 1)] == factors


@given(st.integers(1, 300), st.integers(0, 400), st.booleans())
def test_rates_never_rise_and_are_above_zero_to_the_last_iteration(iterations, decay_from, parity):
    config = TrainConfig(iterations=iterations, decay_from=decay_from, parity=parity)
    factors = [rate_factor(config, iteration) for iteration in range(iterations)]
    assert sorted(factors, reverse=True) == factors
    assert factors[0] == 1
    assert factors[-1] > 0


def test_both_optimisers_get_their_own_rate_times_the_factor(make):
    learner = make(
        "training.iterations=4", "training.decay_from=0", "training.learning_rate=0.5",
        "training.discriminator_rate=0.125",
    )  # fmt: skip
    learner.iteration = 1
    set_rates(learner)
    found = [group["lr"] for optimiser in learner.optimisers for group in optimiser.param_groups]
    assert found == [0.375, 0.09375]


def test_only_critics_with_a_weight_are_made(make):
    names = [
        [name for name, _ in Critics(losses, FRAMES).named_children()]
        for losses in (LossConfig(), LossConfig(spatial=0), LossConfig(temporal=0))
    ]
    assert names == [["spatial", "temporal"], ["temporal"], ["spatial"]]
    learner = make("losses.spatial=0", "losses.temporal=0")
    assert learner.optimisers[1] is None
    assert learner.judges(clips(1), clips(2), 0) == learner.critics.judge(clips(2), 0) == {}


@pytest.mark.parametrize("row", [0, 3])
def test_critics_are_trained_on_real_and_generated_chunks_and_one_frame_of_each(critics, row):
    critics.eval()  # or spectral norm's estimate moves with every call
    real, fake = clips(1), clips(2)
    found = critics(real, fake, row)
    spatial, temporal = critics.spatial, critics.temporal
    expected = {
        "spatial": discriminator_loss(spatial(real[:, row]), spatial(fake[:, row])),
        "temporal": discriminator_loss(temporal(real), temporal(fake)),
    }
    assert found == expected
    assert critics.judge(fake, row) == {
        "spatial": adversarial_loss(spatial(fake[:, row]), 1.0),
        "temporal": adversarial_loss(temporal(fake), 1.0),
    }


def test_judging_leads_gradients_to_the_frames_and_none_to_the_critics(critics):
    fake = clips(2).requires_grad_()
    sum(critics.judge(fake, 1).values()).backward()
    assert all(parameter.grad is None for parameter in critics.parameters())
    assert (fake.grad.abs().amax((0, 2, 3, 4)) > 0).all()
    assert all(parameter.requires_grad for parameter in critics.parameters())


def test_judging_that_fails_leaves_the_critics_able_to_learn(critics):
    with pytest.raises(IndexError):
        critics.judge(clips(2), FRAMES)
    assert all(parameter.requires_grad for parameter in critics.parameters())


def test_learning_leads_gradients_to_the_critics(critics):
    sum(critics(clips(1), clips(2), 1).values()).backward()
    assert all(parameter.grad.abs().max() > 0 for parameter in critics.parameters())


def test_no_gradient_leads_through_what_is_carried():
    torch.manual_seed(0)
    generator = Generator(preset().generator)
    source, *others = inputs()
    source.requires_grad_()
    frames, carried = ChunkGenerator(generator)(source, *others, None)
    assert frames.shape == (1, FRAMES, 3, 64, 64)
    assert frames.requires_grad
    assert not any(part.requires_grad for part in (carried.image, carried.feature, *carried.forward))
    torch.testing.assert_close(carried.image, frames[:, -1], rtol=0, atol=0)


def test_the_average_moves_by_its_decay(make):
    # 0.75 of 2 and 0.25 of 10 are 4; then 0.75 of 4 and 0.25 of 10 are 5.5.
    learner = make("training.ema=0.75")
    for value in learner.average.values():
        value.fill_(2)
    weights = learner.generator.state_dict()
    for value in weights.values():
        value.fill_(10)
    for expected in (4, 5.5):
        average_weights(learner)
        assert {value.unique().item() for value in learner.average.values()} == {expected}
    assert learner.average.keys() == weights.keys()
    assert {value.unique().item() for value in weights.values()} == {10}


def test_the_average_begins_with_the_weights_and_is_no_view_of_them(make):
    learner = make("training.ema=0.5")
    weights = learner.generator.state_dict()
    for key, value in learner.average.items():
        torch.testing.assert_close(value, weights[key], rtol=0, atol=0)
        assert value.data_ptr() != weights[key].data_ptr()


def test_without_decay_there_is_no_average(make):
    learner = make()
    average_weights(learner)
    assert learner.average is None


def test_the_seed_decides_on_the_weights(make):
    one, same, other = (make(seed=seed).generator.state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(value, same[key]) for key, value in one.items())
    assert not all(torch.equal(value, other[key]) for key, value in one.items())


def test_what_is_published_and_never_used_is_not_optimised(make):
    learner = make()
    optimised = {id(weight) for group in learner.optimisers[0].param_groups for weight in group["params"]}
    left = [name for name, weight in learner.generator.named_parameters() if id(weight) not in optimised]
    assert left
    assert all(name.startswith("warp_encoder.encoder1.") for name in left)


def spoil(tensor, value):
    with torch.no_grad():
        tensor.view(-1)[-1] = value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_spoilt_weights_are_found_and_named(make, value):
    learner = make()
    assert find_spoilt(learner) == ""
    spoil(learner.critics.temporal.block0.model[1].weight, value)
    assert find_spoilt(learner) == "temporal.block0.model.1.weight"
    spoil(learner.generator.x_rcnn1.get_parameter(next(iter(learner.generator.x_rcnn1.state_dict()))), value)
    assert find_spoilt(learner).startswith("x_rcnn1.")


def update(learner):
    """One step of both optimisers, so that they have moments."""
    fake, _ = learner.chunks(*inputs(), None)
    sum(learner.judges(fake[:, :, :, :32, :32], fake[:, :, :, 32:, 32:], 0).values()).backward()
    for optimiser in learner.optimisers:
        optimiser.step()
        optimiser.zero_grad()
    average_weights(learner)
    learner.iteration += 1


def assert_equal_states(one, other):
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal_states(one[key], other[key])
    elif isinstance(one, list | tuple):
        for first, second in zip(one, other, strict=True):
            assert_equal_states(first, second)
    elif isinstance(one, torch.Tensor):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    else:
        assert one == other


@pytest.mark.parametrize("ema", [0, 0.5])
def test_a_learner_goes_through_a_checkpoint_unchanged(make, accelerator, tmp_path, ema):
    first, second = (make(f"training.ema={ema}", seed=seed) for seed in (1, 2))
    update(first)
    write_checkpoint(tmp_path / "checkpoint.pt", learner_to_state(first, accelerator))
    restore_learner(second, tmp_path / "checkpoint.pt", accelerator)
    assert second.iteration == 1
    assert_equal_states(learner_to_state(first, accelerator), learner_to_state(second, accelerator))
    for learner in (first, second):
        update(learner)
    assert_equal_states(learner_to_state(first, accelerator), learner_to_state(second, accelerator))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("generator.channels=8", "expected the weights of this generator, found those of another network: "),
        (
            "losses.spatial=0",
            r"expected the weights of these discriminators, .*: \d+ surplus \(spatial\.bloc",
        ),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(make, accelerator, tmp_path, change, text):
    write_checkpoint(tmp_path / "checkpoint.pt", learner_to_state(make(), accelerator))
    with pytest.raises(ModelError, match=text):
        restore_learner(make(change), tmp_path / "checkpoint.pt", accelerator)


def test_a_checkpoint_of_another_kind_is_refused(make, accelerator, tmp_path):
    write_checkpoint(tmp_path / "checkpoint.pt", {"weight": torch.zeros(1)})
    with pytest.raises(ModelError, match="expected a checkpoint of dmm-checkpoint 1, found None None"):
        restore_learner(make(), tmp_path / "checkpoint.pt", accelerator)
