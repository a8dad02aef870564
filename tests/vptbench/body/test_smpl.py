"""A user's SMPL file: as it is read, and as it is posed."""

import sys

import numpy as np
import pytest
import torch
from smpl_file import make_arrays, naive_vertices, write_npz, write_pickle

from vptbench.body import smpl
from vptbench.body.model import body_to_keypoints, body_to_vertices, project, rotation_vectors_to_matrices
from vptbench.body.smpl import KEYPOINT_JOINTS, read_smpl, to_world
from vptbench.errors import BodyError, PickleError
from vptbench.manifest import file_to_sha256
from vptbench.skeleton import BODY_25, MIRROR

ARRAYS = make_arrays()
DOUBLE = torch.float64


@pytest.fixture
def file(tmp_path):
    return write_pickle(tmp_path / "smpl.pkl", ARRAYS)


def some_poses(frames=3, seed=5):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.5, (frames, 24, 3)), rng.normal(0, 1, (frames, 10))


def posed(body, function, pose, shape):
    return function(
        body.model, rotation_vectors_to_matrices(torch.from_numpy(pose)), torch.from_numpy(shape)
    ).numpy()


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_as_published_and_an_npz_are_one_body(tmp_path, protocol):
    packed = read_smpl(write_pickle(tmp_path / "a.pkl", ARRAYS, protocol), DOUBLE)
    plain = read_smpl(write_npz(tmp_path / "a.npz", ARRAYS), DOUBLE)
    for field in ("rest", "shape_directions", "joint_heads", "pose_directions", "skin_weights"):
        np.testing.assert_allclose(getattr(packed.model, field), getattr(plain.model, field), atol=1e-15)
    np.testing.assert_array_equal(packed.faces, ARRAYS["f"])
    assert packed.faces.dtype == np.int32
    assert packed.model.parents == (
        -1,
        0,
        0,
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        9,
        9,
        12,
        13,
        14,
        16,
        17,
        18,
        19,
        20,
        21,
    )
    assert "chumpy" not in sys.modules


def test_a_body_is_called_by_the_hash_of_its_file(file):
    body = read_smpl(file)
    assert body.sha256 == file_to_sha256(file)
    assert body.name == f"smpl:{body.sha256[:12]}"


def test_skinning_with_blend_shapes_equals_slow_loops(file):
    body = read_smpl(file, DOUBLE)
    pose, shape = some_poses()
    vertices = posed(body, body_to_vertices, pose, shape)
    for frame in range(len(pose)):
        expected, _ = naive_vertices(ARRAYS, pose[frame], shape[frame])
        np.testing.assert_allclose(vertices[frame], expected, atol=1e-12)
    without = naive_vertices(ARRAYS | {"posedirs": ARRAYS["posedirs"] * 0}, pose[0], shape[0])[0]
    assert (
        np.abs(vertices[0] - without).max() > 0.01
    )  # pose blend shapes move it by more than is allowed above


def test_float32_is_as_near_as_pixels_need(file):
    pose, shape = some_poses()
    body = read_smpl(file)
    vertices = posed(body, body_to_vertices, pose.astype(np.float32), shape.astype(np.float32))
    expected = [naive_vertices(ARRAYS, *frame)[0] for frame in zip(pose, shape, strict=True)]
    np.testing.assert_allclose(vertices, expected, atol=3e-6)


def test_body_25s_joints_are_smpls_and_vertices_of_its_skin(file, monkeypatch):
    """Tests have no surface of 6,890 vertices: others take the place of nose, toes and so on."""
    places = {name: 11 * i + 3 for i, name in enumerate(smpl.KEYPOINT_VERTICES)}
    monkeypatch.setattr(smpl, "VERTICES", len(ARRAYS["v_template"]))
    monkeypatch.setattr(smpl, "KEYPOINT_VERTICES", places)
    body = read_smpl(file, DOUBLE)
    pose, shape = some_poses()
    keypoints = posed(body, body_to_keypoints, pose, shape)
    for frame in range(len(pose)):
        vertices, joints = naive_vertices(ARRAYS, pose[frame], shape[frame])
        for row, name in enumerate(BODY_25):
            expected = vertices[places[name]] if name in places else joints[KEYPOINT_JOINTS[name]]
            np.testing.assert_allclose(keypoints[frame, row], expected, atol=1e-12)


def test_face_and_feet_are_not_known_on_another_surface(file):
    keypoints = posed(read_smpl(file, DOUBLE), body_to_keypoints, *some_poses())
    known = [name in KEYPOINT_JOINTS for name in BODY_25]
    assert sum(known) == 14
    np.testing.assert_array_equal(np.isfinite(keypoints).all((0, 2)), known)


def test_the_tables_of_joints_are_of_both_sides():
    assert {*KEYPOINT_JOINTS} | {*smpl.KEYPOINT_VERTICES} == {*BODY_25}
    mirrored = [0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22]
    for joint, other in enumerate(mirrored):
        here, there = (BODY_25.index(smpl.JOINT_TO_BODY_25[i]) for i in (joint, other))
        assert MIRROR[here] == there
    for name, joint in KEYPOINT_JOINTS.items():
        assert smpl.JOINT_TO_BODY_25[joint] == name


def test_skin_weights_are_folded_by_hand(tmp_path):
    """Spine 1 and pelvis follow the middle of the hips, the left hand its wrist: 0.2 + 0.3, and 0.5."""
    weights = ARRAYS["weights"].copy()
    weights[0] = 0
    weights[0, [0, 3, 22]] = (0.2, 0.3, 0.5)
    body = read_smpl(write_npz(tmp_path / "a.npz", ARRAYS | {"weights": weights}))
    expected = np.zeros(25)
    expected[[8, 7]] = 0.5
    np.testing.assert_allclose(body.joint_weights[0], expected, atol=1e-7)
    np.testing.assert_allclose(body.joint_weights.sum(1), 1, atol=1e-6)
    assert body.joint_weights.dtype == np.float32


def test_only_ten_shapes_are_used(tmp_path):
    arrays = make_arrays(shapes=300)
    body = read_smpl(write_npz(tmp_path / "a.npz", arrays), DOUBLE)
    pose, shape = some_poses(1)
    expected, _ = naive_vertices(arrays, pose[0], shape[0])
    np.testing.assert_allclose(posed(body, body_to_vertices, pose, shape)[0], expected, atol=1e-12)


SIGNED = ARRAYS["weights"].copy()
SIGNED[:, :2] += (5, -5)


def test_camera_axes_by_hand():
    """At 100 px/m, a point 0.5 m right, 0.2 m down and 1 m away lands 50 right, 20 down, at depth 100."""
    world = to_world(torch.tensor([[[0.5, 0.2, 1.0]]]))
    pixels = project(world, torch.tensor([100.0]), torch.tensor([[3.0, 4.0]]))
    np.testing.assert_allclose(pixels, [[[53, 24, 100]]], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": ARRAYS["weights"][:, :22]}, r"weights: expected shape \(198, 24\), found \(198, 22\)"),
        ({"posedirs": ARRAYS["posedirs"][..., :9]}, r"posedirs: expected shape \(198, 3, 207\), found"),
        (
            {"J_regressor": ARRAYS["J_regressor"].T},
            r"J_regressor: expected shape \(24, 198\), found \(198, 24\)",
        ),
        ({"shapedirs": ARRAYS["shapedirs"][..., :9]}, "shapedirs: expected at least 10 shapes, found 9"),
        ({"v_template": ARRAYS["v_template"] * np.nan}, "v_template: expected finite numbers, found others"),
        ({"kintree_table": ARRAYS["kintree_table"][:, ::-1]}, "expected parents before their children"),
        ({"v_template": ARRAYS["v_template"] * 1e300}, "v_template: expected finite numbers, found others"),
        ({"f": ARRAYS["f"] + 1}, "f: expected vertex numbers below 198, found others or none"),
        ({"f": ARRAYS["f"][:0]}, "f: expected vertex numbers below 198, found others or none"),
        ({"f": ARRAYS["f"] + 0.5}, "f: expected finite whole numbers, found others"),
        ({"f": np.full((4, 3), "a")}, "f: expected finite whole numbers, found others"),
        ({"weights": ARRAYS["weights"] * 2}, "weights: expected rows from 0 that sum to 1, found others"),
        ({"weights": SIGNED}, "weights: expected rows from 0 that sum to 1, found others"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path, change, message):
    path = write_npz(tmp_path / "a.npz", ARRAYS | change)
    with pytest.raises(
        BodyError, match=rf"a\.npz: .*{message}.*; give an SMPL model file \(24 joints\)"
    ) as refused:
        read_smpl(path)
    assert "\n" not in str(refused.value)


def test_missing_and_damaged_files_are_refused(tmp_path, file):
    with pytest.raises(
        BodyError, match=r"expected an SMPL model file at .*none\.pkl, found none; get one from"
    ):
        read_smpl(tmp_path / "none.pkl")
    whole = write_npz(tmp_path / "a.npz", ARRAYS).read_bytes()
    for text in (b"", b"text", whole[:5000], whole[:-200]):
        (tmp_path / "b.npz").write_bytes(text)
        with pytest.raises(BodyError, match=r"b\.npz: expected an \.npz with the arrays v_template, "):
            read_smpl(tmp_path / "b.npz")
    (tmp_path / "b.pkl").write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(PickleError, match=r"b\.pkl: expected a pickle with arrays of numbers"):
        read_smpl(tmp_path / "b.pkl")
    objects = np.array([print], dtype=object)
    np.savez(tmp_path / "c.npz", **(ARRAYS | {"f": objects}))
    with pytest.raises(BodyError, match="ValueError: Object arrays cannot be loaded"):
        read_smpl(tmp_path / "c.npz")
