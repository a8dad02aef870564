"""Where mesh and mask come from: the truth beside the data, or a fit to the keypoints."""

import json
import shutil

import numpy as np
import pytest

from vptbench import open_store
from vptbench.body.asset import load_body
from vptbench.errors import DatasetError
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.prepare.bodies import BODIES, check_body
from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.prepare.sources import RawClip
from vptbench.report.sheet import write_store_view
from vptbench.report.show import ViewSettings, write_view
from vptbench.store.check import store_to_problems


@pytest.fixture(scope="module")
def fitted(raw_folders, tmp_path_factory):
    """A store of synthetic clips whose truth was taken away."""
    folder = tmp_path_factory.mktemp("fitted")
    raw = folder / "raw"
    shutil.copytree(raw_folders["fashionvideo"], raw, ignore=shutil.ignore_patterns("truth", "synth.json"))
    report = source_to_store("fashionvideo", raw, folder / "store", PrepareSettings(size=64))
    assert not report.failed
    return open_store(folder / "store")


def test_without_truth_a_body_is_fitted_and_says_so(fitted):
    assert store_to_problems(fitted.path) == []
    for clip in fitted.values():
        sources = (clip.attributes["mesh_source"], clip.attributes["mask_source"])
        assert sources == ("body-fit", "body-fit")
        assert clip.attributes["body_model"] == load_body().name
        assert clip.body["residual"].shape == (len(clip),)
        assert 0 < clip.attributes["fit_residual"] < 3  # pixels of frames 96 high


def test_the_fitted_mask_is_that_of_the_mesh_beside_it(fitted):
    clip = next(iter(fitted.values()))
    for row in (0, 7, len(clip) - 1):
        covered = vertices_to_face_table(clip.mesh.vertices[row], clip.mesh.faces, clip.size).face >= 0
        assert (covered != clip.mask[row]).sum() <= 4  # stored vertices are rounded to 1/256 pixel
        assert covered.sum() > 100


def test_a_fit_finds_the_true_mask_and_the_true_frames(fitted, stores):
    """Frames do not depend on the body; the person is where the truth says, but for clothes and hair."""
    true = open_store(stores["fashionvideo"])
    for name, clip in fitted.items():
        np.testing.assert_array_equal(clip.frames[0 : len(clip)], true[name].frames[0 : len(clip)])
        ours, theirs = clip.mask[0 : len(clip)], true[name].mask[0 : len(clip)]
        overlap = (ours & theirs).sum((1, 2)) / (ours | theirs).sum((1, 2))
        assert overlap.mean() > 0.6  # 64 pixels: the rim is a third of the person


def test_there_is_no_body_where_nobody_is(raw_folders, tmp_path):
    """Frames whose JSON has no person: no mask, no flow to or from them, nothing of them in a picture of the
    clip; the frames beside them have their body, and what reads clips goes on."""
    raw = tmp_path / "raw"
    shutil.copytree(raw_folders["fashionvideo"], raw, ignore=shutil.ignore_patterns("truth", "synth.json"))
    name = sorted(path.name for path in (raw / "openpose").iterdir())[0]
    for number in (0, 5, 6):
        (raw / "openpose" / name / f"{number:012d}_keypoints.json").write_text('{"people": []}')
    assert not source_to_store("fashionvideo", raw, tmp_path / "store", PrepareSettings(size=64)).failed
    clip = open_store(tmp_path / "store")[name]
    covered = np.asarray(clip.mask[0 : len(clip)]).any(axis=(1, 2))
    np.testing.assert_array_equal(np.flatnonzero(~covered), [0, 5, 6])
    assert np.isnan(clip.mesh.vertices[5]).all()
    for source, target, there in ((1, 5, False), (5, 1, False), (1, 4, True)):
        for visible_only in (True, False):
            flow = clip.mesh_flow(source, target, visible_only=visible_only)
            assert (flow > -2).any() == there
    assert store_to_problems(tmp_path / "store") == []
    write_view(clip, tmp_path / "clip.png", ViewSettings(source=1))
    write_store_view(open_store(tmp_path / "store"), tmp_path / "store.png")


def test_a_fit_can_be_asked_for_where_there_is_truth(raw_folders, tmp_path):
    settings = PrepareSettings(size=64, body="fit")
    source_to_store("fashionvideo", raw_folders["fashionvideo"], tmp_path / "store", settings)
    sources = {clip.attributes["mesh_source"] for clip in open_store(tmp_path / "store").values()}
    assert sources == {"body-fit"}


def test_truth_that_is_asked_for_must_be_there(tmp_path):
    clip = RawClip(id="a", split="test", media=tmp_path / "a.mp4")
    for body in BODIES:
        if body not in {"dataset", "smpl"}:
            check_body(clip, body)
    with pytest.raises(
        DatasetError, match=r"expected a body in truth/a\.npz as --body dataset asks, found none"
    ):
        check_body(clip, "dataset")
    with pytest.raises(
        DatasetError, match=r"expected SMPL parameters of the clip \(kptsmpls/ .*, found none"
    ):
        check_body(clip, "smpl")


def test_a_settings_attribute_names_the_body_that_was_asked_for(fitted):
    clip = next(iter(fitted.values()))
    assert clip.attributes["settings"]["body"] == "auto"
    assert json.dumps(clip.attributes["pose_facts"]) == '{"lost_frames": 0}'
