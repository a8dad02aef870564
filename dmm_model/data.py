"""What the network is given: windows of a clip store to learn from, poses of a clip to follow.

Which window comes when is a function of a seed and a number alone, so that resuming needs nothing but the
number, and any number of processes and workers sees the same windows.
"""

import dataclasses
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from dmm_model.config import GeneratorConfig, TrainConfig
from vptbench.clip import PoseClip, SourceFrame, frames_to_tensor
from vptbench.errors import ModelError, StoreError, UsageError, VptbenchError
from vptbench.heatmaps import keypoints_to_heatmaps, size_to_sigma
from vptbench.store.reader import Store, open_store

log = logging.getLogger(__name__)

CHUNKS = 2
"""Fewest chunks of a window: with one, the hand-over between chunks would never be trained."""

MOST_NAMES = 8
"""Clips that an error names."""


@dataclass(frozen=True)
class Window:
    """A piece of a clip, and the frame that shows the person.

    Attributes:
        clip: Id in the store.
        source: Number of the source frame in the clip.
        start: Number of the first target frame.
        count: How many target frames follow each other.
    """

    clip: str
    source: int
    start: int
    count: int


@dataclass(frozen=True, eq=False)
class Batch:
    """B windows of T frames each, on one device.

    Poses are kept as keypoints, and drawn where they are needed: of 30 frames of 256 pixels, heatmaps are
    197 MB beside 40 of all else, and take as long to draw as all else to read.

    Attributes:
        source: float32 (B, 3, H, W), the source frames, in [−1, 1].
        targets: float32 (B, T, 3, H, W), in [−1, 1].
        keypoints: float32 (B, T, 25, 3): x, y in pixels, confidence; missing is (NaN, NaN, 0).
        grids: float32 (B, T, H, W, 2), mesh flow from the source to each target (`Clip.mesh_flow`).
    """

    source: torch.Tensor
    targets: torch.Tensor
    keypoints: torch.Tensor
    grids: torch.Tensor

    def poses(self, start: int = 0, stop: int | None = None) -> torch.Tensor:
        """Heatmaps of frames `start` to `stop` (all by default), float32 (B, T, 25, H, W), drawn anew."""
        height, width = self.source.shape[-2:]
        return keypoints_to_heatmaps(
            self.keypoints[:, start:stop], (height, width), sigma_px=size_to_sigma(height)
        )

    def chunk(self, start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the generator is given for frames `start` to `stop`.

        Returns:
            Source (B, 3, H, W), heatmaps (B, n, 25, H, W), grids (B, n, H, W, 2), and the grid of the frame
            after them (B, H, W, 2), or of the last frame where none follows.
        """
        following = self.grids[:, min(stop, self.grids.shape[1] - 1)]
        return self.source, self.poses(start, stop), self.grids[:, start:stop], following

    def split(self, parts: int) -> list["Batch"]:
        """The same windows in `parts` batches of equal size."""
        tensors = (self.source, self.targets, self.keypoints, self.grids)
        return [Batch(*part) for part in zip(*(tensor.chunk(parts) for tensor in tensors), strict=True)]

    def to(self, device: torch.device | str) -> "Batch":
        """The same on `device`."""
        return Batch(
            self.source.to(device), self.targets.to(device), self.keypoints.to(device), self.grids.to(device)
        )


class TrainingWindows(Dataset[Batch]):
    """Windows of a store's clips, numbered 0, 1, 2, … without end.

    Clips come in passes through all of them, each in an order of its own; start and source frame are drawn
    uniformly, the latter from the clip's first frames.

    Attributes:
        config: How windows are drawn.
        clips: Ids of the clips that are long enough, in the store's order.
        size: (H, W) of their frames.
    """

    def __init__(
        self, store: Path, config: TrainConfig, generator: GeneratorConfig, seed: int, split: str = "train"
    ) -> None:
        """Looks into all clips of `split`.

        Raises:
            UsageError: The settings allow no window.
            ManifestError: The folder is no clip store.
            StoreError: It is damaged or unfinished, lacks meshes or clips of sufficient length, or its frames
                differ in size.
        """
        _check_settings(config, generator, seed)
        self.config, self._seed, self._store = config, seed, open_store(store)
        found = _store_to_clips(self._store, split, CHUNKS * generator.frames_per_chunk)
        self.clips = tuple(found)
        self.size = next(iter(found.values())).size
        self._lengths = np.array([facts.frames for facts in found.values()])
        chunks = np.minimum(config.window, self._lengths) // generator.frames_per_chunk
        self._counts = chunks * generator.frames_per_chunk

    def window(self, i: int) -> Window:
        """Window number `i`: a function of the store, the settings, the seed and `i` alone."""
        epoch, place = divmod(i, len(self.clips))
        draws = np.random.Generator(np.random.PCG64([self._seed, epoch]))
        clip = draws.permutation(len(self.clips))[place]
        starts = draws.integers(0, self._lengths - self._counts + 1)
        sources = draws.integers(0, np.minimum(self.config.source_frames, self._lengths))
        return Window(self.clips[clip], int(sources[clip]), int(starts[clip]), int(self._counts[clip]))

    def __getitem__(self, i: int) -> Batch:
        """Window number `i` as a batch of one."""
        return self.read(self.window(i))

    def read(self, window: Window) -> Batch:
        """The frames, keypoints and mesh flow of a window, as a batch of one.

        Raises:
            StoreError: The clip has been damaged.
        """
        clip, stop = self._store[window.clip], window.start + window.count
        source, driving = clip.source(window.source), clip.poses(window.start, stop)
        frames = np.asarray(clip.frames[window.start : stop], np.uint8)
        return Batch(
            source=frames_to_tensor(source.frame[None]),
            targets=frames_to_tensor(frames)[None],
            keypoints=torch.from_numpy(driving.keypoints)[None],
            grids=_poses_to_grids(source, driving, range(window.count)),
        )


def windows_to_loader(  # noqa: PLR0913 - what, which, and whose
    dataset: TrainingWindows, start: int, stop: int, *, batch: int, rank: int, world: int, workers: int
) -> Iterator[Batch]:
    """The batches of iterations `start` to `stop` − 1 of one process, read ahead by `workers`.

    Process r of iteration n gets windows (n·world + r)·batch to (n·world + r + 1)·batch − 1, all of them cut
    to the shortest of the iteration, in all processes: these must agree on the number of chunks.

    Args:
        dataset: What to read.
        start: First iteration.
        stop: Iteration before which to end.
        batch: Windows an iteration and process, B.
        rank: Number of this process, r.
        world: How many processes there are.
        workers: Processes that read for this one; 0 reads in this one. They are spawned, since a fork would
            copy threads and open files; each takes some seconds to start.

    Yields:
        One batch an iteration, the same whatever `workers` is. Torch's global generator is not drawn from.

    Raises:
        VptbenchError: A clip has been damaged since `dataset` was made.
    """
    loader = DataLoader(
        _Iterations(dataset, batch, rank, world),
        batch_size=None,
        sampler=range(start, stop),
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
        generator=torch.Generator(),
    )
    for made in loader:
        if isinstance(made, VptbenchError):
            raise made
        yield made


def pose_clip_to_inputs(
    source: SourceFrame, driving: PoseClip, rows: Sequence[int], *, device: torch.device | str = "cpu"
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the generator follows, for some rows of a driving clip.

    Args:
        source: The frame to sample from.
        driving: The poses to take.
        rows: Which of them, T.
        device: Where to draw and leave the tensors.

    Returns:
        Heatmaps, float32 (1, T, 25, H, W), and mesh flow, float32 (1, T, H, W, 2).

    Raises:
        ModelError: Source or driving clip has no mesh, or the two differ in topology or size.
    """
    if driving.mesh is None or source.vertices is None or source.faces is None:
        raise ModelError(
            f"{driving.clip}: dmm expected a mesh in source and driving clip, found none; prepare with --body"
        )
    if not np.array_equal(driving.mesh.faces, source.faces) or driving.size != source.frame.shape[:2]:
        raise ModelError(
            f"{driving.clip}: dmm expected the mesh topology and frame size of source clip {source.clip}, "
            "found others; prepare both with the same settings"
        )
    keypoints = torch.from_numpy(driving.keypoints[list(rows)])[None].to(device)
    poses = keypoints_to_heatmaps(keypoints, driving.size, sigma_px=size_to_sigma(driving.size[0]))
    return poses, _poses_to_grids(source, driving, rows).to(device)


def _poses_to_grids(source: SourceFrame, driving: PoseClip, rows: Sequence[int]) -> torch.Tensor:
    """Mesh flow from the source to each row, float32 (1, T, H, W, 2), also of what the source hides."""
    return torch.from_numpy(np.stack([driving.mesh_flow(source, row) for row in rows]))[None]


@dataclass(frozen=True)
class _Iterations(Dataset[Batch | VptbenchError]):
    """One process's batches by number of iteration.

    An error is given back, since a worker that raises it would bury its text in a traceback.
    """

    windows: TrainingWindows
    batch: int
    rank: int
    world: int

    def __getitem__(self, iteration: int) -> Batch | VptbenchError:
        total = self.world * self.batch
        drawn = [self.windows.window(iteration * total + place) for place in range(total)]
        shortest = min(window.count for window in drawn)
        own = drawn[self.rank * self.batch : (self.rank + 1) * self.batch]
        try:
            return _stack([self.windows.read(dataclasses.replace(window, count=shortest)) for window in own])
        except VptbenchError as error:
            return error


def _stack(parts: Sequence[Batch]) -> Batch:
    """Batches of equal length as one."""
    return Batch(
        source=torch.cat([part.source for part in parts]),
        targets=torch.cat([part.targets for part in parts]),
        keypoints=torch.cat([part.keypoints for part in parts]),
        grids=torch.cat([part.grids for part in parts]),
    )


@dataclass(frozen=True)
class _Facts:
    """What must be known of a clip before training: its length, (H, W), and whether it has a mesh."""

    frames: int
    size: tuple[int, int]
    has_mesh: bool


def _check_settings(config: TrainConfig, generator: GeneratorConfig, seed: int) -> None:
    problems = []
    fewest = CHUNKS * generator.frames_per_chunk
    if config.window < fewest:
        problems.append(
            f"window: expected at least {fewest} frames ({CHUNKS} chunks of {generator.frames_per_chunk}), "
            f"got {config.window}"
        )
    if seed < 0:
        problems.append(f"seed: expected 0 or more, got {seed}")
    if problems:
        raise UsageError("; ".join(problems) + "; change the training's settings")


def _store_to_clips(store: Store, split: str, fewest: int) -> dict[str, _Facts]:
    """The clips of `split` that have `fewest` frames, by id; too short ones are told and left out.

    Raises:
        StoreError: There are none, or some cannot be trained on; every problem is named.
    """
    ids = store.ids(split)
    if not ids:
        raise StoreError(
            f"{store.path}: expected clips in split {split}, found none among {len(store)}; "
            f"prepare data that have a {split} split"
        )
    found: dict[str, _Facts] = {}
    problems = []
    for name in ids:
        try:
            clip = store[name]
        except VptbenchError as error:
            problems.append(str(error))
        else:
            found[name] = _Facts(len(clip), clip.size, clip.mesh is not None)
    kept = {name: facts for name, facts in found.items() if facts.frames >= fewest}
    if found and not kept:
        longest = max(facts.frames for facts in found.values())
        problems.append(
            f"expected clips of at least {fewest} frames ({CHUNKS} chunks), found at most {longest}; "
            "prepare longer clips, or set fewer frames a chunk"
        )
    problems += _clips_to_problems(kept or found)
    if problems:
        raise StoreError(f"{store.path}: " + "; ".join(problems))
    if len(kept) < len(found):
        log.warning(
            "%s: left out %d of %d clips, shorter than %d frames (%d chunks): %s",
            store.path, len(found) - len(kept), len(found), fewest, CHUNKS,
            ", ".join(name for name in found if name not in kept),
        )  # fmt: skip
    return kept


def _clips_to_problems(clips: Mapping[str, _Facts]) -> list[str]:
    problems = []
    bare = [name for name, facts in clips.items() if not facts.has_mesh]
    if bare:
        problems.append(
            f"expected a mesh in every clip, found none in {len(bare)} of {len(clips)} ({_named(bare)}); "
            "prepare with --body dataset"
        )
    by_size: dict[tuple[int, int], list[str]] = {}
    for name, facts in clips.items():
        by_size.setdefault(facts.size, []).append(name)
    if len(by_size) > 1:
        sizes = ", ".join(f"{h}×{w} in {len(ids)} ({_named(ids)})" for (h, w), ids in by_size.items())
        problems.append(f"expected frames of one size, found {sizes}; prepare all clips with one --size")
    return problems


def _named(clips: Iterable[str]) -> str:
    names = list(clips)
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
