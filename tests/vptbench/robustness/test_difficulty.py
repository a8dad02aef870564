"""Each measure of difficulty by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench import open_store
from vptbench.benchmarks.items import Item
from vptbench.errors import BenchmarkError
from vptbench.robustness.difficulty import (
    DIFFICULTY_COLUMNS,
    LEAST_JOINTS,
    clip_to_background,
    clip_to_hidden_share,
    clip_to_regions,
    clip_to_speeds,
    frame_to_background,
    item_to_difficulty,
    items_to_difficulty,
    poses_to_distances,
)
from vptbench.robustness.strata import TEXTURED

FAR, OUT = (5, 5, 9), (18, 18, 9)
WRISTS = (4, 7)


def make_item(clip="a", source=0, numbers=(1, 2, 3), *, truth=True):
    return Item(clip, clip, source, clip, 0, 4, tuple(numbers), clip, tuple(numbers), truth)


def test_pose_distance_by_hand(make_pose):
    """Joints 4 and 7 of 25 go 50 px down: their common middle goes 4, so 2 move by 46 and 23 by 4."""
    pose = make_pose()
    moved = pose.copy()
    moved[list(WRISTS), 1] += 50
    expected = (2 * 46 + 23 * 4) / 25 / 20
    np.testing.assert_allclose(poses_to_distances(pose, moved[None], 20.0), [expected], rtol=1e-6)


def test_only_joints_of_both_count(make_pose):
    """Of 8 common joints one goes 8 px right: it moves by 7 from the middle, the 7 others by 1."""
    source, target = make_pose(missing=range(10)), make_pose(missing=range(18, 25))
    target[17, 0] += 8
    (found,) = poses_to_distances(source, target[None], 1.0)
    assert found == pytest.approx((7 + 7 * 1) / 8, rel=1e-5)


@pytest.mark.parametrize(("common", "known"), [(LEAST_JOINTS, True), (LEAST_JOINTS - 1, False), (0, False)])
def test_few_common_joints_tell_nothing(make_pose, common, known):
    found = poses_to_distances(make_pose(), make_pose(missing=range(common, 25))[None], 1.0)
    np.testing.assert_array_equal(found, [0 if known else np.nan])


@given(st.floats(-40, 40), st.floats(-40, 40), st.integers(0, 99))
def test_where_the_person_stands_is_no_pose(x, y, seed):
    rng = np.random.default_rng(seed)
    source, target = (np.concatenate([rng.normal(0, 9, (25, 2)), np.ones((25, 1))], 1) for _ in range(2))
    elsewhere = target + np.array([x, y, 0])
    one, other = poses_to_distances(source, np.stack([target, elsewhere]), 30.0)
    assert one == pytest.approx(other, abs=1e-9)
    assert poses_to_distances(target, source[None], 30.0)[0] == pytest.approx(one)  # symmetric


def test_speed_by_hand(make_pose, make_clip):
    """A circle of 10 px, 25 frames a second: 3 px right is 75 px a second, and the height is its box's."""
    poses = [make_pose(16), make_pose(19), make_pose(19, missing=range(20)), make_pose(19, 16, range(25))]
    clip = make_clip(poses=poses)
    box = np.ptp(poses[0][:, 1])
    small = np.ptp(poses[2][20:, 1])
    height = np.median([box, box, small])  # of the frames with the person
    np.testing.assert_allclose(clip_to_speeds(clip), [np.nan, 75 / height, 0, np.nan], rtol=1e-6, atol=1e-9)


def test_left_out_frames_share_the_way(make_pose, make_clip):
    poses = [make_pose(10), make_pose(12), make_pose(18)]
    height = np.ptp(poses[0][:, 1])
    clip = make_clip(poses=poses, attributes={"raw_frames": [0, 1, 4]})
    np.testing.assert_allclose(clip_to_speeds(clip)[1:], [2 * 25 / height, 6 * 25 / 3 / height], rtol=1e-6)


def test_frame_rate_counts(make_pose, make_clip):
    poses = [make_pose(10), make_pose(12)]
    slow, fast = (clip_to_speeds(make_clip(poses=poses, fps=fps))[1] for fps in (12.5, 25.0))
    assert fast == pytest.approx(2 * slow)


def test_hidden_share_by_hand(make_clip):
    """Frame 1 shows 15 pixels in front and 15 that lie behind them in frame 0; frame 2 shows 15 in front."""
    clip = make_clip(far=(FAR, OUT, FAR))
    assert [clip_to_hidden_share(clip, 0, number) for number in range(3)] == [0, 0.5, 0]
    assert clip_to_hidden_share(clip, 1, 0) == 0  # frame 1 shows all
    body, hidden = clip_to_regions(clip, 0, 1)
    assert (body.sum(), hidden.sum()) == (30, 15)
    assert not (hidden & ~body).any()
    assert hidden[18:23, 18:23].sum() == 15


def test_without_mesh_or_body_nothing_is_known_to_be_hidden(make_clip):
    assert np.isnan(clip_to_hidden_share(make_clip(), 0, 1))
    clip = make_clip(far=(FAR, FAR))
    clip.mesh.vertices[1] += 100
    assert np.isnan(clip_to_hidden_share(clip, 0, 1))


def test_background_by_hand():
    """Levels rise by 3 a column and 4 a row: everywhere a length of 5; the person is left out."""
    rows, columns = np.mgrid[:16, :16]
    frame = np.repeat((3 * columns + 4 * rows).astype(np.uint8)[..., None], 3, axis=2)
    person = np.zeros((16, 16), bool)
    person[4:12, 5:9] = True
    frame[person] = 255
    assert frame_to_background(frame, person) == pytest.approx(5)
    assert np.isnan(frame_to_background(frame, np.ones((16, 16), bool)))


def test_background_does_not_depend_on_the_size():
    """The same ramp at four times the size rises a quarter as much a pixel; brought to 64 it is the same."""
    ramp = np.arange(256, dtype=np.float32)[None].repeat(256, 0)
    large = np.repeat(ramp.astype(np.uint8)[..., None], 3, axis=2)
    small = large.reshape(64, 4, 64, 4, 3).mean((1, 3)).astype(np.uint8)
    person = np.zeros((256, 256), bool)
    person[100:150, 100:130] = True
    assert frame_to_background(large, person) == pytest.approx(4)
    assert frame_to_background(small, person[::4, ::4]) == pytest.approx(4)


def test_a_single_pixel_of_the_person_spoils_its_place():
    frame, person = np.zeros((256, 256, 3), np.uint8), np.zeros((256, 256), bool)
    frame[130, 130], person[130, 130] = 255, True
    assert frame_to_background(frame, person) == 0
    assert frame_to_background(frame, np.zeros_like(person)) > 0


def test_without_a_mask_the_box_round_the_joints_is_left_out(make_pose, make_clip):
    """The box of the circle about (16, 16) reaches from 6.0 to 26; widened by a tenth, from above 4 to 28."""
    frames = np.full((2, 32, 32, 3), 100, np.uint8)
    frames[0, 5:28, 5:28] = np.random.default_rng(0).integers(0, 255, (23, 23, 3))
    clip = make_clip(poses=[make_pose()] * 2, frames=frames)
    assert clip_to_background(clip, 0) == 0
    frames[0, 5:28, 4] = 0  # a line outside
    assert clip_to_background(clip, 0) > 0
    masks = np.zeros((2, 32, 32), bool)
    masks[0, :, 3:29] = True
    assert clip_to_background(make_clip(poses=[make_pose()] * 2, frames=frames, mask=masks), 0) == 0


def test_without_mask_and_joints_there_is_no_background(make_pose, make_clip):
    clip = make_clip(poses=[make_pose(missing=range(25)), make_pose()])
    assert np.isnan(clip_to_background(clip, 0))
    assert clip_to_background(clip, 1) == 0


@pytest.mark.parametrize(("layout", "textured"), [("fashionvideo", False), ("iper", True)])
def test_studios_are_plain_and_rooms_are_textured(stores, layout, textured):
    store = open_store(stores[layout])
    found = [clip_to_background(store[name], 0) >= TEXTURED for name in store]
    assert found == [textured] * len(store)


def test_a_table_has_a_row_for_each_scored_frame(make_clip):
    clips = {name: make_clip(name, far=(FAR, OUT, FAR, OUT)) for name in ("b", "a")}
    items = [make_item("b", numbers=(1, 3)), make_item("a", source=2, numbers=(0, 1))]
    table = items_to_difficulty(items, clips)
    assert list(table.columns) == list(DIFFICULTY_COLUMNS)
    assert table[["clip", "frame", "hidden"]].to_numpy().tolist() == [
        ["a", 0, 0], ["a", 1, 0.5], ["b", 1, 0.5], ["b", 3, 0.5],
    ]  # fmt: skip
    expected = pd.Series([np.nan, 0, 0, 0], name="speed")
    pd.testing.assert_series_equal(table["speed"], expected)


def test_people_who_take_others_poses_are_refused(make_clip):
    with pytest.raises(BenchmarkError, match="item a: expected one with true frames, found a person who"):
        item_to_difficulty(make_item(truth=False), make_clip())
