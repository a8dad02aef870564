"""Noisy stores: what is in them, whose frames they show, and what is refused."""

import json
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from vptbench import open_store
from vptbench.benchmarks import loader
from vptbench.benchmarks.items import benchmark_items, clip_list_sha256
from vptbench.benchmarks.loader import load_benchmark
from vptbench.errors import BenchmarkError, RegistryError, StoreError, UsageError
from vptbench.generate.inputs import store_to_exports
from vptbench.generate.pose_pack import store_to_pack
from vptbench.generate.run import store_to_outputs
from vptbench.outputs.reader import open_outputs
from vptbench.prepare.build import source_to_store
from vptbench.prepare.pack import Join, pack_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.robustness import build
from vptbench.robustness.build import disturbance_to_text, store_to_noisy_store
from vptbench.robustness.corruptions import Corruption, CorruptionKind, NoisyPoses, Poses, corrupt_poses
from vptbench.robustness.disturbance import Disturbance
from vptbench.score import run as score
from vptbench.store import schema
from vptbench.store.check import store_to_problems
from vptbench.store.noisy import clip_to_link_facts
from vptbench.store.pack import open_pack

JITTER = Corruption("jitter", 3, 1)


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def whole(rows):
    return np.asarray(rows[0 : rows.shape[0]])


@pytest.fixture(scope="module")
def store(stores, tmp_path_factory):
    """A copy of the clean store that may be moved with the noisy ones beside it."""
    place = tmp_path_factory.mktemp("noise") / "clean"
    shutil.copytree(stores["fashionvideo"], place)
    return place


@pytest.fixture(scope="module")
def made(store):
    noisy = store.parent / "jitter-3"
    return noisy, store_to_noisy_store(store, noisy, JITTER)


def test_every_clip_is_there_with_noisy_poses_and_the_clean_frames(store, made):
    noisy, report = made
    clean, opened = open_store(store), open_store(noisy)
    assert (report.done, report.skipped, report.failed) == (tuple(clean), (), {})
    assert list(opened) == list(clean)
    assert store_to_problems(noisy) == []
    assert opened.table.equals(clean.table)
    for name, clip in opened.items():
        true = clean[name]
        np.testing.assert_array_equal(whole(clip.frames), whole(true.frames))
        np.testing.assert_array_equal(whole(clip.mask), whole(true.mask))
        expected = corrupt_poses(JITTER, name, Poses(true.keypoints, true.size), (0,))
        assert clip.keypoints.tobytes() == expected.keypoints.tobytes()
        np.testing.assert_array_equal(clip.mesh.faces, true.mesh.faces)
        np.testing.assert_array_equal(clip.mesh.joint_weights, true.mesh.joint_weights)
        assert clip.keypoints[0].tobytes() == true.keypoints[0].tobytes()
        assert clip.mesh.vertices[0].tobytes() == true.mesh.vertices[0].tobytes()
        assert (clip.mesh.vertices[1] != true.mesh.vertices[1]).any()


def test_the_mesh_moves_as_its_joints_do(store, made):
    """By the definition, in float64, with every joint of these clips present: weights times shifts."""
    noisy, _ = made
    name = open_store(store).ids("test")[0]
    true, clip = open_store(store)[name], open_store(noisy)[name]
    row = int(np.flatnonzero((true.keypoints[:, :, 2] > 0).all(axis=1) & (np.arange(len(true)) > 0))[0])
    shifts = clip.keypoints[row, :, :2].astype(np.float64) - true.keypoints[row, :, :2]
    expected = np.array(true.mesh.vertices[row], np.float64)
    expected[:, :2] += true.mesh.joint_weights.astype(np.float64) @ shifts
    np.testing.assert_allclose(clip.mesh.vertices[row], expected, atol=1 / 511 + 1e-4)


def test_the_realised_disturbance_is_told(store, made):
    """Recomputed over all clips with a plain loop; frames 0 do not count."""
    noisy, report = made
    distances, meshes = [], []
    for name, clip in open_store(noisy).items():
        true = open_store(store)[name]
        for row in range(1, len(true)):
            distances += [
                float(np.hypot(*(a[:2].astype(float) - b[:2])))
                for a, b in zip(clip.keypoints[row], true.keypoints[row], strict=True)
                if a[2] > 0 and b[2] > 0
            ]
            steps = clip.mesh.vertices[row].astype(float) - true.mesh.vertices[row]
            meshes += [*np.hypot(steps[:, 0], steps[:, 1])]
    assert report.disturbance.joints == len(distances)
    assert report.disturbance.mean_px == pytest.approx(np.mean(distances), rel=1e-9)
    assert report.disturbance.mesh_px == pytest.approx(np.mean(meshes), abs=1 / 256)
    assert report.disturbance.missing == 0
    told = open_store(noisy).manifest[schema.DISTURBANCE]
    assert Disturbance(**told) == report.disturbance
    clip = open_store(noisy)[open_store(noisy).ids()[0]]
    assert clip.attributes["corruption"] | {"disturbance": 0} == {
        "kind": "jitter", "severity": 3, "seed": 1, "parameters": {}, "version": 1, "fixed": [0],
        "disturbance": 0,
    }  # fmt: skip


def test_text_of_a_disturbance():
    line = disturbance_to_text(Disturbance(1.256, 0.5, 0.125, None, 8, 0))
    assert line == "joints 1.26 px away on average, PCK@0.05 50.0 %, 12.5 % missing"
    assert disturbance_to_text(Disturbance(1, 1, 0, 2.5, 8, 8)).endswith("; mesh 2.50 px away")


def test_no_frame_and_no_body_is_in_a_noisy_file(store, made):
    noisy, report = made
    clean = open_store(store)
    for name in clean:
        path = open_store(noisy).file(name)
        with h5py.File(path) as file:
            assert {*file} == {"frames", "keypoints", "mask", "mesh"}
            for part in ("frames", "mask"):
                link = file.get(part, getlink=True)
                assert isinstance(link, h5py.ExternalLink)
                assert (link.filename, link.path) == (
                    f"../../../clean/clips/{path.parent.name}/{name}.h5",
                    f"/{part}",
                )
            mesh = sum(file["mesh"][part].id.get_storage_size() for part in file["mesh"])
        raw = len(clean[name]) * 64 * 64 * 3
        assert path.stat().st_size - mesh < 20_000 < raw
    assert report.bytes == sum(path.stat().st_size for path in (noisy / "clips").rglob("*.h5"))
    assert report.clean_bytes == sum(path.stat().st_size for path in (store / "clips").rglob("*.h5"))
    assert report.bytes < report.clean_bytes


def test_provenance(store, made):
    noisy, _ = made
    opened, clean = open_store(noisy), open_store(store)
    for name, clip in opened.items():
        for key in ("pose_source", "mesh_source"):
            assert clip.attributes[key] == f"{clean[name].attributes[key]}+jitter-3"
        assert clip.attributes["mask_source"] == clean[name].attributes["mask_source"]
        assert clean[name].attributes["corruption"] == {}
    assert opened.manifest["corruption"] == {
        "kind": "jitter", "severity": 3, "seed": 1, "parameters": {}, "version": 1, "corrupt_source": False,
        "benchmark": None, "benchmark_sha256": None,
    }  # fmt: skip
    assert opened.manifest["clean"] == {"path": "../clean", "split": None}
    assert opened.manifest["clips"] == clean.manifest["clips"]
    (source,) = opened.manifest["origins"]["poses"]
    assert source.endswith("+jitter-3")
    same = ("dataset", "synth", "settings", "title", "libraries")
    assert {key: opened.manifest.get(key) for key in same} == {key: clean.manifest.get(key) for key in same}
    assert clip_list_sha256(opened.values()) == clip_list_sha256(clean.values())


def test_severity_0_is_the_clean_store_bit_for_bit(store, tmp_path):
    report = store_to_noisy_store(store, tmp_path / "none", Corruption("jitter", 0), corrupt_source=True)
    assert (report.disturbance.mean_px, report.disturbance.pck, report.disturbance.mesh_px) == (0, 1, 0)
    for name, clip in open_store(tmp_path / "none").items():
        true = open_store(store)[name]
        assert clip.keypoints.tobytes() == true.keypoints.tobytes()
        assert whole(clip.mesh.vertices).tobytes() == whole(true.mesh.vertices).tobytes()


@pytest.mark.slow
def test_two_workers_make_the_same_bytes(store, made):
    other = store.parent / "jitter-3-again"
    store_to_noisy_store(store, other, JITTER, workers=2)
    assert files_of(other) == files_of(made[0])


def test_what_is_missing_is_made_and_nothing_else(store, made):
    noisy = store.parent / "resumed"
    shutil.copytree(made[0], noisy)
    lost, *kept = open_store(noisy)
    open_store(noisy).file(lost).unlink()
    (noisy / "store.json").write_text(
        json.dumps(json.loads((noisy / "store.json").read_text()) | {"complete": False})
    )
    before = {path: path.stat().st_mtime_ns for path in (noisy / "clips").rglob("*.h5")}
    report = store_to_noisy_store(store, noisy, JITTER)
    assert (report.done, report.skipped) == ((lost,), tuple(kept))
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert files_of(noisy) == files_of(made[0])


def test_clean_frames_are_hashed_once_until_they_change(store, tmp_path, monkeypatch):
    clean, read = tmp_path / "clean", []
    shutil.copytree(store, clean)
    monkeypatch.setattr(
        build, "clip_to_link_facts", lambda clip: read.append(clip.id) or clip_to_link_facts(clip)
    )
    for severity in (1, 2):
        store_to_noisy_store(clean, tmp_path / str(severity), Corruption("jitter", severity))
    ids = list(open_store(clean))
    assert read == ids
    files = [open_store(clean).file(name) for name in ids[:2]]
    stats = [file.stat() for file in files]
    with h5py.File(files[0], "a") as opened:
        frames = opened["frames"][...]
        del opened["frames"]
        opened["frames"] = 255 - frames
    os.utime(files[0], ns=(stats[0].st_atime_ns, stats[0].st_mtime_ns))  # another size, at the same time
    os.utime(files[1], ns=(stats[1].st_atime_ns, stats[1].st_mtime_ns + 10**9))  # the same size, later
    assert files[0].stat().st_size != stats[0].st_size
    store_to_noisy_store(clean, tmp_path / "3", Corruption("jitter", 3))
    assert read == [*ids, *ids[:2]]
    assert store_to_problems(tmp_path / "3") == []
    assert "frames_sha256" in store_to_problems(tmp_path / "2")[0]


def test_an_interrupted_noisy_store_names_its_command(made, tmp_path):
    place = tmp_path / "noisy"
    shutil.copytree(made[0], place)
    (place / "clips.csv").unlink()
    with pytest.raises(StoreError, match="found an interrupted one; run the same corrupt again"):
        open_store(place)


def test_clips_that_fail_are_listed_beside_those_of_the_clean_store(stores, tmp_path):
    store = tmp_path / "clean"
    shutil.copytree(stores["fashionvideo"], store)
    bad, *others = open_store(store)
    (store / "failures.csv").write_text("clip,stage,reason\ngone,raw,no file\n")
    open_store(store).file(bad).write_bytes(b"damage")
    report = store_to_noisy_store(store, tmp_path / "noisy", JITTER)
    assert (report.done, set(report.failed)) == (tuple(others), {bad})
    lines = (tmp_path / "noisy" / "failures.csv").read_text().splitlines()
    assert lines[:2] == ["clip,stage,reason", "gone,raw,no file"]
    assert lines[2].startswith(f"{bad},corrupt,")
    assert list(open_store(tmp_path / "noisy")) == others


def test_one_split_alone(store, tmp_path):
    store_to_noisy_store(store, tmp_path / "noisy", JITTER, split="test")
    opened, clean = open_store(tmp_path / "noisy"), open_store(store)
    assert opened.ids() == clean.ids("test")
    assert opened.manifest["clips"] == {"test": clean.manifest["clips"]["test"]}
    assert store_to_problems(tmp_path / "noisy") == []
    with pytest.raises(StoreError, match=r"clean split None \(found test\)"):
        store_to_noisy_store(store, tmp_path / "noisy", JITTER)


def own_benchmark(tmp_path, **changes):
    known = json.loads((Path(loader.__file__).parent / "synthetic-v1.json").read_text())
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(known | {"id": "mine-v1"} | changes))
    return path


def test_source_frames_are_the_benchmarks(store, tmp_path):
    mine = own_benchmark(tmp_path, source={"index": 4})
    clean = open_store(store)
    sources = {item.source_clip: item.source_frame for item in benchmark_items(load_benchmark(mine), clean)}
    assert set(sources.values()) == {4}
    store_to_noisy_store(store, tmp_path / "noisy", JITTER, benchmark=mine)
    for name, clip in open_store(tmp_path / "noisy").items():
        fixed = [sources[name]] if name in sources else []
        assert clip.attributes["corruption"]["fixed"] == fixed
        same = (clip.keypoints == clean[name].keypoints).all(axis=(1, 2))
        assert list(np.flatnonzero(same)) == fixed
    assert open_store(tmp_path / "noisy").manifest["corruption"]["benchmark"] == "mine-v1"


def test_source_frames_are_noisy_where_asked(store, tmp_path):
    store_to_noisy_store(store, tmp_path / "noisy", JITTER, corrupt_source=True, split="test")
    for name, clip in open_store(tmp_path / "noisy").items():
        assert (clip.keypoints[0] != open_store(store)[name].keypoints[0]).any()
        assert clip.attributes["corruption"]["fixed"] == []


def delayed(poses, level, draws, parameters):
    del level, draws, parameters
    rows = np.maximum(np.arange(len(poses.keypoints)) - 2, 0)
    return NoisyPoses(poses.keypoints[rows], rows)


def test_a_mesh_can_start_from_another_frame_and_nobody_stays_nobody(store, tmp_path, monkeypatch):
    """A delay of 2 frames: the mesh of frame t is that of t − 2 bit for bit; nobody in 3, so none in 5."""
    clean = tmp_path / "clean"
    shutil.copytree(store, clean)
    name = open_store(clean).ids("test")[0]
    with h5py.File(open_store(clean).file(name), "r+") as file:
        file["mesh/vertices"][3] = np.nan
        file["keypoints"][3] = (np.nan, np.nan, 0)
    kind = CorruptionKind((1, 2, 3, 4, 5), "frames", "late", delayed, drawn=False)
    monkeypatch.setattr("vptbench.robustness.corruptions.load_kind", lambda _: kind)
    monkeypatch.setattr(build, "load_kind", lambda _: kind)
    store_to_noisy_store(clean, tmp_path / "noisy", Corruption("jitter", 1), split="test")
    clip, true = open_store(tmp_path / "noisy")[name], open_store(clean)[name]
    for row in range(1, len(true)):
        assert clip.mesh.vertices[row].tobytes() == true.mesh.vertices[max(row - 2, 0)].tobytes()
    assert np.isnan(clip.mesh.vertices[5]).all()
    assert open_store(tmp_path / "noisy").manifest["disturbance"]["mesh_px"] > 0


def test_a_model_and_a_score_need_not_know(store, made, tmp_path):
    """Severity 0 gives the clean store's frames byte for byte; noise another hash of poses, equal clips."""
    store_to_noisy_store(store, tmp_path / "none", Corruption("jitter", 0))
    places = {"clean": store, "none": tmp_path / "none", "noisy": made[0]}
    facts, values = {}, {}
    for name, place in places.items():
        out = tmp_path / "outputs" / name
        assert store_to_outputs("mesh_warp", place, out, "synthetic-v1").failed == {}
        facts[name] = open_outputs(out).manifest
        scores = score(
            out, tmp_path / "scores" / name, store=store, benchmark="synthetic-v1", metrics=["psnr-v1"]
        )
        values[name] = scores.metrics["psnr-v1"].value
        assert scores.official
    frames = [files_of(tmp_path / "outputs" / name / "frames") for name in places]
    assert frames[0] == frames[1] != frames[2]
    hashes = [facts[name]["store"]["poses_sha256"] for name in places]
    assert hashes[0] == hashes[1] != hashes[2]
    assert len({facts[name]["clip_list_sha256"] for name in places}) == 1
    assert facts["noisy"]["store"]["pose_source"] == ["openpose-json+jitter-3"]
    assert values["clean"] == values["none"] > values["noisy"]


def test_exports_have_the_noisy_poses_and_the_clean_source_frame(store, made, tmp_path):
    for name, place in (("clean", store), ("noisy", made[0])):
        report = store_to_exports(place, tmp_path / name, ["openpose-json"], benchmark="synthetic-v1")
        assert report.failed == {}
    clean, noisy = files_of(tmp_path / "clean"), files_of(tmp_path / "noisy")
    assert clean.keys() == noisy.keys()
    equal = {name for name in clean if clean[name] == noisy[name]}
    assert {name for name in clean if name.endswith(".png")} <= equal
    assert {name for name in clean if name.endswith("keypoints.json")} & equal != set()  # of frame 0
    assert {name for name in clean if name.endswith("keypoints.json")} - equal != set()


def test_a_pack_of_noisy_poses_says_so(made, raw_folders, tmp_path):
    assert store_to_pack(made[0], tmp_path / "pack").failed == {}
    pack = open_pack(tmp_path / "pack")
    assert pack.manifest["corruption"]["kind"] == "jitter"
    for clip in pack.values():
        assert clip.attributes["corruption"]["severity"] == 3
        assert clip.attributes["frames_from"] == {}
        assert clip.mask[0].any()
    joined = tmp_path / "joined"
    raw = raw_folders["fashionvideo"]
    assert pack_to_store(Join("fashionvideo", raw, tmp_path / "pack"), joined).failed == {}
    assert open_store(joined).manifest["corruption"] == pack.manifest["corruption"]
    assert store_to_problems(joined) == []
    with pytest.raises(UsageError, match="expected a clean store, found one with noisy poses"):
        store_to_noisy_store(joined, tmp_path / "twice", JITTER)


def test_places_and_stores_that_are_refused(store, made, raw_folders, tmp_path):
    noisy, _ = made
    for inside in (store, store / "noisy"):
        with pytest.raises(UsageError, match="expected a folder outside the clean store"):
            store_to_noisy_store(store, inside, JITTER)
    with pytest.raises(
        UsageError, match=r"found one with noisy poses; corrupt the clean store instead \(\.\./c"
    ):
        store_to_noisy_store(noisy, tmp_path / "twice", JITTER)
    with pytest.raises(StoreError, match=r"corruption severity 4 \(found 3\); choose another place"):
        store_to_noisy_store(store, noisy, Corruption("jitter", 4, 1))
    with pytest.raises(StoreError, match=r"corruption seed 2 \(found 1\)"):
        store_to_noisy_store(store, noisy, Corruption("jitter", 3, 2))
    with pytest.raises(StoreError, match=r"corruption corrupt_source True \(found False\)"):
        store_to_noisy_store(store, noisy, JITTER, corrupt_source=True)
    other = tmp_path / "other"
    shutil.copytree(store, other)
    with pytest.raises(StoreError, match=r"clean path .*other \(found \.\./clean\)"):
        store_to_noisy_store(other, noisy, JITTER)
    with pytest.raises(StoreError, match=r"corruption kind jitter \(found None\)"):
        store_to_noisy_store(store, other, JITTER)
    with pytest.raises(StoreError, match=r"corruption kind None \(found jitter\)"):
        source_to_store("fashionvideo", raw_folders["fashionvideo"], noisy, PrepareSettings(size=64))
    with pytest.raises(UsageError, match="expected the test split, whose source frames synthetic-v1 names"):
        store_to_noisy_store(store, tmp_path / "x", JITTER, benchmark="synthetic-v1", split="train")
    with pytest.raises(RegistryError, match="expected a known split, got 'tests'"):
        store_to_noisy_store(store, tmp_path / "x", JITTER, split="tests")
    with pytest.raises(BenchmarkError, match=r"the store does not fit iper-v1: expected dataset 'iper'"):
        store_to_noisy_store(store, tmp_path / "x", JITTER, benchmark="iper-v1")
    with pytest.raises(BenchmarkError, match="a list of corruptions"):
        store_to_noisy_store(store, tmp_path / "x", JITTER, benchmark="synthetic-noisy-v1")
    store_to_pack(store, tmp_path / "pack")
    with pytest.raises(StoreError, match="expected a clip store, found a pose pack"):
        store_to_noisy_store(tmp_path / "pack", tmp_path / "x", JITTER)
    assert not (tmp_path / "x").exists()
