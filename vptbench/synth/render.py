"""A dressed, moving person on film: frames, and the exact truth about every one of them.

The truth is the clothed surface as it was rendered, in pixels of the finished frames with pixel centres at
integers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from vptbench.body.asset import load_body
from vptbench.body.model import body_to_keypoints, body_to_vertices, project, rotation_vectors_to_matrices
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.skeleton import BODY_25
from vptbench.synth.dress import Dressed, person_to_dressed
from vptbench.synth.figure import Person
from vptbench.synth.garments import Float
from vptbench.synth.light import LAMP, points_to_light, points_to_openness
from vptbench.synth.motion import Motion, motion_to_rotations
from vptbench.synth.scene import Backdrop, Floor, Picture
from vptbench.synth.texture import Texture, dressed_to_texture

TILT = 6.0
"""Degrees by which the camera looks down."""

UP = np.array([0.0, -np.sin(np.radians(TILT)), np.cos(np.radians(TILT))], np.float32)
"""The floor's normal in the camera's axes (right, away, up)."""

RENDER_HEIGHT = 512
"""Frames are rendered about so high, and at least twice as high as they will be, then averaged."""

VERTEX_STEP = 1 / 256
"""Pixels to which vertices are rounded: what a truth file says is then exactly what was rendered."""

CONTACT = 0.015
"""Metres: a foot point so much higher than another carries e times less of the person."""

HOMING = 0.06
"""Share of the way back to its place that a person who does not travel takes each frame."""

JOINT_DEPTH = 0.16
"""Metres that a joint may lie behind the surface and still count as seen: it is inside the body."""

SEEN, HIDDEN = 0.95, 0.5
"""Confidence of joints that can be seen, and of those behind something."""

SHADOW, SHADOW_BLUR = 0.30, 0.012
"""Darkness of the person's shadow on the floor, and its blur in frame heights."""

CONTACT_SHADOW, CONTACT_BLUR, CONTACT_HEIGHT = 0.5, 0.010, 0.35
"""The same of the darkness around the feet, cast by what is lower than so many metres."""


@dataclass(frozen=True)
class Shot:
    """How a person is filmed.

    Attributes:
        size: (H, W) of a frame, pixels.
        distance: From the camera to the person's place, metres; a short one makes walking show more.
        fill: Share of the frame that the person at all times fills, in height or in width.
        travels: Whether walking moves the person; otherwise feet slide back slowly to their place.
        backdrop: Draws what stands behind, from the floor and a generator.
    """

    size: tuple[int, int]
    distance: float
    fill: float
    travels: bool
    backdrop: Backdrop


@dataclass(frozen=True)
class Truth:
    """What is exactly known about T frames.

    Attributes:
        vertices: float32 (T, V, 3), the clothed surface: x, y and depth in pixels.
        mask: bool (T, H, W), pixels whose centre the surface covers.
        keypoints: float32 (T, 25, 3), BODY_25 x, y and confidence; missing = (NaN, NaN, 0).
        pose: float32 (T, 18, 3), rotation vectors of the body's joints.
        shape: float32 (S,), the body's shape coefficients.
        camera: float32 (T, 3), scale (pixels a metre) and offset x, y of the weak perspective.
    """

    vertices: Float
    mask: NDArray[np.bool_]
    keypoints: Float
    pose: Float
    shape: Float
    camera: Float


@dataclass(frozen=True)
class Actor:
    """A person ready to be filmed, in any number of clips.

    Attributes:
        person: Who it is.
        dressed: The clothed body.
        texture: Its colours.
        openness: (V,) how much light the surroundings give to each vertex.
    """

    person: Person
    dressed: Dressed
    texture: Texture
    openness: Float


@dataclass(frozen=True)
class Film:
    """A clip before it is drawn: its truth at once, its frames one after another.

    Attributes:
        truth: What is exactly known.
        actor: Who is seen.
        backdrop: What stands behind, float32 (H, W, 3).
    """

    truth: Truth
    actor: Actor
    backdrop: Picture

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The frames in order, uint8 (H, W, 3) RGB; drawn as they are asked for."""
        size = (self.backdrop.shape[0], self.backdrop.shape[1])
        for vertices, camera in zip(self.truth.vertices, self.truth.camera, strict=True):
            frame = self.backdrop * _shadow(vertices, float(camera[0]), size)[..., None]
            _draw(frame, vertices, self.actor)
            yield frame.round().clip(0, 255).astype(np.uint8)


def person_to_actor(person: Person) -> Actor:
    """Dresses and paints a person: about half a second."""
    dressed = person_to_dressed(person)
    openness = points_to_openness(dressed.rest, dressed.outside)
    return Actor(person, dressed, dressed_to_texture(dressed, person), openness)


def actor_to_film(actor: Actor, motion: Motion, shot: Shot, rng: np.random.Generator) -> Film:
    """Lets a person move before a camera.

    Args:
        actor: Who moves.
        motion: T frames of angles.
        shot: Where the camera stands.
        rng: For the backdrop.
    """
    body, naked = actor.dressed.body, actor.dressed.naked
    marks = actor.dressed.chart.mark
    upper = np.stack([marks(f"{side}Elbow") - marks(f"{side}Shoulder") for side in "LR"])
    lower = np.stack([marks(f"{side}Wrist") - marks(f"{side}Elbow") for side in "LR"])
    pose = motion_to_rotations(motion, (upper, lower), load_body().joint_names, tilt=TILT).astype(np.float32)
    rotations = rotation_vectors_to_matrices(torch.from_numpy(pose))
    still = torch.zeros(len(actor.person.shape))
    surface = body_to_vertices(body, rotations, still)
    joints = body_to_keypoints(naked, rotations, still)
    camera, floor = _place(surface.numpy(), joints.numpy(), shot)
    scale, offset = torch.from_numpy(camera[:, 0].copy()), torch.from_numpy(camera[:, 1:].copy())
    vertices = _rounded(project(surface, scale, offset).numpy())
    mask, keypoints = _look(vertices, project(joints, scale, offset).numpy(), camera[:, 0], shot.size)
    shape = np.array(actor.person.shape, np.float32)
    truth = Truth(vertices, mask, keypoints, pose, shape, camera)
    return Film(truth, actor, shot.backdrop(floor, rng))


def _rounded(vertices: Float) -> Float:
    return np.asarray(np.round(vertices / VERTEX_STEP) * VERTEX_STEP, np.float32)


def _place(surface: Float, joints: Float, shot: Shot) -> tuple[Float, Floor]:
    """Puts a person's feet on the floor and the camera so that the person never leaves the frame.

    Args:
        surface: (T, V, 3) metres in the camera's axes, moving about the body's own origin.
        joints: (T, 25, 3) the same of the BODY_25 joints.
        shot: The camera.

    Returns:
        The weak perspective of each frame, float32 (T, 3), and the floor.
    """
    camera_height = shot.distance * np.sin(np.radians(TILT))
    place = _feet_to_places(joints, travels=shot.travels)
    nearness = shot.distance / (shot.distance + place[:, 1])
    lowest = (surface @ UP).min(1)
    offset = np.stack([nearness * place[:, 0], nearness * (camera_height + lowest * UP[2])], 1)
    columns, rows = (nearness[:, None] * surface[..., axis] * sign for axis, sign in ((0, 1), (2, -1)))
    columns, rows = columns + offset[:, :1], rows + offset[:, 1:]
    height, width = shot.size
    scale = shot.fill * min((height - 1) / np.ptp(rows), (width - 1) / np.ptp(columns))
    middle = (width - 1) / 2 - scale * (columns.max() + columns.min()) / 2
    horizon = (height - 1) * (0.5 + 0.15 * (1 - shot.fill)) - scale * (rows.max() + rows.min()) / 2
    camera = np.concatenate([scale * nearness[:, None], scale * offset + [middle, horizon]], 1)
    floor = Floor(shot.size, float(horizon), float(middle), float(scale), shot.distance, float(camera_height))
    return camera.astype(np.float32), floor


def _feet_to_places(joints: Float, *, travels: bool) -> Float:
    """Where the body must be so that its feet do not slide, (T, 2) metres to the right and away."""
    feet = joints[:, [BODY_25.index(side + part) for side in "LR" for part in ("BigToe", "SmallToe", "Heel")]]
    away = np.cross(UP, [1.0, 0.0, 0.0])
    ground = np.stack([feet[..., 0], feet @ away], -1)
    height = feet @ UP
    carried = np.exp(-(height - height.min(1, keepdims=True)) / CONTACT)
    carried = carried / carried.sum(1, keepdims=True)
    steps = -((carried[1:] + carried[:-1])[..., None] / 2 * np.diff(ground, axis=0)).sum(1)
    keep = (1 - 0.3 * HOMING, 1.0) if travels else (1 - HOMING, 1 - HOMING)
    places = np.zeros((len(joints), 2))
    for t, step in enumerate(steps):
        places[t + 1] = places[t] * keep + step
    return np.asarray(places - places.mean(0), np.float32)


def _look(
    vertices: Float, joints: Float, scale: Float, size: tuple[int, int]
) -> tuple[NDArray[np.bool_], Float]:
    """The mask of each frame, and which joints can be seen, as keypoints (T, 25, 3)."""
    height, width = size
    masks, keypoints = np.zeros((len(vertices), *size), bool), joints.copy()
    for t, surface in enumerate(vertices):
        table = vertices_to_face_table(surface, load_body().faces, size)
        masks[t] = table.face >= 0
        x, y = joints[t, :, 0].round().astype(int), joints[t, :, 1].round().astype(int)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        front = table.depth[y.clip(0, height - 1), x.clip(0, width - 1)]
        behind = joints[t, :, 2] - front > JOINT_DEPTH * scale[t]
        keypoints[t, :, 2] = np.where(behind, HIDDEN, SEEN)
        keypoints[t, ~inside] = (np.nan, np.nan, 0)
    return masks, keypoints


def _axes(vertices: Float) -> Float:
    """Pixels and depth (V, 3) in the camera's axes: right, away, up."""
    return np.asarray(np.stack([vertices[:, 0], vertices[:, 2], -vertices[:, 1]], 1), np.float32)


def _shadow(vertices: Float, scale: float, size: tuple[int, int]) -> Picture:
    """How much light the floor keeps, (H, W), 1 outside the person's shadow."""
    shrink = max(1, round(size[0] / 128))
    points, small = _axes(vertices), (-(-size[0] // shrink), -(-size[1] // shrink))
    height = points @ UP
    height = height - height.min()
    low = (height < CONTACT_HEIGHT * scale)[load_body().faces].all(1)
    cast = _cover(points - np.outer(height / (LAMP @ UP), LAMP), load_body().faces, shrink, small)
    under = _cover(points - np.outer(height, UP), load_body().faces[low], shrink, small)
    far = cv2.GaussianBlur(cast, (0, 0), max(SHADOW_BLUR * small[0], 0.5))
    near = cv2.GaussianBlur(under, (0, 0), max(CONTACT_BLUR * small[0], 0.5))
    dark = np.minimum(SHADOW * far + CONTACT_SHADOW * near, 0.6)
    full = cv2.resize(dark, (small[1] * shrink, small[0] * shrink), interpolation=cv2.INTER_LINEAR)
    return np.asarray(1 - full[: size[0], : size[1]], np.float32)


def _cover(points: Float, faces: NDArray[np.int32], shrink: int, size: tuple[int, int]) -> Picture:
    """Where a flattened person lies, 0 or 1, in a frame shrunk so many times."""
    flat = np.stack(
        [(points[:, 0] + 0.5) / shrink - 0.5, (0.5 - points[:, 2]) / shrink - 0.5, points[:, 1]], 1
    )
    return (vertices_to_face_table(flat.astype(np.float32), faces, size).face >= 0).astype(np.float32)


def _draw(frame: Picture, vertices: Float, actor: Actor) -> None:
    """Draws a person over `frame` (H, W, 3), averaging several samples a pixel."""
    samples = max(2, round(RENDER_HEIGHT / frame.shape[0]))
    low = np.maximum(np.floor(vertices[:, :2].min(0)).astype(int), 0)
    high = np.minimum(np.ceil(vertices[:, :2].max(0)).astype(int) + 1, (frame.shape[1], frame.shape[0]))
    (width, height), faces = high - low, load_body().faces
    fine = vertices.copy()
    fine[:, :2] = (vertices[:, :2] - low + 0.5) * samples - 0.5
    table = vertices_to_face_table(fine, faces, (height * samples, width * samples))
    covered = table.face >= 0
    face, weights = table.face[covered], table.weights[covered]
    light = points_to_light(_axes(vertices), actor.openness, actor.dressed.outside)[faces[face]]
    shade = light[:, 0] * weights[:, :1] + light[:, 1] * weights[:, 1:2] + light[:, 2] * weights[:, 2:]
    drawn = np.zeros((*covered.shape, 4), np.float32)
    drawn[covered, :3] = np.minimum(actor.texture.at(face, weights) * shade, 255)
    drawn[covered, 3] = 1
    mean = cv2.resize(drawn, (int(width), int(height)), interpolation=cv2.INTER_AREA)
    box = frame[low[1] : high[1], low[0] : high[0]]
    box[:] = mean[..., :3] + (1 - mean[..., 3:]) * box
