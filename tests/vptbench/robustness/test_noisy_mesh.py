"""A mesh that follows noisy poses, read row by row."""

import numpy as np
import pytest

from vptbench.clip import Mesh
from vptbench.prepare.rows import MadeRows
from vptbench.robustness.corruptions import NoisyPoses
from vptbench.robustness.noisy_mesh import meshes_to_distance, noisy_to_mesh

T, V = 6, 4


@pytest.fixture
def keypoints():
    found = np.random.default_rng(0).uniform(0, 64, (T, 25, 3)).astype(np.float32)
    found[..., 2] = 1
    return found


@pytest.fixture
def mesh():
    """Each of 4 vertices follows one joint alone."""
    rng = np.random.default_rng(1)
    weights = np.zeros((V, 25), np.float32)
    weights[range(V), (0, 4, 7, 11)] = 1
    vertices = rng.uniform(0, 64, (T, V, 3)).astype(np.float32)
    vertices[:, 1] = -0.0
    return Mesh(vertices, np.int32([[0, 1, 2]]), weights)


def test_vertices_go_where_their_joint_goes_and_fixed_ones_stay(keypoints, mesh):
    """Joint 4, a wrist, is moved by (3, −4): vertex 1 alone moves, by 5 px, but not in frame 2."""
    noisy = keypoints.copy()
    noisy[:, 4, :2] += (3, -4)
    found = noisy_to_mesh(mesh, keypoints, NoisyPoses(noisy, np.arange(T)), [2])
    expected = mesh.vertices.copy()
    expected[[0, 1, 3, 4, 5], 1, :2] += (3, -4)
    np.testing.assert_allclose(found.vertices[0:T], expected, atol=1e-4)
    assert found.vertices[2].tobytes() == mesh.vertices[2].tobytes()
    assert found.vertices[3:3].shape == (0, V, 3)
    total, count = meshes_to_distance(mesh, found, [2])
    assert (total, count) == (pytest.approx(5 * 5, abs=1e-4), 5 * V)


def test_nothing_moved_is_the_same_bits(keypoints, mesh):
    """Minus zero included, which a sum with zero would lose."""
    found = noisy_to_mesh(mesh, keypoints, NoisyPoses(keypoints.copy(), np.arange(T)), ())
    assert found.vertices[0:T].tobytes() == mesh.vertices.tobytes()


def test_frames_without_a_mesh_stay_so_and_do_not_count(keypoints, mesh):
    mesh.vertices[3] = np.nan
    noisy = keypoints + np.float32([1, 0, 0])
    found = noisy_to_mesh(mesh, keypoints, NoisyPoses(noisy, np.arange(T)), ())
    assert np.isnan(found.vertices[3]).all()
    total, count = meshes_to_distance(mesh, found, ())
    assert (total, count) == (pytest.approx((T - 1) * V, abs=1e-4), (T - 1) * V)


def test_no_more_than_a_row_is_read_at_once(keypoints, mesh):
    spans = []

    def make(span):
        spans.append(span)
        return mesh.vertices[span]

    lazy = Mesh(MadeRows((T, V, 3), make), mesh.faces, mesh.joint_weights)
    found = noisy_to_mesh(lazy, keypoints, NoisyPoses(keypoints + np.float32([1, 0, 0]), np.arange(T)), ())
    assert spans == []
    for row in range(T):
        _ = found.vertices[row : row + 1]
    assert [(span.start, span.stop) for span in spans] == [(row, row + 1) for row in range(T)]


def test_there_is_no_body_where_all_joints_went_missing(keypoints, mesh):
    """Else it would stand where the person truly is; a fixed frame and one that never had anybody stay."""
    noisy = keypoints.copy()
    noisy[1] = np.nan, np.nan, 0
    keypoints[4] = noisy[4] = np.nan, np.nan, 0
    found = noisy_to_mesh(mesh, keypoints, NoisyPoses(noisy, np.arange(T)), [0])
    assert np.isnan(found.vertices[1]).all()
    np.testing.assert_array_equal(found.vertices[2:6], mesh.vertices[2:6])
