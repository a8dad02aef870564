"""MediaPipe through its worker: a made-up package in its place, and the real one where it is installed."""

import sys

import absent
import numpy as np
import pytest

from vptbench.errors import PoseError
from vptbench.prepare import mediapipe
from vptbench.prepare.mediapipe import JOINTS, MediaPipe, landmarks_to_keypoints, resolve_place
from vptbench.skeleton import BODY_25, MIRROR

FAKE = """
import sys
__version__ = "0.0.fake"
print("a library that prints among the numbers")

class Mark:
    visibility, presence = 0.75, 0.0

class Pose:
    def __init__(self, **options):
        assert options == {"static_image_mode": False, "model_complexity": 1, "smooth_landmarks": False}
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def process(self, frame):
        if frame[0, 0, 0] == 99:
            sys.exit("it broke")
        found = type("Found", (), {"pose_landmarks": None})
        if frame.any():
            found.pose_landmarks = type("List", (), {"landmark": [Mark() for _ in range(33)]})
            for k, mark in enumerate(found.pose_landmarks.landmark):
                mark.x, mark.y = k / 40, frame[0, 0, 0] / 100
        return found

class solutions:
    class pose:
        Pose = Pose
"""


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """A folder with a package called mediapipe."""
    (tmp_path / "mediapipe").mkdir()
    (tmp_path / "mediapipe" / "__init__.py").write_text(FAKE)
    monkeypatch.setenv(mediapipe.PLACE_VARIABLE, str(tmp_path))
    mediapipe._probe.cache_clear()
    yield tmp_path
    mediapipe._probe.cache_clear()


def frames(*reds):
    chunk = np.zeros((len(reds), 20, 30, 3), np.uint8)
    chunk[..., 0] = np.array(reds)[:, None, None]
    return chunk


def test_every_joint_has_the_landmark_of_its_name():
    names = (
        "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye",
        "right_eye_outer", "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder",
        "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_pinky",
        "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb", "left_hip", "right_hip",
        "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel", "right_heel",
        "left_foot_index", "right_foot_index",
    )  # fmt: skip
    for joint, name in enumerate(BODY_25):
        side = {"L": "left_", "R": "right_"}.get(name[0])
        wanted = f"{side}{name[1:].lower()}".replace("bigtoe", "foot_index") if side else name.lower()
        assert (names[JOINTS[joint]] if JOINTS[joint] >= 0 else None) == (wanted if wanted in names else None)
        assert (JOINTS[joint] >= 0) == (JOINTS[MIRROR[joint]] >= 0)


def test_landmarks_by_hand():
    """x = 0.5 of 30 px is the border between pixels 14 and 15; what lies beyond the frame is missing."""
    landmarks = np.full((2, 33, 4), 0.5, np.float32)
    landmarks[0, 0, 2] = 0.8
    landmarks[0, 15, 0] = 1.01
    landmarks[0, 16, 1] = -0.01
    landmarks[0, 11, 0] = 1.0
    landmarks[1] = np.nan
    found = landmarks_to_keypoints(landmarks, (20, 30))
    np.testing.assert_allclose(found[0, 0], (14.5, 9.5, 0.8))
    assert np.isnan(found[0, [4, 7], :2]).all()
    np.testing.assert_allclose(found[0, BODY_25.index("LShoulder"), 0], 29.5)
    np.testing.assert_allclose(found[0, BODY_25.index("Neck"), 0], (29.5 + 14.5) / 2)
    assert (found[1, :, 2] == 0).all()


def test_frames_go_out_and_landmarks_come_back_in_order(fake):  # noqa: ARG001
    reds = [10, 20, 0, 40, *[50] * 20, 60]
    found = MediaPipe().estimate(iter([frames(*reds[:3]), frames(*reds[3:24]), frames(*reds[24:])]), 30)
    expected = np.array(reds) / 100 * 20 - 0.5
    expected[2] = np.nan
    np.testing.assert_allclose(found[:, 0, 1], expected, rtol=1e-5)
    np.testing.assert_allclose(found[0, BODY_25.index("LKnee")], (25 / 40 * 30 - 0.5, 1.5, 0.75), rtol=1e-5)
    assert MediaPipe().missing() is None
    assert MediaPipe().version == "0.0.fake pose_landmark_full"


def test_no_frames_give_no_keypoints(fake):  # noqa: ARG001
    assert MediaPipe().estimate(iter([]), 30).shape == (0, 25, 3)


def test_an_interpreter_or_an_environment_may_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv(mediapipe.PLACE_VARIABLE, sys.executable)
    assert resolve_place() == mediapipe.Place(sys.executable)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    monkeypatch.setenv(mediapipe.PLACE_VARIABLE, str(tmp_path))
    assert resolve_place() == mediapipe.Place(str(tmp_path / "bin" / "python"))
    monkeypatch.delenv(mediapipe.PLACE_VARIABLE)
    monkeypatch.setattr(mediapipe, "default_folder", lambda: tmp_path / "there")
    assert resolve_place() == mediapipe.Place(sys.executable, tmp_path / "there")
    assert str(tmp_path / "there") in MediaPipe().command


def test_the_place_must_hold_it(fake, monkeypatch):
    (fake / "mediapipe" / "__init__.py").write_text("raise ImportError('numpy is too new')")
    assert MediaPipe().missing() == "ImportError: numpy is too new"
    with pytest.raises(
        PoseError, match=r"expected MediaPipe, found none \(ImportError: numpy is too new\); run"
    ):
        _ = MediaPipe().version
    with pytest.raises(PoseError, match=r"found an end \(ImportError: numpy is too new\); try again"):
        MediaPipe().estimate(iter([frames(1)]), 30)
    monkeypatch.setenv(mediapipe.PLACE_VARIABLE, str(fake / "mediapipe"))
    assert MediaPipe().missing() == f"no mediapipe in {fake / 'mediapipe'}"
    monkeypatch.setenv(mediapipe.PLACE_VARIABLE, str(fake / "no-python"))
    assert "no interpreter at" in str(MediaPipe().missing())
    with pytest.raises(PoseError, match=f"cannot start it .*; mend {mediapipe.PLACE_VARIABLE}"):
        MediaPipe().estimate(iter([frames(1)]), 30)


def test_a_worker_that_stops_is_one_line(fake):  # noqa: ARG001
    with pytest.raises(PoseError, match=r"landmarks of every frame, found an end \(it broke\); try again"):
        MediaPipe().estimate(iter([frames(1, 99, 3), frames(4)]), 30)


def test_the_real_one_finds_the_astronaut():
    """scikit-image's photograph of Eileen Collins, head and shoulders, moved sideways by 3 px a frame.

    The points were read off the photograph, enlarged six times under a grid, to about a pixel: tip of the
    nose and pupils. Her face is 110 px high.
    """
    from skimage import data  # noqa: PLC0415 - slow, and for this test alone

    reason = MediaPipe().missing()
    if reason is not None:
        absent.skip(f"MediaPipe is not installed: {reason}")
    photograph = data.astronaut()
    found = MediaPipe().estimate(iter([np.stack([np.roll(photograph, 3 * t, axis=1) for t in range(6)])]), 30)
    for name, place in (("Nose", (224, 126)), ("REye", (204, 102)), ("LEye", (246, 104))):
        joint = found[:, BODY_25.index(name)]
        expected = np.array(place) + 3 * np.arange(6)[:, None] * (1, 0)
        assert np.hypot(*(joint[:, :2] - expected).T).mean() < 8, name
        assert (joint[:, 2] > 0.9).all()
    shoulders = found[:, [BODY_25.index("RShoulder"), BODY_25.index("LShoulder")], 0]
    assert (shoulders[:, 0] < shoulders[:, 1] - 150).all()
