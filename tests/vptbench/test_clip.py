import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vptbench.clip import Clip, Mesh, frames_to_tensor, tensor_to_frames
from vptbench.errors import ShapeError
from vptbench.skeleton import missing_keypoints

CORNERS = np.float32([[2, 3, 1], [10, 3, 1], [10, 11, 1], [2, 11, 1]])
FACES = np.int32([[0, 2, 1], [0, 3, 2]])  # counter-clockwise on the screen: they face us


def moving_square(frames=4, height=16, width=20):
    """A square sheet of 8 × 8 px that moves 1 px right and 0.5 px down a frame."""
    vertices = np.stack([CORNERS + np.float32([t, 0.5 * t, 0]) for t in range(frames)])
    weights = np.zeros((4, 25), np.float32)
    weights[:, 8] = 1
    return Clip(
        id="a/1",
        split="test",
        frames=np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), np.uint8),
        keypoints=missing_keypoints(frames),
        fps=25,
        mask=np.zeros((frames, height, width), np.bool_),
        mesh=Mesh(vertices, FACES, weights),
    )


def test_mesh_flow_is_the_motion_backwards():
    flow = moving_square().mesh_flow(0, 3)
    assert flow.shape == (16, 20, 2)
    covered = flow[..., 0] != -2
    y, x = np.nonzero(covered)
    assert (x.min(), x.max(), y.min(), y.max()) == (5, 13, 5, 12)  # x in 2..10 + 3, y in 3..11 + 1.5
    np.testing.assert_allclose((flow[covered][:, 0] + 1) * 20 / 2 - 0.5, x - 3, atol=1e-4)
    np.testing.assert_allclose((flow[covered][:, 1] + 1) * 16 / 2 - 0.5, y - 1.5, atol=1e-4)
    assert (flow[~covered] == -2).all()


def test_model_and_clip_see_the_same_flow():
    clip = moving_square()
    poses = clip.poses(1)
    assert poses.frames == (1, 2, 3)
    assert len(poses) == 3
    np.testing.assert_array_equal(poses.mesh_flow(clip.source(0), 1), clip.mesh_flow(0, 2))


def test_a_pose_clip_holds_no_pixels():
    fields = {field.name for field in dataclasses.fields(moving_square().poses())}
    assert fields == {"clip", "frames", "keypoints", "mesh", "size", "fps"}


def test_what_a_model_writes_to_stays_with_it():
    clip = moving_square()
    before = clip.keypoints.copy(), clip.mesh.vertices.copy()
    source, poses = clip.source(1), clip.poses(1)
    for array in (source.frame, source.keypoints, source.vertices, poses.keypoints, poses.mesh.vertices):
        array[...] = 7
    np.testing.assert_array_equal(clip.keypoints, before[0])
    np.testing.assert_array_equal(clip.mesh.vertices, before[1])
    assert not (clip.frames[1] == 7).all()


def test_flow_without_a_mesh_or_between_topologies_is_refused():
    clip = moving_square()
    bare = dataclasses.replace(clip, mesh=None)
    with pytest.raises(ShapeError, match="expected a mesh, found none"):
        bare.mesh_flow(0, 1)
    with pytest.raises(ShapeError, match="expected a mesh in source and driving clip"):
        bare.poses().mesh_flow(clip.source(0), 1)
    other = dataclasses.replace(clip, mesh=dataclasses.replace(clip.mesh, faces=FACES[::-1].copy()))
    with pytest.raises(ShapeError, match="mesh topology of source clip a/1"):
        other.poses().mesh_flow(clip.source(0), 1)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"frames": np.zeros((4, 16, 20), np.uint8)}, r"frames: expected shape \(T, H, W, 3\)"),
        ({"frames": np.zeros((0, 16, 20, 3), np.uint8)}, "with T > 0"),
        ({"frames": np.zeros((4, 16, 20, 3), np.float32)}, "frames: expected uint8, found float32"),
        ({"keypoints": missing_keypoints(3)}, "keypoints: expected 4 rows as in frames, found 3"),
        ({"mask": np.zeros((4, 16, 20), np.uint8)}, "mask: expected bool"),
        ({"fps": 0}, "fps: expected a positive number"),
        ({"fps": float("nan")}, "fps: expected a positive number, found nan"),
        ({"fps": float("inf")}, "fps: expected a positive number, found inf"),
        (
            {"mesh": Mesh(np.zeros((3, 4, 3), np.float32), FACES, np.zeros((4, 25), np.float32))},
            "mesh/vertices",
        ),
        (
            {"mesh": Mesh(np.zeros((4, 4, 3), np.float32), FACES + 9, np.zeros((4, 25), np.float32))},
            "in 0..3",
        ),
        (
            {"mesh": Mesh(np.zeros((4, 4, 3), np.float32), FACES, np.zeros((3, 25), np.float32))},
            "joint_weights",
        ),
        (
            {"mesh": Mesh(np.zeros((4, 4, 3), np.float32), FACES[0], np.zeros((4, 25), np.float32))},
            "mesh/faces",
        ),
    ],
)
def test_parts_that_do_not_fit_are_named(change, problem):
    with pytest.raises(ShapeError, match=rf"clip a/1: .*{problem}"):
        dataclasses.replace(moving_square(), **change)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.just(3))))
def test_frames_survive_the_tensor(frames):
    tensor = frames_to_tensor(frames)
    assert tensor.shape == (len(frames), 3, *frames.shape[1:3])
    np.testing.assert_array_equal(tensor_to_frames(tensor), frames)


def test_frames_of_any_strides_convert():
    frames = np.arange(24, dtype=np.uint8).reshape(1, 2, 4, 3)
    for view in (frames[::-1], frames[:, ::-1], frames[..., ::-1], frames[:, :, ::2]):
        np.testing.assert_array_equal(tensor_to_frames(frames_to_tensor(view)), view)


def test_known_values_of_the_conversion():
    tensor = frames_to_tensor(np.uint8([[[[0, 255, 51]]]]))
    torch.testing.assert_close(tensor.flatten(), torch.tensor([-1.0, 1.0, -0.6]))
    values = torch.tensor([-2.0, 3.0, 0.0, -0.6])  # (0 + 1)·127.5 = 127.5 becomes the even 128
    assert tensor_to_frames(values.expand(3, 4).reshape(1, 3, 1, 4))[0, 0, :, 0].tolist() == [0, 255, 128, 51]
