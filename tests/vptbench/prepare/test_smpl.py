"""SMPL parameters that datasets bring, from their files to a store and back to what the formulas say."""

import csv
import json
import os

import numpy as np
import pytest
from click.testing import CliRunner
from smpl_file import make_arrays, naive_vertices, write_npz, write_pickle
from smpl_people import ARRAYS, FRAMES, Person, write_bdmm, write_iper, write_pose_shape

from vptbench import open_store
from vptbench.body.smpl import KEYPOINT_JOINTS, load_smpl
from vptbench.cli import main
from vptbench.errors import BodyError, DatasetError, PickleError, StoreError, UsageError
from vptbench.manifest import file_to_sha256
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.prepare import smpl
from vptbench.prepare.bodies import clip_to_brought
from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.prepare.smpl import cameras_to_pixels, clip_to_smpl, read_pose_shape, smpl_to_vertices
from vptbench.prepare.sources import RawClip
from vptbench.skeleton import BODY_25
from vptbench.store.check import store_to_problems
from vptbench.video import VideoInfo


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_pickle(tmp_path_factory.mktemp("licensed") / "basicModel.pkl", ARRAYS)


def failures_of(store):
    with (store / "failures.csv").open(newline="") as stream:
        return {row["clip"]: (row["stage"], row["reason"]) for row in csv.DictReader(stream)}


def check_mesh(clip, vertices):
    """Vertices, faces, mask, camera and provenance of a prepared clip against vertices in its pixels."""
    np.testing.assert_allclose(clip.mesh.vertices[0 : len(clip)], vertices, atol=1e-2)
    np.testing.assert_array_equal(clip.mesh.faces, ARRAYS["f"])
    for row in range(len(clip)):
        covered = (
            vertices_to_face_table(vertices[row].astype(np.float32), clip.mesh.faces, clip.size).face >= 0
        )
        assert (covered != clip.mask[row]).sum() <= 3  # stored vertices are rounded
        assert covered.sum() > 100
    assert clip.attributes["mesh_source"] == clip.attributes["mask_source"] == "smpl-import"


@pytest.mark.parametrize("size", [64, 32])
@pytest.mark.parametrize("body", ["smpl", "auto"])
def test_bdmms_parameters_arrive_as_the_formulas_say(tmp_path, model, size, body):
    person = Person().with_keypoints(64)
    write_bdmm(tmp_path / "raw", "A1", person, 64)
    settings = PrepareSettings(size=size, crop="bdmm-crop-v1", body=body, smpl_model=model)
    report = source_to_store("bdmm-preprocessed", tmp_path / "raw", tmp_path / "store", settings)
    assert (report.done, report.failed) == (("A1",), {})
    assert store_to_problems(tmp_path / "store") == []
    clip = open_store(tmp_path / "store")["A1"]
    s = size / 64  # cut already: no more than resized, x' = (x + 0.5)s − 0.5
    np.testing.assert_allclose(
        clip.keypoints[..., :2], (person.keypoints[..., :2] + 0.5) * s - 0.5, atol=1e-2
    )
    vertices, _ = person.mean_in(64)
    check_mesh(clip, np.concatenate([(vertices[..., :2] + 0.5) * s - 0.5, vertices[..., 2:] * s], -1))
    np.testing.assert_array_equal(clip.body["pose"], person.pose)
    np.testing.assert_array_equal(clip.body["shape"], person.shape)
    assert clip.attributes["body_model"] == f"smpl:{file_to_sha256(model)[:12]}"
    np.testing.assert_allclose(clip.mesh.joint_weights.sum(1), 1, atol=1e-6)


def test_ipers_parameters_arrive_as_the_formulas_say(tmp_path, model):
    person = Person(3).with_keypoints(160)
    write_iper(tmp_path / "raw", "001/9/1", person, 160)
    settings = PrepareSettings(size=96, crop="clip-square-v1", body="smpl", smpl_model=model)
    report = source_to_store("iper", tmp_path / "raw", tmp_path / "store", settings)
    assert (report.done, report.failed) == (("001/9/1",), {})
    assert store_to_problems(tmp_path / "store") == []
    clip = open_store(tmp_path / "store")["001/9/1"]
    x0, y0, side, _ = clip.attributes["crop_box"]
    assert side != 96
    assert side != 160
    s = 96 / side
    start = np.array([x0, y0])
    np.testing.assert_allclose(
        clip.keypoints[..., :2], (person.keypoints[..., :2] - start + 0.5) * s - 0.5, atol=1e-2
    )
    vertices, joints = person.mean_in(160)
    check_mesh(clip, np.concatenate([(vertices[..., :2] - start + 0.5) * s - 0.5, vertices[..., 2:] * s], -1))
    scale, x, y = clip.body["camera"].T  # moved with the crop: a joint's metres still land on it
    metres = np.array(
        [naive_vertices(ARRAYS, *row)[1][0] for row in zip(person.pose, person.shape, strict=True)]
    )
    pelvis = (joints[:, 0, :2] - start + 0.5) * s - 0.5
    np.testing.assert_allclose(scale * metres[:, 0] + x, pelvis[:, 0], atol=1e-2)
    np.testing.assert_allclose(scale * metres[:, 1] + y, pelvis[:, 1], atol=1e-2)


def test_flow_between_frames_follows_the_imported_surface(tmp_path, model):
    """Frame 1 is frame 0 with a camera three pixels further right: its flow points three pixels left."""
    person = Person(2, frames=2)
    person.pose[1], person.shape[1], person.cams[1] = person.pose[0], person.shape[0], person.cams[0]
    person.cams[1, 1] += 3 * 2 / 96 / person.cams[0, 0]
    write_iper(tmp_path / "raw", "a", person.with_keypoints(96), 96)
    settings = PrepareSettings(size=96, crop="full-v1", body="smpl", smpl_model=model)
    source_to_store("iper", tmp_path / "raw", tmp_path / "store", settings)
    flow = open_store(tmp_path / "store")["a"].mesh_flow(0, 1)
    rows, columns = np.nonzero(flow[..., 0] > -2)
    assert len(rows) > 300
    np.testing.assert_allclose((flow[rows, columns, 0] + 1) * 48 - 0.5, columns - 3, atol=0.02)
    np.testing.assert_allclose((flow[rows, columns, 1] + 1) * 48 - 0.5, rows, atol=0.02)


def test_dropped_frames_take_their_parameters_along(tmp_path, model):
    person = Person(5).with_keypoints(96)
    write_iper(tmp_path / "raw", "a", person, 96)
    nobody = tmp_path / "raw" / "openpose" / "a" / f"{1:012d}_keypoints.json"
    assert nobody.is_file()
    nobody.write_text('{"people": []}')
    settings = PrepareSettings(size=96, crop="full-v1", body="smpl", smpl_model=model, lost="drop")
    assert not source_to_store("iper", tmp_path / "raw", tmp_path / "store", settings).failed
    clip = open_store(tmp_path / "store")["a"]
    kept = [row for row in range(FRAMES) if row != 1]
    check_mesh(clip, person.mean_in(96)[0][kept])
    np.testing.assert_allclose(clip.body["pose"], person.pose[kept], atol=1e-6)


def test_keypoints_may_come_from_the_body_too(tmp_path, model):
    person = Person(4).with_keypoints(96)
    write_iper(tmp_path / "raw", "001/9/1", person, 96, openpose=False)
    settings = PrepareSettings(size=96, crop="full-v1", poses="smpl", smpl_model=model)
    assert not source_to_store("iper", tmp_path / "raw", tmp_path / "store", settings).failed
    clip = open_store(tmp_path / "store")["001/9/1"]
    _, joints = person.mean_in(96)
    for row, name in enumerate(BODY_25):
        if name in KEYPOINT_JOINTS:
            expected = joints[:, KEYPOINT_JOINTS[name]] * (1, 1, 0) + (0, 0, 1)
            np.testing.assert_allclose(clip.keypoints[:, row], expected, atol=1e-2)
        else:  # the surface is not SMPL's own
            np.testing.assert_array_equal(clip.keypoints[:, row], [[np.nan, np.nan, 0]] * FRAMES)
    assert clip.attributes["pose_source"] == "smpl-import"


def test_clips_with_bad_parameters_fail_in_one_line_and_the_rest_is_done(tmp_path, model):
    raw, store, trap = tmp_path / "raw", tmp_path / "store", tmp_path / "trap"
    people = {clip: Person(i).with_keypoints(64) for i, clip in enumerate("abcdef")}
    for clip, person in people.items():
        write_iper(raw, f"001/1/{clip}", person, 64)
    write_pose_shape(raw / "smpls/001/1/b", people["b"], cams=people["b"].cams[:-1])

    class Trap:
        def __reduce__(self):
            return os.system, (f"touch {trap}",)

    write_pose_shape(raw / "smpls/001/1/c", people["c"], other=Trap())
    (raw / "smpls/001/1/d/pose_shape.pkl").unlink()
    (raw / "smpls/001/1/e/pose_shape.pkl").write_bytes(b"\x80")
    (raw / "smpls/001/1/f/pose_shape.pkl").unlink()
    (raw / "smpls/001/1/f").rmdir()
    settings = PrepareSettings(size=64, body="smpl", smpl_model=model)
    report = source_to_store("iper", raw, store, settings)
    assert report.done == ("001/1/a",)
    failures = {clip[-1]: stage_and_reason for clip, stage_and_reason in failures_of(store).items()}
    wanted = {
        "b": "expected finite numbers of shape (5, 3) in cams, one row for each frame, found float32 (4, 3)",
        "c": "expected a pickle of arrays alone, found one that asks for 'posix.system', which was not run; ",
        "d": "pose_shape.pkl, found none; restore the file",
        "e": "expected a pickle with arrays of numbers, found something else",
        "f": "expected SMPL parameters of the clip (kptsmpls/ of bdmm-preprocessed, or smpls/ of iper),",
    }
    assert set(failures) == set(wanted)
    for clip, text in wanted.items():
        assert failures[clip][0] == "raw"
        assert text in failures[clip][1]
        assert "\n" not in failures[clip][1]
    assert not trap.exists()


def test_a_store_holds_the_models_hash_and_never_its_path(tmp_path, model):
    raw, store = tmp_path / "raw", tmp_path / "store"
    write_bdmm(raw, "A1", Person().with_keypoints(32), 32)
    settings = PrepareSettings(size=32, crop="bdmm-crop-v1", smpl_model=model)
    source_to_store("bdmm-preprocessed", raw, store, settings)
    manifest = json.loads((store / "store.json").read_text())
    assert manifest["settings"]["smpl_model"] == file_to_sha256(model)
    assert "licensed body model (SMPL" in manifest["body_licence"]
    assert open_store(store)["A1"].attributes["settings"]["smpl_model"] == file_to_sha256(model)
    for path in store.rglob("*"):
        if path.is_file():
            assert model.name.encode() not in path.read_bytes()
    moved = tmp_path / "elsewhere.pkl"
    moved.write_bytes(model.read_bytes())
    again = PrepareSettings(size=32, crop="bdmm-crop-v1", smpl_model=moved)
    assert source_to_store("bdmm-preprocessed", raw, store, again).skipped == ("A1",)
    other = write_npz(tmp_path / "other.npz", make_arrays(1))
    with pytest.raises(StoreError, match="expected a clip store of smpl_model"):
        source_to_store(
            "bdmm-preprocessed", raw, store, PrepareSettings(size=32, crop="bdmm-crop-v1", smpl_model=other)
        )


def test_without_a_model_a_store_says_nothing_of_one(tmp_path, fashion):
    fashion.add("a")
    source_to_store("fashionvideo", fashion.path, tmp_path / "store", PrepareSettings(size=32))
    manifest = json.loads((tmp_path / "store" / "store.json").read_text())
    assert manifest["settings"]["smpl_model"] is None
    assert "body_licence" not in manifest


def test_auto_takes_the_truth_then_parameters_then_fits(tmp_path, model):
    person = Person()
    write_bdmm(tmp_path, "a", person, 64)
    brings = RawClip(
        id="a", split="test", media=tmp_path / "test/a.mp4/frames", kptsmpls=tmp_path / "test/a.mp4/kptsmpls",
        fps=30, numbering="gaps",
    )  # fmt: skip
    bare = RawClip(id="a", split="test", media=brings.media)
    info, body, truth = VideoInfo(frames=FRAMES, height=64, width=64, fps=30), load_smpl(model), object()
    for asked, clip, there, given, kind in (
        ("auto", brings, truth, body, "object"),
        ("auto", brings, None, body, "SmplClip"),
        ("auto", brings, None, None, "NoneType"),
        ("auto", bare, None, body, "NoneType"),
        ("smpl", brings, truth, body, "SmplClip"),
        ("dataset", brings, truth, body, "object"),
        ("fit", brings, truth, body, "NoneType"),
        ("none", brings, truth, body, "NoneType"),
    ):
        found = clip_to_brought(clip, there, info, body=asked, smpl=given)
        assert type(found).__name__ == kind, asked


def test_what_is_lacking_is_told_before_anything_is_done(tmp_path):
    for words in ({"body": "smpl"}, {"poses": "smpl"}):
        with pytest.raises(
            UsageError, match="expected an SMPL model file for --body smpl or --poses smpl, found"
        ):
            PrepareSettings(**words)
    write_bdmm(tmp_path / "raw", "A1", Person().with_keypoints(32), 32)
    for name, error in (("none.pkl", BodyError), ("bad.pkl", PickleError)):
        (tmp_path / "bad.pkl").write_bytes(b"cos\nsystem\n.")
        settings = PrepareSettings(size=32, body="smpl", smpl_model=tmp_path / name)
        with pytest.raises(error, match=name.replace(".", r"\.")):
            source_to_store("bdmm-preprocessed", tmp_path / "raw", tmp_path / "store", settings)
        assert not (tmp_path / "store").exists()


def test_the_command_takes_the_file_from_an_option_or_the_environment(tmp_path, model, monkeypatch):
    monkeypatch.delenv("VPTBENCH_SMPL", raising=False)
    write_bdmm(tmp_path / "raw", "A1", Person().with_keypoints(32), 32)
    common = ["prepare", "bdmm-preprocessed", str(tmp_path / "raw")]
    words = ["--size", "32", "--crop", "bdmm-crop-v1", "--body", "smpl"]
    result = CliRunner().invoke(main, [*common, str(tmp_path / "none"), *words])
    assert result.exit_code == 2
    assert result.output.startswith("Error: expected an SMPL model file for --body smpl")
    assert result.output.count("\n") == 1
    result = CliRunner().invoke(main, [*common, str(tmp_path / "a"), *words, "--smpl-model", str(model)])
    assert result.exit_code == 0
    result = CliRunner().invoke(
        main, [*common, str(tmp_path / "b"), *words], env={"VPTBENCH_SMPL": str(model)}
    )
    assert result.exit_code == 0
    for store in ("a", "b"):
        assert open_store(tmp_path / store)["A1"].attributes["mesh_source"] == "smpl-import"


def test_a_file_in_the_environment_matters_only_where_it_is_of_use(tmp_path, model, fashion, monkeypatch):
    """A dataset without SMPL parameters is begun without it, goes on with it, and does not miss it."""
    fashion.add("a", truth=False)
    prepare = ["prepare", "fashionvideo", str(fashion.path), str(tmp_path / "store"), "--size", "32"]
    for path in (None, str(model), str(tmp_path / "gone.pkl")):
        done = CliRunner().invoke(main, prepare, env={"VPTBENCH_SMPL": path})
        assert done.exit_code == 0, done.stderr
    manifest = json.loads((tmp_path / "store" / "store.json").read_text())
    assert manifest["settings"]["smpl_model"] is None
    assert "body_licence" not in manifest
    pack = str(tmp_path / "pack")
    monkeypatch.setenv("VPTBENCH_SMPL", str(model))
    for words in (
        ["export", str(tmp_path / "store"), pack, "--format", "pose-pack"],
        ["prepare", "fashionvideo", str(fashion.path), str(tmp_path / "again"), "--poses-from", pack],
    ):
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.stderr
    words = [*prepare[:3], str(tmp_path / "no"), "--poses-from", pack, "--smpl-model", str(model)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "--smpl-model" in done.stderr


def test_a_body_inside_out_is_refused(tmp_path):
    turned = {**ARRAYS, "f": ARRAYS["f"][:, ::-1]}
    settings = PrepareSettings(body="smpl", smpl_model=write_npz(tmp_path / "turned.npz", turned))
    with pytest.raises(BodyError, match=r"turned\.npz: expected faces counter-clockwise seen from outside"):
        settings.load_smpl()


def test_cameras_by_hand():
    """In 256 pixels s = 0.5 is 64 pixels a metre; t = (1, −2) m: 64 + 127.5 and −128 + 127.5."""
    found = cameras_to_pixels(np.float32([[0.5, 1, -2]]), (256, 256), "here")
    np.testing.assert_array_equal(found, np.float32([[64, 191.5, -0.5]]))


def test_cameras_of_other_frames_are_refused(tmp_path):
    with pytest.raises(
        DatasetError, match="expected square frames, of which alone its cameras speak, found 96×72"
    ):
        cameras_to_pixels(np.ones((1, 3), np.float32), (72, 96), tmp_path)
    with pytest.raises(DatasetError, match=r"expected cameras of positive scale, found -0\.5"):
        cameras_to_pixels(np.float32([[1, 0, 0], [-0.5, 0, 0]]), (64, 64), tmp_path)


def test_parameters_must_be_finite_numbers(tmp_path):
    person = Person()
    for changes in ({"shape": person.shape * np.nan}, {"pose": person.pose}, {"cams": np.zeros((5, 3), int)}):
        write_pose_shape(tmp_path, person, **changes)
        with pytest.raises(
            DatasetError, match=f"expected finite numbers of shape .* in {next(iter(changes))}"
        ):
            read_pose_shape(tmp_path / "pose_shape.pkl", FRAMES)
    write_pose_shape(tmp_path, person)
    numbers = read_pose_shape(tmp_path / "pose_shape.pkl", FRAMES)
    np.testing.assert_array_equal(numbers[:, 3:75].reshape(-1, 24, 3), person.pose)
    np.testing.assert_array_equal(numbers[:, :3], person.cams)
    np.testing.assert_array_equal(numbers[:, 75:], person.shape)


def test_vertices_are_made_a_few_frames_at_a_time(tmp_path, model, monkeypatch):
    monkeypatch.setattr(smpl, "CHUNK", 2)
    seen, make = [], smpl.body_to_vertices

    def watched(body, rotations, shape):
        seen.append(len(rotations))
        return make(body, rotations, shape)

    monkeypatch.setattr(smpl, "body_to_vertices", watched)
    person = Person()
    write_pose_shape(tmp_path, person)
    raw = RawClip(id="a", split="test", media=tmp_path, smpl=tmp_path)
    clip = clip_to_smpl(raw, load_smpl(model), FRAMES, (64, 64))
    rows = smpl.smpl_to_mesh(clip).vertices
    assert seen == []
    whole = smpl_to_vertices(clip)
    assert seen == [2, 2, 1]
    assert (rows.shape, rows.dtype) == ((FRAMES, 198, 3), np.float32)
    np.testing.assert_allclose(whole, person.mean_in(64)[0], atol=1e-3)
    seen.clear()
    for row in (0, 1, 2, 3, 4, -1):
        np.testing.assert_allclose(rows[row], whole[row], atol=1e-4)
        np.testing.assert_allclose(rows[row : row + 1 or None], whole[row : row + 1 or None], atol=1e-4)
    assert seen == [2, 2, 1]  # each chunk once, for frames that are read in order
    np.testing.assert_allclose(rows[1:4], whole[1:4], atol=1e-4)
