"""Any two folders of frames against each other."""

import numpy as np
import pytest

from vptbench.score import ScoreSettings, scoring
from vptbench.scorefile import scores_to_problems
from vptbench.weights import Networks

RANDOM = Networks(mode="random")


def folders_to_scorefile(generated, scores, *, targets, **settings):
    return scoring.folders_to_scorefile(generated, scores, ScoreSettings(**settings), targets=targets)


def test_fid_of_few_frames(tmp_path, make_folder):
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    made, true = (
        make_folder({"a": dict(enumerate(frames // 2))}),
        make_folder({"a": dict(enumerate(frames))}, "true"),
    )
    scores = folders_to_scorefile(
        made, tmp_path / "scores", targets=true, metrics=["fid-v1"], networks=RANDOM
    )
    assert scores.metrics["fid-v1@random"].value > 0
    assert scores.metrics["fid-v1@random"].samples == 3
    assert scores.per_frame.empty
    assert scores_to_problems(tmp_path / "scores") == []


def test_metrics_that_cannot_be_computed_are_left_empty(tmp_path, make_folder, grey):
    frames = {"a": dict(enumerate(grey(1, 2, 3)))}
    made, true = make_folder(frames), make_folder(frames, "true")
    scores = folders_to_scorefile(
        made, tmp_path / "scores", targets=true, metrics=["lpips-v1", "fvd-v1", "l1-v1"], networks=RANDOM
    )
    assert scores.metrics["lpips-v1@random"].value is None
    assert "expected at least 31 × 31 pixels, got 16 × 16" in scores.metrics["lpips-v1@random"].reason
    assert "expected at least 2 samples" in scores.metrics["fvd-v1@random"].reason
    assert scores.metrics["l1-v1"].value == 0
    assert scores_to_problems(tmp_path / "scores") == []


def test_two_folders_are_unofficial(tmp_path, make_folder, grey):
    made = make_folder({"x": {3: grey(10)[0], 7: grey(20)[0]}})
    true = make_folder({"x": {3: grey(15)[0], 7: grey(30)[0]}}, "true")
    scores = folders_to_scorefile(made, tmp_path / "scores", targets=true, metrics=["l1-v1"], networks=RANDOM)
    assert (scores.official, scores.benchmark, scores.kind) == (False, None, "claimed")
    assert scores.metrics["l1-v1"].value == pytest.approx((5 + 10) / 2 / 255)
    assert scores.inputs == {"outputs": "../made", "store": None, "targets": "../true"}
    other = make_folder({"x": {3: grey(11)[0], 7: grey(20)[0]}}, "other")
    same = folders_to_scorefile(other, tmp_path / "s2", targets=true, metrics=["l1-v1"], networks=RANDOM)
    assert same.clip_list_sha256 == scores.clip_list_sha256  # the same true frames
    swapped = folders_to_scorefile(true, tmp_path / "s3", targets=made, metrics=["l1-v1"], networks=RANDOM)
    assert swapped.clip_list_sha256 != scores.clip_list_sha256
