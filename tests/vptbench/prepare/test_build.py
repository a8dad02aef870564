"""Raw clips to a store: what arrives, what fails, what is done again."""

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from vptbench import open_store
from vptbench.errors import DatasetError, ManifestError, StoreError
from vptbench.manifest import file_to_sha256
from vptbench.prepare import build
from vptbench.prepare.build import source_to_store
from vptbench.prepare.crop import CropBox
from vptbench.prepare.settings import PrepareSettings
from vptbench.store.check import store_to_problems

SETTINGS = PrepareSettings(size=64)


def prepare(raw, store, settings=SETTINGS, **where):
    return source_to_store(raw.layout, raw.path, store, settings, **where)


def files_of(store):
    """Every file's bytes by name."""
    return {
        path.relative_to(store).as_posix(): path.read_bytes() for path in store.rglob("*") if path.is_file()
    }


def failures_of(store):
    with (store / "failures.csv").open(newline="") as stream:
        return {row["clip"]: (row["stage"], row["reason"]) for row in csv.DictReader(stream)}


def psnr(a, b):
    error = np.mean((a.astype(np.float64) - b) ** 2, axis=(1, 2, 3))
    return 10 * np.log10(255**2 / np.maximum(error, 1e-9))


def box_of(clip):
    x0, y0, side, _ = clip.attributes["crop_box"]
    return CropBox(x0=int(x0), y0=int(y0), side=int(side), size=clip.size[0])


def pictures(arrays):
    rows, columns = np.mgrid[: arrays["mask"].shape[1], : arrays["mask"].shape[2]]
    plain = np.stack([rows * 2, columns * 2, np.full_like(rows, 90)], axis=-1).astype(np.uint8)
    return np.where(arrays["mask"][..., None], np.uint8([200, 60, 40]), plain)


@pytest.mark.parametrize(("layout", "name"), [("fashion", "a+b"), ("iper", "001/9/1")])
@pytest.mark.parametrize("crop", ["clip-square-v1", "full-v1"])
def test_what_is_prepared_is_what_was_there(request, tmp_path, layout, name, crop):
    raw = request.getfixturevalue(layout)
    arrays = raw.add(name, "test")
    report = prepare(raw, tmp_path / "store", PrepareSettings(size=64, crop=crop))
    assert (report.done, report.skipped, report.failed) == ((name,), (), {})
    assert store_to_problems(tmp_path / "store") == []
    clip = open_store(tmp_path / "store")[name]
    box = box_of(clip)
    assert psnr(clip.frames[0:10], box.move_frames(pictures(arrays))).min() > 33
    np.testing.assert_allclose(clip.keypoints, box.move_points(arrays["keypoints"]), atol=1e-3)
    np.testing.assert_array_equal(clip.mask[0:10], box.move_masks(arrays["mask"]))
    np.testing.assert_allclose(clip.mesh.vertices[0:10], box.move_vertices(arrays["vertices"]), atol=1 / 511)
    np.testing.assert_array_equal(clip.mesh.faces, arrays["faces"])
    np.testing.assert_array_equal(clip.mesh.joint_weights, arrays["joint_weights"])
    np.testing.assert_array_equal(clip.body["camera"], box.move_camera(arrays["camera"]))
    np.testing.assert_array_equal(clip.body["shape"], arrays["shape"])
    np.testing.assert_array_equal(clip.body["pose"], arrays["pose"])


def test_provenance_stands_in_the_clip_and_the_store(fashion, tmp_path):
    fashion.add("b", "train")
    fashion.add("a", "test")
    (fashion.path / "synth.json").write_text(
        json.dumps({"format": "vptbench-synth", "arguments": {"seed": 1}})
    )
    prepare(fashion, tmp_path / "store")
    store = open_store(tmp_path / "store")
    assert list(store) == ["b", "a"]  # train before test
    attributes = dict(store["a"].attributes)
    sha256 = file_to_sha256(fashion.path / "test" / "a.mp4")
    side = attributes.pop("crop_box")[2]
    assert attributes.pop("scale") == [64 / side, 64 / side]
    assert attributes == {
        "format": "vptbench-clip", "version": 1, "clip": "a", "split": "test", "dataset": "fashionvideo",
        "fps": 30.0, "raw_name": "test/a.mp4", "raw_sha256": sha256, "crop": "clip-square-v1",
        "pose_source": "openpose-json", "mask_source": "ground-truth", "mesh_source": "ground-truth",
        "body_model": "a-body-v1",
        "settings": {
            "size": 64, "crop": "clip-square-v1", "poses": "auto", "swaps": "estimated", "smoothing": "none",
            "lost": "mark", "body": "auto", "compression": "gzip", "smpl_model": None,
        },
        "pose_facts": {"lost_frames": 0}, "corruption": {}, "frames_from": {},
    }  # fmt: skip
    assert store.manifest["dataset"] == "fashionvideo"
    assert store.manifest["synth"] == {"format": "vptbench-synth", "arguments": {"seed": 1}}
    assert store.manifest["clips"] == {
        "train": {"listed": 1, "prepared": 1},
        "test": {"listed": 1, "prepared": 1},
    }
    assert store.table.loc["a"].to_dict() == {
        "split": "test", "frames": 10, "height": 64, "width": 64, "fps": 30.0, "raw_sha256": sha256,
    }  # fmt: skip


def test_without_body_a_clip_has_poses_alone(fashion, tmp_path):
    fashion.add("a", truth=False)
    prepare(fashion, tmp_path / "store", PrepareSettings(size=64, body="none"))
    clip = open_store(tmp_path / "store")["a"]
    assert (clip.mask, clip.mesh, dict(clip.body)) == (None, None, {})
    assert (clip.attributes["mask_source"], clip.attributes["mesh_source"]) == ("none", "none")
    assert open_store(tmp_path / "store").manifest["synth"] is None
    assert store_to_problems(tmp_path / "store") == []


def test_frames_do_not_depend_on_the_truth(fashion, tmp_path):
    fashion.add("a")
    prepare(fashion, tmp_path / "with")
    (fashion.path / "truth" / "a.npz").unlink()
    prepare(fashion, tmp_path / "without")
    one, other = (open_store(tmp_path / name)["a"] for name in ("with", "without"))
    np.testing.assert_array_equal(one.frames[0:10], other.frames[0:10])
    np.testing.assert_array_equal(one.keypoints, other.keypoints)


@pytest.fixture
def many(fashion):
    for i in range(6):
        fashion.add(f"c{i}", "train" if i < 3 else "test", seed=i)
    return fashion


def test_two_runs_and_two_workers_give_equal_bytes(many, tmp_path):
    prepare(many, tmp_path / "one")
    prepare(many, tmp_path / "two", workers=2)
    one = files_of(tmp_path / "one")
    assert len(one) == 9
    assert one == files_of(tmp_path / "two")


def test_a_second_run_does_what_is_missing_and_nothing_else(many, tmp_path):
    store = tmp_path / "store"
    prepare(many, store)
    before = files_of(store)
    times = {path: path.stat().st_mtime_ns for path in store.rglob("*.h5")}
    missing = store / "clips" / "train" / "c1.h5"
    missing.unlink()
    (store / "clips" / "train" / ".c1.h5.0123abcd.part").write_bytes(b"half")
    report = prepare(many, store)
    assert (report.done, report.skipped, report.failed) == (("c1",), ("c0", "c2", "c3", "c4", "c5"), {})
    assert files_of(store) == before
    assert {path: path.stat().st_mtime_ns for path in times if path != missing} == {
        path: time for path, time in times.items() if path != missing
    }


KILLED = """
import sys
from pathlib import Path
from vptbench.prepare import build

whole = build.media_to_frames
def slowly(clip, info):
    import time
    for frames in whole(clip, info):
        yield frames
        time.sleep(0.15)
build.media_to_frames = slowly
build.source_to_store("fashionvideo", Path(sys.argv[1]), Path(sys.argv[2]), build.PrepareSettings(size=64))
"""


def test_killed_and_run_again_equals_an_undisturbed_run(many, tmp_path):
    store = tmp_path / "killed"
    command = [sys.executable, "-c", KILLED, str(many.path), str(store)]
    with subprocess.Popen(command, start_new_session=True) as run:
        end = time.monotonic() + 120
        while len(list(store.glob("clips/*/*.h5"))) < 2 or not list(store.glob("clips/*/.*.part")):
            assert time.monotonic() < end
            time.sleep(0.01)
        os.kill(run.pid, signal.SIGKILL)
    with pytest.raises(StoreError, match="expected a finished clip store, found an interrupted one"):
        open_store(store)
    finished = len(list(store.glob("clips/*/*.h5")))
    assert 2 <= finished < 6
    assert list(store.glob("clips/*/.*.part"))
    report = prepare(many, store)
    assert len(report.skipped) == finished
    prepare(many, tmp_path / "undisturbed")
    assert files_of(store) == files_of(tmp_path / "undisturbed")


def damage(raw):
    """One bad clip of each kind among good ones; clip to what its failure must say."""
    for name in ("good", "cut", "tail", "empty", "text", "lost-json", "joints", "nobody", "gone"):
        raw.add(name, "test" if name > "h" else "train")
    video = {path.stem: path for path in raw.path.glob("*/*.mp4")}
    whole = video["cut"].read_bytes()
    video["cut"].write_bytes(whole[: len(whole) // 2])
    video["tail"].write_bytes(video["tail"].read_bytes()[:-100])
    video["empty"].write_bytes(b"")
    video["text"].write_text("this is no video\n" * 40)
    video["gone"].unlink()
    poses = raw.path / "openpose"
    (poses / "lost-json" / f"{4:012d}_keypoints.json").unlink()
    person = {"pose_keypoints_2d": [1.0] * 72}
    (poses / "joints" / f"{5:012d}_keypoints.json").write_text(json.dumps({"people": [person]}))
    for path in (poses / "nobody").iterdir():
        path.write_text(json.dumps({"people": []}))
    return {
        "cut": ("decode", "expected 10 frames as the container states, could decode"),
        "tail": ("decode", "expected 10 frames as the container states, could decode"),
        "empty": ("decode", "expected a video, found an empty file"),
        "text": ("decode", "expected a video, found a text file"),
        "lost-json": (
            "poses",
            "expected 10 JSON files, one for each frame, found 9; first missing: 000000000004",
        ),
        "joints": ("poses", "000000000005_keypoints.json: expected 25 joints of x, y, confidence, found 24"),
        "nobody": ("poses", "expected a person in at least one frame, found none in 10 (openpose-json)"),
        "gone": ("raw", "expected train/gone.mp4 or videos/gone.mp4 as fashion_train.txt says, found none"),
    }


def test_bad_clips_are_listed_and_the_others_done(fashion, tmp_path):
    expected = damage(fashion)
    report = prepare(fashion, tmp_path / "store")
    assert report.done == ("good",)
    failed = failures_of(tmp_path / "store")
    assert set(failed) == set(expected) == set(report.failed)
    for clip, (stage, text) in expected.items():
        assert failed[clip][0] == stage
        assert text in failed[clip][1]
        assert "\n" not in failed[clip][1]
        assert report.failed[clip] == failed[clip][1]
    store = open_store(tmp_path / "store")
    assert list(store) == ["good"]
    assert store.manifest["clips"]["train"] == {"listed": 4, "prepared": 1}
    assert store_to_problems(tmp_path / "store") == []


def test_what_failed_is_tried_again(fashion, tmp_path):
    fashion.add("a")
    video = fashion.path / "test" / "a.mp4"
    whole = video.read_bytes()
    video.write_bytes(whole[:-100])
    assert prepare(fashion, tmp_path / "store").failed.keys() == {"a"}
    assert list(open_store(tmp_path / "store")) == []  # a store all the same
    video.write_bytes(whole)
    assert prepare(fashion, tmp_path / "store").done == ("a",)
    assert failures_of(tmp_path / "store") == {}


def test_a_damaged_clip_file_is_told(fashion, tmp_path):
    fashion.add("a")
    prepare(fashion, tmp_path / "store")
    (tmp_path / "store" / "clips" / "test" / "a.h5").write_bytes(b"damage")
    report = prepare(fashion, tmp_path / "store")
    assert report.skipped == ()
    assert failures_of(tmp_path / "store")["a"][0] == "write"
    assert "delete and prepare again" in report.failed["a"]


def test_a_truth_that_belongs_elsewhere_is_told(fashion, tmp_path):
    fashion.add("a")
    fashion.add("b", frames=6)
    truth = fashion.path / "truth"
    (truth / "b.npz").rename(truth / "a.npz")
    report = prepare(fashion, tmp_path / "store", PrepareSettings(size=64, body="dataset"))
    assert "keypoints: expected float32 (10, 25, 3), found float32 (6, 25, 3)" in report.failed["a"]
    assert "expected a body in truth/b.npz as --body dataset asks, found none" in report.failed["b"]
    assert {stage for stage, _ in failures_of(tmp_path / "store").values()} == {"raw"}


@pytest.fixture
def limited_files():
    """No file may grow beyond 12 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_fails_the_clips_that_do_not_fit(fashion, tmp_path, request):
    fashion.add("small", frames=1)
    fashion.add("large", frames=20)
    request.getfixturevalue("limited_files")
    report = prepare(fashion, tmp_path / "store", PrepareSettings(size=32))
    assert report.done == ("small",)
    assert "File too large" in report.failed["large"]
    assert "the disk refused" in report.failed["large"]
    assert not list((tmp_path / "store").rglob("*.part"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (PrepareSettings(size=32), r"expected a clip store of size 32 \(found 64\); choose another place"),
        (PrepareSettings(size=64, crop="full-v1"), r"of crop full-v1 \(found clip-square-v1\);"),
    ],
)
def test_a_store_of_other_settings_is_refused(fashion, tmp_path, settings, message):
    fashion.add("a")
    prepare(fashion, tmp_path / "store")
    with pytest.raises(StoreError, match=message):
        prepare(fashion, tmp_path / "store", settings)


def test_places_that_are_no_store_are_refused(fashion, tmp_path):
    fashion.add("a")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").touch()
    with pytest.raises(
        StoreError, match=r"expected an empty folder or a clip store, found mine\.txt and no store\.json"
    ):
        prepare(fashion, tmp_path / "notes")
    for place in ("notes/mine.txt", "notes/mine.txt/store"):
        with pytest.raises(ManifestError, match=r"mine\.txt is a file; choose another place"):
            prepare(fashion, tmp_path / place)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "store.json").write_text('{"format": "vptbench-store", "version": 2}')
    with pytest.raises(ManifestError, match="expected version 1 of vptbench-store, found 2"):
        prepare(fashion, tmp_path / "store")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / ".store.json.0123abcd.part").touch()
    assert prepare(fashion, tmp_path / "begun").done == ("a",)
    assert not list((tmp_path / "begun").glob(".*"))


def test_synthetic_data_are_named_so_and_refused_while_unfinished(fashion, tmp_path):
    fashion.add("a")
    (fashion.path / "synth.json").write_text("{}")
    prepare(fashion, tmp_path / "store")
    manifest = open_store(tmp_path / "store").manifest
    assert manifest["title"] == "synthetic people in the layout of FashionVideo (UBC Fashion)"
    assert "licence" not in manifest
    (fashion.path / "synth-unfinished.json").write_text("{}")
    with pytest.raises(
        DatasetError, match="expected finished synthetic data, found interrupted ones; run the same"
    ):
        prepare(fashion, tmp_path / "other")


def test_raw_data_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(
        DatasetError, match=r"expected the files of FashionVideo \(UBC Fashion\) in a folder at"
    ):
        source_to_store("fashionvideo", tmp_path / "raw", tmp_path / "store", SETTINGS)
    assert not (tmp_path / "store").exists()


def test_zstd_that_is_not_installed_is_told_at_once(fashion, tmp_path, monkeypatch):
    fashion.add("a")
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    with pytest.raises(StoreError, match="expected hdf5plugin for --compression zstd, found none"):
        prepare(fashion, tmp_path / "store", PrepareSettings(compression="zstd"))


def test_memory_does_not_grow_with_the_length_of_a_clip(fashion, tmp_path):
    peaks = []
    for frames in (40, 240):
        fashion.add(f"{frames}", frames=frames)
        tracemalloc.start()
        prepare(fashion, tmp_path / "store")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 200 more frames of 96×72 are 4 MB of pixels and 1.4 MB of mask; their keypoints and poses are 0.2 MB
    assert peaks[1] - peaks[0] < 1e6


def test_a_given_cluster_finds_relative_paths(fashion, tmp_path, monkeypatch):
    fashion.add("a")
    seen = {}

    def here(function, tasks, **where):
        seen.update(where)
        monkeypatch.chdir("/")  # as a worker that was started elsewhere
        return [(task, function(task)) for task in tasks]

    monkeypatch.setattr(build, "tasks_to_results", here)
    monkeypatch.chdir(tmp_path)
    report = source_to_store(
        "fashionvideo", Path("raw"), Path("store"), SETTINGS, scheduler="tcp://somewhere:8786"
    )
    assert report.done == ("a",)
    assert seen == {"workers": 1, "scheduler": "tcp://somewhere:8786"}
