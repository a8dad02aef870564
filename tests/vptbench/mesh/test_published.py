"""Face tables and mesh flow against the published rule, written again from its description as slow loops.

The rule is that of neural_renderer and of BDMM's grid (arXiv 2307.07754), in its own coordinates: a square
picture [−1, 1]², y up, z in metres and growing away from the viewer, the camera 2.732 m in front of the
body's origin. A clip holds depth in pixels: z = depth / (pixels a metre) + 2.732, where a metre has s·N/2
pixels for the published scale s.
"""

import math

import numpy as np
import pytest
import torch

from vptbench.body.asset import load_body
from vptbench.body.model import BodyModel, body_to_vertices, project, rotation_vectors_to_matrices
from vptbench.clip import Clip, Mesh
from vptbench.mesh.flow import DEPTH_TOLERANCE, MARGIN
from vptbench.mesh.rasterise import is_inside_out, vertices_to_face_table
from vptbench.skeleton import missing_keypoints
from vptbench.store.frames import FlowBefore

NEAR, FAR, CAMERA = 0.1, 100.0, 2.732
LIMBS = {  # axis and angle; the arms cross the trunk and one thigh passes the other
    "upperarm01.L": (1, 0.9), "upperarm01.R": (1, -0.9), "lowerarm01.L": (0, -1.2), "lowerarm01.R": (0, -1.4),
    "upperleg01.L": (0, -0.45), "upperleg01.R": (0, 0.45), "lowerleg01.L": (0, 0.6),
}  # fmt: skip
VIEWS = {
    "front": (0, {}),
    "side": (math.pi / 2, {}),
    "back": (math.pi, {}),
    "walk": (0.2, LIMBS),
    "turn": (2.3, LIMBS),
}


def to_published(vertices, size, metre):
    """Pixels to the published x, y (up) and z; one metre is `metre` pixels."""
    x, y, depth = vertices.astype(np.float64).T
    return np.stack([(2 * x + 1) / size - 1, -((2 * y + 1) / size - 1), depth / metre + CAMERA], 1)


def published_table(vertices, faces, size):
    """Face map (N, N) and weights (N, N, 3): of all faces at a pixel the nearest, of equal ones the first."""
    number, v = np.arange(len(faces)), vertices[faces]
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    turned = (y[:, 2] - y[:, 0]) * (x[:, 1] - x[:, 0]) < (y[:, 1] - y[:, 0]) * (x[:, 2] - x[:, 0])
    number, x, y, z = (array[~turned] for array in (number, x, y, z))
    face, weights = np.full((size, size), -1), np.zeros((size, size, 3))
    for j in range(size):
        for i in range(size):
            px, py = (2 * i + 1 - size) / size, (2 * j + 1 - size) / size
            inside = np.ones(len(x), bool)
            for a, b in ((0, 1), (1, 2), (2, 0)):
                inside &= ~((py - y[:, a]) * (x[:, b] - x[:, a]) < (px - x[:, a]) * (y[:, b] - y[:, a]))
            nearest = FAR
            for f in np.flatnonzero(inside):
                shares = barycentric(x[f], y[f], px, py)
                if shares is None:
                    continue
                shares = np.clip(shares, 0, 1) / np.clip(shares, 0, 1).sum()
                depth = 1 / (shares / z[f]).sum()
                if NEAR < depth < nearest:
                    nearest, face[j, i], weights[j, i] = depth, number[f], shares
    return face[::-1], weights[::-1]


def barycentric(x, y, px, py):
    """The affine weights of a point in a triangle; None for a triangle without area."""
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    if area == 0:
        return None
    first = ((x[1] - px) * (y[2] - py) - (x[2] - px) * (y[1] - py)) / area
    second = ((x[2] - px) * (y[0] - py) - (x[0] - px) * (y[2] - py)) / area
    third = ((x[0] - px) * (y[1] - py) - (x[1] - px) * (y[0] - py)) / area
    return np.array([first, second, third])


def published_flow(table, source, faces):
    """The grid (N, N, 2): Σ w_k · (x, y down) of the face's vertices in the source; −2 without a face."""
    face, weights = table
    flow = np.full((*face.shape, 2), -2.0)
    for row, column in zip(*np.nonzero(face >= 0), strict=True):
        corners = source[faces[face[row, column]]]
        flow[row, column] = sum(weights[row, column, k] * corners[k, :2] * (1, -1) for k in range(3))
    return flow


def nearest_at(vertices, faces, x, y):
    """Brute force over all faces that look at us: the nearest one at a place, and its depth in pixels."""
    found = -1, np.inf
    v = vertices[faces].astype(np.float64)
    near = (v[..., :2].min(1) <= (x, y)).all(1) & (v[..., :2].max(1) >= (x, y)).all(1)
    for f in np.flatnonzero(near):
        (ax, ay, _), (bx, by, _), (cx, cy, _) = v[f]
        if (bx - ax) * (cy - ay) - (cx - ax) * (by - ay) >= 0:
            continue
        shares = barycentric(v[f, :, 0], v[f, :, 1], x, y)
        depth = np.float32(shares @ v[f, :, 2])
        if (shares >= 0).all() and depth < found[1]:
            found = f, depth
    return found


def seen_flow(table, source, faces, size):
    """The grid again, −2 where each of the source pixels around a point shows something else before it."""
    face, weights = table
    flow = np.full((size, size, 2), -2.0)
    for row, column in zip(*np.nonzero(face >= 0), strict=True):
        x, y, z = weights[row, column] @ source[faces[face[row, column]]].astype(np.float64)
        for i in {math.floor(y + MARGIN), math.ceil(y - MARGIN)} & set(range(size)):
            for j in {math.floor(x + MARGIN), math.ceil(x - MARGIN)} & set(range(size)):
                shown, depth = nearest_at(source, faces, j, i)
                if shown == face[row, column] or (shown >= 0 and z <= depth + DEPTH_TOLERANCE):
                    flow[row, column] = (2 * x + 1) / size - 1, (2 * y + 1) / size - 1
    return flow


def posed(view, size):
    """The shipped body, float32 (V, 3) pixels of a square picture, rounded as clips are; and its faces."""
    yaw, limbs = VIEWS[view]
    vectors = torch.zeros(1, 18, 3)
    for name, (axis, angle) in (limbs | {"root": (2, yaw)}).items():
        vectors[0, load_body().joint_names.index(name), axis] = angle
    metres = body_to_vertices(BodyModel.load(), rotation_vectors_to_matrices(vectors), torch.zeros(12))
    pixels = project(metres, torch.tensor([size / 1.98]), torch.full((1, 2), size / 2 - 0.2))[0].numpy()
    return np.float32(np.round(pixels * 256) / 256), load_body().faces


def make_clip(rows, faces, size):
    weights = np.full((rows.shape[1], 25), 1 / 25, np.float32)
    frames = np.zeros((len(rows), size, size, 3), np.uint8)
    return Clip("a", "test", frames, missing_keypoints(len(rows)), 25.0, mesh=Mesh(rows, faces, weights))


def assert_published(vertices, faces, size, *, metre=4.0, differing=0):
    """The product's table is the published one at all pixels but at most so many."""
    table = vertices_to_face_table(vertices, faces, (size, size), culled=True)
    face, weights = published_table(to_published(vertices, size, metre), faces, size)
    same = table.face == face
    assert (~same).sum() <= differing
    np.testing.assert_array_equal(table.face >= 0, face >= 0)
    np.testing.assert_allclose(table.weights[same], weights[same], atol=1e-6)
    return table


@pytest.mark.parametrize(
    ("view", "size", "differing"),
    [(view, 64, 0) for view in VIEWS] + [("front", 128, 0), ("turn", 128, 0), ("walk", 128, 1)],
)
def test_the_shipped_body(view, size, differing):
    """One pixel of 1,993, where crossed arms go into the trunk, is decided by the published order alone."""
    vertices, faces = posed(view, size)
    table = assert_published(vertices, faces, size, metre=size / 1.98, differing=differing)
    whole = vertices_to_face_table(vertices, faces, (size, size))
    np.testing.assert_array_equal(whole.face >= 0, table.face >= 0)  # culling keeps a closed body's mask


@pytest.mark.parametrize("pair", [("front", "walk"), ("walk", "turn"), ("front", "back")])
def test_flow_of_a_clip_in_both_modes(pair):
    """−2 in neither, as published; where the point is hidden in the source, in `visible_only` alone."""
    size = 64
    (source, faces), (target, _) = (posed(view, size) for view in pair)
    clip = make_clip(np.stack([source, target]), faces, size)
    table = published_table(to_published(target, size, size / 1.98), faces, size)
    published = published_flow(table, to_published(source, size, size / 1.98), faces)
    np.testing.assert_allclose(clip.mesh_flow(0, 1), published, atol=1e-6)
    seen = seen_flow(table, source, faces, size)
    found = clip.mesh_flow(0, 1, visible_only=True)
    np.testing.assert_array_equal(found == -2, seen == -2)
    np.testing.assert_allclose(found, seen, atol=1e-6)
    np.testing.assert_array_equal(clip.poses(1).mesh_flow(clip.source(0), 0, visible_only=True), found)
    assert 0 < (seen != -2).sum() < (published != -2).sum()


def sheet(*rows, faces=((0, 1, 2),)):
    return np.float32(rows), np.int32(faces)


SQUARE = ((1, 1, 0), (1, 6, 0), (6, 6, 0), (6, 1, 0))  # counter-clockwise on the screen: x right, y down
TWO = ((0, 1, 2), (0, 2, 3))  # the first below the diagonal from (1, 1) to (6, 6), the second above it
BEHIND = tuple((x, y, 5) for x, y, _ in SQUARE)


@pytest.mark.parametrize(
    ("vertices", "faces", "at", "face", "weights"),
    [
        (SQUARE, TWO, (3, 3), 0, (0.6, 0, 0.4)),  # on the shared edge: 2/5 of the way from (1, 1) to (6, 6)
        (SQUARE, TWO[::-1], (3, 3), 0, (0.6, 0.4, 0)),  # there the lower number wins, whichever face it is
        (SQUARE, TWO, (4, 2), 0, (0.4, 0.4, 0.2)),  # x = 2 = 1 + 5 · 0.2, y = 4 = 1 + 5 · (0.4 + 0.2)
        (SQUARE, TWO, (2, 4), 1, (0.4, 0.2, 0.4)),  # mirrored
        (SQUARE, TWO, (1, 1), 0, (1, 0, 0)),  # a vertex on a centre
        (SQUARE, TWO, (1, 6), 1, (0, 0, 1)),
        (SQUARE, TWO, (0, 0), -1, (0, 0, 0)),
        (SQUARE, TWO, (7, 3), -1, (0, 0, 0)),
        (SQUARE, (TWO[0], TWO[0]), (5, 2), 0, (0.2, 0.6, 0.2)),  # equal depth everywhere
        ((*BEHIND, *SQUARE), ((0, 1, 2), (4, 5, 6)), (5, 2), 1, (0.2, 0.6, 0.2)),  # the first lies behind
        ((*SQUARE, *BEHIND), ((0, 1, 2), (4, 5, 6)), (5, 2), 0, (0.2, 0.6, 0.2)),  # the second does
        (SQUARE, ((0, 2, 1),), (5, 2), -1, (0, 0, 0)),  # turned away
        ((*SQUARE, *BEHIND), ((0, 2, 1), (4, 5, 6)), (5, 2), 1, (0.2, 0.6, 0.2)),  # seen past one turned away
        (((-8, -8, 0), (-8, 24, 0), (24, -8, 0)), ((0, 1, 2),), (0, 0), 0, (0.5, 0.25, 0.25)),  # corners out
        (((-8, -8, 0), (-8, 24, 0), (24, -8, 0)), ((0, 1, 2),), (7, 7), 0, (1 / 16, 15 / 32, 15 / 32)),
        (((-9, 1, 0), (-9, 5, 0), (-3, 3, 0)), ((0, 1, 2),), (3, 0), -1, (0, 0, 0)),  # all outside
        (SQUARE, ((0, 0, 2), (1, 1, 1), *TWO), (3, 3), 2, (0.6, 0, 0.4)),  # without area: a line, a point
    ],
)  # fmt: skip
def test_tiny_meshes_by_hand(vertices, faces, at, face, weights):
    """Pixel (row, column) of a picture of 8 × 8: the face and its weights."""
    table = assert_published(*sheet(*vertices, faces=faces), 8)
    assert table.face[at] == face
    np.testing.assert_allclose(table.weights[at], weights, atol=1e-6)


def test_edges_belong_to_the_face_on_all_three_sides():
    """The first half of the square holds 1 + 2 + … + 6 centres, its three edges among them."""
    table = assert_published(*sheet(*SQUARE, faces=TWO[:1]), 8)
    y, x = np.mgrid[:8, :8]
    np.testing.assert_array_equal(table.face == 0, (x >= 1) & (y <= 6) & (x <= y))


def test_steep_faces_are_ordered_by_their_depth():
    """At (3, 5) the slope 0, 0, 10 over x = 0, 0, 8 is 3.75 deep: before a sheet at 3.8, behind 3.7."""
    slope = ((0, 0, 0), (0, 8, 0), (8, 8, 10))
    for depth, nearer in ((3.8, 0), (3.7, 1)):
        flat = tuple((x, y, depth) for x, y, _ in slope)
        table = assert_published(*sheet(*slope, *flat, faces=((0, 1, 2), (3, 4, 5))), 9, metre=4000.0)
        assert table.face[5, 3] == nearer


def test_hidden_parts_by_hand():
    """In the target two squares stand side by side; in the source the second covers the first's left half."""
    first, second = (
        ((1, 1, 9), (1, 6, 9), (6, 6, 9), (6, 1, 9)),
        ((8, 1, 2), (8, 6, 2), (13, 6, 2), (13, 1, 2)),
    )
    over = tuple((x - 10, y, z) for x, y, z in second)  # columns -2 to 3
    faces = (*TWO, *((a + 4, b + 4, c + 4) for a, b, c in TWO))
    clip = make_clip(np.float32([(*first, *over), (*first, *second)]), np.int32(faces), 16)
    anyway, seen = (clip.mesh_flow(0, 1, visible_only=only) for only in (False, True))
    np.testing.assert_allclose((anyway[3, 1:7, 0] + 1) * 8 - 0.5, np.arange(1, 7), atol=1e-5)
    np.testing.assert_array_equal(seen[3, 1:4], -2)
    np.testing.assert_array_equal(seen[3, 4:7], anyway[3, 4:7])
    np.testing.assert_allclose((seen[3, 10:14, 0] + 1) * 8 - 0.5, np.arange(0, 4), atol=1e-5)
    np.testing.assert_array_equal(seen[3, 8:10], -2)  # outside the source picture
    np.testing.assert_allclose((anyway[3, 8:10, 0] + 1) * 8 - 0.5, [-2, -1], atol=1e-5)


def test_a_sheet_that_turns_its_back_hides_nothing_unless_asked():
    """The nearer sheet, 36 pixels, shows its back: as published the flow is that of the half behind it."""
    vertices = np.float32([(*SQUARE, *BEHIND)])
    clip = make_clip(vertices, np.int32([(0, 2, 1), (0, 3, 2), (4, 5, 6)]), 8)
    assert (clip.mesh_flow(0, 0) != -2).all(-1).sum() == 21  # 1 + 2 + … + 6
    assert (clip.mesh_flow(0, 0, visible_only=True) != -2).all(-1).sum() == 21
    assert (clip.mesh_flow(0, 0, culled=False) != -2).all(-1).sum() == 36
    assert (FlowBefore(clip, (0, 0))[1] != -2).all(-1).sum() == 36  # what `flicker-v1` was frozen with
    assert (clip.poses().mesh_flow(clip.source(0), 0, culled=False) != -2).all(-1).sum() == 36


TETRAHEDRON = sheet(
    (0, 0, 0), (4, 0, 0), (0, 4, 0), (0, 0, 4), faces=((0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3))
)


@pytest.mark.parametrize(
    ("vertices", "faces", "expected"),
    [
        (*TETRAHEDRON, False),  # 6 · volume = (4, 0, 0) · ((0, 4, 0) × (0, 0, 4)) = 64
        (TETRAHEDRON[0] + np.float32(100), TETRAHEDRON[1], False),
        (TETRAHEDRON[0], TETRAHEDRON[1][:, ::-1].copy(), True),
        (TETRAHEDRON[0] - np.float32(100), TETRAHEDRON[1][:, ::-1].copy(), True),
        (TETRAHEDRON[0], TETRAHEDRON[1][1:, ::-1].copy(), False),  # open
        (TETRAHEDRON[0], np.tile(TETRAHEDRON[1][:, ::-1], (2, 1)), False),  # edges met more than once
        (TETRAHEDRON[0] + np.float32([0, np.nan, np.inf]), TETRAHEDRON[1][:, ::-1].copy(), False),
        (TETRAHEDRON[0], np.zeros((0, 3), np.int32), False),
    ],
)
def test_a_closed_surface_is_known_to_be_inside_out(vertices, faces, expected):
    assert is_inside_out(vertices, faces) == expected


def test_the_shipped_body_faces_outward():
    vertices, faces = posed("walk", 64)
    assert not is_inside_out(vertices, faces)
    assert is_inside_out(vertices, faces[:, ::-1].copy())
