"""Any folder of videos and frames: what is found, what it is called, and who is in it."""

import numpy as np
import pytest

from vptbench.errors import DatasetError
from vptbench.image import write_image
from vptbench.prepare.media import read_media_info
from vptbench.prepare.videos import Videos, clip_to_person
from vptbench.video import frames_to_video


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def ids(folder):
    return [clip.id for clip in Videos().list_clips(folder)]


def test_files_and_folders_of_frames_are_found_wherever_they_lie(tmp_path):
    touch(tmp_path, "anna/park.mp4", "anna/home/2.MOV", "ben_1.webm", "cleo/3/0001.png", "cleo/3/0002.png")
    touch(
        tmp_path,
        "openpose/ben_1/0_keypoints.json",
        "truth/x.mp4",
        ".trash/y.mp4",
        "anna/._park.mp4",
        "notes.txt",
    )
    clips = {clip.id: clip for clip in Videos().list_clips(tmp_path)}
    assert list(clips) == ["anna/home/2", "anna/park", "ben_1", "cleo/3"]
    assert clips["anna/home/2"].media == tmp_path / "anna/home/2.MOV"
    assert (clips["anna/park"].fps, clips["cleo/3"].fps) == (None, 30)
    assert clips["ben_1"].openpose == tmp_path / "openpose/ben_1"
    assert clips["anna/park"].openpose is None
    assert all(clip.problem is None for clip in clips.values())
    assert clips["anna/park"].split == clips["anna/home/2"].split


def test_a_clip_can_be_read(tmp_path):
    frames = np.zeros((3, 32, 24, 3), np.uint8)
    frames_to_video(frames, tmp_path / "ben_1.mp4", fps=25)
    (tmp_path / "cleo").mkdir()
    for number in (8, 9, 10):
        write_image(tmp_path / "cleo" / f"out_{number}.png", frames[0])
    infos = {clip.id: read_media_info(clip) for clip in Videos().list_clips(tmp_path)}
    assert {name: (info.frames, info.fps) for name, info in infos.items()} == {
        "ben_1": (3, 25),
        "cleo": (3, 30),
    }


@pytest.mark.parametrize(
    ("clip", "shared", "person"),
    [
        ("anna/park", 0, "anna"),
        ("Anna/home/2", 0, "anna"),
        ("anna_3", 0, "anna"),
        ("anna4", 0, "anna"),
        ("Anna-B 2020", 0, "anna"),
        ("P01_red/clip2", 0, "p01"),
        ("P02/clip2", 0, "p02"),  # digits tell people's folders apart, and takes of a file
        ("091-3003CN5S", 0, ""),
        ("17", 0, ""),
        ("_x", 0, "x"),
        ("set/P02/clip", 1, "p02"),
        ("lost", 1, "lost"),  # a listed clip that is not there may lie higher than those that are
    ],
)
def test_who_is_seen_is_told_by_the_outermost_name(clip, shared, person):
    assert clip_to_person(clip, shared) == person


def test_folders_that_all_share_name_nobody(tmp_path):
    touch(tmp_path, *(f"data/2024/p{i}/{take}.mp4" for i in range(12) for take in "ab"))
    splits = {clip.id: clip.split for clip in Videos().list_clips(tmp_path)}
    assert set(splits.values()) == {"train", "test"}
    assert all(splits[f"data/2024/p{i}/a"] == splits[f"data/2024/p{i}/b"] for i in range(12))


def test_lists_name_clips_and_what_is_lost_is_told(tmp_path):
    touch(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "test.txt").write_text("b.mp4\nx/gone\n")
    clips = {clip.id: clip for clip in Videos().list_clips(tmp_path)}
    assert {name: clip.split for name, clip in clips.items()} == {"a": "train", "b": "test", "x/gone": "test"}
    assert clips["x/gone"].problem == (
        "expected x/gone as test.txt says, found none; bring it (see `vptbench fetch`) or "
        "take it off the list"
    )


def test_two_of_one_name_carry_their_problem(tmp_path):
    touch(tmp_path, "a.mp4", "a.mov", "b.mp4", "b/0.png", "c.mp4")
    problems = {clip.id: clip.problem for clip in Videos().list_clips(tmp_path)}
    assert problems == {
        "a": "expected one clip of that name, found a.mov and a.mp4; rename one",
        "b": "expected one clip of that name, found b.mp4 and b; rename one",
        "c": None,
    }


def test_a_name_that_no_clip_can_have_is_told_and_the_rest_is_listed(tmp_path):
    touch(tmp_path, "a\\b.mp4", "good.mp4")
    clips = {clip.id: clip.problem for clip in Videos().list_clips(tmp_path)}
    assert set(clips) == {"a_b", "good"}
    assert clips["good"] is None
    assert "found 'a\\\\b.mp4'; rename it" in clips["a_b"]


def test_a_folder_without_clips_is_refused(tmp_path):
    touch(tmp_path, "readme.txt", "empty/readme.txt", "0001.png")
    with pytest.raises(
        DatasetError, match=r"expected video files \(\.mp4 .*\) or folders of numbered pictures"
    ):
        Videos().list_clips(tmp_path)
