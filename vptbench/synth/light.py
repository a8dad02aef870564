"""Light on a synthetic person: a warm lamp, the sky, and what stands in their way.

Points here are in the camera's axes: x to the right, y away from the camera, z up.
"""

import numpy as np
from numpy.typing import NDArray

from vptbench.body.asset import load_body
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.synth.dress import vertices_to_normals
from vptbench.synth.garments import Float, smoothstep

LAMP = np.array([-0.40, -0.60, 0.70], np.float32) / np.float32(np.sqrt(0.4**2 + 0.6**2 + 0.7**2))
"""Direction to the lamp: above, before and to the left of the person."""

LAMP_SPREAD = 0.16
"""How far the lamp's sample directions lie apart: a wide lamp makes soft shadows."""

LAMP_COLOUR = np.array([0.64, 0.61, 0.57], np.float32)
SKY_COLOUR = np.array([0.52, 0.535, 0.56], np.float32)
"""Light on a surface that faces the lamp, or the open sky."""

WRAP = 0.25
"""How far the lamp reaches round edges, as a share of full light."""

MAP_SIZE = 112
"""Pixels along the height of a person seen from the lamp."""

MAP_BIAS = 0.03
"""How far behind something a point must lie to be in its shadow, in heights of the person."""

SKY_DIRECTIONS = 40
"""Directions from which the openness to the sky is measured."""


def points_to_light(points: Float, openness: Float, outside: Float) -> Float:
    """Light (V, 3), RGB factors, on each vertex of a posed person.

    Args:
        points: float32 (V, 3) in the camera's axes, any unit of length.
        openness: (V,) from `points_to_openness`, of the rest pose.
        outside: (F,) 1 for faces that can be seen.
    """
    normals = vertices_to_normals(points, outside)
    shade = np.mean([_seen_from(points, direction) for direction in _lamp_directions()], 0)
    shade[~_shown(points, outside)] = 1
    lamp = np.clip((normals @ LAMP + WRAP) / (1 + WRAP), 0, None) * shade * (0.6 + 0.4 * openness)
    sky = (0.72 + 0.28 * normals[:, 2]) * openness
    return np.asarray(lamp[:, None] * LAMP_COLOUR + sky[:, None] * SKY_COLOUR, np.float32)


def points_to_openness(points: Float, outside: Float) -> Float:
    """How much of the surroundings each vertex sees, (V,), from about 0 in folds to 1 in the open.

    Args:
        points: float32 (V, 3) in any axes and unit of length.
        outside: (F,) 1 for faces that can be seen.
    """
    normals = vertices_to_normals(points, outside)
    total, weight = np.zeros(len(points), np.float32), np.full(len(points), 1e-6, np.float32)
    for direction in _spread_directions(SKY_DIRECTIONS):
        facing = np.clip(normals @ direction, 0, None)
        total += facing * _seen_from(points, direction)
        weight += facing
    open_share = smoothstep(0.12 + 0.88 * total / weight)
    shown = _shown(points, outside)
    return np.where(shown, open_share, open_share[shown].mean()).astype(np.float32)


def _shown(points: Float, outside: Float) -> NDArray[np.bool_]:
    """Which vertices (V,) belong to a face that can be seen; what is folded inside gets no shade."""
    shown = np.zeros(len(points), bool)
    shown[load_body().faces[outside > 0]] = True
    return shown


def _seen_from(points: Float, direction: Float) -> Float:
    """1 for vertices that are seen from `direction` (3,), 0 for hidden ones, (V,)."""
    side = np.cross(direction, [0.0, 0.0, 1.0]) if abs(direction[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    side = side / np.linalg.norm(side)
    across, up = points @ side, points @ np.cross(direction, side)
    scale = (MAP_SIZE - 3) / max(np.ptp(across), np.ptp(up))
    x, y = (across - across.min()) * scale + 1, (up - up.min()) * scale + 1
    depth = -(points @ direction) * scale
    size = (int(y.max()) + 2, int(x.max()) + 2)
    table = vertices_to_face_table(np.stack([x, y, depth], 1).astype(np.float32), load_body().faces, size)
    nearest = table.depth[y.round().astype(int), x.round().astype(int)]
    return np.asarray(smoothstep(2 - (depth - nearest) / (MAP_BIAS * MAP_SIZE)), np.float32)


def _lamp_directions() -> list[Float]:
    """Directions to three points of the lamp."""
    right = np.cross([0.0, 0.0, 1.0], LAMP)
    right = right / np.linalg.norm(right)
    up = np.cross(LAMP, right)
    turns = np.radians([90, 210, 330])
    around = [LAMP + LAMP_SPREAD * (np.cos(turn) * right + np.sin(turn) * up) for turn in turns]
    return [np.asarray(direction / np.linalg.norm(direction), np.float32) for direction in around]


def _spread_directions(count: int) -> Float:
    """Directions (count, 3) spread evenly over the sphere (a Fibonacci lattice)."""
    steps = np.arange(count) + 0.5
    height, turn = 1 - 2 * steps / count, np.pi * (1 + 5**0.5) * steps
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), height], 1).astype(np.float32)
