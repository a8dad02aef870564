import json

import numpy as np
import pytest

from vptbench.body.asset import load_body
from vptbench.errors import ManifestError, UsageError
from vptbench.image import read_image
from vptbench.manifest import file_to_sha256, read_manifest
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.prepare.media import clip_to_pictures
from vptbench.prepare.tiktok import TikTok
from vptbench.skeleton import keypoints_to_problems
from vptbench.synth.build import KIND, LAYOUTS, MANIFEST, UNFINISHED, VERSION, _film, seed_to_raw
from vptbench.video import read_video_info, video_to_frames

SMALL = {"clips": 3, "frames": 4, "size": 48, "seed": 5}


def _hashes(folder):
    return {path.relative_to(folder): file_to_sha256(path) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module", params=LAYOUTS)
def raw(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("raw") / request.param
    seed_to_raw(out, layout=request.param, **SMALL)
    return out


def _layout(raw):
    return raw.name


def test_the_same_seed_gives_the_same_bytes(raw, tmp_path):
    again = tmp_path / "again"
    seed_to_raw(again, layout=_layout(raw), **SMALL)
    assert _hashes(again) == _hashes(raw)


def test_another_seed_gives_other_people(raw, tmp_path):
    other = tmp_path / "other"
    seed_to_raw(other, layout=_layout(raw), **{**SMALL, "clips": 2, "seed": 6})
    first = min(path for path in (other / "truth").rglob("*.npz"))
    assert file_to_sha256(first) not in _hashes(raw).values()


def test_files_lie_as_in_the_real_dataset(raw):
    found = {path.relative_to(raw).as_posix() for path in raw.rglob("*") if path.is_file()}
    if _layout(raw) == "fashionvideo":
        names = ["s0005-000", "s0005-001", "s0005-002"]
        assert (raw / "fashion_train.txt").read_text() == "s0005-000.mp4\ns0005-001.mp4\n"
        assert (raw / "fashion_test.txt").read_text() == "s0005-002.mp4\n"
        media = {"train/s0005-000.mp4", "train/s0005-001.mp4", "test/s0005-002.mp4"}
        lists = {"fashion_train.txt", "fashion_test.txt"}
    elif _layout(raw) == "tiktok":
        names = ["00001", "00002", "00003"]
        assert (raw / "train.txt").read_text() == "00001\n00002\n"
        assert (raw / "test.txt").read_text() == "00003\n"
        media = {f"{name}/images/{frame:04d}.png" for name in names for frame in range(1, 5)}
        lists = {"train.txt", "test.txt"}
    else:
        names = ["001/1/1", "001/1/2", "002/1/1"]
        assert (raw / "train.txt").read_text() == "001/1/1\n001/1/2\n"
        assert (raw / "val.txt").read_text() == "002/1/1\n"
        media = {f"images_HD/{name}/{frame:04d}.jpg" for name in names for frame in range(4)}
        lists = {"train.txt", "val.txt"}
    poses = {f"openpose/{name}/{frame:012d}_keypoints.json" for name in names for frame in range(4)}
    assert found == media | lists | poses | {f"truth/{name}.npz" for name in names} | {MANIFEST}


def test_media_can_be_read_and_are_of_the_size_asked_for(raw):
    if _layout(raw) == "fashionvideo":
        info = read_video_info(raw / "train" / "s0005-000.mp4")
        assert (info.frames, info.height, info.width, info.fps) == (4, 48, 36, 30.0)
    elif _layout(raw) == "tiktok":
        assert read_image(raw / "00002/images/0004.png").shape == (48, 36, 3)
    else:
        assert read_image(raw / "images_HD/001/1/2/0003.jpg").shape == (48, 48, 3)


def test_truth_opens_without_pickles_and_fits_the_pictures(raw):
    for path in (raw / "truth").rglob("*.npz"):
        with np.load(path, allow_pickle=False) as truth:
            assert set(truth.files) == {
                "faces", "joint_weights", "vertices", "mask", "pose", "shape", "camera", "keypoints", "body",
            }  # fmt: skip
            assert str(truth["body"]) == load_body().name
            np.testing.assert_array_equal(truth["faces"], load_body().faces)
            assert truth["joint_weights"].shape == (len(load_body().rest), 25)
            assert truth["mask"].dtype == bool
            assert keypoints_to_problems(truth["keypoints"]) == []
            height, width = truth["mask"].shape[1:]
            for vertices, mask in zip(truth["vertices"], truth["mask"], strict=True):
                table = vertices_to_face_table(vertices, truth["faces"], (height, width))
                assert ((table.face >= 0) & mask).sum() / ((table.face >= 0) | mask).sum() > 0.97


@pytest.mark.parametrize("raw", ["fashionvideo"], indirect=True)  # only a plain backdrop tells by its colour
def test_the_video_shows_the_person_where_the_mask_says(raw):
    frames = np.concatenate(list(video_to_frames(raw / "train" / "s0005-000.mp4"))).astype(float)
    with np.load(raw / "truth" / "s0005-000.npz", allow_pickle=False) as truth:
        mask = truth["mask"]
    darkness = 244 - frames.mean(-1)
    assert darkness[mask].mean() > 4 * np.abs(darkness[~mask]).mean()


def test_openpose_json_holds_the_truths_keypoints(raw):
    for path in (raw / "truth").rglob("*.npz"):
        clip = path.relative_to(raw / "truth").with_suffix("")
        with np.load(path, allow_pickle=False) as truth:
            keypoints = truth["keypoints"]
        for frame, joints in enumerate(keypoints):
            document = json.loads((raw / "openpose" / clip / f"{frame:012d}_keypoints.json").read_text())
            assert document["version"] == 1.3
            (person,) = document["people"]
            stored = np.array(person["pose_keypoints_2d"]).reshape(25, 3)
            np.testing.assert_allclose(stored, np.nan_to_num(joints), atol=6e-4)


def test_splits_share_no_person(raw):
    train, test = (
        {line.split("/")[0] for line in (raw / name).read_text().split()}
        for name in LAYOUTS[_layout(raw)].lists.values()
    )
    assert train
    assert test
    assert not train & test
    shapes = {}
    for path in (raw / "truth").rglob("*.npz"):
        clip = path.relative_to(raw / "truth").with_suffix("").as_posix()
        with np.load(path, allow_pickle=False) as truth:
            shapes.setdefault(truth["shape"].tobytes(), set()).add(clip.split("/")[0])
    assert all(len(people) == 1 for people in shapes.values())


@pytest.mark.parametrize(("clips", "tested"), [(2, 1), (3, 1), (6, 2), (12, 4)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_about_a_third_of_the_clips_are_tested(layout, clips, tested):
    plans = LAYOUTS[layout].plan(clips, 1)
    assert len({plan.clip for plan in plans}) == clips
    assert sum(plan.split == "test" for plan in plans) == tested
    assert sum(plan.split == "train" for plan in plans) == clips - tested


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_clip_does_not_depend_on_how_many_are_made(layout):
    many = {plan.clip: (plan.person, plan.motion) for plan in LAYOUTS[layout].plan(9, 1)}
    for clips in range(2, 9):
        few = {plan.clip: (plan.person, plan.motion) for plan in LAYOUTS[layout].plan(clips, 1)}
        assert len(few) == clips
        assert few.items() <= many.items()


def test_a_second_run_makes_only_what_is_missing(raw, tmp_path):
    copy = tmp_path / "raw"
    seed_to_raw(copy, layout=_layout(raw), **SMALL)
    truth = min(path for path in (copy / "truth").rglob("*.npz"))
    truth.unlink()
    (copy / MANIFEST).rename(copy / UNFINISHED)
    (copy / ".left.12345678.part").write_text("from an interrupted run")
    kept = {path: path.stat().st_mtime_ns for path in copy.rglob("*.npz")}
    seed_to_raw(copy, layout=_layout(raw), **SMALL)
    assert _hashes(copy) == _hashes(raw)
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())


def test_an_interrupted_run_is_no_finished_one(tmp_path, monkeypatch):
    out = tmp_path / "raw"

    def fail(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vptbench.synth.build._write_truth", fail)
    with pytest.raises(OSError, match="No space left"):
        seed_to_raw(out, layout="iper", **SMALL)
    assert not (out / MANIFEST).exists()
    assert not list(out.rglob("*.part"))
    monkeypatch.undo()
    with pytest.raises(UsageError, match=r"expected synthetic data with .*seed 9, found some with .*seed 5"):
        seed_to_raw(out, layout="iper", **{**SMALL, "seed": 9})
    seed_to_raw(out, layout="iper", **SMALL)
    assert read_manifest(out / MANIFEST, kind=KIND, version_number=VERSION)["seed"] == 5
    assert not (out / UNFINISHED).exists()


def test_runs_stopped_at_their_very_start_or_end_go_on(raw, tmp_path):
    copy = tmp_path / "raw"
    copy.mkdir()
    (copy / f".{UNFINISHED}.12345678.part").write_text("{")
    seed_to_raw(copy, layout=_layout(raw), **SMALL)
    (copy / UNFINISHED).write_bytes((copy / MANIFEST).read_bytes())
    seed_to_raw(copy, layout=_layout(raw), **SMALL)
    assert {path.name for path in copy.iterdir()} == {path.name for path in raw.iterdir()}


def test_other_arguments_in_the_same_folder_are_refused(raw):
    before = _hashes(raw)
    with pytest.raises(UsageError, match=r"frames 5, .*found some with .*frames 4, .*choose another folder"):
        seed_to_raw(raw, layout=_layout(raw), **{**SMALL, "frames": 5})
    assert _hashes(raw) == before


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"expected a new or empty folder, found one that holds notes.txt"):
        seed_to_raw(tmp_path, layout="iper", **SMALL)


def test_a_file_in_the_way_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ManifestError, match="is a file"):
        seed_to_raw(tmp_path / "file" / "raw", layout="iper", **SMALL)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"layout": "tiktak"}, r"layout: expected fashionvideo or iper or tiktok, got 'tiktak'"),
        ({"clips": 1}, r"clips: expected at least 2, got 1"),
        ({"frames": 1}, r"frames: expected at least 2, got 1"),
        ({"size": 16}, r"size: expected at least 32, got 16"),
        ({"size": 49}, r"size: expected an even height for video, got 49"),
        ({"seed": -1}, r"seed: expected at least 0, got -1"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change, text, tmp_path):
    with pytest.raises(UsageError, match=text):
        seed_to_raw(tmp_path / "raw", **{"layout": "fashionvideo", **SMALL, **change})
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize("raw", ["tiktok"], indirect=True)
def test_prepare_finds_all_of_a_tiktok_layout(raw):
    clips = {clip.id: clip for clip in TikTok().list_clips(raw)}
    assert {name: clip.split for name, clip in clips.items()} == {
        "00001": "train", "00002": "train", "00003": "test",
    }  # fmt: skip
    for name, clip in clips.items():
        assert (clip.media, clip.problem) == (raw / name / "images", None)
        assert (clip.openpose, clip.truth) == (raw / "openpose" / name, raw / "truth" / f"{name}.npz")
        assert [path.name for path in clip_to_pictures(clip)] == [f"{k:04d}.png" for k in range(1, 5)]


def test_a_phones_camera_is_near():
    # Of the frame's pixels, the person covers more than in iPER's square of the same height.
    shares = {}
    for layout in ("iper", "tiktok"):
        films = [
            _film(plan, LAYOUTS[layout], LAYOUTS[layout].shot(64), 16, 5)
            for plan in LAYOUTS[layout].plan(8, 5)
        ]
        shares[layout] = np.mean([film.truth.mask.mean() for film in films])
        if layout == "tiktok":
            rows = np.concatenate([film.truth.mask.any(2).sum(1) for film in films])
            assert np.median(rows) > 0.75 * 64
    assert shares["tiktok"] > 1.2 * shares["iper"]


@pytest.mark.parametrize("raw", ["iper"], indirect=True)
def test_pictures_are_written_in_order(raw):
    # The person turns, so that the first picture differs more from the third than from the second.
    frames = [read_image(path).astype(float) for path in sorted((raw / "images_HD/001/1/1").iterdir())]
    first, second = (np.abs(frames[0] - frames[k]).mean() for k in (1, 2))
    assert 0 < first < second
