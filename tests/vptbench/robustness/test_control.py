"""The identity control: true frames moved to another pose."""

import numpy as np
import pytest

from vptbench.errors import ShapeError
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.outputs import open_folder
from vptbench.robustness.control import frame_to_control, store_to_control
from vptbench.store import open_store

FACES = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
SQUARE = np.array([[2, 2, 5], [5, 2, 5], [5, 5, 5], [2, 5, 5]], np.float32)
"""Covers pixels 2 to 5 in both directions."""


@pytest.fixture(scope="module")
def clip(stores):
    store = open_store(stores["fashionvideo"])
    return store[store.ids("test")[0]]


def parts(clip, row):
    return np.asarray(clip.frames[row]), np.asarray(clip.mask[row]), np.asarray(clip.mesh.vertices[row])


def test_the_true_frame_where_nothing_moved(clip):
    """Bit for bit, of pixels with and without mesh, with and without a mask."""
    for row in range(0, len(clip), 4):
        frame, mask, vertices = parts(clip, row)
        for person in (mask, None):
            same = frame_to_control(frame, person, (vertices, vertices.copy()), clip.mesh.faces)
            np.testing.assert_array_equal(same, frame)


@pytest.mark.parametrize("shift", [(3, -2), (-4, 1)])
def test_moved_by_whole_pixels_the_person_moves_exactly(clip, shift):
    frame, mask, vertices = parts(clip, 5)
    moved = vertices + np.array([*shift, 0], np.float32)
    control = frame_to_control(frame, mask, (vertices, moved), clip.mesh.faces)
    old = vertices_to_face_table(vertices, clip.mesh.faces, clip.size).face >= 0
    rows, columns = np.nonzero(mask | old)
    inside = (
        (rows + shift[1] >= 0)
        & (rows + shift[1] < 64)
        & (columns + shift[0] >= 0)
        & (columns + shift[0] < 64)
    )
    rows, columns = rows[inside], columns[inside]
    assert len(rows) > 300
    np.testing.assert_array_equal(control[rows + shift[1], columns + shift[0]], frame[rows, columns])
    assert (control != frame).any(-1).sum() > 100


def test_a_square_by_hand():
    """A red square on blue goes three to the right; where it was is blue, and nothing else has changed."""
    frame = np.zeros((9, 14, 3), np.uint8)
    frame[..., 2] = 200
    frame[2:6, 2:6] = (180, 0, 0)
    expected = np.zeros_like(frame)
    expected[..., 2] = 200
    expected[2:6, 5:9] = (180, 0, 0)
    found = frame_to_control(frame, None, (SQUARE, SQUARE + np.array([3, 0, 0], np.float32)), FACES)
    np.testing.assert_array_equal(found, expected)


def test_what_a_person_has_beside_the_mesh_goes_with_the_nearest_of_it():
    """A hat two pixels above the square, known by the mask alone."""
    frame = np.zeros((12, 16, 3), np.uint8)
    frame[4:8, 2:6] = 100
    frame[2:4, 3:5] = 250
    mask = (frame > 0).any(-1)
    place = SQUARE + np.array([0, 2, 0], np.float32)
    found = frame_to_control(frame, mask, (place, place + np.array([6, 1, 0], np.float32)), FACES)
    expected = np.zeros_like(frame)
    expected[5:9, 8:12] = 100
    expected[3:5, 9:11] = 250
    np.testing.assert_array_equal(found, expected)


def test_a_mesh_that_left_the_frame_leaves_background():
    frame = np.full((9, 9, 3), 50, np.uint8)
    frame[2:6, 2:6] = 200
    far = SQUARE + np.array([4, 0, 0], np.float32)
    found = frame_to_control(frame, None, (SQUARE, far), FACES)
    np.testing.assert_array_equal(found[2:6, 6:], 200)
    assert (found[:, :5] == 50).all()


def test_without_a_clean_mesh_in_a_frame_it_is_the_true_one():
    frame = np.random.default_rng(0).integers(0, 256, (9, 9, 3)).astype(np.uint8)
    lost, outside = np.full_like(SQUARE, np.nan), SQUARE + np.float32([50, 0, 0])
    for meshes in ((lost, SQUARE), (lost, lost), (outside, outside)):
        np.testing.assert_array_equal(frame_to_control(frame, None, meshes, FACES), frame)


@pytest.mark.parametrize("gone", [np.full_like(SQUARE, np.nan), SQUARE + np.float32([50, 0, 0])])
def test_a_pose_of_nobody_or_out_of_the_frame_leaves_the_background(gone):
    """Else the control would show the person where the noisy pose does not tell that anybody is."""
    frame = np.full((9, 9, 3), 50, np.uint8)
    frame[2:6, 2:6] = 200
    mask = (frame == 200).any(-1)
    mask[1, 3] = True  # a hat, beside the mesh
    frame[1, 3] = 250
    for person in (mask, mask & (frame[..., 0] == 200)):
        found = frame_to_control(frame, person, (SQUARE, gone), FACES)
        np.testing.assert_array_equal(found, np.full_like(frame, 50))


def test_the_clean_stores_control_are_its_true_frames(stores, tmp_path):
    store = stores["fashionvideo"]
    assert not store_to_control(store, store, tmp_path / "control", "synthetic-v1").failed
    made, opened = open_folder(tmp_path / "control"), open_store(store)
    assert made.manifest["kind"] == "audit"
    assert set(made.ids) == set(opened.ids("test"))
    for clip in made.ids:
        np.testing.assert_array_equal(made.frames(clip, made.numbers(clip)), opened[clip].frames[:])


def test_errors_of_arrays_are_those_of_the_mesh():
    with pytest.raises(ShapeError, match="vertices: expected float32"):
        frame_to_control(np.zeros((9, 9, 3), np.uint8), None, (SQUARE, SQUARE.astype(float)), FACES)
