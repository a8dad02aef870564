"""What is written down while training: losses, curves, and pictures of what is generated."""

import math
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from accelerate import Accelerator
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from dmm_model.generate import generate_clip
from dmm_model.generator import size_to_problem
from dmm_model.learner import Learner
from vptbench.clip import Clip
from vptbench.errors import RunError
from vptbench.image import frames_to_sheet, image_to_bytes
from vptbench.manifest import written_beside
from vptbench.runfile import Run
from vptbench.runlog import append_log
from vptbench.store.reader import open_store

BOARD_FOLDER = "tensorboard"

STRIP = 8
"""Frames of a sample strip, evenly over the clip's first ones."""

STRIP_SPAN = 24
"""How many first frames of a clip a sample strip covers."""

BEFORE_CRITICS = "d."
"""Begins the names of what discriminators are trained for."""


class Diary:
    """Log, curves and pictures of one run; only the first process writes, and only its own losses.

    Attributes:
        notes: The latest means, for the progress bar.
    """

    def __init__(self, run: Run, learner: Learner, store: Path, accelerator: Accelerator) -> None:
        """Begin, or go on after the learner's iteration."""
        self._run, self._learner, self._writes = run, learner, accelerator.is_main_process
        self.notes: dict[str, str] = {}
        self._sums: dict[str, float] = {}
        self._count = 0
        self._start = time.perf_counter()
        if self._writes:
            self._clip = _choose_clip(store, learner)
            board = str(run.path / BOARD_FOLDER)
            self._board = SummaryWriter(board, purge_step=learner.iteration + 1)

    def note(self, terms: Mapping[str, Tensor], critic_terms: Mapping[str, Tensor]) -> None:
        """Take down the terms of one update.

        Raises:
            RunError: One is infinite or NaN.
        """
        found = {name: value.item() for name, value in terms.items()}
        found |= {BEFORE_CRITICS + name: value.item() for name, value in critic_terms.items()}
        for name, value in found.items():
            if not math.isfinite(value):
                text = lost_to_text(self._run, self._learner.iteration + 1, f"{name} = {value} in")
                raise RunError(text)
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1

    def write(self) -> None:
        """After each iteration: a row of the log, points of the curves and a strip, when they are due.

        A row is due before each checkpoint too, so that training that goes on has nothing to remember.
        """
        config, iteration = self._learner.preset.training, self._learner.iteration
        last = iteration == config.iterations
        if iteration % config.log_every == 0 or iteration % config.save_every == 0 or last:
            means = {name: value / self._count for name, value in self._sums.items()}
            self.notes.update({name: f"{value:.3g}" for name, value in means.items()})
            if self._writes:
                seconds = time.perf_counter() - self._start
                append_log(self._run.log, iteration, seconds, means)
                for name, value in means.items():
                    self._board.add_scalar(name, value, iteration)
                self._board.flush()
            self._sums, self._count, self._start = {}, 0, time.perf_counter()
        if self._writes and (iteration % config.sample_every == 0 or last):
            self._write_strip(iteration)

    def close(self) -> None:
        """End the thread that writes curves."""
        if self._writes:
            self._board.close()

    def _write_strip(self, iteration: int) -> None:
        """True frames over generated ones, the source frame before both."""
        clip, generator = self._clip, self._learner.generator
        count = min(len(clip), STRIP_SPAN)
        made = generate_clip(generator, clip.source(0), clip.poses(0, count))
        shown = np.unique(np.linspace(min(1, count - 1), count - 1, STRIP).round().astype(int))
        real = np.asarray(clip.frames[0:count], np.uint8)
        sheet = frames_to_sheet([[real[0], *(frames[row] for row in shown)] for frames in (real, made)])
        self._run.samples.mkdir(exist_ok=True)
        with written_beside(self._run.samples / f"{iteration:08d}.png") as part:
            part.write_bytes(image_to_bytes(sheet, ".png"))


def lost_to_text(run: Run, iteration: int, found: str) -> str:
    """What ends a training whose losses or weights are no numbers any more, in words."""
    kept = run.checkpoints()
    back = f"the last good checkpoint is {kept[-1][1]}" if kept else "no checkpoint was saved before"
    return (
        f"{run.path}: expected finite losses and weights, found {found} iteration {iteration}; {back}; "
        "lower training.learning_rate, or train in float32"
    )


def _choose_clip(store: Path, learner: Learner) -> Clip:
    """What strips show: the first clip that can be generated, if possible of those kept for testing."""
    opened = open_store(store)
    clips = (opened[name] for name in (*opened.ids("test"), *opened.ids("train")))
    config = learner.preset.generator
    return next(clip for clip in clips if clip.mesh is not None and not size_to_problem(config, *clip.size))
