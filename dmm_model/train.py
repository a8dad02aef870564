"""Training: one visible loop, and what surrounds it."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor
from torch.optim import Adam

from dmm_model.checkpoint import write_checkpoint
from dmm_model.config import LossConfig, Preset, preset_to_json, resolve_preset
from dmm_model.data import TrainingWindows, windows_to_loader
from dmm_model.diary import Diary, lost_to_text
from dmm_model.generator import chunks, size_to_problem
from dmm_model.learner import (
    Learner,
    average_weights,
    find_spoilt,
    learner_to_state,
    make_learner,
    rate_factor,
    restore_learner,
    set_rates,
)
from dmm_model.losses import l1_loss, perceptual_losses
from dmm_model.vgg import VggFeatures
from vptbench.errors import ConfigError, RunError, StoreError
from vptbench.manifest import Json
from vptbench.progress import track
from vptbench.runfile import Run, RunFacts, begin_run, checkpoint_written, open_run, store_to_json
from vptbench.skeleton import BODY_25
from vptbench.store.reader import open_store
from vptbench.trainer import TrainReport, TrainSettings
from vptbench.weights import network_sha256

MODEL = "dmm"

WHAT_IS_KEPT = ("log_every", "sample_every", "save_every", "keep")
"""Fields of `TrainConfig` that say what is written down, and when."""


def resolve(settings: TrainSettings) -> Mapping[str, Json]:
    """The whole configuration that `train` would follow.

    Raises:
        RegistryError: The configuration is unknown.
        ConfigError: A change of it cannot be made, or makes no training.
    """
    return preset_to_json(_preset(settings))


def train(settings: TrainSettings) -> TrainReport:
    """Train the reference model, and keep the run as `vptbench.runfile` says.

    Started by ``torchrun`` or ``accelerate launch``, each process works on windows of its own.

    Raises:
        RegistryError: The configuration is unknown.
        ConfigError: A change of it cannot be made, or makes no training; or the device lacks the precision.
        StoreError: The store has no clips to train on, or of a size that the network cannot take.
        WeightsError: The losses need VGG-19, and its pinned weights are missing.
        RunError: The folder holds another run; or a loss or a weight became infinite or NaN.
        ModelError: The checkpoint to go on from is damaged.
    """
    preset = _preset(settings)
    windows = TrainingWindows(settings.store, preset.training, preset.generator, settings.seed)
    problem = size_to_problem(preset.generator, *windows.size)
    if problem:
        raise StoreError(f"{settings.store}: {problem}")
    networks = dataclasses.replace(settings.networks, device="cpu")  # where it goes, the accelerator says
    vgg = VggFeatures.load(networks, parity=preset.training.parity) if preset.losses.needs_vgg else None
    accelerator = _accelerator(settings, preset)
    set_seed(settings.seed)
    learner = make_learner(preset, accelerator)
    run = _begin(accelerator, settings, _facts(settings, preset, windows))
    if run.iteration:
        restore_learner(learner, dict(run.checkpoints())[run.iteration], accelerator)
    if not run.complete:
        train_loop(
            accelerator, learner, windows, settings, run, None if vgg is None else vgg.to(accelerator.device)
        )
    accelerator.wait_for_everyone()
    accelerator.end_training()
    return TrainReport(run.path, learner.iteration - run.iteration, learner.iteration, run.newest())


def train_loop(
    accelerator: Accelerator, learner: Learner, windows: TrainingWindows, settings: TrainSettings, run: Run,
    vgg: VggFeatures | None,
) -> None:  # fmt: skip
    """From the iteration that the learner has reached to the last.

    Raises:
        RunError: A loss or a weight became infinite or NaN.
    """
    preset, config = learner.preset, learner.preset.training
    rank, world = accelerator.process_index, accelerator.num_processes
    loader = windows_to_loader(
        windows, learner.iteration, config.iterations,
        batch=config.batch, rank=rank, world=world, workers=settings.workers,
    )  # fmt: skip
    with closing(Diary(run, learner, settings.store, accelerator)) as diary:
        for batch in track(
            loader, total=config.iterations, done=learner.iteration, label="train dmm", unit="iteration",
            notes=diary.notes,
        ):  # fmt: skip
            set_rates(learner)
            parts = [part.to(accelerator.device) for part in batch.split(config.accumulate)]
            carried = [None] * len(parts)
            for start, stop in chunks(batch.targets.shape[1], preset.generator.frames_per_chunk):
                rows = draw_rows(settings.seed, learner.iteration, start, rank, stop - start)
                for number, part in enumerate(parts):
                    last = number == len(parts) - 1
                    with synchronised(accelerator, learner, last=last), accelerator.autocast():
                        # generate a chunk
                        real = part.targets[:, start:stop]
                        fake, carried[number] = learner.chunks(*part.chunk(start, stop), carried[number])
                        # discriminators
                        critic_terms = learner.judges(real, fake.detach(), rows[0])
                        step(accelerator, learner.optimisers[1], critic_terms, len(parts), last=last)
                        # generator
                        terms = {"l1": l1_loss(fake, real), **learner.critics.judge(fake, rows[1])}
                        terms |= perceptual_losses(vgg, fake, real, preset.losses) if vgg is not None else {}
                        weighted = weigh(terms, preset.losses)
                        step(accelerator, learner.optimisers[0], weighted, len(parts), last=last)
                    diary.note(terms, critic_terms)
                average_weights(learner)
            learner.iteration += 1
            diary.write()
            if learner.iteration % config.save_every == 0 or learner.iteration == config.iterations:
                save(accelerator, learner, run)


def draw_rows(seed: int, iteration: int, start: int, rank: int, count: int) -> tuple[int, int]:
    """The frames of a chunk that the frame discriminator sees: when it learns, and when it judges.

    A function of its arguments alone, so that training that goes on draws what it would have drawn.
    """
    draws = np.random.Generator(np.random.PCG64([seed, iteration, start, rank, 1]))
    learning, judging = draws.integers(0, count, 2)
    return int(learning), int(judging)


def weigh(terms: Mapping[str, Tensor], losses: LossConfig) -> dict[str, Tensor]:
    """Each term times its weight."""
    return {name: getattr(losses, name) * value for name, value in terms.items()}


def step(
    accelerator: Accelerator, optimiser: Adam | None, terms: Mapping[str, Tensor], parts: int, *, last: bool
) -> None:
    """Add the gradients of a batch's part, and with the last one update."""
    if optimiser is None:
        return
    accelerator.backward(torch.stack(list(terms.values())).sum() / parts)
    if last:
        optimiser.step()
        optimiser.zero_grad()


@contextmanager
def synchronised(accelerator: Accelerator, learner: Learner, *, last: bool) -> Iterator[None]:
    """Let processes share gradients in the last part of a batch only."""
    with ExitStack() as stack:
        for network in () if last else (learner.chunks, learner.judges):
            stack.enter_context(accelerator.no_sync(network))
        yield


def save(accelerator: Accelerator, learner: Learner, run: Run) -> None:
    """Write a checkpoint, whole or not at all; the first process does.

    Raises:
        RunError: A weight became infinite or NaN.
        OSError: The system refused to write it.
    """
    spoilt = find_spoilt(learner)
    if spoilt:
        raise RunError(lost_to_text(run, learner.iteration, f"{spoilt} infinite or NaN after"))
    if accelerator.is_main_process:
        state = learner_to_state(learner, accelerator)
        keep = learner.preset.training.keep
        with checkpoint_written(run, learner.iteration, keep=keep) as part, told_refusal(run.path):
            write_checkpoint(part, state)
    accelerator.wait_for_everyone()


@contextmanager
def told_refusal(path: Path) -> Iterator[None]:
    """Say where the system refused to write: torch's own error, for want of space, does not say that it did.

    Raises:
        OSError: It refused.
        RuntimeError: Torch failed of itself.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        refusal = error.__context__ if isinstance(error, RuntimeError) else error
        if isinstance(refusal, OSError):
            raise OSError(refusal.errno, refusal.strerror, str(path)) from error
        raise


def _preset(settings: TrainSettings) -> Preset:
    """The configuration with its changes.

    Raises:
        RegistryError: The configuration is unknown.
        ConfigError: A change cannot be made, or makes no training; every problem is named.
    """
    preset = resolve_preset(settings.config, settings.changes, settings.iterations)
    problems = []
    if preset.generator.keypoints != len(BODY_25):
        problems.append(
            f"generator.keypoints: expected {len(BODY_25)} as in clips, got {preset.generator.keypoints}"
        )
    if settings.device == "cpu" and preset.training.precision == "fp16":
        problems.append("training.precision: expected no or bf16 on a CPU, got fp16")
    if preset.training.batch % preset.training.accumulate:
        problems.append(
            f"training.accumulate: expected a divisor of batch, {preset.training.batch}, got "
            f"{preset.training.accumulate}"
        )
    if preset.training.accumulate > 1 and preset.training.precision == "fp16":
        problems.append(
            "training.accumulate: expected 1 with precision fp16, whose scale may change between parts"
        )
    if problems:
        raise ConfigError("; ".join(problems) + "; change the training's settings")
    return preset


def _accelerator(settings: TrainSettings, preset: Preset) -> Accelerator:
    """Where this process computes, in which precision, and with which others.

    Raises:
        ConfigError: The device lacks the precision, or this process has trained in another one.
    """
    precision = preset.training.precision
    try:
        return Accelerator(cpu=settings.device == "cpu", mixed_precision=precision)
    except ValueError as error:
        raise ConfigError(
            f"training.precision: expected one that {settings.device} has here, got {precision} ({error}); "
            "take another, or a process of its own"
        ) from error


def _facts(settings: TrainSettings, preset: Preset, windows: TrainingWindows) -> RunFacts:
    """What the run is: fields that move nothing of what is learned may change when it goes on."""
    configuration = preset_to_json(preset)
    free = {*WHAT_IS_KEPT, "recompute"}
    if rate_factor(preset.training, preset.training.iterations) == 1:
        free |= {"iterations", "decay_from"}
    configuration["training"] = {
        name: value for name, value in configuration["training"].items() if name not in free
    }
    networks = {}
    if preset.losses.needs_vgg:
        digest = network_sha256("vgg19", settings.networks)
        networks["vgg19"] = {"mode": settings.networks.mode, "sha256": digest}
    store = open_store(settings.store)
    table = store.table.loc[list(windows.clips), ["frames", "height", "width", "raw_sha256"]]
    clips = cast("Mapping[str, Mapping[str, Json]]", table.to_dict("index"))
    facts = store_to_json(settings.store, settings.run, dataset=store.manifest.get("dataset"), clips=clips)
    return RunFacts(MODEL, configuration, settings.seed, preset.training.iterations, facts, networks)


def _begin(accelerator: Accelerator, settings: TrainSettings, facts: RunFacts) -> Run:
    """Begin or go on with the run: the first process writes, the others read what it wrote."""
    if accelerator.is_main_process:
        run = begin_run(settings.run, facts, resume=settings.resume)
    accelerator.wait_for_everyone()
    return run if accelerator.is_main_process else open_run(settings.run)
