"""Videos as people bring them, at the real command line: what can be read is, the others have a line each."""

import csv
import json

import numpy as np
import odd_videos
import pytest
from click.testing import CliRunner
from odd_videos import MATRICES, moving_square, set_matrix, write_sound, write_video

from vptbench import open_store
from vptbench.cli import main
from vptbench.store.check import store_to_problems

SIZE = 64
"""Longer side of all videos, so that ``full-v1`` at this size keeps every pixel."""

T = 12


def somebody(x, y, joints=25):
    """A person about 40 pixels tall at (x, y), as OpenPose writes one."""
    offsets = np.random.default_rng(7).uniform(-0.5, 0.5, (joints, 2)) * (16, 40)
    points = np.column_stack([offsets + np.array((x, y)), np.full(joints, 0.9)])
    return {"pose_keypoints_2d": [round(float(value), 3) for value in points.ravel()]}


def add(raw, name, frames=None, *, people=None, suffix=".mp4", **encoding):
    """One video, with the OpenPose JSON of each of its frames."""
    write_video(raw / f"{name}{suffix}", moving_square(T) if frames is None else frames, **encoding)
    add_poses(raw, name, people or [[somebody(20 + t, 30)] for t in range(T)])


def add_poses(raw, name, people):
    folder = raw / "openpose" / name
    folder.mkdir(parents=True)
    for t, some in enumerate(people):
        (folder / f"{t:012d}_keypoints.json").write_text(json.dumps({"people": some}))


def two_of_a_size():
    """One goes to the right, one to the left, both 40 pixels tall; every other file names them in turn."""
    pairs = [[somebody(14 + t, 30), somebody(50 - t, 30)] for t in range(T)]
    return [pair[::-1] if t % 2 else pair for t, pair in enumerate(pairs)]


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    raw = tmp_path_factory.mktemp("raw")
    add(raw, "portrait", moving_square(T, 64, 48))
    add(raw, "landscape", moving_square(T, 48, 64))
    add(raw, "leaves", people=[[] if 5 <= t < 9 else [somebody(20 + t, 30)] for t in range(T)])
    add(raw, "two", people=two_of_a_size())
    add(raw, "uneven", times=[0, 1, 2, 3, 10, 11, 12, 30, 31, 32, 50, 51])
    add(raw, "phone", moving_square(T, 48, 64))
    set_matrix(raw / "phone.mp4", MATRICES["90"])
    add(raw, "odd", moving_square(T, 63, 49), suffix=".webm", codec="libvpx-vp9", options={"b:v": "0"})
    add(raw, "ten-bits", pix_fmt="yuv420p10le")
    write_sound(raw / "sound.mp4")
    add_poses(raw, "sound", [[somebody(20, 30)]] * T)
    add(raw, "coco17", people=[[somebody(20, 30, 17)]] * T)
    add(raw, "coco18", people=[[somebody(20, 30, 18)]] * T)
    return raw


@pytest.fixture(scope="module")
def prepared(raw, tmp_path_factory):
    """The store, and what the command said."""
    path = tmp_path_factory.mktemp("prepared") / "store"
    words = [
        "prepare",
        "videos",
        str(raw),
        str(path),
        "--size",
        str(SIZE),
        "--crop",
        "full-v1",
        "--body",
        "none",
    ]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1, done.output
    return open_store(path), done.output


def test_the_rest_is_done_and_sound(prepared):
    store, _ = prepared
    assert set(store) == {"portrait", "landscape", "leaves", "two", "uneven", "phone", "odd", "ten-bits"}
    assert store_to_problems(store.path) == []
    assert {len(store[clip]) for clip in store} == {T}


@pytest.mark.parametrize(
    ("clip", "stage", "reason"),
    [
        ("sound", "decode", "sound.mp4: expected a video stream, found none; give a video file"),
        (
            "coco17",
            "poses",
            "expected 25 joints of x, y, confidence, found 17; run OpenPose with --model_pose",
        ),
        (
            "coco18",
            "poses",
            "expected 25 joints of x, y, confidence, found 18; run OpenPose with --model_pose",
        ),
    ],
)
def test_the_others_have_a_line_each(prepared, clip, stage, reason):
    store, output = prepared
    with (store.path / "failures.csv").open(newline="") as stream:
        rows = {row["clip"]: row for row in csv.DictReader(stream)}
    assert len(rows) == 3
    assert rows[clip]["stage"] == stage
    assert reason in rows[clip]["reason"]
    assert output.count(rows[clip]["reason"]) == 1
    assert len(output.splitlines()) == 2 + 3


@pytest.mark.parametrize(("clip", "bars"), [("portrait", "columns"), ("landscape", "rows")])
def test_portrait_and_landscape_lie_in_one_folder(prepared, clip, bars):
    """Each in the middle of its square, its edge repeated beyond."""
    frames = np.asarray(prepared[0][clip].frames[0:T])
    assert frames.shape == (T, SIZE, SIZE, 3)
    high = moving_square(T, *((64, 48) if bars == "columns" else (48, 64)))
    inside = frames[:, :, 8:56] if bars == "columns" else frames[:, 8:56]
    assert np.abs(inside.astype(int) - high).mean() < 3
    first = frames[:, :, :8] - frames[:, :, 8:9] if bars == "columns" else frames[:, :8] - frames[:, 8:9]
    assert not first.any()


def test_who_leaves_is_missing_and_comes_back(prepared):
    clip = prepared[0]["leaves"]
    there = (clip.keypoints[..., 2] > 0).all(axis=1)
    assert there.tolist() == [not 5 <= t < 9 for t in range(T)]
    assert np.isnan(clip.keypoints[5:9, :, :2]).all()
    assert clip.attributes["pose_facts"]["lost_frames"] == 4


def test_two_of_equal_size_keep_their_identity(prepared):
    middle = prepared[0]["two"].keypoints[:, :, 0].mean(axis=1)
    np.testing.assert_allclose(np.abs(np.diff(middle)), 1, atol=0.01)  # a swap would jump by up to 36 pixels
    assert len(set(np.sign(np.diff(middle)))) == 1


def test_an_uneven_rate_is_a_fact_of_the_clip(prepared):
    store, _ = prepared
    uneven = store["uneven"]
    assert uneven.fps == pytest.approx(330 / 51)
    assert uneven.attributes["fps_range"] == pytest.approx([30 / 18, 30])
    errors = [
        np.abs(np.asarray(uneven.frames[T - 1]).astype(int) - frame).mean() for frame in moving_square(T)
    ]
    assert np.argmin(errors) == T - 1
    assert "fps_range" not in store["leaves"].attributes


def test_a_phones_video_stands_upright(prepared):
    stored = moving_square(T, 48, 64)
    frames = np.asarray(prepared[0]["phone"].frames[0:T])[:, :, 8:56]
    upright = np.stack([odd_videos.shown(frame, MATRICES["90"]) for frame in stored])
    assert np.abs(frames.astype(int) - upright).mean() < 3


def test_odd_sizes_and_ten_bits_are_kept(prepared):
    store, _ = prepared
    assert list(store["odd"].attributes["crop_box"]) == [-7, 0, 63, 63]  # 49 of 63 columns, in the middle
    ten = np.asarray(store["ten-bits"].frames[0:T]).astype(int)
    assert np.abs(ten - np.asarray(store["leaves"].frames[0:T])).max() <= 6  # two encodings, each lossy
    assert np.abs(ten - moving_square(T)).mean() < 3
