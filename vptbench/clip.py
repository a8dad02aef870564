"""Clips: frames with keypoints, mask and mesh, and what a model may see of them.

Outside torch, frames are uint8 (T, H, W, 3) RGB; inside, float32 (B, T, C, H, W) in [−1, 1]. Only
this file converts between the two. Pixel centres are at integers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from vptbench.errors import PoseError, ShapeError
from vptbench.manifest import Json
from vptbench.mesh.flow import face_table_to_flow
from vptbench.mesh.rasterise import FaceTable, vertices_to_face_table
from vptbench.skeleton import BODY_25, keypoints_to_problems

if TYPE_CHECKING:
    import torch

Frames = NDArray[np.uint8]
"""RGB frames, uint8 (T, H, W, 3)."""


class Rows(Protocol):
    """Rows that may lie on disk: what NumPy arrays and HDF5 datasets have in common."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """As of an array."""

    def __getitem__(self, rows: int | slice, /) -> NDArray[np.generic]:
        """One row, or a contiguous range of rows, as an array."""


@dataclass(frozen=True)
class Mesh:
    """A projected body mesh that moves through a clip.

    Attributes:
        vertices: float32 (T, V, 3), x and y in pixels, and depth in pixels (smaller is nearer).
        faces: int32 (F, 3), vertex numbers.
        joint_weights: float32 (V, 25), how much each vertex follows each joint; rows sum to 1.
    """

    vertices: Rows
    faces: NDArray[np.int32]
    joint_weights: NDArray[np.float32]


@dataclass(frozen=True)
class SourceFrame:
    """The one picture that a model gets of the person.

    Attributes:
        frame: uint8 (H, W, 3) RGB.
        keypoints: float32 (25, 3).
        vertices: float32 (V, 3), or None where the clip has no mesh.
        faces: int32 (F, 3), or None.
        mask: bool (H, W), the person, or None where it is not known.
        clip: Id of the clip it was taken from.
        index: Its frame number there.
    """

    frame: Frames
    keypoints: NDArray[np.float32]
    vertices: NDArray[np.float32] | None
    faces: NDArray[np.int32] | None
    mask: NDArray[np.bool_] | None
    clip: str
    index: int


@dataclass(frozen=True)
class PoseClip:
    """The driving pose: everything about the target frames but how they look.

    Attributes:
        clip: Id of the driving clip.
        frames: Frame numbers in that clip, ascending, (T,).
        keypoints: float32 (T, 25, 3).
        mesh: Its mesh, with T rows of vertices, or None.
        size: (H, W) of the frames to make.
        fps: Frames a second.
    """

    clip: str
    frames: tuple[int, ...]
    keypoints: NDArray[np.float32]
    mesh: Mesh | None
    size: tuple[int, int]
    fps: float

    def __len__(self) -> int:
        return len(self.frames)

    def mesh_flow(
        self, source: SourceFrame, row: int, *, visible_only: bool = False, culled: bool = True
    ) -> NDArray[np.float32]:
        """Where in `source` each pixel of driving row `row` comes from; see `Clip.mesh_flow`.

        Raises:
            ShapeError: One of the two has no mesh, or their topologies differ.
        """
        if self.mesh is None or source.vertices is None or source.faces is None:
            raise ShapeError(
                f"{self.clip}: expected a mesh in source and driving clip, found none; prepare with --body"
            )
        if not np.array_equal(self.mesh.faces, source.faces):
            raise ShapeError(
                f"{self.clip}: expected the mesh topology of source clip {source.clip}, found another; "
                "prepare both with the same --body"
            )
        return _flow(
            (source.vertices, _vertices(self.mesh, row)), self.mesh.faces, self.size,
            visible_only=visible_only, culled=culled,
        )  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """One prepared clip. Arrays of T rows may lie on disk and are read when indexed.

    Attributes:
        id: Name in the store; may hold "/".
        split: "train" or "test".
        frames: uint8 (T, H, W, 3) RGB.
        keypoints: float32 (T, 25, 3), BODY_25.
        fps: Frames a second.
        mask: bool (T, H, W), the person, or None where it is not known.
        mesh: The projected body mesh, or None.
        body: Further arrays under ``body/`` by name: pose, shape and camera parameters of the body model.
        attributes: Provenance: crop, resize, raw file, where pose, mask and mesh came from.

    Raises:
        ShapeError: The parts do not fit together; every problem is named.
    """

    id: str
    split: str
    frames: Rows
    keypoints: NDArray[np.float32]
    fps: float
    mask: Rows | None = None
    mesh: Mesh | None = None
    body: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    attributes: Mapping[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problems = clip_to_problems(self)
        if problems:
            raise ShapeError(f"clip {self.id}: " + "; ".join(problems))

    def __len__(self) -> int:
        return int(self.frames.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the frames."""
        return int(self.frames.shape[1]), int(self.frames.shape[2])

    @property
    def raw_frames(self) -> tuple[int, ...] | None:
        """Number of each frame in the raw clip; None where it is its position throughout.

        Raises:
            PoseError: The attribute of this name holds something else.
        """
        found = self.attributes.get("raw_frames")
        if found is None:
            return None
        numbers = [number for number in found if type(number) is int] if isinstance(found, list) else []
        if not isinstance(found, list) or not len(numbers) == len(found) == len(self):
            raise PoseError(
                f"clip {self.id}: expected raw_frames to be {len(self)} whole numbers, one for each frame, "
                "found others; prepare it again, or fetch the pack again"
            )
        return tuple(numbers)

    def mesh_flow(
        self, source: int, target: int, *, visible_only: bool = False, culled: bool = True
    ) -> NDArray[np.float32]:
        """Where in frame `source` each pixel of frame `target` comes from.

        Args:
            source: Frame number to sample from.
            target: Frame number whose pixels are asked for.
            visible_only: Also give −2 where the point is hidden in `source`. As published, hidden points are
                given the place that they have behind what is seen.
            culled: Leave out faces that turn their back, as published (`vertices_to_face_table`).

        Returns:
            float32 (H, W, 2): x and y in the normalised coordinates of `grid_sample` without aligned
            corners, x = (2·px + 1)/W − 1; −2 where there is no body.

        Raises:
            ShapeError: The clip has no mesh.

        Example:
            ``flow = open_store("store")["001/9/1"].mesh_flow(0, 5)``

        Source:
            The grid of BDMM (arXiv 2307.07754): the source's projected vertices, weighted as in the
            target's pixel.
        """
        if self.mesh is None:
            raise ShapeError(
                f"clip {self.id}: expected a mesh, found none; prepare with --body dataset or fit"
            )
        return _flow(
            (_vertices(self.mesh, source), _vertices(self.mesh, target)), self.mesh.faces, self.size,
            visible_only=visible_only, culled=culled,
        )  # fmt: skip

    def source(self, index: int) -> SourceFrame:
        """Frame `index` with what a model may know of it: copies, not views that lead to the other frames."""
        return SourceFrame(
            frame=np.array(self.frames[index], np.uint8),
            keypoints=self.keypoints[index].copy(),
            vertices=None if self.mesh is None else _vertices(self.mesh, index).copy(),
            faces=None if self.mesh is None else self.mesh.faces,
            mask=None if self.mask is None else np.array(self.mask[index], np.bool_),
            clip=self.id,
            index=index,
        )

    def poses(self, start: int = 0, stop: int | None = None) -> PoseClip:
        """The driving poses of frames `start` to `stop` (all by default), without their pictures; copies."""
        stop = len(self) if stop is None else stop
        mesh = self.mesh
        if mesh is not None:
            rows = np.array(mesh.vertices[start:stop], np.float32)
            mesh = Mesh(vertices=rows, faces=mesh.faces, joint_weights=mesh.joint_weights)
        return PoseClip(
            clip=self.id, frames=tuple(range(start, stop)), keypoints=self.keypoints[start:stop].copy(),
            mesh=mesh, size=self.size, fps=self.fps,
        )  # fmt: skip


def clip_to_problems(clip: Clip) -> list[str]:
    """What does not fit together in a clip, in words; empty if nothing is wrong."""
    problems = keypoints_to_problems(clip.keypoints)
    shape = tuple(clip.frames.shape)
    if len(shape) != 4 or shape[3] != 3 or shape[0] == 0:
        return [*problems, f"frames: expected shape (T, H, W, 3) with T > 0, found {shape}"]
    if clip.frames.dtype != np.uint8:
        problems.append(f"frames: expected uint8, found {clip.frames.dtype}")
    if clip.keypoints.shape[0] != shape[0]:
        problems.append(f"keypoints: expected {shape[0]} rows as in frames, found {clip.keypoints.shape[0]}")
    if clip.mask is not None and (tuple(clip.mask.shape) != shape[:3] or clip.mask.dtype != np.bool_):
        problems.append(f"mask: expected bool {shape[:3]}, found {clip.mask.dtype} {tuple(clip.mask.shape)}")
    if not (math.isfinite(clip.fps) and clip.fps > 0):
        problems.append(f"fps: expected a positive number, found {clip.fps}")
    if clip.mesh is not None:
        problems += _mesh_to_problems(clip.mesh, shape[0])
    return problems


def frames_to_tensor(frames: Frames) -> "torch.Tensor":
    """uint8 (T, H, W, 3) to float32 (T, 3, H, W) in [−1, 1]: x/127.5 − 1."""
    import torch  # noqa: PLC0415 - heavy, and most commands do without

    return torch.from_numpy(np.array(frames, order="C")).permute(0, 3, 1, 2).float() / 127.5 - 1


def tensor_to_frames(tensor: "torch.Tensor") -> Frames:
    """Float (T, 3, H, W) in [−1, 1] to uint8 (T, H, W, 3): clamped, rounded half to even."""
    scaled = ((tensor.detach().clamp(-1, 1) + 1) * 127.5).round()
    frames: Frames = scaled.byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return frames


def _mesh_to_problems(mesh: Mesh, frames: int) -> list[str]:
    problems = []
    shape = tuple(mesh.vertices.shape)
    if len(shape) != 3 or shape[0] != frames or shape[2] != 3 or mesh.vertices.dtype != np.float32:
        problems.append(
            f"mesh/vertices: expected float32 ({frames}, V, 3), found {mesh.vertices.dtype} {shape}"
        )
    elif mesh.faces.ndim != 2 or mesh.faces.shape[1] != 3 or mesh.faces.dtype != np.int32:
        problems.append(f"mesh/faces: expected int32 (F, 3), found {mesh.faces.dtype} {mesh.faces.shape}")
    elif mesh.faces.size and not (mesh.faces.min() >= 0 and mesh.faces.max() < shape[1]):
        problems.append(f"mesh/faces: expected vertex numbers in 0..{shape[1] - 1}, found others")
    elif mesh.joint_weights.shape != (shape[1], len(BODY_25)):
        problems.append(
            f"mesh/joint_weights: expected ({shape[1]}, {len(BODY_25)}), found {mesh.joint_weights.shape}"
        )
    return problems


def _vertices(mesh: Mesh, row: int) -> NDArray[np.float32]:
    return np.asarray(mesh.vertices[row], np.float32)


def _flow(
    vertices: tuple[NDArray[np.float32], NDArray[np.float32]], faces: NDArray[np.int32],
    size: tuple[int, int], *, visible_only: bool, culled: bool,
) -> NDArray[np.float32]:  # fmt: skip
    source, target = vertices
    hidden_by: FaceTable | None = None
    if visible_only:
        hidden_by = vertices_to_face_table(source, faces, size, culled=culled)
    table = vertices_to_face_table(target, faces, size, culled=culled)
    return face_table_to_flow(table, source, faces, hidden_by=hidden_by)
