"""OpenPose's JSON, strictly."""

import json

import numpy as np
import pytest

from vptbench.errors import PoseError
from vptbench.prepare.openpose import read_openpose


@pytest.fixture
def openpose(fashion):
    """A folder of JSON and the keypoints in it."""
    keypoints = fashion.add("a", truth=False)["keypoints"]
    return fashion.path / "openpose" / "a", keypoints


def frame_file(folder, frame=3):
    return folder / f"{frame:012d}_keypoints.json"


def person(x=10.0, y=10.0, width=5.0, confidence=0.9, joints=25):
    points = [(x + width * i / 24, y + width * i / 24, confidence) for i in range(joints)]
    return {"pose_keypoints_2d": [value for point in points for value in point]}


def write(folder, people, frame=3):
    frame_file(folder, frame).write_text(json.dumps({"people": people}))


def test_joints_are_read_and_missing_ones_marked(openpose):
    folder, keypoints = openpose
    read = read_openpose(folder, 10)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, keypoints, atol=6e-4)
    assert np.isnan(read[0, 4, :2]).all()


def test_the_largest_confident_person_is_followed(openpose):
    folder, _ = openpose
    for frame in range(10):
        write(folder, [person(width=5), person(x=30, width=20), person(width=60, confidence=0.1)], frame)
    read = read_openpose(folder, 10)
    np.testing.assert_allclose(read[:, 24], np.tile((50, 30, 0.9), (10, 1)), atol=1e-5)


def test_frames_without_anybody_are_marked(openpose):
    folder, keypoints = openpose
    write(folder, [], 3)
    write(folder, [person(confidence=0)], 4)
    read = read_openpose(folder, 10)
    assert (read[3:5, :, 2] == 0).all()
    assert np.isnan(read[3:5, :, :2]).all()
    np.testing.assert_allclose(np.delete(read, [3, 4], 0), np.delete(keypoints, [3, 4], 0), atol=6e-4)


def test_confidences_above_one_count_as_one(openpose):
    folder, _ = openpose
    for frame in range(10):
        write(folder, [person(confidence=1.02)], frame)
    assert (read_openpose(folder, 10)[..., 2] == 1).all()


def test_names_may_begin_with_the_videos(openpose):
    folder, keypoints = openpose
    for path in folder.iterdir():
        path.rename(folder / f"91-x_{path.name}")
    np.testing.assert_allclose(read_openpose(folder, 10), keypoints, atol=6e-4)


@pytest.mark.parametrize(
    ("people", "message"),
    [
        (
            [person(joints=24)],
            "000000000003_keypoints.json: expected 25 joints of x, y, confidence, found 24; run",
        ),
        ([{}], "expected numbers in pose_keypoints_2d, found none"),
        ([{"pose_keypoints_2d": ["1"] * 75}], "expected numbers in pose_keypoints_2d"),
        ([{"pose_keypoints_2d": [float("nan")] * 75}], "expected finite numbers and confidences from 0"),
        ([{"pose_keypoints_2d": [10**400] * 75}], "expected finite numbers and confidences from 0"),
        ([person(confidence=-0.5)], "expected finite numbers and confidences from 0"),
        ({"a": 1}, "expected OpenPose's list of people, found none"),
    ],
)
def test_malformed_frames_are_refused(openpose, people, message):
    folder, _ = openpose
    write(folder, people)
    with pytest.raises(PoseError, match=message):
        read_openpose(folder, 10)


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff", "[" * 100_000])
def test_what_is_no_json_is_refused(openpose, text):
    folder, _ = openpose
    frame_file(folder).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(PoseError, match=r"000000000003_keypoints\.json: expected"):
        read_openpose(folder, 10)


def test_missing_and_surplus_files_are_named(openpose):
    folder, _ = openpose
    frame_file(folder, 3).rename(folder.parent / "kept")
    with pytest.raises(
        PoseError,
        match=r"expected 10 JSON files, one for each frame, found 9; first missing: 0+3_keypoints\.json",
    ):
        read_openpose(folder, 10)
    (folder.parent / "kept").rename(frame_file(folder, 11))
    with pytest.raises(PoseError, match=r"found 10; first missing: 000000000003_keypoints\.json"):
        read_openpose(folder, 10)
    frame_file(folder, 11).rename(frame_file(folder, 3))
    with pytest.raises(PoseError, match=r"found 10; first surplus: 000000000009_keypoints\.json"):
        read_openpose(folder, 9)
    for path in folder.iterdir():
        path.unlink()
    with pytest.raises(PoseError, match=r"found 0; first missing: 000000000000_keypoints\.json"):
        read_openpose(folder, 10)


def test_numbers_count_not_the_order_of_names(openpose):
    folder, keypoints = openpose
    for frame in range(10):
        frame_file(folder, frame).rename(folder / f"{frame + 1}_keypoints.json")
    (folder / "10_keypoints.json").rename(folder / "0_keypoints.json")
    np.testing.assert_allclose(read_openpose(folder, 10), np.roll(keypoints, 1, axis=0), atol=6e-4)


@pytest.mark.parametrize(
    "surplus", ["a_keypoints.json", "x_000000000003_keypoints.json", "10_keypoints.json"]
)
def test_files_that_belong_to_no_frame_are_named(openpose, surplus):
    folder, _ = openpose
    (folder / surplus).write_bytes(frame_file(folder).read_bytes())
    with pytest.raises(PoseError, match=f"expected 10 JSON files, .* found 11; first surplus: {surplus};"):
        read_openpose(folder, 10)
