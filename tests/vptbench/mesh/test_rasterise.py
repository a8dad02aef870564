import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vptbench.body.asset import load_body
from vptbench.body.model import BodyModel, body_to_vertices, project, rotation_vectors_to_matrices
from vptbench.errors import ShapeError
from vptbench.mesh.rasterise import MIN_DOUBLE_AREA, vertices_to_face_table

SIZE = (14, 17)


def naive_face_table(vertices, faces, size, culled):
    """The definition, face by face over the whole picture."""
    H, W = size
    y, x = np.mgrid[:H, :W].astype(np.float64)
    face, weights = np.full(size, -1, np.int32), np.zeros((*size, 3), np.float32)
    depth = np.full(size, np.inf, np.float32)
    for f, corners in enumerate(faces):
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = vertices[corners].astype(np.float64)
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if not abs(area) >= MIN_DOUBLE_AREA or (culled and area > 0):
            continue
        opposite_a = (bx - x) * (cy - y) - (cx - x) * (by - y)
        opposite_b = (cx - x) * (ay - y) - (ax - x) * (cy - y)
        opposite_c = (ax - x) * (by - y) - (bx - x) * (ay - y)
        edges = np.stack([opposite_a, opposite_b, opposite_c], -1)
        inside = (edges >= 0).all(-1) | (edges <= 0).all(-1)
        share = edges / np.where(inside, opposite_a + opposite_b + opposite_c, 1)[..., None]
        z = (share[..., 0] * az + share[..., 1] * bz + share[..., 2] * cz).astype(np.float32)
        nearer = inside & (z < depth)
        face[nearer], weights[nearer], depth[nearer] = f, share[nearer], z[nearer]
    return face, weights, depth


def assert_equals_naive(vertices, faces, size):
    for culled in (False, True):
        table = vertices_to_face_table(vertices, faces, size, culled=culled)
        face, weights, depth = naive_face_table(vertices, faces, size, culled)
        np.testing.assert_array_equal(table.face, face)
        np.testing.assert_array_equal(table.weights, weights)
        np.testing.assert_array_equal(table.depth, depth)


def mesh(*rows, faces=((0, 1, 2),)):
    return np.array(rows, np.float32), np.array(faces, np.int32)


@pytest.fixture(scope="module")
def body_in_pixels():
    """A body in an arbitrary pose in a picture of 64 × 48, vertices float32 (V, 3)."""
    generator = torch.Generator().manual_seed(1)
    rotations = rotation_vectors_to_matrices(0.3 * torch.randn(1, 18, 3, generator=generator))
    vertices = body_to_vertices(BodyModel.load(), rotations, torch.zeros(12))
    return project(vertices, torch.tensor([32.0]), torch.tensor([[24.3, 31.8]]))[0].numpy()


def test_one_triangle_by_hand():
    """Corners (0, 0), (4, 0), (0, 4): 5 + 4 + 3 + 2 + 1 pixels with the edges; (1, 1) has shares ½, ¼, ¼."""
    table = vertices_to_face_table(*mesh((0, 0, 8), (4, 0, 12), (0, 4, 16)), (6, 7))
    y, x = np.mgrid[:6, :7]
    np.testing.assert_array_equal(table.face, np.where(x + y <= 4, 0, -1))
    np.testing.assert_allclose(table.weights[1, 1], [0.5, 0.25, 0.25])
    assert table.depth[1, 1] == 8 / 2 + 12 / 4 + 16 / 4
    assert np.isinf(table.depth[5, 6])
    assert (table.weights[5, 6] == 0).all()
    assert (table.face.dtype, table.weights.dtype, table.depth.dtype) == (np.int32, np.float32, np.float32)


def test_both_orientations_are_drawn_unless_culled():
    vertices, _ = mesh((0, 0, 1), (4, 0, 1), (0, 4, 1))
    one = vertices_to_face_table(vertices, np.array([[0, 1, 2]], np.int32), SIZE)
    other = vertices_to_face_table(vertices, np.array([[0, 2, 1]], np.int32), SIZE)
    np.testing.assert_array_equal(one.face, other.face)
    np.testing.assert_array_equal(one.weights, other.weights[..., [0, 2, 1]])
    for faces, drawn in (
        ([0, 2, 1], 15),
        ([0, 1, 2], 0),
    ):  # (0, 0), (0, 4), (4, 0): down, then to the right: to us
        table = vertices_to_face_table(vertices, np.array([faces], np.int32), SIZE, culled=True)
        assert (table.face == 0).sum() == drawn


@pytest.mark.parametrize("order", [((0, 1, 2), (3, 4, 5)), ((3, 4, 5), (0, 1, 2))])
def test_the_smallest_depth_wins(order):
    vertices, faces = mesh((0, 0, 5), (6, 0, 5), (0, 6, 5), (0, 0, 2), (6, 0, 2), (0, 6, 9), faces=order)
    table = vertices_to_face_table(vertices, faces, SIZE)
    sloped = order.index((3, 4, 5))
    assert table.face[0, 0] == sloped
    assert table.face[6, 0] == 1 - sloped
    assert table.depth[0, 0] == 2
    assert table.depth[6, 0] == 5


def test_ties_keep_the_lower_face():
    corners = ((0.3, 0.1, 1 / 3), (9.7, 0.2, 1 / 3), (0.4, 9.9, 1 / 3))
    vertices, faces = mesh(*corners, *corners[1:], corners[0], faces=((0, 1, 2), (4, 5, 3), (2, 1, 0)))
    table = vertices_to_face_table(vertices, faces, SIZE)
    assert set(np.unique(table.face)) == {-1, 0}


eighths = st.integers(-40, 200).map(lambda n: n / 8)
fractions = st.floats(-6, 24, width=32)


@pytest.mark.parametrize("coordinate", [eighths, fractions], ids=["many ties", "fractions"])
def test_equals_the_naive_reference_on_random_meshes(coordinate):
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=3, max_size=12),
        st.lists(st.tuples(*[st.integers(0, 11)] * 3), max_size=20),
    )
    def check(rows, faces):
        faces = np.array(faces, np.int32).reshape(-1, 3) % len(rows)
        assert_equals_naive(np.array(rows, np.float32), faces, SIZE)

    check()


def test_equals_the_naive_reference_on_a_body(body_in_pixels):
    assert_equals_naive(body_in_pixels, load_body().faces, (64, 48))


def test_weights_lead_back_to_the_pixel(body_in_pixels):
    faces = load_body().faces
    table = vertices_to_face_table(body_in_pixels, faces, (64, 48))
    y, x = np.nonzero(table.face >= 0)
    place = (body_in_pixels[faces[table.face[y, x]]] * table.weights[y, x][..., None]).sum(1)
    assert len(x) > 300
    np.testing.assert_allclose(place[:, 0], x, atol=1e-3)
    np.testing.assert_allclose(place[:, 1], y, atol=1e-3)
    np.testing.assert_allclose(place[:, 2], table.depth[y, x], atol=1e-3)
    np.testing.assert_allclose(table.weights[y, x].sum(1), 1, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.floats(3, 13, width=32), st.floats(3, 10, width=32))
def test_no_pixel_falls_between_two_faces(x, y):
    """Four triangles around any point of a rectangle cover the rectangle."""
    vertices, faces = mesh(
        (1.5, 1.25, 0), (15.25, 1.5, 0), (15.5, 12.5, 0), (1.25, 12.25, 0), (x, y, 0),
        faces=((0, 1, 4), (1, 2, 4), (2, 3, 4), (3, 0, 4)),
    )  # fmt: skip
    table = vertices_to_face_table(vertices, faces, SIZE)
    assert (table.face[2:12, 2:15] >= 0).all()


def test_faces_that_cannot_be_drawn_are_left_out():
    bad = [
        (np.nan, 0, 0), (np.inf, 3, 0), (-np.inf, -np.inf, 0), (3, 3, np.nan), (3, 3, np.inf),  # not finite
        (1e30, 1e30, 0), (-40, 3, 0), (4, 4, 0),  # far away; outside; on the line between the good corners
    ]  # fmt: skip
    vertices, _ = mesh((0, 0, 1), (8, 8, 1), *bad)
    faces = np.array([[0, 1, k] for k in (2, 3, 4, 5, 6, 9)] + [[7, 7, 7], [8, 8, 8], [0, 0, 1]], np.int32)
    table = vertices_to_face_table(vertices, faces, SIZE)
    assert (table.face == -1).all()
    assert np.isinf(table.depth).all()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("where", [(1, 1), (1, 0), (0, 1)])
def test_faces_too_far_away_for_an_integer_are_left_out(sign, where):
    corners = np.float32([[3e20, 3e20, 1], [4e20, 3e20, 1], [3e20, 4e20, 1]]) * np.float32([*where, 1]) * sign
    vertices, faces = mesh(*(corners + np.float32([[0, 0, 0], [5, 0, 0], [0, 5, 0]])))
    assert (vertices_to_face_table(vertices, faces, SIZE).face == -1).all()


def test_a_face_that_reaches_far_beyond_the_picture_is_drawn_inside():
    table = vertices_to_face_table(*mesh((-1e6, -1e6, 1), (1e6, -1e6, 1), (0, 1e6, 1)), SIZE)
    assert (table.face == 0).all()


def test_no_faces_give_an_empty_table():
    table = vertices_to_face_table(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), SIZE)
    assert (table.face == -1).all()


three_vertices = np.zeros((3, 3), np.float32)
one_face = np.zeros((1, 3), np.int32)


@pytest.mark.parametrize(
    ("vertices", "faces", "text"),
    [
        (three_vertices[:, :2], one_face, r"vertices: expected float32 \(V, 3\), found float32 \(3, 2\)"),
        (three_vertices.astype(np.float64), one_face, "found float64"),
        (three_vertices, one_face.astype(np.int64), r"faces: expected int32 \(F, 3\), found int64"),
        (three_vertices, one_face[0], r"found int32 \(3,\)"),
        (three_vertices, one_face + np.int32([0, 1, 3]), r"numbers in 0..2, found 0..3"),
        (three_vertices, one_face + np.int32([0, 1, -1]), r"numbers in 0..2, found -1..1"),
    ],
)
def test_malformed_meshes_are_refused(vertices, faces, text):
    with pytest.raises(ShapeError, match=text):
        vertices_to_face_table(vertices, faces, SIZE)
