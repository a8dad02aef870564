"""What a synthetic person does: seeded, smooth, anatomical angles over time, and the rotations they mean.

Motion is bounded in speed, not stretched over the clip: a longer clip holds more motion, never slower motion.
Only where a clip is too short for the shortest natural turn does a turn go as fast as the clip needs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation

Float = NDArray[np.float64]

FPS = 30
STRIDE_FRAMES = 32
"""Frames of two steps of a natural walk at 30 frames a second."""

TURN_FRAMES = 28
"""Frames in which a walking person turns half round."""

FASTEST_TURN_FRAMES, FULL_TURN_FRAMES = 24, 150
"""Frames of one turn in A-pose: a clip of a length between these turns just once."""

MAX_DEGREES_PER_FRAME = 7.0
"""How fast a joint of a free motion may move, on average between two postures."""

POSTURE_FRAMES = 9
"""Fewest frames between two postures of a free motion."""

BEAT_FRAMES = (9.0, 12.0)
"""Frames of a beat of a dance; each clip keeps one."""

DANCE_DEGREES_PER_FRAME = 11.0
"""How fast a joint of a dance may move, on average between two beats; if need be the beat comes later."""

SIDES = {"l": 1.0, "r": -1.0}
"""Side of the body: where it lies on the person's left-pointing axis."""


@dataclass(frozen=True)
class Motion:
    """Anatomical angles of a moving person, each (T,) in degrees; an angle that is not named is 0.

    Angles of a side end in ``_l`` or ``_r``. 0 everywhere is upright with the arms hanging.

    Attributes:
        angles: By name: ``yaw lean roll`` of the pelvis (left, forward, to the left), ``bend side twist`` of
            the spine, ``head_yaw head_nod``, and of each side ``hip_flex hip_out knee ankle`` (toes down),
            ``arm_out arm_forward arm_turn`` (outward) and ``elbow``.
        frames: T.
    """

    angles: Mapping[str, Float]
    frames: int

    def angle(self, name: str) -> Float:
        """One angle over time, degrees (T,)."""
        return self.angles.get(name, np.zeros(self.frames))


def catwalk(frames: int, rng: np.random.Generator) -> Motion:
    """Walks towards the camera, turns, walks away, turns, and so on (`FPS` frames a second).

    A clip of 24 frames shows the walk, half a turn and the back. From 120 frames on, a walk between two
    turns has about three steps, and a turn takes `TURN_FRAMES`.
    """
    walk = int(np.clip(frames * 0.28, 5, 48))
    turn = int(np.clip(frames * 0.55, 6, TURN_FRAMES))
    time = np.arange(frames)
    cycle, within = np.divmod(time + rng.integers(0, 3), walk + turn)
    turning = np.clip((within - walk) / turn, 0, 1)
    direction = rng.choice([-1.0, 1.0])
    yaw = direction * 180 * (cycle + _ease(turning)) + rng.uniform(-8, 8)
    stride = rng.uniform(0.8, 1.1) * (1 - 0.55 * np.sin(np.pi * turning))
    angles = _gait(2 * np.pi * (time / STRIDE_FRAMES + rng.uniform(0, 1)), stride, arm_out=rng.uniform(9, 14))
    angles["yaw"] = yaw
    angles["head_yaw"] = angles["head_yaw"] + direction * 22 * np.sin(np.pi * turning)
    return Motion(angles, frames)


def apose_turn(frames: int, rng: np.random.Generator) -> Motion:
    """Stands in A-pose and turns slowly on the spot: once round, again and again in a longer clip."""
    sway = np.sin(2 * np.pi * np.arange(frames) / 45)
    still = {"arm_out": rng.uniform(32, 42), "elbow": rng.uniform(6, 14), "hip_out": rng.uniform(-1, 3)}
    angles = {f"{name}_{side}": np.full(frames, value) for name, value in still.items() for side in SIDES}
    per_turn = np.clip(frames, FASTEST_TURN_FRAMES, FULL_TURN_FRAMES)
    angles["yaw"] = rng.choice([-360.0, 360.0]) * np.arange(frames) / per_turn
    angles["side"] = 0.8 * sway
    return Motion(angles, frames)


SIDED = ("hip_flex", "hip_out", "knee", "ankle", "arm_out", "arm_forward", "arm_turn", "elbow")
"""Angles that both sides have; where no side is named both are meant."""

POSTURES: Mapping[str, Mapping[str, float]] = {
    "arms up": {"arm_out": 135, "elbow": 18, "bend": -6, "head_nod": -8},
    "arms wide": {"arm_out": 86, "elbow": 6, "hip_out": 9},
    "wave": {"arm_out_l": 78, "arm_turn_l": 82, "elbow_l": 68, "side": -4, "head_nod": 2},
    "wave back": {"arm_out_l": 84, "arm_turn_l": 88, "elbow_l": 112, "side": -7, "head_yaw": 8},
    "squat": {
        "hip_flex": 82, "knee": 98, "hip_out": 12, "lean": 26, "bend": 8, "arm_forward": 75, "arm_out": 14,
        "head_nod": -14,
    },
    "kick": {
        "hip_flex_r": 62, "knee": 12, "hip_flex_l": 4, "lean": -6, "bend": 10, "arm_out_l": 62,
        "arm_out_r": 48, "arm_forward_l": 22, "elbow": 24,
    },
    "knee lift": {
        "hip_flex_l": 80, "knee_l": 92, "knee_r": 6, "arm_forward_r": 48, "elbow_r": 78, "arm_forward_l": -28,
        "elbow_l": 40, "twist": 8,
    },
    "lunge": {
        "hip_flex_l": 58, "knee_l": 74, "hip_flex_r": -16, "knee_r": 34, "lean": 6, "ankle_r": 18,
        "arm_forward_r": 36, "elbow": 38, "arm_forward_l": -24,
    },
    "side lean": {"side": 26, "arm_out_r": 138, "elbow_r": 22, "arm_out_l": 22, "hip_out": 7},
    "twist": {"twist": 38, "arm_out": 66, "elbow": 34, "head_yaw": 14},
    "bow": {"lean": 22, "bend": 34, "head_nod": 12, "arm_forward": 30, "hip_flex": 22, "knee": 10},
    "reach": {"arm_forward": 84, "arm_out": 8, "elbow": 10},
    "box": {
        "arm_forward_l": 82, "elbow_l": 8, "arm_forward_r": 38, "elbow_r": 112, "twist": -18,
        "hip_flex_l": 20, "knee_l": 20, "hip_flex_r": -4, "knee_r": 12,
    },
}  # fmt: skip
"""Postures of a free motion, degrees; left and right may be exchanged. The rest is as in `STANDING`."""

STANDING: Mapping[str, float] = {"arm_out": 15, "elbow": 14, "hip_out": -2}
"""A person at ease."""

ARMS: Mapping[str, Mapping[str, float]] = {
    "up": {"arm_out": 132, "elbow": 58, "head_nod": -6},
    "one up": {"arm_out_l": 146, "elbow_l": 20, "arm_out_r": 30, "elbow_r": 74, "side": -6, "head_yaw": 10},
    "flex": {"arm_out": 80, "arm_turn": 84, "elbow": 98},
    "wave": {"arm_out_l": 84, "arm_turn_l": 78, "elbow_l": 64, "arm_out_r": 66, "elbow_r": 58},
    "wide": {"arm_out": 74, "elbow": 34, "bend": -4},
    "chest": {"arm_out": 48, "arm_forward": 26, "arm_turn": -40, "elbow": 96},
    "push": {"arm_forward": 74, "arm_out": 12, "elbow": 22, "bend": 8},
    "roll": {"arm_forward_l": 58, "elbow_l": 84, "arm_forward_r": 34, "elbow_r": 106, "bend": 6},
    "swing": {"arm_forward_l": 56, "elbow_l": 38, "arm_forward_r": -34, "elbow_r": 26, "twist": -14},
    "point": {
        "arm_forward_l": 44, "arm_out_l": 34, "elbow_l": 8, "arm_out_r": 38, "arm_forward_r": -18,
        "elbow_r": 78, "head_yaw": 14,
    },
    "drop": {"arm_out": 13, "elbow": 18, "head_nod": 6},
}  # fmt: skip
"""Arms of a dance on a beat, degrees, with what the spine and head do."""

STEPS: Mapping[str, Mapping[str, float]] = {
    "shift": {
        "roll": -7, "side": 10, "hip_out_l": -6, "hip_out_r": 13, "hip_flex_r": 15, "knee_r": 27, "knee_l": 3,
    },
    "step out": {
        "roll": 3, "side": 5, "hip_out_l": 10, "hip_out_r": 20, "hip_flex_l": 22, "knee_l": 36, "knee_r": 5,
    },
    "knee up": {
        "hip_flex_r": 66, "knee_r": 86, "hip_out_r": 5, "hip_flex_l": 6, "knee_l": 10, "roll": -4, "side": 6,
    },
    "kick": {"hip_flex_r": 44, "knee_r": 12, "hip_flex_l": 8, "knee_l": 15, "lean": -5, "bend": 7},
    "heel": {"hip_flex_r": 32, "knee_r": 6, "hip_flex_l": 16, "knee_l": 28, "lean": 5},
    "low": {"hip_flex": 42, "knee": 60, "hip_out": 15, "lean": 15, "bend": 4, "head_nod": -8, "side": 7},
    "back": {"hip_flex_r": -14, "knee_r": 38, "hip_flex_l": 18, "knee_l": 26, "lean": 6, "twist": 8},
    "twist": {"twist": 22, "hip_flex": 15, "knee": 28, "hip_out": 6, "roll": -5},
}  # fmt: skip
"""Legs of a dance on a beat with the weight on the left leg, degrees, and how the trunk balances it."""

BOUNCE = (7.0, 13.0)
"""How far the knees give between two beats, degrees."""

TURNED = 85.0
"""How far a dance turns to either side of the camera, degrees."""

MIRRORED = ("side", "twist", "head_yaw", "roll")
"""Angles that change their sign when left and right are exchanged."""


def free_motion(frames: int, rng: np.random.Generator) -> Motion:
    """Goes from posture to posture in random order, as fast as the largest change allows."""
    names = _all_angles(POSTURES.values())
    order: list[str] = []
    previous, times, rows = _posture_to_row(STANDING, names, rng, yaw=rng.uniform(-25, 25)), [0.0], []
    rows.append(previous)
    while times[-1] < frames:
        order = order or list(rng.permutation(list(POSTURES)))
        row = _posture_to_row(POSTURES[order.pop()], names, rng, yaw=rng.uniform(-40, 40))
        needed = np.abs(row - previous).max() / MAX_DEGREES_PER_FRAME
        times.append(times[-1] + max(POSTURE_FRAMES, needed) + rng.uniform(0, 3))
        rows.append(row)
        previous = row
    track = PchipInterpolator(times, np.stack(rows))(np.arange(frames))
    angles = {name: track[:, column] for column, name in enumerate(names)}
    sway = np.sin(2 * np.pi * (np.arange(frames) / 38 + rng.uniform()))
    angles["side"] = angles["side"] + 1.2 * sway
    _level_feet(angles, frames)
    return Motion(angles, frames)


def dance(frames: int, rng: np.random.Generator) -> Motion:
    """Dances on the spot: on each beat other arms, and the weight on the other leg.

    A step and a heading last two beats, the second with the sides exchanged; the knees give between the
    beats. A short clip is cut out of a dance that is going on.
    """
    names = _all_angles([*ARMS.values(), *STEPS.values()])
    beat, left = rng.uniform(*BEAT_FRAMES), bool(rng.random() < 0.5)
    times, rows, arms, steps = [-rng.uniform(0, 1) * beat], list[Float](), list[str](), list[str]()
    while not rows or times[-1] < frames:
        if len(rows) % 2 == 0:
            steps = steps or list(rng.permutation(list(STEPS)))
            step, yaw = STEPS[steps.pop()], rng.uniform(-TURNED, TURNED)
        arms = arms or list(rng.permutation(list(ARMS)))
        upper = _posture_to_angles(ARMS[arms.pop()], rng.uniform(0.85, 1.08), mirrored=rng.random() < 0.5)
        lower = _posture_to_angles(step, rng.uniform(0.85, 1.08), mirrored=left)
        trunk = {name: upper[name] + lower[name] for name in upper.keys() & lower.keys()}
        full = {**_both_sides(STANDING), **upper, **lower, **trunk, "yaw": yaw + rng.uniform(-12, 12)}
        rows.append(np.array([full.get(name, 0.0) for name in names]))
        left = not left
        if len(rows) > 1:
            needed = np.abs(rows[-1] - rows[-2]).max() / DANCE_DEGREES_PER_FRAME
            times.append(times[-1] + max(beat, needed))
    at = np.arange(frames)
    track = PchipInterpolator(times, np.stack(rows))(at)
    angles = {name: track[:, column] for column, name in enumerate(names)}
    dip = rng.uniform(*BOUNCE) * np.sin(np.pi * np.interp(at, times, np.arange(len(times)))) ** 2
    for side in SIDES:
        angles[f"hip_flex_{side}"] = angles[f"hip_flex_{side}"] + dip / 2
        angles[f"knee_{side}"] = angles[f"knee_{side}"] + dip
    _level_feet(angles, frames)
    return Motion(angles, frames)


MOTIONS: Mapping[str, Callable[[int, np.random.Generator], Motion]] = {
    "catwalk": catwalk,
    "apose-turn": apose_turn,
    "free": free_motion,
    "dance": dance,
}
"""Motions by name; each takes the number of frames and a generator. New ones come last: a clip's draws depend
on its motion's place."""


def motion_to_rotations(
    motion: Motion, arms: tuple[Float, Float], joint_names: tuple[str, ...], *, tilt: float
) -> Float:
    """Joint rotations about the rest pose's world axes, parents first.

    Args:
        motion: Anatomical angles.
        arms: Rest directions of the upper arms and of the forearms, left and right, (2, 3) each.
        joint_names: Order of the joints wanted.
        tilt: How far the camera looks down, degrees; it is part of the root's rotation.

    Returns:
        Rotation vectors, float64 (T, J, 3).
    """
    turn = _turns(motion)
    by_name = {
        "root": turn("x", tilt) * turn("z", "yaw") * turn("x", "lean") * turn("y", "roll"),
        "neck01": turn("z", "head_yaw", 0.4) * turn("x", "head_nod", 0.4),
        "head": turn("z", "head_yaw", 0.6) * turn("x", "head_nod", 0.6),
    }
    for name in ("spine05", "spine03", "spine01"):
        by_name[name] = turn("z", "twist", 1 / 3) * turn("y", "side", 1 / 3) * turn("x", "bend", 1 / 3)
    for row, (side, sign) in enumerate(SIDES.items()):
        joint = side.upper()
        by_name[f"upperleg01.{joint}"] = turn("x", f"hip_flex_{side}", -1) * turn(
            "y", f"hip_out_{side}", -sign
        )
        by_name[f"lowerleg01.{joint}"] = turn("x", f"knee_{side}")
        by_name[f"foot.{joint}"] = turn("x", f"ankle_{side}")
        hang = _to_hanging(arms[0][row])
        straight = _to_hanging(hang.apply(arms[1][row]))
        shrug = 0.22 * np.clip(motion.angle(f"arm_out_{side}") - 50, 0, None)
        by_name[f"clavicle.{joint}"] = turn("y", -sign * shrug)
        by_name[f"upperarm01.{joint}"] = (
            turn("x", f"arm_forward_{side}", -1)
            * turn("y", -sign * (motion.angle(f"arm_out_{side}") - shrug))
            * turn("z", f"arm_turn_{side}", sign)
            * hang
        )
        by_name[f"lowerarm01.{joint}"] = hang.inv() * turn("x", f"elbow_{side}", -1) * straight * hang
    return np.stack([by_name[name].as_rotvec() for name in joint_names], 1)


def _turns(motion: Motion) -> Callable[..., Rotation]:
    def turn(axis: str, angle: str | float | Float, factor: float = 1.0) -> Rotation:
        degrees = motion.angle(angle) if isinstance(angle, str) else np.broadcast_to(angle, motion.frames)
        return Rotation.from_euler(axis, factor * degrees[:, None], degrees=True)

    return turn


def _to_hanging(arm: Float) -> Rotation:
    """The shortest rotation that lets something of this direction (3,) hang down."""
    arm, down = arm / np.linalg.norm(arm), np.array([0.0, 0.0, -1.0])
    axis = np.cross(arm, down)
    sine, cosine = np.linalg.norm(axis), arm @ down
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, cosine))


def _gait(phase: Float, stride: Float, *, arm_out: float) -> dict[str, Float]:
    """Angles of a walk; `phase` in radians is 0 where the left heel strikes, `stride` 1 is a full step."""
    angles: dict[str, Float] = {}
    for side, shift in (("l", 0.0), ("r", np.pi)):
        place = np.mod(phase + shift, 2 * np.pi) / (2 * np.pi)
        swing = np.cos(phase + shift)
        angles[f"hip_flex_{side}"] = stride * (8 + 19 * swing)
        angles[f"knee_{side}"] = 4 + stride * (10 * _bump(place, 0.14, 0.08) + 52 * _bump(place, 0.72, 0.11))
        angles[f"ankle_{side}"] = stride * (
            14 * _bump(place, 0.62, 0.07) - 7 * _bump(place, 0.42, 0.12) - 9 * _bump(place, 0.0, 0.06)
        )
        angles[f"hip_out_{side}"] = np.full_like(phase, -4.5)
        angles[f"arm_forward_{side}"] = 2 - stride * 17 * swing
        angles[f"elbow_{side}"] = 20 - stride * 8 * swing
        angles[f"arm_out_{side}"] = np.full_like(phase, arm_out)
    angles["roll"] = stride * 2.5 * np.sin(phase)
    angles["side"] = -stride * 2.5 * np.sin(phase)
    angles["twist"] = stride * 7 * np.cos(phase)
    angles["head_yaw"] = -stride * 4 * np.cos(phase)
    return angles


def _bump(place: Float, centre: float, width: float) -> Float:
    """A bell over the unit circle, 1 at `centre`."""
    distance = np.mod(place - centre + 0.5, 1) - 0.5
    return np.asarray(np.exp(-0.5 * (distance / width) ** 2))


def _ease(place: Float) -> Float:
    """From 0 to 1 with a soft start and end."""
    return np.asarray(0.5 * place + 0.5 * place * place * (3 - 2 * place))


def _posture_to_row(
    posture: Mapping[str, float], names: list[str], rng: np.random.Generator, *, yaw: float
) -> Float:
    """A posture at a random strength, at times mirrored, as one row of `names`."""
    strength, mirrored = rng.uniform(0.85, 1.08), rng.random() < 0.5
    moved = _posture_to_angles(posture, strength, mirrored=mirrored)
    full = {**_both_sides(STANDING), **moved, "yaw": yaw}
    return np.array([full.get(name, 0.0) for name in names])


def _posture_to_angles(posture: Mapping[str, float], strength: float, *, mirrored: bool) -> dict[str, float]:
    """A posture so strong, with left and right exchanged if `mirrored`."""
    moved = {name: strength * value for name, value in _both_sides(posture).items()}
    if not mirrored:
        return moved
    return {_mirror(name): -value if name in MIRRORED else value for name, value in moved.items()}


def _all_angles(postures: Iterable[Mapping[str, float]]) -> list[str]:
    """The names of all angles that postures or their mirror images have, and the yaw."""
    names = {name for posture in postures for name in _both_sides(posture)} | {"yaw"}
    return sorted({*names, *map(_mirror, names)})


def _level_feet(angles: dict[str, Float], frames: int) -> None:
    """Turns the ankles so that the soles stay level, as far as ankles go."""
    for side in SIDES:
        flat = angles["hip_flex_" + side] - angles["knee_" + side] - angles["lean"]
        angles["ankle_" + side] = angles.get("ankle_" + side, np.zeros(frames)) + np.clip(flat, -32, 10)


def _both_sides(posture: Mapping[str, float]) -> dict[str, float]:
    """The posture with every sided angle named for each side."""
    return {
        full: value
        for name, value in posture.items()
        for full in ([f"{name}_{side}" for side in SIDES] if name in SIDED else [name])
    }


def _mirror(name: str) -> str:
    if name.endswith(("_l", "_r")):
        return name[:-1] + ("r" if name.endswith("l") else "l")
    return name
