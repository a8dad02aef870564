import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from vptbench.body.asset import load_body
from vptbench.synth import motion as motions
from vptbench.synth.motion import (
    BOUNCE,
    DANCE_DEGREES_PER_FRAME,
    MAX_DEGREES_PER_FRAME,
    MOTIONS,
    TURN_FRAMES,
    TURNED,
    Motion,
    apose_turn,
    catwalk,
    dance,
    free_motion,
    motion_to_rotations,
)

ARMS = (np.array([[0.6, 0.0, -0.8], [-0.6, 0.0, -0.8]]), np.array([[0.5, -0.5, -0.5], [-0.5, -0.5, -0.5]]))


RANGES = {
    "hip_flex": (-20, 115), "hip_out": (-10, 40), "knee": (0, 140), "ankle": (-35, 45), "arm_out": (0, 165),
    "arm_forward": (-45, 110), "arm_turn": (-60, 100), "elbow": (0, 145), "lean": (-10, 45),
    "roll": (-12, 12), "bend": (-12, 45), "side": (-35, 35), "twist": (-45, 45),
    "head_yaw": (-40, 40), "head_nod": (-25, 25),
}  # fmt: skip
"""How far joints of a limber person go, degrees."""


@pytest.mark.parametrize("name", MOTIONS)
def test_no_joint_goes_farther_than_a_persons_can(name):
    for seed in range(12):
        for angle, values in MOTIONS[name](150, np.random.default_rng(seed)).angles.items():
            if angle != "yaw":
                low, high = RANGES[angle.removesuffix("_l").removesuffix("_r")]
                assert low <= values.min() <= values.max() <= high, (seed, angle)


@pytest.mark.parametrize("name", MOTIONS)
def test_a_motion_repeats_and_depends_on_its_generator(name):
    first, again, other = (MOTIONS[name](30, np.random.default_rng(seed)) for seed in (3, 3, 4))
    for angle in first.angles:
        np.testing.assert_array_equal(first.angles[angle], again.angles[angle])
        assert first.angles[angle].shape == (30,)
    assert any((first.angles[angle] != other.angles[angle]).any() for angle in first.angles)


@pytest.mark.parametrize("frames", [24, 120, 400])
@pytest.mark.parametrize("name", MOTIONS)
def test_no_joint_moves_faster_than_a_person_can(name, frames):
    motion = MOTIONS[name](frames, np.random.default_rng(0))
    mean = DANCE_DEGREES_PER_FRAME if name == "dance" else MAX_DEGREES_PER_FRAME
    for angle, values in motion.angles.items():
        # A short clip may turn as fast as it must; between postures, motion may peak at twice its mean speed.
        allowed = 18 if frames == 24 and angle == "yaw" and name != "dance" else 2.2 * mean
        assert np.abs(np.diff(values)).max() <= allowed, angle


def test_a_short_catwalk_shows_front_and_back():
    yaw = catwalk(24, np.random.default_rng(1)).angle("yaw")
    assert np.cos(np.radians(yaw[0])) > 0.9
    assert np.cos(np.radians(yaw[-1])) < -0.9


def test_a_longer_catwalk_holds_more_turns_not_slower_ones():
    for frames, turns in ((TURN_FRAMES * 5, 1), (TURN_FRAMES * 20, 6)):
        yaw = catwalk(frames, np.random.default_rng(1)).angle("yaw")
        assert abs(yaw[-1] - yaw[0]) >= 180 * turns


def test_an_apose_turn_goes_round_once_or_more():
    first, short, long = (
        np.ptp(apose_turn(frames, np.random.default_rng(1)).angle("yaw")) for frames in (4, 24, 450)
    )
    assert first == pytest.approx(45)  # not faster than a turn in 24 frames
    assert short == pytest.approx(345)  # one more frame would close the circle
    assert long > 2 * 360


def test_a_free_motion_takes_several_postures():
    motion = free_motion(150, np.random.default_rng(5))
    moved = [name for name, values in motion.angles.items() if np.ptp(values) > 25]
    assert len(moved) >= 8


def _speed(motion):
    """Mean change of all angles, degrees a frame."""
    return np.mean([np.abs(np.diff(values)).mean() for values in motion.angles.values()])


def test_a_dance_is_faster_than_a_free_motion_however_short():
    free, short, long = (
        np.mean([_speed(make(frames, np.random.default_rng(seed))) for seed in range(20)])
        for make, frames in ((free_motion, 200), (dance, 24), (dance, 200))
    )
    assert long > 1.25 * free
    assert short == pytest.approx(long, rel=0.15)


def test_a_dance_turns_partly_and_shifts_its_weight_from_side_to_side():
    for seed in range(10):
        motion = dance(200, np.random.default_rng(seed))
        yaw = motion.angle("yaw")
        assert np.abs(yaw).max() <= TURNED + 12
        assert np.ptp(yaw) > 60
        # The leg that carries less is bent or stretched out; which one it is changes with the beat.
        lead = motion.angle("knee_l") - motion.angle("knee_r")
        assert (np.diff(np.sign(lead[np.abs(lead) > 8])) != 0).sum() >= 5


def test_the_knees_of_a_dance_give_between_the_beats(monkeypatch):
    # With nothing else that bends them, the knees go from 0 to the depth of the bounce and back.
    for table in ("ARMS", "STEPS"):
        still = {name: dict.fromkeys(posture, 0.0) for name, posture in getattr(motions, table).items()}
        monkeypatch.setattr(motions, table, still)
    knee = dance(200, np.random.default_rng(1)).angle("knee_l")
    assert knee.min() == pytest.approx(0, abs=0.5)
    assert BOUNCE[0] - 0.5 < knee.max() <= BOUNCE[1]


def test_rotations_put_the_arms_where_the_angles_say():
    # By hand: both rest directions of the left arm are brought to hang (0, 0, −1); lifted 90° outward, of
    # which the collar bone takes 0.22 · 40°, the upper arm points to the person's left, (1, 0, 0); an elbow
    # bent by 90° then points forward, (0, −1, 0).
    motion = Motion({"arm_out_l": np.array([90.0]), "elbow_l": np.array([90.0])}, 1)
    names = load_body().joint_names
    vectors = motion_to_rotations(motion, ARMS, names, tilt=0)
    assert vectors.shape == (1, 18, 3)
    own = {name: Rotation.from_rotvec(vectors[0, row]) for row, name in enumerate(names)}
    upper = own["clavicle.L"] * own["upperarm01.L"]
    np.testing.assert_allclose(upper.apply(ARMS[0][0]), [1, 0, 0], atol=1e-9)
    lower = (upper * own["lowerarm01.L"]).apply(ARMS[1][0])
    np.testing.assert_allclose(lower / np.linalg.norm(lower), [0, -1, 0], atol=1e-9)


def test_the_cameras_tilt_is_the_roots_rotation():
    still = Motion({}, 2)
    vectors = motion_to_rotations(still, ARMS, load_body().joint_names, tilt=6)
    root = load_body().joint_names.index("root")
    np.testing.assert_allclose(vectors[:, root], [[np.radians(6), 0, 0]] * 2)
