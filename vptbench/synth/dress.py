"""A person's clothed surface: the body's own mesh, smoothed and pushed outward where it is covered.

Faces never change, so that all people share one topology and the truth is a mesh of the body's kind.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from scipy.sparse import coo_matrix, csr_matrix, diags

from vptbench.body.asset import BodyAsset, load_body
from vptbench.body.model import BodyModel, body_to_keypoints
from vptbench.synth.figure import Hair, Outfit, Person
from vptbench.synth.garments import (
    WAIST,
    Chart,
    Float,
    Garments,
    body_to_chart,
    chart_to_garments,
    skirt_field,
    smoothstep,
)

EDGE = 0.02
"""Metres over which a garment rises from the skin: about one edge of the mesh."""

CLOTH_ROUNDS, SHOE_ROUNDS, HAIR_ROUNDS, FALL_ROUNDS = 6, 8, 10, 4
"""Smoothing passes over covered vertices: cloth does not follow navels, shoes have no toes, hair no ears."""

SHOE_EASE = 0.009
"""How far shoes stand off the foot, metres."""

HEM = 0.02
"""Vertices so near to a skirt's hem (metres) are moved onto it."""

TUCK = 0.10
"""The leg's skin so far below a hem (metres) is drawn up, so that it closes the skirt from inside."""

OVERLAP = 0.012
"""How far the halves of a skirt reach over the middle, metres, so that no gap shows."""


@dataclass(frozen=True)
class Dressed:
    """A person's clothed surface.

    Attributes:
        body: The body with its rest surface and skin replaced; shape coefficients are already in it.
        naked: The person's own body without clothes, of which the keypoints are taken.
        chart: The vertices on the naked rest body (hems snapped to where they are sewn).
        rest: (V, 3) the clothed rest surface, metres.
        outside: (F,) 1 for faces that can be seen, 0 for those that a skirt folds inside.
    """

    body: BodyModel
    naked: BodyModel
    chart: Chart
    rest: Float
    outside: Float


def person_to_dressed(person: Person) -> Dressed:
    """Shapes the shipped body as `person` and puts the clothes on."""
    asset = _shaped(load_body(), person)
    naked = BodyModel.from_asset(asset)
    still = torch.eye(3).expand(1, len(asset.joint_names), 3, 3)
    marks = body_to_keypoints(naked, still, torch.zeros(len(asset.shape_directions)))[0].numpy()
    chart = body_to_chart(asset.rest, asset.skin_weights, asset.joint_names, marks)
    garments = chart_to_garments(chart, person)
    rest = _clothed(chart, garments, person)
    body, outside = replace(asset, rest=rest), np.ones(len(asset.faces), np.float32)
    if person.outfit.flare >= 0:
        body, chart, outside = _skirted(body, chart, garments, person.outfit)
    return Dressed(BodyModel.from_asset(body), naked, chart, body.rest, outside)


def vertices_to_normals(vertices: Float, outside: Float | None = None) -> Float:
    """Unit normals (V, 3) of the shipped body's mesh, outward, weighted by area.

    Args:
        vertices: (V, 3), any unit.
        outside: (F,) 1 for faces that count, or None for all; a vertex without any takes after its
            neighbours.
    """
    corners = vertices[load_body().faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if outside is not None:
        normals = normals * outside[:, None]
    summed = _incidence() @ normals
    if outside is not None:
        summed = summed + 0.05 * (_neighbours() @ summed)
    return np.asarray(summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12), np.float32)


def _shaped(asset: BodyAsset, person: Person) -> BodyAsset:
    """The asset with the person's shape added to its rest, and no shape left to add."""
    shape = np.array(person.shape, np.float32)

    def moved(rest: Float, directions: Float) -> Float:
        return np.asarray(rest + np.tensordot(shape, directions, 1), np.float32)

    table = asset.keypoint_table.copy()
    table[..., :3] = moved(table[..., :3], asset.keypoint_table_directions)
    return replace(
        asset,
        rest=moved(asset.rest, asset.shape_directions),
        joint_heads=moved(asset.joint_heads, asset.joint_head_directions),
        keypoint_table=table,
        shape_directions=np.zeros_like(asset.shape_directions),
        joint_head_directions=np.zeros_like(asset.joint_head_directions),
        keypoint_table_directions=np.zeros_like(asset.keypoint_table_directions),
    )


def _clothed(chart: Chart, garments: Garments, person: Person) -> Float:
    """The rest surface smoothed under the garments and pushed outward, (V, 3)."""
    outfit, hair = person.outfit, person.hair
    top, bottom, shoe, head = (
        smoothstep(field / EDGE + 0.3)
        for field in (garments.top, garments.bottom, garments.shoe, garments.hair)
    )
    cloth = np.maximum(top, bottom * min(outfit.leg_ease / 0.009, 1.0)) * (1 - head)
    rest = _smoothed(chart.place, cloth, CLOTH_ROUNDS)
    for _ in range(SHOE_ROUNDS):
        rest = rest + 0.6 * shoe[:, None] * (_neighbours() @ rest - rest)
    if hair.side < -0.03:
        rest = _smoothed(rest, head, HAIR_ROUNDS)
    down, length = chart.down_leg()
    hang = 0.7 + 0.6 * np.clip(down / 0.3 + 1, 0, 1)
    cuff = 1 + 0.5 * smoothstep((down / length - 0.5) / 0.4)
    over = top * outfit.top_ease * hang + 0.5 * bottom * outfit.leg_ease * (top > 0.5)
    offset = np.maximum.reduce([over, bottom * outfit.leg_ease * cuff, shoe * SHOE_EASE])
    offset = np.maximum(offset, head * _hair_offset(chart, hair))
    offset = 0.7 * offset + 0.3 * (_neighbours() @ offset)
    rest = rest + vertices_to_normals(rest) * offset[:, None]
    return _with_fall(chart, _with_bun(chart, rest, hair), head, hair)


def _smoothed(rest: Float, where: Float, rounds: int) -> Float:
    """Vertices drawn along their normals to the mean of their neighbours, by `where` (V,) from 0 to 1."""
    for _ in range(rounds):
        normals = vertices_to_normals(rest)
        step = ((_neighbours() @ rest - rest) * normals).sum(1)
        rest = rest + (0.6 * where * step)[:, None] * normals
    return np.asarray(rest, np.float32)


def _hair_offset(chart: Chart, hair: Hair) -> Float:
    waves = np.sin(chart.place @ np.array([210, 160, 190], np.float32) + 2 * np.sin(chart.place[:, 2] * 90))
    crown = 0.6 + 0.4 * smoothstep(chart.above("REye") / 0.09)
    return np.asarray(hair.volume * crown * (1 + 0.3 * hair.curls * waves), np.float32)


def _with_bun(chart: Chart, rest: Float, hair: Hair) -> Float:
    if hair.bun == 0:
        return rest
    centre = np.array([0.0, chart.mark("REar")[1] + 0.09, chart.mark("REye")[2] + 0.075], np.float32)
    near = np.exp(-0.5 * (np.linalg.norm(chart.place - centre, axis=1) / 0.026) ** 2)
    return np.asarray(rest + near[:, None] * hair.bun * np.array([0.0, 0.8, 0.6]), np.float32)


def _with_fall(chart: Chart, rest: Float, head: Float, hair: Hair) -> Float:
    """Lets long hair hang: it bridges the hollow of the neck instead of following it."""
    if hair.nape > -0.1:
        return rest
    x, y, _ = rest.T
    above, ear = chart.above("REye"), chart.mark("REar")[1]
    amount = head * smoothstep((-0.02 - above) / 0.05)
    back = amount * (chart.place[:, 1] > ear + 0.012)
    level = (
        ear
        + 0.057
        + np.interp(above, [-0.35, -0.25, -0.1, 0.0], [0.085, 0.078, 0.064, 0.05])
        + 0.5 * hair.volume
    )
    wide = 1 + amount * (np.clip(0.085 / np.maximum(np.abs(x), 0.045), 1, 1.5) - 1) * (
        chart.part("neck") > 0.2
    )
    moved = np.stack(
        [x * wide, np.maximum(y, y + 0.85 * back * (level - 0.057 - ear + ear - y)), rest[:, 2]], 1
    )
    return _smoothed(np.asarray(moved, np.float32), amount, FALL_ROUNDS)


def _skirted(
    body: BodyAsset, chart: Chart, garments: Garments, outfit: Outfit
) -> tuple[BodyAsset, Chart, Float]:
    """Moves covered legs onto two half cones that meet in the middle, and lets both sides swing together.

    Returns:
        The body, its chart, and which faces stay outside (F,).
    """
    rest, (down, _) = body.rest, chart.down_leg()
    field = skirt_field(garments, outfit)
    at_hem = (np.abs(field) < HEM) & (down > 0.1)
    inside = np.where(at_hem, 1.0, field > 0) * (down > -WAIST)
    hips = (np.abs(down) < 0.05) & (garments.bottom > 0)
    below = 0.5 * outfit.flare * np.clip(down, 0, None)
    wide, deep = np.abs(rest[hips, 0]).max() + 0.004 + below, np.ptp(rest[hips, 1]) / 2 + 0.002 + below
    angle, wall = _around_skirt(chart, rest)
    sign = np.where(chart.place[:, 0] >= 0, 1.0, -1.0)
    folds = 1 + 0.04 * smoothstep(down / 0.3) * np.cos(11 * angle + 1.3 * sign)
    x = wide * np.cos(angle) * folds * (1 - wall) - OVERLAP * wall
    centre, depth = rest[hips, 1].mean(), np.ptp(rest[hips, 1]) / 2
    y = centre + deep * np.sin(angle) * folds
    between = smoothstep((0.05 - np.abs(rest[:, 0])) / 0.02) * smoothstep((down - 0.025) / 0.02)
    between = between * (down < 0.16)
    x = x * (1 - between) - 0.3 * OVERLAP * between
    between = between * smoothstep((0.5 - np.abs(rest[:, 1] - chart.mark("MidHip")[1]) / depth) / 0.2)
    x, y = x - between * (x + OVERLAP), y + between * (rest[:, 1] - y)
    up = np.array([0, 0, 1])
    snap = np.where(at_hem, -field, 0)[:, None] * up
    tucked = np.interp(field, [-2 * TUCK, -TUCK, -HEM], [-2 * TUCK, 0, 1.5 * HEM]) - field
    tucked = np.where((field > -2 * TUCK) & (field < -HEM) & (down > 0.1), tucked, 0)
    amount = (inside * smoothstep((down + 0.03) / 0.06))[:, None]
    pushed = rest + amount * (np.stack([sign * x, y, rest[:, 2]], 1) + snap - rest)
    pushed = pushed + tucked[:, None] * up
    left, right = (body.joint_names.index(f"upperleg01.{side}") for side in "LR")
    swing, share = 0.8 * smoothstep((down + 0.02) / 0.35), smoothstep(pushed[:, 0] / 0.24 + 0.5)
    cloth = np.zeros_like(body.skin_weights)
    cloth[:, body.joint_names.index("root")] = 1 - swing
    cloth[:, left], cloth[:, right] = swing * share, swing * (1 - share)
    skin = body.skin_weights + amount * (cloth - body.skin_weights)
    body = replace(body, rest=pushed.astype(np.float32), skin_weights=skin.astype(np.float32))
    return (
        body,
        replace(chart, place=(chart.place - snap).astype(np.float32)),
        _outside(body, amount[:, 0], centre),
    )


def _outside(body: BodyAsset, amount: Float, centre: float) -> Float:
    """0 for faces (F,) of the skirt that do not look away from its axis, 1 for all others."""
    corners = body.rest[body.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    away = corners.mean(1) - np.array([0, centre, 0], np.float32)
    away[:, 2] = 0
    lengths = np.linalg.norm(normals, axis=1) * np.linalg.norm(away, axis=1) + 1e-12
    facing = (normals * away).sum(1) / lengths > 0.25
    return np.asarray(facing | (amount[body.faces].min(1) <= 0.5), np.float32)


def _around_skirt(chart: Chart, rest: Float) -> tuple[Float, Float]:
    """Where each vertex goes on the half cone of its side.

    Returns:
        The angle (N,), −π/2 in front to π/2 behind; and whether the vertex is folded onto the middle wall
        between the legs, 0 to 1.
    """
    (down, _), axis, x = chart.down_leg(), chart.leg_axis(), np.abs(rest[:, 0])
    leg = np.arctan2(rest[:, 1] - axis[:, 1], x - axis[:, 0])
    whole = np.arctan2(rest[:, 1] - chart.mark("MidHip")[1], x)
    opening = np.radians(95)
    outer = np.clip(leg * (np.pi / 2) / opening, -np.pi / 2, np.pi / 2)
    beyond = np.clip((np.abs(leg) - opening) / (np.pi - opening), 0, 1)
    inner = np.sign(leg) * (np.pi / 2) * (1 - beyond**5)
    apart = smoothstep((down - 0.05) / 0.07)
    angle = np.where(beyond > 0, inner, outer) * apart + whole * (1 - apart)
    return angle, (beyond > 0) * apart


@lru_cache(maxsize=1)
def _incidence() -> csr_matrix:
    """(V, F): 1 where a vertex is a corner of a face."""
    body = load_body()
    rows, columns = body.faces.ravel(), np.repeat(np.arange(len(body.faces)), 3)
    ones = np.ones(len(rows), np.float32)
    return coo_matrix((ones, (rows, columns)), (len(body.rest), len(body.faces))).tocsr()


@lru_cache(maxsize=1)
def _neighbours() -> csr_matrix:
    """(V, V): takes the mean over a vertex's neighbours."""
    body = load_body()
    first, second = body.faces.ravel(), body.faces[:, [1, 2, 0]].ravel()
    pairs = (np.r_[first, second], np.r_[second, first])
    joined = coo_matrix((np.ones(len(pairs[0]), np.float32), pairs), (len(body.rest),) * 2).tocsr()
    joined.data[:] = 1
    return (diags(1 / np.asarray(joined.sum(1), np.float32).ravel()) @ joined).tocsr()
