"""What training changes, and what a checkpoint therefore holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Adam

from dmm_model.checkpoint import FORMAT, VERSION, check_state, load_state, read_checkpoint
from dmm_model.config import LossConfig, Preset, TrainConfig, preset_to_json
from dmm_model.discriminators import ClipDiscriminator, FrameDiscriminator
from dmm_model.generator import Generator
from dmm_model.initial import initialise
from dmm_model.losses import adversarial_loss, discriminator_loss
from dmm_model.propagation import Carried


class ChunkGenerator(nn.Module):
    """The generator as training calls it: the source encoded anew for each chunk."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(
        self, source: Tensor, poses: Tensor, grids: Tensor, following: Tensor, carried: Carried | None
    ) -> tuple[Tensor, Carried]:
        """See `Generator.chunk`; what is carried leads no gradient back."""
        frames, last = self.generator.chunk(self.generator.look(source), poses, grids, following, carried)
        return frames, last.detach()


class Critics(nn.Module):
    """The discriminators of frames and of chunks, as far as their terms have a weight."""

    def __init__(self, losses: LossConfig, frames: int) -> None:
        super().__init__()
        if losses.spatial:
            self.spatial = FrameDiscriminator()
        if losses.temporal:
            self.temporal = ClipDiscriminator(frames=frames)

    def forward(self, real: Tensor, fake: Tensor, row: int) -> dict[str, Tensor]:
        """What each is trained for, by name, of chunks (B, T, 3, H, W): one sees frame `row` of them only."""
        return {
            name: discriminator_loss(critic(_seen(real, name, row)), critic(_seen(fake, name, row)))
            for name, critic in self.named_children()
        }

    def judge(self, fake: Tensor, row: int) -> dict[str, Tensor]:
        """The generator's adversarial terms by name, without gradients for the discriminators."""
        with _frozen(self):
            return {
                name: adversarial_loss(critic(_seen(fake, name, row)), 1.0)
                for name, critic in self.named_children()
            }


@dataclass
class Learner:
    """Networks and optimisers of one process.

    Attributes:
        preset: What is trained, and how.
        generator: What is generated with.
        critics: Its adversaries.
        optimisers: Of the generator and of the critics.
        average: Running average of the generator's weights by key, or None.
        chunks: `generator` as it is called, wrapped by accelerate.
        judges: `critics` as they are called, wrapped by accelerate.
        iteration: Iterations done.
    """

    preset: Preset
    generator: Generator
    critics: Critics
    optimisers: tuple[Adam, Adam | None]
    average: dict[str, Tensor] | None
    chunks: nn.Module
    judges: nn.Module
    iteration: int = 0


def make_learner(preset: Preset, accelerator: Accelerator) -> Learner:
    """Networks with weights drawn from torch's global generator, and their optimisers."""
    config = preset.training
    generator = Generator(preset.generator)
    generator.recompute = config.recompute
    critics = Critics(preset.losses, preset.generator.frames_per_chunk)
    for network in (generator, critics):
        initialise(network, parity=config.parity)
    chunks, main = accelerator.prepare(
        ChunkGenerator(generator), _adam(generator, config.learning_rate, config)
    )
    judges, other = critics, None
    if any(critics.children()):
        judges, other = accelerator.prepare(critics, _adam(critics, config.discriminator_rate, config))
    average = {key: value.clone() for key, value in generator.state_dict().items()} if config.ema else None
    return Learner(preset, generator, critics, (main, other), average, chunks, judges)


def rate_factor(config: TrainConfig, iteration: int) -> float:
    """What the learning rates are multiplied by in an iteration: 1, then linearly down to 0 at the end."""
    left, falling = config.iterations - iteration, config.iterations - config.decay_from
    return 1.0 if config.parity or falling <= 0 else min(1.0, left / falling)


def set_rates(learner: Learner) -> None:
    """Give both optimisers the rates of the iteration that comes."""
    config = learner.preset.training
    factor = rate_factor(config, learner.iteration)
    for optimiser, rate in zip(
        learner.optimisers, (config.learning_rate, config.discriminator_rate), strict=True
    ):
        for group in () if optimiser is None else optimiser.param_groups:
            group["lr"] = rate * factor


@torch.no_grad()
def average_weights(learner: Learner) -> None:
    """Move the running average, if there is one, towards the weights."""
    for key, value in learner.generator.state_dict().items() if learner.average is not None else ():
        cast("dict[str, Tensor]", learner.average)[key].lerp_(value, 1 - learner.preset.training.ema)


def find_spoilt(learner: Learner) -> str:
    """Name of a weight that is infinite or NaN; empty if there is none."""
    weights = {**learner.generator.state_dict(), **learner.critics.state_dict()}
    return next((name for name, value in weights.items() if not value.isfinite().all()), "")


def learner_to_state(learner: Learner, accelerator: Accelerator) -> dict[str, object]:
    """Everything that training needs to go on, and `dmm_model.generate` to begin."""
    scaler = accelerator.scaler
    return {
        "format": FORMAT,
        "version": VERSION,
        "iteration": learner.iteration,
        "configuration": preset_to_json(learner.preset),
        "generator": learner.generator.state_dict(),
        "average": learner.average,
        "critics": learner.critics.state_dict(),
        "optimisers": [None if each is None else each.state_dict() for each in learner.optimisers],
        "scaler": None if scaler is None else scaler.state_dict(),
    }


def restore_learner(learner: Learner, path: Path, accelerator: Accelerator) -> None:
    """Go on from a checkpoint.

    Raises:
        ModelError: It is damaged, or of another network.
    """
    state = read_checkpoint(path)
    check_state(state, path)
    load_state(learner.generator, cast("Mapping[str, Tensor]", state["generator"]), "this generator")
    load_state(learner.critics, cast("Mapping[str, Tensor]", state["critics"]), "these discriminators")
    for optimiser, saved in zip(
        learner.optimisers, cast("list[dict[str, object]]", state["optimisers"]), strict=True
    ):
        if optimiser is not None:
            optimiser.load_state_dict(saved)
    if learner.average is not None:
        saved_average = cast("Mapping[str, Tensor]", state["average"])
        learner.average = {key: value.to(accelerator.device) for key, value in saved_average.items()}
    if accelerator.scaler is not None:
        accelerator.scaler.load_state_dict(state["scaler"])
    learner.iteration = cast("int", state["iteration"])


def _adam(network: nn.Module, rate: float, config: TrainConfig) -> Adam:
    learned = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return Adam(learned, lr=rate, betas=(config.beta1, config.beta2))


def _seen(clips: Tensor, critic: str, row: int) -> Tensor:
    return clips[:, row] if critic == "spatial" else clips


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    network.requires_grad_(requires_grad=False)
    try:
        yield
    finally:
        network.requires_grad_()
