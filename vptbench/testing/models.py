"""Does a model keep its contract? To be called in the tests of any package that brings one."""

import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import Clip, Frames, Mesh, PoseClip, SourceFrame
from vptbench.errors import ModelError, VptbenchError
from vptbench.generate.drive import frames_to_problem, seed_generators
from vptbench.generate.model import Audit, Model
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.skeleton import missing_keypoints

PATCHES = 6
"""Squares along each side of the example's cloth."""


def example_clip(*, frames: int = 5, size: tuple[int, int] = (64, 64), seed: int = 0) -> Clip:
    """A small clip in memory: a coloured cloth that drifts and waves before a plain wall.

    It has all that a clip may have: keypoints on the cloth, of which one is missing, a mask, a mesh.

    Args:
        frames: T.
        size: (H, W), pixels.
        seed: Of the colours.
    """
    side = PATCHES + 1
    down, across = (axis.ravel() / PATCHES for axis in np.indices((side, side)))
    time = np.arange(frames)[:, None] / max(1, frames - 1)
    x = size[1] * (0.2 + 0.4 * across + 0.15 * time + 0.03 * np.sin(6 * down + 3 * time))
    y = size[0] * (0.25 + 0.5 * down - 0.1 * time)
    vertices = np.stack([x, y, 10 * across + 0 * x], -1).astype(np.float32)
    corner = np.arange(side * side).reshape(side, side)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]
    faces = np.stack([np.stack([a, c, b], -1), np.stack([b, c, d], -1)]).reshape(-1, 3).astype(np.int32)
    keypoints = missing_keypoints(frames)
    followed = np.linspace(0, side * side - 1, keypoints.shape[1]).round().astype(int)
    keypoints[:, :-1, :2], keypoints[:, :-1, 2] = vertices[:, followed[:-1], :2], 1
    weights = np.eye(len(followed), dtype=np.float32)[np.abs(corner.reshape(-1, 1) - followed).argmin(1)]
    colours = np.random.default_rng(seed).integers(0, 256, (side * side, 3))
    drawn = [_draw(row, faces, colours, size) for row in vertices]
    return Clip(
        id=f"example/{seed}",
        split="test",
        frames=np.stack([frame for frame, _ in drawn]),
        keypoints=keypoints,
        fps=25.0,
        mask=np.stack([mask for _, mask in drawn]),
        mesh=Mesh(vertices, faces, weights),
    )


def check_model(
    factory: type[Model],
    *,
    checkpoint: Path | None = None,
    device: str = "cpu",
    size: tuple[int, int] = (64, 64),
) -> None:
    """Load a model and drive it with small clips.

    It must give frames of the stated shape and dtype, for many poses and for one; the same ones a second
    time (global generators seeded alike), after another clip, and loaded anew; leave what it was given as it
    was; and on a clip without mesh and mask either work or raise a `VptbenchError`. It need not give a frame
    the same pixels whatever the others are: a video model may look at the whole clip.

    Args:
        factory: The class that an entry point names.
        checkpoint: Passed to `load`.
        device: Passed to `load`.
        size: (H, W) of the clips, for models that cannot make small frames.

    Raises:
        ModelError: It does not; every breach is named.

    Example:
        ``check_model(CopySource)``
    """

    def clip_to_given(clip: Clip) -> tuple[SourceFrame, PoseClip]:
        return clip.source(0), clip.poses()

    _check(factory.__name__, lambda: factory.load(checkpoint, device).generate, clip_to_given, size)


def check_audit(
    factory: type[Audit],
    *,
    checkpoint: Path | None = None,
    device: str = "cpu",
    size: tuple[int, int] = (64, 64),
) -> None:
    """As `check_model`, for an audit.

    Raises:
        ModelError: It breaks its contract; every breach is named.
    """

    def clip_to_given(clip: Clip) -> tuple[SourceFrame, Clip, range]:
        return clip.source(0), clip, range(len(clip))

    _check(factory.__name__, lambda: factory.load(checkpoint, device).generate, clip_to_given, size)


def _check(
    name: str,
    load: Callable[[], Callable[..., Frames]],
    clip_to_given: Callable[[Clip], tuple[object, ...]],
    size: tuple[int, int],
) -> None:
    """Drive what `load` makes ready with what `clip_to_given` hands out.

    Raises:
        ModelError: It breaks its contract; every breach is named.
    """

    def drive(generate: Callable[..., Frames], clip: Clip) -> Frames:
        seed_generators(0, clip.id)
        return generate(*clip_to_given(clip))

    clip, other = example_clip(size=size), example_clip(frames=1, size=size, seed=1)
    generate, given = load(), clip_to_given(clip)
    seed_generators(0, clip.id)
    first = generate(*given)
    problems = [frames_to_problem(first, (len(clip), *size, 3))]
    if not _equal(given, clip_to_given(example_clip(size=size))):
        problems.append("expected the source and the poses to be left alone, they were changed")
    clip = example_clip(size=size)
    problems.append(frames_to_problem(drive(generate, other), (1, *size, 3)))
    if not any(problems):
        again, anew = drive(generate, clip), drive(load(), clip)
        if not np.array_equal(first, again):
            problems.append("expected the same frames after another clip and with the same seed, got others")
        if not np.array_equal(again, anew):
            problems.append("expected the same frames when loaded anew, got others")
    bare = dataclasses.replace(example_clip(size=size), mesh=None, mask=None)
    problems.append(_without_mesh(partial(drive, generate), bare))
    found = [problem for problem in problems if problem]
    if found:
        raise ModelError(f"{name}: " + "; ".join(found))


def _without_mesh(drive: Callable[[Clip], Frames], clip: Clip) -> str:
    try:
        return frames_to_problem(drive(clip), (len(clip), *clip.size, 3))
    except VptbenchError:
        return ""
    except Exception as error:  # noqa: BLE001 - anybody's code
        return (
            f"without a mesh: expected frames or a VptbenchError, it raised {type(error).__name__}: {error}"
        )


def _equal(first: object, second: object) -> bool:
    """Whether all arrays in two nests of dataclasses and tuples are the same."""
    pairs = list(zip(_arrays(first), _arrays(second), strict=True))
    return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def _arrays(thing: object) -> Iterator[NDArray[np.generic]]:
    if isinstance(thing, np.ndarray):
        yield thing
    elif isinstance(thing, tuple):
        for part in thing:
            yield from _arrays(part)
    elif dataclasses.is_dataclass(thing):
        yield from _arrays(tuple(vars(thing).values()))


def _draw(
    vertices: NDArray[np.float32], faces: NDArray[np.int32], colours: NDArray[np.int64], size: tuple[int, int]
) -> tuple[Frames, NDArray[np.bool_]]:
    """One frame of the example, uint8 (H, W, 3), and where the cloth is, bool (H, W)."""
    table = vertices_to_face_table(vertices, faces, size)
    cloth = table.face >= 0
    frame = np.full((*size, 3), 180, np.uint8)
    mixed = np.einsum("nk,nkc->nc", table.weights[cloth], colours[faces[table.face[cloth]]])
    frame[cloth] = mixed.round().clip(0, 255).astype(np.uint8)
    return frame, cloth
