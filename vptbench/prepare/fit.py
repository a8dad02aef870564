"""The shipped body, fitted to the keypoints of a clip: pose, shape and camera, and from them mesh and mask.

Depth is not seen in keypoints: a fit is good in the picture (mesh flow, masks), not in metres.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from vptbench.body.asset import load_body
from vptbench.body.model import BodyModel, body_to_vertices, project, rotation_vectors_to_matrices
from vptbench.clip import Mesh
from vptbench.errors import PoseError, UsageError
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.prepare.fit_keyframes import (
    Start,
    keyframes_to_track,
    observed_to_keyframes,
    root_to_yaw,
)
from vptbench.prepare.fit_solve import PAST, Task, solve
from vptbench.prepare.fit_start import (
    headings_to_trust,
    keypoints_to_place,
    keypoints_to_scale,
    keypoints_to_yaw,
)
from vptbench.prepare.fit_terms import (
    FACE_WEIGHT,
    SPREAD,
    Observed,
    Track,
    track_to_points,
    tracks_to_track,
)
from vptbench.prepare.rows import MadeRows
from vptbench.skeleton import BODY_25, keypoints_to_problems

CONFIDENT = 0.3
"""Keypoints below this confidence do not count in a fit's residual."""

FACE = ("REye", "LEye", "REar", "LEar")

CHUNK = 32
"""Frames whose vertices are made at once."""


@dataclass(frozen=True)
class FitSettings:
    """How a body is fitted.

    Attributes:
        iterations: Of L-BFGS, in each window.
        window: Frames that are solved together.
        overlap: Frames that one window solves with what comes after in sight, and the next solves again.
    """

    iterations: int = 80
    window: int = 128
    overlap: int = 16


@dataclass(frozen=True)
class BodyFit:
    """A body fitted to a clip of T frames.

    Attributes:
        pose: float32 (T, 18, 3), rotation vectors of the joints, radians.
        shape: float32 (S,), in standard deviations.
        camera: float32 (T, 3), pixels a metre, offset x, offset y: raw pixels, centres at integers.
        residual: float32 (T,), mean distance in pixels of the keypoints of confidence 0.3 or more from the
            body's; NaN where there are none.
        confidence: float32 (T,), mean confidence of the 25 keypoints; 0 in frames without a person, whose
            pose is bridged between their neighbours.
        iterations: Of all windows.
        loss: Mean cost a frame.
        body: Name of the body.
    """

    pose: NDArray[np.float32]
    shape: NDArray[np.float32]
    camera: NDArray[np.float32]
    residual: NDArray[np.float32]
    confidence: NDArray[np.float32]
    iterations: int
    loss: float
    body: str


def keypoints_to_body(
    keypoints: NDArray[np.float32], *, fps: float, settings: FitSettings | None = None
) -> BodyFit:
    """Fits the shipped body to a clip's keypoints.

    Frames in which left and right are plainly exchanged hardly count; they show by a large residual.
    Equal arguments give equal bits on one machine. Time grows with the number of frames, memory hardly.

    Args:
        keypoints: float32 (T, 25, 3) in pixels; missing joints (NaN, NaN, 0) cost nothing.
        fps: Frames a second.
        settings: How; `FitSettings()` if not given.

    Raises:
        PoseError: The keypoints are malformed, or show no limb in any frame.
        UsageError: The frame rate or a setting is out of range.

    Source:
        The kind of objective is SMPLify's (arXiv 1607.08128): distances of projected joints, with priors
        of pose and shape. Weights, starts and windows are this project's own.
    """
    settings = FitSettings() if settings is None else settings
    _check(keypoints, fps, settings)
    weights = keypoints[..., 2].astype(np.float64)
    points = np.where(weights[..., None] > 0, keypoints[..., :2], 0).astype(np.float64)
    scale = keypoints_to_scale(points, weights, fps)
    yaw, heading_costs = keypoints_to_yaw(points, weights, scale, fps)
    place = keypoints_to_place(points, weights, scale, yaw)
    frame = _Frame(float(np.median(scale)), np.median(place, axis=0))
    observed = frame.observe(points, weights, scale, fps)
    with _one_thread():
        body = _body()
        start = Start(yaw, heading_costs, frame.to_camera(scale, place))
        keyframes = observed_to_keyframes(body, observed, start)
        coarse = keyframes_to_track(keyframes, len(points))
        trust = headings_to_trust(heading_costs, root_to_yaw(coarse.root))
        believed = replace(observed, weights=observed.weights * _tensor(trust)[:, None])
        track, loss, iterations = _solve_windows(body, believed, coarse, keyframes.shape, settings)
        seen = frame.to_pixels(track_to_points(body, track, keyframes.shape).numpy())
    return BodyFit(
        pose=_track_to_pose(track),
        shape=keyframes.shape.numpy(),
        camera=frame.from_camera(track.camera),
        residual=_residual(seen, points, weights),
        confidence=weights.mean(1).astype(np.float32),
        iterations=iterations,
        loss=loss,
        body=load_body().name,
    )


def fit_to_vertices(fit: BodyFit, rows: slice = slice(None)) -> NDArray[np.float32]:
    """The fitted surface in some frames, float32 (n, V, 3): x, y and depth in raw pixels."""
    body, shape = _body(), torch.from_numpy(fit.shape)
    pose, camera = torch.from_numpy(fit.pose[rows]), torch.from_numpy(fit.camera[rows])
    vertices = np.empty((len(pose), len(body.rest), 3), np.float32)
    for first in range(0, len(pose), CHUNK):
        part = slice(first, first + CHUNK)
        surface = body_to_vertices(body, rotation_vectors_to_matrices(pose[part]), shape)
        vertices[part] = project(surface, camera[part, 0], camera[part, 1:]).numpy()
    return vertices


@lru_cache(maxsize=1)
def _body() -> BodyModel:
    return BodyModel.load()


def fit_to_mesh(fit: BodyFit) -> Mesh:
    """The fitted mesh in raw pixels; its vertices are made when indexed."""
    body = load_body()
    rows = MadeRows((len(fit.pose), *body.rest.shape), partial(fit_to_vertices, fit))
    return Mesh(vertices=rows, faces=body.faces, joint_weights=body.joint_weights)


def vertices_to_mask(
    vertices: NDArray[np.float32], faces: NDArray[np.int32], size: tuple[int, int], *, closed: bool = False
) -> NDArray[np.bool_]:
    """Pixels whose centre a body's surface covers, bool (H, W).

    Args:
        vertices: float32 (V, 3), x, y and depth in pixels.
        faces: int32 (F, 3).
        size: (H, W).
        closed: The surface is closed and faces outward, as the shipped body: in front of each face that turns
            its back lies another, so that half of them need not be drawn.

    Raises:
        ShapeError: The vertices are not as stated.
    """
    return vertices_to_face_table(vertices, faces, size, culled=closed).face >= 0


@dataclass(frozen=True)
class _Frame:
    """How pixels and the metres of a fit go into one another.

    Attributes:
        scale: Pixels a metre.
        centre: (2,) pixels.
    """

    scale: float
    centre: NDArray[np.float64]

    def observe(
        self,
        points: NDArray[np.float64],
        weights: NDArray[np.float64],
        scale: NDArray[np.float64],
        fps: float,
    ) -> Observed:
        factor = np.where([name in FACE for name in BODY_25], FACE_WEIGHT, 1.0)
        return Observed(
            points=_tensor((points - self.centre) / self.scale),
            weights=_tensor(weights * factor),
            spread=_tensor(SPREAD * scale / self.scale),
            rate=fps,
        )

    def to_camera(self, scale: NDArray[np.float64], place: NDArray[np.float64]) -> Tensor:
        ratio = np.log(scale / self.scale)[:, None]
        return _tensor(np.concatenate([ratio, (place - self.centre) / self.scale], 1))

    def from_camera(self, camera: Tensor) -> NDArray[np.float32]:
        exact = camera.double().numpy()
        scale = np.exp(exact[:, :1]) * self.scale
        return np.concatenate([scale, self.to_pixels(exact[:, 1:])], 1).astype(np.float32)

    def to_pixels(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(points * self.scale + self.centre, np.float64)


def _solve_windows(
    body: BodyModel, observed: Observed, start: Track, shape: Tensor, settings: FitSettings
) -> tuple[Track, float, int]:
    """Solves window after window: the track, the mean cost a frame, and the iterations of all.

    A window begins where the one before was kept to, goes on from its last frames, and is kept but for the
    `overlap`, which was solved to see what comes.
    """
    frames, kept = len(start.camera), 0
    done: list[Track] = []
    loss, iterations = 0.0, 0
    while kept < frames:
        end = kept + settings.window + settings.overlap
        end = frames if end >= frames else end
        until = frames if end == frames else end - settings.overlap
        rows = slice(kept, end)
        past = tracks_to_track(*done[-PAST:]).take(slice(-PAST, None)) if done else None
        task = Task(observed.take(rows, observed.rate), start.take(rows), shape, past)
        found = solve(body, task, settings.iterations)
        done.append(found.track.take(slice(0, until - kept)))
        loss += found.loss * (until - kept) / frames
        iterations += found.iterations
        kept = until
    return tracks_to_track(*done), loss, iterations


def _track_to_pose(track: Track) -> NDArray[np.float32]:
    root = Rotation.from_matrix(track.root.double().numpy()).as_rotvec()
    return np.concatenate([root[:, None], track.joints.numpy()], 1).astype(np.float32)


def _residual(
    seen: NDArray[np.float64], points: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float32]:
    distance = np.linalg.norm(seen - points, axis=-1)
    counted = weights >= CONFIDENT
    number = counted.sum(1)
    total = (distance * counted).sum(1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan).astype(np.float32)


def _check(keypoints: NDArray[np.float32], fps: float, settings: FitSettings) -> None:
    problems = keypoints_to_problems(keypoints)
    if problems:
        raise PoseError(f"{'; '.join(problems)}; read the poses again")
    if not (np.isfinite(fps) and fps > 0):
        raise UsageError(f"fps: expected a positive number, got {fps}; give the video's frame rate")
    for name, least in (("iterations", 1), ("window", PAST), ("overlap", 0)):
        value = getattr(settings, name)
        if value < least:
            raise UsageError(f"{name}: expected at least {least}, got {value}; give another setting")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small matrices are slower, and sums less repeatable, on more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)
