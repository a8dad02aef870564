"""Each rule applies where it should, in words that hold its numbers, and is silent elsewhere."""

import pytest

from vptbench.reproduce import bdmm


@pytest.mark.parametrize(
    ("rule", "fields", "text"),
    [
        (bdmm.crop, {"used": {"crop": "full-v1"}}, "crop full-v1 instead of bdmm-crop-v1: the published box"),
        (bdmm.missing_joints, {"confidence": 0.0}, "2500 of 2500 joints were not found: nothing is drawn"),
        (bdmm.iper_unknown, {"dataset": "iper"}, "neither weights nor preparation for iPER were published"),
        (
            bdmm.scored_clips,
            {"splits": {"test": 97}},
            "test clips: 97 prepared of 97 listed; the published s",
        ),
        (
            bdmm.training_clips,
            {"splits": {"train": 9}},
            "train clips: 9 prepared of 9 listed; the published ",
        ),
        (bdmm.equal_frames, {"psnr": 100}, "PSNR: 1 of 2 frames equal their targets and count 100"),
        (bdmm.fid_stops, {"frames": 64}, "FID: for 6400 generated frames the published program stops"),
        (bdmm.fid_stops, {"reference": 5}, "FID: for 5 training frames the published program stops"),
        (bdmm.fid_stops, {"reference": 64}, "FID: for 64 training frames the published program stops"),
    ],
)
def test_a_rule_speaks_where_it_applies_and_is_silent_elsewhere(make_facts, rule, fields, text):
    assert rule(make_facts(**fields)).startswith(text)
    assert rule(make_facts()) == ""


def test_nothing_to_compare_with_stops_no_fid(make_facts):
    assert bdmm.fid_stops(make_facts(reference=0)) == ""


@pytest.mark.parametrize(
    ("rule", "fields", "then", "now"),
    [
        (bdmm.poses, {"pose_source": "hrnet"}, "keypoints: OpenPose's JSON", "keypoints: hrnet; pub"),
        (bdmm.mesh, {"body_model": "smpl"}, "(body model unknown)", "beside the videos (body model smpl)"),
        (bdmm.source_frames, {"used": {"source": {"index": 3}}}, "first 20, seed 0; pub", "frame 3; publi"),
        (
            bdmm.checkpoint, {"trained_on": "iper, 9 clips"}, "`net.pth` is taken on trust",
            "one of `vptbench train` (iper, 9 clips), not the published one",
        ),
    ],
)  # fmt: skip
def test_what_always_differs_says_what_was_done(make_facts, rule, fields, then, now):
    assert then in rule(make_facts())
    assert now in rule(make_facts(**fields))
