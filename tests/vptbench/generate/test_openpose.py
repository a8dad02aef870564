import json

import numpy as np

from vptbench.clip import PoseClip
from vptbench.generate.openpose import write_openpose_json
from vptbench.prepare.openpose import read_openpose
from vptbench.skeleton import missing_keypoints


def poses(keypoints, clip="a", first=0):
    frames = tuple(range(first, first + len(keypoints)))
    return PoseClip(clip, frames, keypoints, None, (64, 48), 30.0)


def random_keypoints(frames):
    rng = np.random.default_rng(3)
    steps = rng.uniform(-0.5, 0.5, (frames, 1, 3))  # one person, who moves a little
    keypoints = (rng.uniform(5, 55, (25, 3)) + steps).astype(np.float32)
    keypoints[..., 2] = rng.uniform(0.01, 1, (frames, 25))
    keypoints[1, 4:9] = (np.nan, np.nan, 0)
    keypoints[2] = missing_keypoints(1)[0]
    return keypoints


def test_our_reader_of_openpose_gives_back_the_very_numbers(tmp_path):
    keypoints = random_keypoints(5)
    write_openpose_json(None, poses(keypoints), tmp_path / "poses")
    np.testing.assert_array_equal(read_openpose(tmp_path / "poses", 5), keypoints)


def test_files_are_as_openpose_writes_them(tmp_path):
    keypoints = random_keypoints(3)
    keypoints[0, 0] = (12.5, 3.1, 0.25)
    write_openpose_json(None, poses(keypoints, "001/9/clip#1", first=7), tmp_path / "poses")
    names = sorted(path.name for path in (tmp_path / "poses").iterdir())
    assert names == [f"clip%231_{n:012d}_keypoints.json" for n in (7, 8, 9)]
    first, second, third = (json.loads((tmp_path / "poses" / name).read_text()) for name in names)
    assert set(first) == {"version", "people"}
    assert first["version"] == 1.3
    (person,) = first["people"]
    assert person["pose_keypoints_2d"][:3] == [12.5, 3.1, 0.25]
    assert len(person.pop("pose_keypoints_2d")) == 75
    assert person.pop("person_id") == [-1]
    parts = ("face", "hand_left", "hand_right")
    assert set(person) == {*(f"{part}_keypoints_{d}d" for part in parts for d in (2, 3)), "pose_keypoints_3d"}
    assert set(map(tuple, person.values())) == {()}
    assert second["people"][0]["pose_keypoints_2d"][12:27] == [0] * 15  # missing joints
    assert third["people"] == []  # nobody
