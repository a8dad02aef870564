"""Videos without poses or truth through the command line, with a real estimator, against the truth.

MediaPipe stands beside the package (`make estimator`); where it does not, these tests say so.
"""

import shutil

import absent
import numpy as np
import pytest
from click.testing import CliRunner

from vptbench import open_store
from vptbench.cli import main
from vptbench.mesh.flow import flow_to_pixels
from vptbench.prepare.mediapipe import MediaPipe

SEED, FRAMES, SIZE = 909, 40, 256


@pytest.fixture(scope="module", params=["fashionvideo", "iper"])
def stores(request, tmp_path_factory):
    """A store of the truth, and one of the bare videos; both of whole frames, so that pixels are the same."""
    reason = MediaPipe().missing()
    if reason is not None:
        absent.skip(f"MediaPipe is not installed: {reason}")
    folder = tmp_path_factory.mktemp(request.param)
    raw, bare = folder / "raw", folder / "bare"
    words = ["--layout", request.param, "--clips", "3", "--frames", str(FRAMES), "--size", str(SIZE)]
    run("synth", raw, *words, "--seed", str(SEED))
    shutil.copytree(raw, bare, ignore=shutil.ignore_patterns("openpose", "truth", "synth.json"))
    size = ["--size", str(SIZE), "--crop", "full-v1"]
    run("prepare", request.param, raw, folder / "true", *size)
    run("prepare", request.param, bare, folder / "estimated", *size)
    return open_store(folder / "true"), open_store(folder / "estimated")


def run(*words):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output + done.stderr


def test_it_is_taken_where_nothing_else_is_at_hand(stores):
    for clip in stores[1].values():
        assert clip.attributes["pose_source"] == "mediapipe"
        assert clip.attributes["mesh_source"] == "body-fit"
        assert clip.attributes["pose_facts"]["version"].startswith("0.10.21 ")


def test_people_are_found_and_their_joints_lie_where_they_are(stores):
    for name, true in stores[0].items():
        found = stores[1][name].keypoints
        assert np.isfinite(found[..., 0]).any(axis=1).mean() >= 0.98
        height = np.nanmedian(np.nanmax(true.keypoints[..., 1], 1) - np.nanmin(true.keypoints[..., 1], 1))
        error = np.nanmean(np.linalg.norm(found[..., :2] - true.keypoints[..., :2], axis=-1))
        assert error < 0.03 * height


def test_the_fitted_body_covers_the_person_and_moves_like_the_truth(stores):
    errors = []
    for name, true in stores[0].items():
        fitted = stores[1][name]
        masks = [np.asarray(clip.mask[0:FRAMES]) for clip in (true, fitted)]
        both = (masks[0] & masks[1]).sum(axis=(1, 2)) / (masks[0] | masks[1]).sum(axis=(1, 2))
        assert both.mean() >= 0.80
        for target in range(5, FRAMES, 5):
            flows = [flow_to_pixels(clip.mesh_flow(0, target)) for clip in (true, fitted)]
            error = np.linalg.norm(flows[0] - flows[1], axis=-1)
            errors.append(error[np.isfinite(error)])
    assert np.median(np.concatenate(errors)) < 5
