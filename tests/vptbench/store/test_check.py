"""Warnings: what is no damage and yet worth a look."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from vptbench.cli import main
from vptbench.skeleton import missing_keypoints
from vptbench.store import check, schema
from vptbench.store.check import REMEDIES, store_to_problems, store_to_warnings
from vptbench.store.quality import Quality
from vptbench.store.writer import (
    ClipParts,
    clip_path,
    clip_to_file,
    write_clips_table,
    write_failures_table,
    write_store_manifest,
)


def poses(lost=0, frames=10):
    keypoints = missing_keypoints(frames)
    keypoints[:] = (10, 5, 1)
    keypoints[:, 11] = (10, 45, 1)
    keypoints[:lost] = missing_keypoints(1)[0]
    return keypoints


@pytest.fixture
def make_store(tmp_path):
    """A function that writes test clips by their poses; counts are (listed in test, listed in train)."""

    def make(clips, counts=None):
        rows, folder = [], tmp_path / "my store"
        for clip, keypoints in clips.items():
            attributes = dict.fromkeys(schema.ATTRIBUTES, "x") | {
                "clip": clip, "split": "test", "fps": 25.0, "crop_box": [0.0, 0.0, 1.0, 1.0],
                "scale": [1.0, 1.0], "settings": {},
            }  # fmt: skip
            shape = (len(keypoints), 48, 32)
            parts = ClipParts(attributes, shape, [np.zeros((*shape, 3), np.uint8)], keypoints, None, None, {})
            clip_to_file(parts, clip_path(folder, "test", clip))
            rows.append((clip, "test", *shape, 25.0, "x"))
        write_clips_table(folder, rows)
        write_failures_table(folder, [])
        document = {"dataset": "iper", "complete": True}
        if counts is not None:
            test, train = counts
            document["clips"] = {
                "test": {"listed": test, "prepared": len(rows)},
                "train": {"listed": train, "prepared": 0},
            }
        write_store_manifest(folder, document)
        return folder

    return make


def test_a_good_store_is_not_warned_of(make_store):
    folder = make_store({"a": poses(), "b": poses()}, (2, 0))
    assert store_to_warnings(folder) == store_to_problems(folder) == []
    result = CliRunner().invoke(main, ["check", str(folder)])
    assert (result.exit_code, result.output) == (0, f"{folder}: whole\n")


def test_missing_videos_and_doubtful_clips_are_named_with_a_remedy(make_store):
    folder = make_store({"a": poses(), "x/b c": poses(lost=3), "d": poses(lost=4)}, (5, 2))
    lines = store_to_warnings(folder)
    assert len(lines) == 4
    assert lines[0].startswith("2 of 2 videos of the train split are missing: the reasons stand in ")
    assert lines[1].startswith("2 of 5 videos of the test split are missing")
    assert (
        "failures.csv, unless your lists do not name them; mend what can be mended and run the same"
        in lines[1]
    )
    assert lines[2].startswith("d: person missing in 4 frames (40 %); look at it with ")
    assert f"`vptbench show '{folder}' 'x/b c'`; try another source of poses" in lines[3]
    result = CliRunner().invoke(main, ["check", str(folder)])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        *(f"warning: {line}" for line in lines),
        f"{folder}: whole, 4 warnings",
    ]


def test_problems_decide_the_status_and_damaged_clips_are_told_once(make_store):
    folder = make_store({"a": poses(), "b": poses(lost=3)}, (2, 0))
    clip_path(folder, "test", "a").write_bytes(b"no HDF5")
    result = CliRunner().invoke(main, ["check", str(folder)])
    assert result.exit_code == 1
    assert result.output.count("expected an HDF5 clip file") == 1
    assert result.output.endswith(f"{folder}: 1 problems, 1 warnings\n")


def test_more_clips_than_the_dataset_lists_are_a_problem(make_store):
    folder = make_store({"a": poses(), "b": poses()}, (1, 0))
    (problem,) = store_to_problems(folder)
    assert problem.endswith(
        "expected at most 1 clips of the test split as store.json lists, found 2 in clips.csv; "
        "run the same prepare again"
    )


@pytest.mark.parametrize("clips", [None, 7, {"test": None}, {"test": {"listed": "2"}}])
def test_a_store_that_does_not_say_what_is_listed(make_store, clips):
    folder = make_store({"a": poses()})
    document = json.loads((folder / schema.MANIFEST).read_text()) | {"clips": clips}
    (folder / schema.MANIFEST).write_text(json.dumps(document))
    assert store_to_warnings(folder) == store_to_problems(folder) == []


def test_many_doubtful_clips_are_counted(make_store, monkeypatch):
    monkeypatch.setattr(check, "MOST_DOUBTFUL", 2)
    folder = make_store({name: poses(lost=3) for name in "abcd"})
    *_, last = lines = store_to_warnings(folder)
    assert len(lines) == 3
    assert last == f"2 more clips are doubtful; `vptbench show {folder}` draws all, worst first"


def test_every_figure_has_a_remedy():
    assert set(REMEDIES) == set(Quality("a", "test", 9, 0.9, 0, 0.1, 0.1, 0).ratios)
