"""BDMM's prepared data: layout, test list, and JSON of a frame."""

import json
import logging

import numpy as np
import pytest
from bdmm_folder import ROOT, add, cells, document, write_list

from vptbench.errors import DatasetError, PoseError
from vptbench.prepare.bdmm import BdmmPreprocessed, ListedClip, read_kptsmpls, read_test_list
from vptbench.prepare.media import clip_to_pictures, media_to_frames, read_media_info


def test_clips_are_folders_called_like_files_and_have_fashionvideos_ids(tmp_path):
    folder = add(tmp_path, "91-3003CN5S", "test")
    add(tmp_path, "A1+x", "train")
    train, test = BdmmPreprocessed().list_clips(tmp_path)
    assert (train.id, train.split, test.id, test.split) == ("A1+x", "train", "91-3003CN5S", "test")
    assert (test.media, test.kptsmpls) == (folder / "frames", folder / "kptsmpls")
    assert (test.cropped, test.fps, test.problem) == ("bdmm-crop-v1", 30, None)


def test_dropped_frames_leave_gaps_and_every_frame_keeps_its_own_pose(tmp_path):
    add(tmp_path, "a")
    [clip] = BdmmPreprocessed().list_clips(tmp_path)
    info = read_media_info(clip)
    frames = np.concatenate(list(media_to_frames(clip, info)))
    assert frames[:, 0, 0, 0].tolist() == [0, 1, 3]
    read = read_kptsmpls(clip.kptsmpls, clip_to_pictures(clip))
    assert read.smpl.shape == (3, 85)
    assert read.smpl[:, 2].tolist() == [0, 1, 3]  # the last number of the camera: what `document` put there
    np.testing.assert_array_equal(read.smpl[0, 3:75], np.arange(72))  # camera, pose, shape: in this order
    np.testing.assert_array_equal(read.smpl[0, 75:], [0.5] * 10)
    found = np.delete(np.arange(25), 4)
    for row, number in enumerate((0, 1, 3)):
        written = np.float32(document(number)["pose_keypoints_2d"])
        np.testing.assert_array_equal(read.keypoints[row, found], written[found])


def test_a_joint_that_was_not_found_is_missing_wherever_its_mark_was_moved(tmp_path):
    folder = add(tmp_path, "a")
    read = read_kptsmpls(folder / "kptsmpls", sorted((folder / "frames").iterdir()))
    np.testing.assert_array_equal(read.keypoints[:, 4], [[np.nan, np.nan, 0]] * 3)
    assert np.isfinite(np.delete(read.keypoints, 4, axis=1)).all()


def test_scores_above_one_count_as_one(tmp_path):
    folder = add(tmp_path, "a", numbers=(0,))
    values = document(0)
    values["pose_keypoints_2d"][3][2] = 1.02
    (folder / "kptsmpls" / "frame_00000.json").write_text(json.dumps(values))
    read = read_kptsmpls(folder / "kptsmpls", sorted((folder / "frames").iterdir()))
    assert read.keypoints[0, 3, 2] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pose_keypoints_2d": [[0, 0, 1]] * 18}, r"shape \(25, 3\) in pose_keypoints_2d, found \(18, 3\)"),
        ({"pose_keypoints_2d": [0.0] * 75}, r"shape \(25, 3\) in pose_keypoints_2d, found \(75,\)"),
        ({"pose_theta": [0.0] * 69}, r"shape \(72,\) in pose_theta, found \(69,\)"),
        ({"cam": [1, 2, float("nan")]}, r"finite numbers of shape \(3,\) in cam"),
        (
            {"cam": "wide"},
            "expected JSON with pose_keypoints_2d, cam, pose_theta, shape_beta, found something",
        ),
        ({"shape_beta": [[1], [1, 2]]}, "found something else"),
        ({"pose_keypoints_2d": [[0, 0, -1]] * 25}, "expected scores from 0, found -1"),
    ],
)
def test_json_of_another_kind_is_refused(tmp_path, change, message):
    folder = add(tmp_path, "a", numbers=(0,))
    path = folder / "kptsmpls" / "frame_00000.json"
    path.write_text(json.dumps(document(0) | change))
    with pytest.raises(PoseError, match=message):
        read_kptsmpls(folder / "kptsmpls", sorted((folder / "frames").iterdir()))


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"people": []}', "[" * 100_000])
def test_files_that_hold_something_else_are_refused(tmp_path, text):
    folder = add(tmp_path, "a", numbers=(0,))
    (folder / "kptsmpls" / "frame_00000.json").write_text(text)
    with pytest.raises(PoseError, match=r"frame_00000\.json: expected JSON with pose_keypoints_2d"):
        read_kptsmpls(folder / "kptsmpls", sorted((folder / "frames").iterdir()))


def test_json_and_frames_must_be_of_the_same_names(tmp_path):
    folder = add(tmp_path, "a")
    pictures = sorted((folder / "frames").iterdir())
    (folder / "kptsmpls" / "frame_00002.json").write_text("{}")
    with pytest.raises(PoseError, match=r"each of 3 frames, found 4; first surplus: frame_00002\.json"):
        read_kptsmpls(folder / "kptsmpls", pictures)
    for number in (1, 2):
        (folder / "kptsmpls" / f"frame_{number:05d}.json").unlink()
    with pytest.raises(PoseError, match=r"each of 3 frames, found 2; first missing: frame_00001\.json"):
        read_kptsmpls(folder / "kptsmpls", pictures)


@pytest.mark.parametrize("root", [ROOT, "/data/", "C:/data/UBC/", ""])
def test_the_list_is_read_whatever_its_root(tmp_path, root):
    write_list(tmp_path, ("91-3+x", 4, (0, 1, 3)), ("b", 2, (0,)), root=root)
    assert read_test_list(tmp_path / "test_list.csv") == [
        ListedClip(id="91-3+x", source=(4,), frames=(0, 1, 3)),
        ListedClip(id="b", source=(2,), frames=(0,)),
    ]


def test_gflas_column_of_noisy_poses_does_no_harm(tmp_path):
    """A list that has it beside the two others, which are read by name."""
    write_list(tmp_path, ("a", 4, (0, 1)))
    lines = (tmp_path / "test_list.csv").read_text().splitlines()
    noisy = [f"{line},{{}}" if i else f"{line},B_paths_noise" for i, line in enumerate(lines)]
    (tmp_path / "test_list.csv").write_text("\n".join(noisy) + "\n")
    assert read_test_list(tmp_path / "test_list.csv") == [ListedClip(id="a", source=(4,), frames=(0, 1))]


def test_long_clips_fit_in_a_cell(tmp_path):
    write_list(tmp_path, ("a", 0, range(4000)))  # Python's csv module stops at 131072 characters
    assert read_test_list(tmp_path / "test_list.csv")[0].frames == tuple(range(4000))


def test_what_a_cell_says_is_not_run(tmp_path):
    trap = tmp_path / "trap"
    write_list(tmp_path, (f"__import__('pathlib').Path({str(trap)!r}).touch()", "{}"))
    with pytest.raises(
        DatasetError, match=r"row 1: expected \{'ref': .* found something else \(ValueError\)"
    ):
        read_test_list(tmp_path / "test_list.csv")
    assert not trap.exists()


GOOD = cells("a", 0, (0, 1))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("{'ref': [", GOOD[1]), r"found something else \(SyntaxError\)"),
        (("(" * 5000, GOOD[1]), "found something else"),
        (("['x']", GOOD[1]), "expected paths in 'ref' and in 'gen', found none"),
        (("{'ref': [], 'gen': []}", GOOD[1]), "expected paths in 'ref' and in 'gen', found none"),
        (("{'ref': [1], 'gen': [2]}", GOOD[1]), r"expected paths such as test/<id>\.mp4/frames/.*, found 1;"),
        (("{'ref': ['test/../a.png'], 'gen': ['x']}", GOOD[1]), r"found 'test/\.\./a\.png'"),
        (
            (GOOD[0].replace("/a.mp4", "/b.mp4", 1), GOOD[1]),
            r"frames of one video, found those of a\.mp4 and b",
        ),
        ((GOOD[0], cells("a", 0, (0, 2))[1]), "expected the same frames in A_paths and B_paths_clean"),
    ],
)
def test_lists_of_another_kind_are_refused(tmp_path, row, message):
    write_list(tmp_path, row)
    with pytest.raises(DatasetError, match=message):
        read_test_list(tmp_path / "test_list.csv")


def test_tables_of_another_kind_are_refused(tmp_path):
    write_list(tmp_path, GOOD, columns=("A_paths", "B_paths_noise"))
    with pytest.raises(DatasetError, match="found no B_paths_clean; restore it"):
        read_test_list(tmp_path / "test_list.csv")
    (tmp_path / "test_list.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="expected a table of clips, cannot read it"):
        read_test_list(tmp_path / "test_list.csv")
    with pytest.raises(DatasetError, match="cannot read it"):
        read_test_list(tmp_path / "none.csv")


def test_what_the_list_names_and_nobody_made_is_told(tmp_path, caplog):
    add(tmp_path, "a")
    write_list(tmp_path, ("a", 0, (0, 1, 2, 3, 4)), ("gone", 0, (0,)))
    with caplog.at_level(logging.WARNING):
        clip, gone = BdmmPreprocessed().list_clips(tmp_path)
    assert clip.problem is None
    assert "2 frames of 1 clips that test_list.csv names are not there, the first clip being a" in caplog.text
    assert gone.problem == (
        "expected test/gone.mp4/frames as test_list.csv says, found none; bring it (see `vptbench fetch`)"
        " or take it off the list"
    )


def test_a_folder_without_frames_carries_its_problem(tmp_path):
    add(tmp_path, "a")
    (tmp_path / "test" / "b.mp4").mkdir()
    clip = BdmmPreprocessed().list_clips(tmp_path)[1]
    assert (clip.id, clip.kptsmpls) == ("b", None)
    assert clip.problem.startswith("expected test/b.mp4/frames as the layout says, found none")


def test_another_layout_is_refused(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.mp4").touch()  # FashionVideo's own: a file
    with pytest.raises(
        DatasetError, match="found no folder in train/ or test/; give the folder UBC_fashion_smpl"
    ):
        BdmmPreprocessed().list_clips(tmp_path)
