"""What a fit of the body to keypoints weighs against each other: one function a term, and the whole.

Keypoints are compared in metres at the person's distance: pixels from the clip's centre, divided by its
median scale. Costs are dimensionless, about 1 for each joint that is one `SPREAD` off.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vptbench.body.asset import load_body
from vptbench.body.model import (
    BodyModel,
    body_to_keypoints,
    pose_to_transforms,
    rotation_vectors_to_matrices,
    transforms_to_keypoints,
)
from vptbench.skeleton import BODY_25

SPREAD = 0.016
"""Metres by which a keypoint is off along each axis: two pixels on a person of 210."""

FACE_WEIGHT = 0.7
"""Weight of eyes and ears: there are four of them in one small place."""

RATE = 30.0
"""Frames a second for which the weights of motion are stated."""

SMOOTH_JOINT, SMOOTH_ROOT = 80.0, 160.0
"""Weights of squared second differences of rotation vectors, and of the root's matrix, at `RATE`."""

SMOOTH_CAMERA, STEADY_SCALE = (300.0, 500.0, 500.0), 2000.0
"""Weights of squared second differences of the camera (logarithm of the scale, offset in metres) and of the
first differences of the scale, at `RATE`."""

STEADY = 0.5
"""Weight of squared first differences of everything else: what is not seen comes to rest."""

UPRIGHT = 3.0
"""Weight of the root's tilt, 1 − cos."""

SHAPE_WEIGHT = 0.2
"""Weight a frame of squared shape coefficients."""

HINGE, HINGE_MAX = 60.0, 2.6
"""Weight of a knee or elbow bent backward or further than so many radians, squared."""

KNEE_ASIDE, ELBOW_ASIDE = 20.0, 3.0
"""Weight of their squared rotation about other axes: shins do not turn, forearms do."""

HABIT = {"spine": 5.0, "neck": 5.0, "head": 1.5, "clavicle": 8.0, "foot": 2.0, "upper": 0.4, "lower": 0.4}
"""Weights of a joint's squared distance from its habit, by the beginning of its name."""

ARM, LEG = ("Shoulder", "Elbow", "Wrist"), ("Hip", "Knee", "Ankle")
"""Keypoints of the limbs with a hinge in the middle."""

ARM_OUT, ELBOW_BENT = np.radians(15.0), np.radians(15.0)
"""A habit: how far arms hang from the vertical, and how far elbows are bent."""


@dataclass(frozen=True)
class Observed:
    """Keypoints as the terms want them.

    Attributes:
        points: (T, 25, 2), right and down, in metres; 0 where missing.
        weights: (T, 25), 0 where missing.
        spread: (T,), metres by which a point is off.
        rate: Frames a second.
    """

    points: Tensor
    weights: Tensor
    spread: Tensor
    rate: float

    def take(self, rows: NDArray[np.int64] | slice, rate: float) -> "Observed":
        """Some of the frames, so many a second."""
        return Observed(self.points[rows], self.weights[rows], self.spread[rows], rate)


@dataclass(frozen=True)
class Track:
    """A moving body's pose and camera.

    Attributes:
        root: (T, 3, 3), the root's rotation.
        joints: (T, 17, 3), rotation vectors of the others.
        camera: (T, 3), logarithm of the scale over the clip's median, offset right and down in metres.
    """

    root: Tensor
    joints: Tensor
    camera: Tensor

    def take(self, rows: NDArray[np.int64] | slice) -> "Track":
        """Some of the frames."""
        return Track(self.root[rows], self.joints[rows], self.camera[rows])


def tracks_to_track(*tracks: Track) -> Track:
    """One after another."""
    return Track(
        torch.cat([track.root for track in tracks]),
        torch.cat([track.joints for track in tracks]),
        torch.cat([track.camera for track in tracks]),
    )


@dataclass(frozen=True)
class Habits:
    """What joints do when nothing is seen of them, and what knees and elbows cannot do.

    Attributes:
        mean: (17, 3), rotation vectors.
        weight: (17,), of the squared distance from it.
        hinges: Rows of the four hinges among the 17.
        axis: (4, 3), unit vectors; a positive turn bends.
        bent: (4,), how far they are bent in the rest pose, radians.
        aside: (4,), weight of turns about other axes.
    """

    mean: Tensor
    weight: Tensor
    hinges: list[int]
    axis: Tensor
    bent: Tensor
    aside: Tensor


@lru_cache(maxsize=4)
def load_habits(dtype: torch.dtype = torch.float32) -> Habits:
    """Habits of the shipped body, from its rest pose."""
    names = load_body().joint_names[1:]
    mean, weight = np.zeros((len(names), 3)), np.zeros(len(names))
    axes, bents, hinges, asides = [], [], [], []
    for row, name in enumerate(names):
        weight[row] = next(value for key, value in HABIT.items() if name.startswith(key))
        side = name[-1]
        if not name.startswith("lower"):
            continue
        leg = name.startswith("lowerleg")
        upper, lower = _limb(LEG if leg else ARM, side)
        axis, bent = _axis_angle(upper, lower)
        if leg:
            axis, bent = (
                np.array([1.0, 0, 0]),
                np.arctan2(lower[1], -lower[2]) - np.arctan2(upper[1], -upper[2]),
            )
        else:
            out = np.sin(ARM_OUT) * (1 if side == "L" else -1)
            turn, angle = _axis_angle(upper, np.array([out, 0, -np.cos(ARM_OUT)]))
            mean[names.index(f"upperarm01.{side}")] = turn * angle
            mean[row] = axis * (ELBOW_BENT - bent)
        hinges.append(row)
        axes.append(axis)
        bents.append(bent)
        asides.append(KNEE_ASIDE if leg else ELBOW_ASIDE)
    tensors = (torch.tensor(np.array(values), dtype=dtype) for values in (mean, weight, axes, bents, asides))
    means, weights, axis_rows, bent_rows, aside_rows = tensors
    return Habits(means, weights, hinges, axis_rows, bent_rows, aside_rows)


@lru_cache(maxsize=1)
def rest_keypoints() -> NDArray[np.float64]:
    """BODY_25 of the mean body in the rest pose, (25, 3) metres."""
    body = BodyModel.load(dtype=torch.float64)
    still = torch.eye(3, dtype=torch.float64).expand(1, len(body.parents), 3, 3)
    shape = torch.zeros(len(body.shape_directions), dtype=torch.float64)
    points = body_to_keypoints(body, still, shape)[0].numpy()
    points.setflags(write=False)  # shared by all callers
    return np.asarray(points)


def track_to_points(body: BodyModel, track: Track, shape: Tensor) -> Tensor:
    """Where the camera sees the BODY_25 joints, (T, 25, 2), right and down in metres."""
    turns, shifts = pose_to_transforms(body, track_to_rotations(track), shape)
    seen = transforms_to_keypoints(body, turns, shifts, shape)
    flat = torch.stack([seen[..., 0], -seen[..., 2]], -1)
    return flat * track.camera[:, None, :1].exp() + track.camera[:, None, 1:]


def track_to_rotations(track: Track) -> Tensor:
    """Each joint's own rotation, (T, 18, 3, 3)."""
    return torch.cat([track.root[:, None], rotation_vectors_to_matrices(track.joints)], 1)


def frame_costs(body: BodyModel, track: Track, shape: Tensor, observed: Observed) -> Tensor:
    """What each frame costs by itself, (T,): its keypoints' distances and its pose's oddity."""
    distance = track_to_points(body, track, shape) - observed.points
    square = (distance / observed.spread[:, None, None]).square().sum(-1)
    return (observed.weights * robust(square)).sum(-1) + pose_costs(track)


def robust(square: Tensor) -> Tensor:
    """Squared distances, in spreads, to costs: half of them where small, their root where large.

    Source:
        Pseudo-Huber: 2 (√(1 + r²/2) − 1).
    """
    return 2 * ((1 + square / 2).sqrt() - 1)


def pose_costs(track: Track) -> Tensor:
    """How odd each frame's pose is, (T,): habits, hinges, and a root that is not upright."""
    habits = load_habits(track.joints.dtype)
    habit = habits.weight @ (track.joints - habits.mean).square().sum(-1).T
    vectors = track.joints[:, habits.hinges]
    turn = (vectors * habits.axis).sum(-1)
    aside = (vectors - turn[..., None] * habits.axis).square().sum(-1)
    bent = turn + habits.bent
    beyond = torch.relu(-bent).square() + torch.relu(bent - HINGE_MAX).square()
    return habit + (habits.aside * aside + HINGE * beyond).sum(-1) + UPRIGHT * (1 - track.root[:, 2, 2])


def motion_cost(track: Track, rate: float) -> Tensor:
    """What the motion over all frames costs: accelerations, and that it does not rest.

    The sum over frames of squared accelerations is a physical quantity times the frame rate; in differences
    of frames it goes with the rate's fourth power, squared speeds with its square.
    """
    accelerated, moved = (rate / RATE) ** 4, (rate / RATE) ** 2
    cost = track.joints.new_zeros(())
    for values, weight in ((track.root, SMOOTH_ROOT), (track.joints, SMOOTH_JOINT)):
        first = values[1:] - values[:-1]
        second = first[1:] - first[:-1]
        cost = cost + accelerated * weight * second.square().sum() + moved * STEADY * first.square().sum()
    first = track.camera[1:] - track.camera[:-1]
    second = first[1:] - first[:-1]
    cost = cost + accelerated * (second.square().sum(0) @ track.camera.new_tensor(SMOOTH_CAMERA))
    return cost + moved * (STEADY * first.square().sum() + STEADY_SCALE * first[:, 0].square().sum())


def _limb(parts: tuple[str, str, str], side: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The upper and the lower half of a limb in the rest pose, (3,) metres each."""
    first, middle, last = (rest_keypoints()[BODY_25.index(side + part)] for part in parts)
    return middle - first, last - middle


def _axis_angle(start: NDArray[np.float64], end: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The shortest turn from one direction to another: unit axis and radians."""
    axis = np.cross(start, end)
    sine = float(np.linalg.norm(axis))
    return axis / sine, float(np.arctan2(sine, start @ end))
