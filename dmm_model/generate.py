"""The reference model as vptbench runs it: clips of any length, chunk by chunk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self, cast

import numpy as np
from torch import Tensor

from dmm_model.checkpoint import check_state, load_state, read_checkpoint
from dmm_model.config import GeneratorConfig
from dmm_model.data import pose_clip_to_inputs
from dmm_model.efficiency import measure_efficiency
from dmm_model.generator import Generator, size_to_problem
from vptbench.clip import Frames, PoseClip, SourceFrame, frames_to_tensor, tensor_to_frames
from vptbench.config import json_to_config
from vptbench.errors import ModelError
from vptbench.manifest import Json
from vptbench.runfile import open_run
from vptbench.weights import exact_inference


class DmmModel:
    """Bidirectional deformable motion modulation; a `vptbench.generate.model.Model`."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    @classmethod
    def load(cls, checkpoint: Path | None, device: str) -> Self:
        """Load a run's newest checkpoint, one checkpoint of a run, or the published code's generator.

        Args:
            checkpoint: Folder of a run, or a file.
            device: "cpu" or "cuda".

        Raises:
            ModelError: None is given, or it is damaged, or of another network.
            RunError: The run has no checkpoint yet.
            ManifestError: The folder holds no run.
        """
        if checkpoint is None:
            raise ModelError(
                "expected weights for dmm, got none; give --checkpoint a run of `vptbench train`, one of its "
                "checkpoints, or the published latest_net_G.pth"
            )
        file = open_run(checkpoint).newest() if checkpoint.is_dir() else checkpoint
        return cls(file_to_generator(file).to(device))

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(parameter.numel() for parameter in self._generator.parameters())

    @classmethod
    def efficiency(cls, device: str) -> list[dict[str, Json]]:
        """What each configuration costs here, for `vptbench doctor --model dmm`."""
        return measure_efficiency(device)

    def generate(self, source: SourceFrame, driving: PoseClip) -> Frames:
        """The person of `source` in each driving pose, uint8 (T, H, W, 3).

        Raises:
            ModelError: Source or driving clip has no mesh, the two differ in topology or size, or the network
                cannot take the size.
        """
        problem = size_to_problem(self._generator.config, *driving.size)
        if problem:
            raise ModelError(f"{driving.clip}: {problem}")
        return generate_clip(self._generator, source, driving)


def generate_clip(generator: Generator, source: SourceFrame, driving: PoseClip) -> Frames:
    """All frames of a driving clip, uint8 (T, H, W, 3); only one chunk is held beside them.

    As published, the last pose is repeated until the last chunk is whole, and the last frame is that of the
    last repeat.

    Raises:
        ModelError: Source or driving clip has no mesh, or the two differ in topology or size.
    """
    device, length, count = (
        next(generator.parameters()).device,
        generator.config.frames_per_chunk,
        len(driving),
    )
    frames, carried = np.empty((count, *driving.size, 3), np.uint8), None
    with exact_inference():
        for start in range(0, count, length):
            rows = [min(row, count - 1) for row in range(start, start + length + 1)]
            poses, grids = pose_clip_to_inputs(source, driving, rows, device=device)
            if carried is None:
                look = generator.look(frames_to_tensor(source.frame[None]).to(device))
            chunk, carried = generator.chunk(look, poses[:, :-1], grids[:, :-1], grids[:, -1], carried)
            made = tensor_to_frames(chunk[0])
            frames[start : start + length] = made[: count - start]
    frames[-1] = made[-1]
    return frames


def file_to_generator(path: Path) -> Generator:
    """The generator of a checkpoint of ours (its running average, where it has one), or the published one.

    Raises:
        ModelError: The file is damaged, or of another network.
    """
    state = read_checkpoint(path)
    if "format" not in state:
        generator = Generator()
        generator.load_published(cast("Mapping[str, Tensor]", state))
        return generator.eval()
    check_state(state, path)
    configuration = cast("Mapping[str, Mapping[str, Json]]", state["configuration"])
    generator = Generator(json_to_config(configuration["generator"], GeneratorConfig))
    weights = state["generator"] if state["average"] is None else state["average"]
    load_state(generator, cast("Mapping[str, Tensor]", weights), "the generator of its own configuration")
    return generator.eval()
