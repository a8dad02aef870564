from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from vptbench.body.asset import load_body
from vptbench.body.model import (
    BodyModel,
    body_to_keypoints,
    body_to_vertices,
    pose_to_transforms,
    project,
    rotation_vectors_to_matrices,
    transforms_to_keypoints,
)
from vptbench.errors import ShapeError
from vptbench.skeleton import BODY_25

FULL_BODY = Path(__file__).parents[2] / "golden" / "full_body.npz"
NAMES = load_body().joint_names


@pytest.fixture(scope="module")
def body():
    return BodyModel.load(dtype=torch.float64)


@pytest.fixture
def pose():
    """Three arbitrary poses, rotation vectors (3, 18, 3), and two shapes' worth of coefficients (12,)."""
    generator = torch.Generator().manual_seed(3)
    vectors = 0.4 * torch.randn(3, 18, 3, generator=generator, dtype=torch.float64)
    return vectors, torch.randn(12, generator=generator, dtype=torch.float64)


def _still(frames=1):
    return torch.eye(3, dtype=torch.float64).expand(frames, 18, 3, 3).clone()


numbers = st.floats(-4, 4, allow_subnormal=False)


@settings(deadline=None)
@given(st.tuples(numbers, numbers, numbers), st.sampled_from([1.0, 1e-3, 1e-5, 0.0]))
def test_rotation_vectors_agree_with_scipy(vector, scale):
    vector = np.array(vector) * scale
    expected = Rotation.from_rotvec(vector).as_matrix()
    found = rotation_vectors_to_matrices(torch.from_numpy(vector)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_rotation_vectors_are_accurate_in_float32_at_every_angle():
    angles = np.concatenate([[0], np.logspace(-8, 0.5, 200)])
    vectors = angles[:, None] * np.array([2, -1, 2]) / 3
    found = rotation_vectors_to_matrices(torch.tensor(vectors, dtype=torch.float32)).numpy()
    np.testing.assert_allclose(found, Rotation.from_rotvec(vectors).as_matrix(), atol=1e-6)


def test_gradients_of_rotations_are_right_and_finite_at_zero():
    vectors = torch.tensor(
        [[0, 0, 0], [1e-6, 0, -1e-6], [3e-4, 1e-4, 0], [1, 2, -0.5]], dtype=torch.float64, requires_grad=True
    )
    assert torch.autograd.gradcheck(rotation_vectors_to_matrices, vectors)


def test_gradients_of_the_whole_body_are_finite_in_the_rest_pose():
    body = BodyModel.load()
    vectors = torch.zeros(2, 18, 3, requires_grad=True)
    shape = torch.zeros(12, requires_grad=True)
    rotations = rotation_vectors_to_matrices(vectors)
    loss = body_to_vertices(body, rotations, shape).square().sum()
    loss = loss + body_to_keypoints(body, rotations, shape).square().sum()
    loss.backward()
    for gradient in (vectors.grad, shape.grad):
        assert torch.isfinite(gradient).all()
        assert gradient.abs().max() > 0


def test_without_rotation_and_shape_the_body_is_at_rest(body):
    vertices = body_to_vertices(body, _still(2), torch.zeros(12, dtype=torch.float64))
    assert vertices.shape == (2, len(body.rest), 3)
    np.testing.assert_allclose(vertices[1], body.rest, atol=1e-7)


def test_shape_moves_the_resting_surface_along_its_directions(body, pose):
    _, shape = pose
    vertices = body_to_vertices(body, _still(), shape)[0]
    expected = body.rest + (shape[:, None, None] * body.shape_directions).sum(0)
    np.testing.assert_allclose(vertices, expected, atol=1e-7)


def test_left_is_left_and_front_is_front(body):
    joints = dict(
        zip(
            BODY_25,
            body_to_keypoints(body, _still(), torch.zeros(12, dtype=torch.float64))[0].numpy(),
            strict=True,
        )
    )
    for name in (
        "Shoulder",
        "Elbow",
        "Wrist",
        "Hip",
        "Knee",
        "Ankle",
        "Eye",
        "Ear",
        "BigToe",
        "SmallToe",
        "Heel",
    ):
        assert joints["L" + name][0] > 0.02
        np.testing.assert_allclose(joints["L" + name] * [-1, 1, 1], joints["R" + name], atol=1e-3)
    assert joints["Nose"][1] < joints["LEar"][1] - 0.05
    assert joints["LBigToe"][1] < joints["LHeel"][1] - 0.1
    assert (
        joints["Nose"][2] > joints["Neck"][2] > joints["MidHip"][2] > joints["LKnee"][2] > joints["LHeel"][2]
    )
    np.testing.assert_allclose(joints["Neck"], (joints["LShoulder"] + joints["RShoulder"]) / 2, atol=1e-7)
    np.testing.assert_allclose(joints["MidHip"], (joints["LHip"] + joints["RHip"]) / 2, atol=1e-7)


def test_skinning_equals_a_slow_loop_over_vertices(body, pose):
    vectors, shape = pose
    rotations = rotation_vectors_to_matrices(vectors)
    vertices = body_to_vertices(body, rotations, shape).numpy()
    heads = (body.joint_heads + torch.einsum("s,sfc->fc", shape, body.joint_head_directions)).numpy()
    rest = (body.rest + torch.einsum("s,svc->vc", shape, body.shape_directions)).numpy()

    def moved(point, joint, frame):
        """The point as it goes up the chain: turned about each head, from the joint to the root."""
        while joint >= 0:
            point = rotations[frame, joint].numpy() @ (point - heads[joint]) + heads[joint]
            joint = body.parents[joint]
        return point

    for frame in range(len(vectors)):
        for vertex in range(0, len(rest), 97):
            expected = sum(
                weight * moved(rest[vertex], joint, frame)
                for joint, weight in enumerate(body.skin_weights[vertex].numpy())
            )
            np.testing.assert_allclose(vertices[frame, vertex], expected, atol=1e-9)


def test_turning_the_root_turns_everything_rigidly(body, pose):
    vectors, shape = pose
    rotations = rotation_vectors_to_matrices(vectors)
    turn = rotation_vectors_to_matrices(torch.tensor([0.3, -0.7, 2.0], dtype=torch.float64))
    turned = rotations.clone()
    turned[:, 0] = turn @ rotations[:, 0]
    pivot = body.joint_heads[0] + shape @ body.joint_head_directions[:, 0]
    for function in (body_to_vertices, body_to_keypoints):
        expected = (function(body, rotations, shape) - pivot) @ turn.T + pivot
        np.testing.assert_allclose(function(body, turned, shape), expected, atol=1e-7)


def test_turning_an_elbow_moves_only_what_hangs_on_it(body):
    elbow = NAMES.index("lowerarm01.L")
    rotations = _still()
    rotations[0, elbow] = rotation_vectors_to_matrices(torch.tensor([-1.0, 0, 0], dtype=torch.float64))
    shape = torch.zeros(12, dtype=torch.float64)
    moved = (body_to_vertices(body, rotations, shape)[0] - body.rest).norm(dim=-1)
    hangs = body.skin_weights[:, elbow] > 0
    assert moved[~hangs].max() < 1e-7
    assert moved[body.skin_weights[:, elbow] > 0.99].max() > 0.1
    keypoints = body_to_keypoints(body, rotations, shape) - body_to_keypoints(body, _still(), shape)
    moved = dict(zip(BODY_25, keypoints[0].norm(dim=-1).tolist(), strict=True))
    assert moved["LWrist"] > 0.1
    assert moved["LElbow"] < 0.03
    assert max(length for name, length in moved.items() if name not in {"LWrist", "LElbow"}) < 1e-3


def test_transforms_leave_each_head_where_its_parent_takes_it(body, pose):
    vectors, shape = pose
    turns, shifts = pose_to_transforms(body, rotation_vectors_to_matrices(vectors), shape)
    heads = body.joint_heads + torch.einsum("s,sfc->fc", shape, body.joint_head_directions)
    for joint, parent in enumerate(body.parents[1:], 1):
        own = turns[:, joint] @ heads[joint] + shifts[:, joint]
        carried = turns[:, parent] @ heads[joint] + shifts[:, parent]
        np.testing.assert_allclose(own, carried, atol=1e-9)


def test_folded_keypoints_equal_regression_on_the_full_bodys_vertices(body, pose):
    """The stored regressor is float16: within 0.3 mm of the table, which was folded in float64."""
    vectors, shape = pose
    shape = torch.cat([shape[:2], torch.zeros(10, dtype=torch.float64)])
    with np.load(FULL_BODY, allow_pickle=False) as full:
        skin = torch.from_numpy(full["skin_weights"] / 65535.0)
        rest = full["rest"] + np.tensordot(shape[:2].numpy(), full["shape_directions"].astype(np.float64), 1)
        rows = np.repeat(np.arange(25), full["regressor_counts"])
        regressor = np.zeros((25, len(rest)))
        regressor[rows, full["regressor"]] = full["regressor_weights"]
    rotations = rotation_vectors_to_matrices(vectors)
    turns, shifts = pose_to_transforms(body, rotations, shape)
    vertices = torch.einsum("vf,tfab,vb->tva", skin, turns, torch.from_numpy(rest))
    vertices = vertices + torch.einsum("vf,tfa->tva", skin, shifts)
    expected = np.einsum("kv,tva->tka", regressor, vertices.numpy())
    np.testing.assert_allclose(body_to_keypoints(body, rotations, shape), expected, atol=3e-4)


def test_one_shape_for_all_frames_equals_the_same_shape_in_each(body, pose):
    vectors, shape = pose
    rotations = rotation_vectors_to_matrices(vectors)
    for function in (body_to_vertices, body_to_keypoints):
        each = function(body, rotations, shape.expand(3, 12))
        np.testing.assert_allclose(each, function(body, rotations, shape), atol=1e-12)
        varied = function(body, rotations, torch.stack([shape * 0, shape, shape * 2]))
        np.testing.assert_allclose(varied[1], function(body, rotations[1:2], shape)[0], atol=1e-12)
        np.testing.assert_allclose(varied[2], function(body, rotations[2:], shape * 2)[0], atol=1e-12)


def test_float32_agrees_with_float64(body, pose):
    vectors, shape = pose
    single = body_to_vertices(BodyModel.load(), rotation_vectors_to_matrices(vectors.float()), shape.float())
    assert single.dtype == torch.float32
    np.testing.assert_allclose(
        single, body_to_vertices(body, rotation_vectors_to_matrices(vectors), shape), atol=1e-5
    )


def test_projection_by_hand():
    """At 100 px/m and offset (10, 20), (0.5, 0.2, −1) m lands at x 50 + 10, y 100 + 20, depth 20."""
    points = torch.tensor([[[0.5, 0.2, -1.0]], [[0.5, 0.2, -1.0]]])
    pixels = project(points, torch.tensor([100.0, 10.0]), torch.tensor([[10.0, 20.0], [0.0, 0.0]]))
    np.testing.assert_allclose(pixels, [[[60, 120, 20]], [[5, 10, 2]]], rtol=1e-6)


@pytest.mark.parametrize("function", [pose_to_transforms, body_to_vertices, body_to_keypoints])
def test_ill_fitting_shapes_are_refused(body, function):
    shape = torch.zeros(12, dtype=torch.float64)
    with pytest.raises(ShapeError, match=r"rotations: expected \(T, 18, 3, 3\), found \(2, 18, 3\)"):
        function(body, torch.zeros(2, 18, 3, dtype=torch.float64), shape)
    with pytest.raises(ShapeError, match=r"shape: expected \(12,\) or \(2, 12\), found \(3, 12\)"):
        function(body, _still(2), shape.expand(3, 12))
    with pytest.raises(ShapeError, match=r"found \(6,\)"):
        function(body, _still(2), shape[:6])


def test_keypoints_from_transforms_are_those_from_rotations(body, pose):
    vectors, shape = pose
    rotations = rotation_vectors_to_matrices(vectors)
    turns, shifts = pose_to_transforms(body, rotations, shape)
    found = transforms_to_keypoints(body, turns, shifts, shape)
    np.testing.assert_allclose(found, body_to_keypoints(body, rotations, shape), atol=1e-12)
