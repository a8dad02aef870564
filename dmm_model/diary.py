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
from dmm_model.learner import Learner
from vptbench.errors import RunError
from vptbench.image import frames_to_sheet, write_image
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
            opened = open_store(store)
            self._clip = opened[(opened.ids("test") or opened.ids("train"))[0]]
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
                raise RunError(self._lost(name, value))
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1

    def write(self) -> None:
        """After each iteration: a row of the log, points of the curves and a strip, when they are due."""
        config, iteration = self._learner.preset.training, self._learner.iteration
        last = iteration == config.iterations
        if iteration % config.log_every == 0 or last:
            means = {name: value / self._count for name, value in self._sums.items()}
            self.notes.update({name: f"{value:.3g}" for name, value in means.items()})
            if self._writes:
                seconds = time.perf_counter() - self._start
                append_log(self._run.log, iteration, seconds, means)
                for name, value in means.items():
                    self._board.add_scalar(name, value, iteration)
            self._sums, self._count, self._start = {}, 0, time.perf_counter()
        if self._writes and (iteration % config.sample_every == 0 or last):
            self._write_strip(iteration)

    def close(self) -> None:
        """Write what curves are still held back."""
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
            write_image(part.with_suffix(".png"), sheet)
            part.with_suffix(".png").replace(part)

    def _lost(self, name: str, value: float) -> str:
        found = self._run.checkpoints()
        back = f"the last good checkpoint is {found[-1][1]}" if found else "no checkpoint was saved before"
        return (
            f"{self._run.path}: expected finite losses, found {name} = {value} in iteration "
            f"{self._learner.iteration + 1}; {back}; lower training.learning_rate, or train in float32"
        )
