"""Every figure of a clip's quality, worked out by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.clip import Clip
from vptbench.errors import PoseError, StoreError
from vptbench.skeleton import keypoints_to_height, missing_keypoints
from vptbench.store import open_store, schema
from vptbench.store.quality import (
    Quality,
    clip_to_quality,
    qualities_to_csv,
    qualities_to_rows,
    quality_to_lines,
    store_to_qualities,
)
from vptbench.store.writer import (
    ClipParts,
    clip_path,
    clip_to_file,
    write_clips_table,
    write_failures_table,
    write_store_manifest,
)

GOOD = Quality("a", "test", 100, 0.9, 0, 0.001, 0.002, 0)


def standing(frames=5):
    """A person 40 px high who stands still: nose at (10, 5), right ankle at (10, 45), fully sure."""
    keypoints = missing_keypoints(frames)
    keypoints[:, 0] = (10, 5, 1)
    keypoints[:, 11] = (10, 45, 1)
    return keypoints


def measured(keypoints, **fields):
    pixels = np.zeros((len(keypoints), 48, 32, 3), np.uint8)
    return clip_to_quality(Clip("a/b", "train", pixels, keypoints, 25.0, **fields))


def test_a_still_person_has_nothing_to_doubt():
    found = measured(standing())
    assert found == Quality("a/b", "train", 5, 1.0, 0, 0.0, None, None)
    assert (found.doubt, found.doubtful) == (0, ())


def test_confidence_counts_missing_joints_but_not_missing_people():
    keypoints = standing(4)
    keypoints[0, 0, 2] = 0.5  # four joints in two frames with the person: 0.5, 1, 1 and a missing one
    keypoints[1, 11] = (np.nan, np.nan, 0)
    keypoints[2:] = missing_keypoints(2)
    found = measured(keypoints)
    assert found.confidence == pytest.approx((0.5 + 1 + 1 + 0) / 4)
    assert found.lost_frames == 2
    nobody = measured(missing_keypoints(3))
    assert (nobody.confidence, nobody.lost_frames, nobody.jitter) == (None, 3, None)
    assert nobody.doubtful == ("confidence", "lost_frames")


def test_jitter_is_the_median_second_difference_in_heights():
    keypoints = standing(5)
    keypoints[:, 0, 0] = [10, 12, 10, 12, 10]  # −4, 4, −4: length 4 px three times
    keypoints[:, 11, 0] = [10, 11, 12, 13, 14]  # uniform motion: 0 three times
    keypoints[:, 5] = (10, 20, 1)
    keypoints[2:, 5] = (13, 24, 1)  # a step by (3, 4): 5, 5 and 0 px
    # sorted: 0 0 0 0 4 4 4 5 5: the median is 4 px of 40
    assert measured(keypoints).jitter == pytest.approx(0.1)


def test_jitter_leaves_out_what_a_missing_joint_touches():
    keypoints = standing(5)
    keypoints[:, 0, 0] = [10, 12, 10, 12, 30]
    keypoints[4, 0] = (np.nan, np.nan, 0)
    keypoints[:, 11] = (np.nan, np.nan, 0)
    keypoints[:, 1] = keypoints[:, 0] + np.float32([0, 40, 0])
    assert measured(keypoints).jitter == pytest.approx(4 / 40)  # not the leap to 30
    assert measured(standing(2)).jitter is None


def test_jitter_knows_that_frames_were_left_out():
    """A person speeds up by 2 px a frame²; two frames are lost after the third, and one before the last."""
    numbers = [0, 1, 2, 5, 6, 7, 9]
    keypoints = standing(len(numbers))
    keypoints[:, (0, 11), 0] += np.float32(numbers)[:, None] ** 2  # second difference 2 throughout
    there = measured(keypoints, attributes={"raw_frames": numbers})
    assert there.jitter == pytest.approx(2 / 40)  # of 0 1 2 and 5 6 7 alone; all five give more
    assert measured(keypoints).jitter > 4 / 40
    assert measured(keypoints, attributes={"raw_frames": list(range(5, 12))}).jitter > 4 / 40
    assert measured(keypoints, attributes={"raw_frames": [0, 1, 3, 4, 6, 7, 9]}).jitter is None
    with pytest.raises(PoseError, match="expected raw_frames to be 7 whole numbers, one for each frame"):
        measured(keypoints, attributes={"raw_frames": numbers[:-1]})


def test_noise_gives_the_jitter_that_the_docstring_states():
    keypoints = missing_keypoints(4000)
    keypoints[:] = (50, 0, 1)
    keypoints[:, ::2, 1] = 100
    keypoints[:, :, :2] += np.random.default_rng(0).normal(0, 1, (4000, 25, 2))
    height = keypoints_to_height(keypoints)
    assert measured(keypoints).jitter * height == pytest.approx(2.88, rel=0.01)


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ([0.5, 0.5], (8 + 4) / 2 * 0.5 / 40),
        ([0.25, 1.0], (8 + 4) / 2 * 0.5 / 40),  # a squashed frame: the geometric mean
        ([[1, 1], [1, 1], [0.5, 0.5]], (8 * 1 + 4 * 0.5) / 2 / 40),  # a row a frame
    ],
)
def test_the_residual_is_in_heights_of_prepared_frames(scale, expected):
    body = {"residual": np.float32([8, np.nan, 4])}
    found = measured(standing(3), body=body, attributes={"scale": scale})
    assert found.residual == pytest.approx(expected)
    nothing = measured(standing(3), body={"residual": np.float32([np.nan] * 3)}, attributes={"scale": scale})
    assert nothing.residual is None


def test_swapped_frames_are_what_preparing_wrote():
    facts = {"pose_facts": {"lost_frames": 0, "swapped_frames": 2}}
    assert measured(standing(), attributes=facts).swapped_frames == 2
    assert measured(standing(), attributes={"pose_facts": {}}).swapped_frames is None


@pytest.mark.parametrize(
    ("name", "value", "ratio"),
    [
        ("confidence", 0.5, 1),
        ("confidence", 0.25, 1.5),
        ("lost_frames", 2, 1),
        ("lost_frames", 9, 4.5),
        ("jitter", 0.03, 2),
        ("residual", 0.05, 2.5),
        ("swapped_frames", 20, 2),
    ],
)
def test_doubt_is_the_worst_figure_in_multiples_of_its_limit(name, value, ratio):
    bad = dataclasses.replace(GOOD, **{name: value})
    assert bad.doubt == pytest.approx(ratio)
    assert bad.doubtful == (name,)
    assert not GOOD.doubtful


@given(
    st.floats(0, 1), st.integers(0, 50), st.floats(0, 1), st.none() | st.floats(0, 1),
    st.none() | st.integers(0, 50),
)  # fmt: skip
def test_a_clip_is_doubtful_exactly_from_one_on(confidence, lost, jitter, residual, swapped):
    found = Quality("a", "test", 50, confidence, lost, jitter, residual, swapped)
    assert bool(found.doubtful) == (found.doubt >= 1)


def write_store(folder, clips):
    rows = []
    for clip, keypoints in clips.items():
        attributes = dict.fromkeys(schema.ATTRIBUTES, "x") | {
            "clip": clip, "split": "test", "fps": 25.0, "crop_box": [0.0, 0.0, 1.0, 1.0],
            "scale": [1.0, 1.0], "settings": {},
        }  # fmt: skip
        shape = (len(keypoints), 48, 32)
        frames = [np.zeros((*shape, 3), np.uint8)]
        clip_to_file(
            ClipParts(attributes, shape, frames, keypoints, None, None, {}), clip_path(folder, "test", clip)
        )
        rows.append((clip, "test", *shape, 25.0, "x"))
    write_clips_table(folder, rows)
    write_failures_table(folder, [])
    write_store_manifest(folder, {"dataset": "iper", "complete": True})
    return open_store(folder)


def test_clips_come_worst_first_and_equal_ones_in_their_order(tmp_path):
    lost = standing()
    lost[3] = missing_keypoints(1)[0]
    worse = lost.copy()
    worse[4] = missing_keypoints(1)[0]
    store = write_store(tmp_path, {"z": standing(), "b": lost, "a": standing(), "c": worse})
    assert [found.clip for found in store_to_qualities(store)] == ["c", "b", "z", "a"]


def test_a_clip_that_cannot_be_read_is_named_or_left_out(tmp_path):
    store = write_store(tmp_path, {"a": standing(), "b": standing()})
    clip_path(tmp_path, "test", "a").write_bytes(b"no HDF5")
    with pytest.raises(StoreError, match="expected an HDF5 clip file"):
        store_to_qualities(store)
    damaged = {}
    assert [found.clip for found in store_to_qualities(store, damaged)] == ["b"]
    assert list(damaged) == ["a"]


def test_tables_have_a_column_a_figure(tmp_path):
    silent = dataclasses.replace(GOOD, clip='b, "c"', residual=None, swapped_frames=None)
    assert qualities_to_rows([GOOD])[0] == {
        "clip": "a", "split": "test", "frames": 100, "confidence": 0.9, "lost_frames": 0, "jitter": 0.001,
        "residual": 0.002, "swapped_frames": 0, "doubt": pytest.approx(0.2),
    }  # fmt: skip
    path = tmp_path / "q.csv"
    path.write_text(qualities_to_csv([GOOD, silent]))
    table = pd.read_csv(path)
    assert list(table) == list(qualities_to_rows([GOOD])[0])
    assert table["clip"].tolist() == ["a", 'b, "c"']
    assert table["residual"].isna().tolist() == [False, True]
    assert path.read_text().splitlines()[1].startswith("a,test,100,0.9,0,0.001,0.002,0,")
    assert qualities_to_csv([]).splitlines() == [",".join(qualities_to_rows([GOOD])[0])]


def test_figures_in_words():
    found = dataclasses.replace(GOOD, lost_frames=34, frames=300, jitter=0.0407, swapped_frames=30)
    assert list(quality_to_lines(found).values()) == [
        "mean confidence 0.90",
        "person missing in 34 frames (11 %)",
        "jitter 4.07 % of the height",
        "fitted body 0.2 % of the height away",
        "sides exchanged in 30 frames (10 %)",
    ]
    silent = Quality("a", "test", 3, None, 3, None, None, None)
    assert list(quality_to_lines(silent)) == ["confidence", "lost_frames"]
    assert quality_to_lines(silent)["confidence"] == "no person"
    assert set(quality_to_lines(found)) == set(GOOD.ratios)
