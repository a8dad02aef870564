"""Writer, reader and check of the clip store, against each other."""

import dataclasses
import json
import pickle
import subprocess
import sys

import h5py
import numpy as np
import pytest

from vptbench import open_store
from vptbench.clip import Mesh
from vptbench.errors import ManifestError, RegistryError, StoreError
from vptbench.manifest import file_to_sha256
from vptbench.skeleton import missing_keypoints
from vptbench.store import schema
from vptbench.store.check import store_to_problems
from vptbench.store.reader import read_clip
from vptbench.store.writer import (
    ClipParts,
    clip_path,
    clip_to_file,
    write_clips_table,
    write_failures_table,
    write_store_manifest,
)

T, H, W = 9, 16, 12


def clip_parts(clip="001/9/1", seed=0, chunk=4):
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (T, H, W, 3), np.uint8)
    mask = rng.random((T, H, W)) < 0.5
    vertices = rng.uniform(0, 16, (T, 4, 3)).astype(np.float32)
    attributes = dict.fromkeys(schema.ATTRIBUTES, "x") | {
        "clip": clip, "split": "test", "fps": 30.0, "crop_box": [1.0, 2.0, 3.0, 4.0], "scale": [2.0, 2.0],
        "settings": {"size": 16},
    }  # fmt: skip
    return ClipParts(
        attributes=attributes,
        shape=(T, H, W),
        frames=[frames[i : i + chunk] for i in range(0, T, chunk)],
        keypoints=missing_keypoints(T),
        mask=[mask[i : i + chunk] for i in range(0, T, chunk)],
        mesh=Mesh(vertices, np.int32([[0, 1, 2]]), np.full((4, 25), 1 / 25, np.float32)),
        body={"pose": rng.random((T, 18, 3)).astype(np.float32)},
    )


def write_store(folder, clips=("001/9/1", "b"), *, complete=True):
    rows = []
    for clip in clips:
        clip_to_file(clip_parts(clip), clip_path(folder, "test", clip))
        rows.append((clip, "test", T, H, W, 30.0, "x"))
    write_clips_table(folder, rows)
    write_failures_table(folder, [])
    write_store_manifest(folder, {"dataset": "iper", "complete": complete})
    return folder


@pytest.fixture
def store(tmp_path):
    return write_store(tmp_path / "store")


def test_what_was_written_is_read(store):
    parts = clip_parts()
    clip = open_store(store)["001/9/1"]
    assert (clip.id, clip.split, clip.fps, clip.size, len(clip)) == ("001/9/1", "test", 30.0, (H, W), T)
    np.testing.assert_array_equal(clip.frames[0:T], np.concatenate(list(parts.frames)))
    np.testing.assert_array_equal(clip.frames[3], np.concatenate(list(parts.frames))[3])
    np.testing.assert_array_equal(clip.mask[0:T], np.concatenate(list(parts.mask)))
    np.testing.assert_array_equal(clip.keypoints, parts.keypoints)
    np.testing.assert_array_equal(clip.body["pose"], parts.body["pose"])
    np.testing.assert_array_equal(clip.mesh.faces, parts.mesh.faces)
    np.testing.assert_array_equal(clip.mesh.joint_weights, parts.mesh.joint_weights)
    np.testing.assert_allclose(clip.mesh.vertices[0:T], parts.mesh.vertices, atol=1 / 512 + 1e-6)
    assert clip.attributes["crop_box"] == [1.0, 2.0, 3.0, 4.0]
    assert clip.attributes["settings"] == {"size": 16}


def test_store_is_a_mapping_in_the_order_of_its_table(store):
    opened = open_store(store)
    assert list(opened) == ["001/9/1", "b"]
    assert opened.ids("test") == ("001/9/1", "b")
    assert opened.ids("train") == ()
    assert ["b" in opened, "x" in opened, "../b" in opened] == [True, False, False]
    with pytest.raises(RegistryError, match=r"expected a known clip .* did you mean '001/9/1'"):
        _ = opened["001/9/2"]


def test_equal_clips_give_equal_bytes(tmp_path):
    for name, chunk in (("a.h5", 4), ("b.h5", 2)):
        clip_to_file(clip_parts(chunk=chunk), tmp_path / name)
    assert file_to_sha256(tmp_path / "a.h5") == file_to_sha256(tmp_path / "b.h5")


def test_chunks_are_single_frames_and_plain_gzip(store):
    with h5py.File(clip_path(store, "test", "b")) as file:
        assert file["frames"].chunks == (1, H, W, 3)
        assert (file["frames"].compression, file["frames"].compression_opts) == ("gzip", 1)
        assert file["mask"].chunks == (1, H, W)


def test_lazy_clips_travel_to_other_processes(store):
    clip = open_store(store)["b"]
    first = clip.frames[0]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(clip)).frames[0], first)  # noqa: S301 - our own bytes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: {"frames": list(p.frames)[:-1]}, "frames: expected 9 rows, got 8"),
        (lambda p: {"frames": [*p.frames, *p.frames]}, "after row 9"),
        (lambda _: {"frames": [np.zeros((T, H, W + 1, 3), np.uint8)]}, "frames: expected uint8"),
        (lambda _: {"attributes": {}}, "expected the attributes clip, crop"),
    ],
)
def test_parts_that_do_not_add_up_leave_no_file(tmp_path, change, message):
    parts = clip_parts()
    with pytest.raises(StoreError, match=message):
        clip_to_file(dataclasses.replace(parts, **change(parts)), tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []


def test_unknown_compression_is_refused(tmp_path):
    with pytest.raises(StoreError, match="expected a compression of gzip, zstd, got 'lzma'"):
        clip_to_file(clip_parts(), tmp_path / "a.h5", compression="lzma")


FILL_A_DISK = """
import importlib.util, resource, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("test_store", sys.argv[1])
test_store = importlib.util.module_from_spec(spec)
spec.loader.exec_module(test_store)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    test_store.clip_to_file(test_store.clip_parts(), Path(sys.argv[3]) / "a.h5")
except test_store.StoreError as error:
    print(error)
"""


@pytest.mark.parametrize("room", [0, 2000, 12000])
def test_a_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path, room):
    command = [sys.executable, "-c", FILL_A_DISK, __file__, str(room), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "a.h5: expected room for a clip file, the disk refused (File too large); free some" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_or_foreign_folder_is_no_store(tmp_path, store):
    with pytest.raises(ManifestError, match=r"expected a folder with store\.json"):
        open_store(tmp_path)
    with pytest.raises(StoreError, match="found an interrupted one"):
        open_store(write_store(tmp_path / "half", complete=False))
    manifest = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps(manifest | {"version": 2}))
    with pytest.raises(ManifestError, match="expected version 1 of vptbench-store, found 2"):
        open_store(store)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", "other", "expected format 'vptbench-clip', found 'other'"),
        ("version", 7, "expected version 1 of"),
    ],
)
def test_clip_files_of_another_kind_are_refused(store, name, value, message):
    path = clip_path(store, "test", "b")
    with h5py.File(path, "r+") as file:
        file.attrs[name] = value
    with pytest.raises(StoreError, match=message):
        read_clip(path)


def test_damage_anywhere_in_a_clip_file_is_no_traceback(store):
    """Metadata as well as chunks; what HDF5 does not see is not seen here either."""
    path = clip_path(store, "test", "b")
    whole = path.read_bytes()
    found = set()
    for start in range(0, len(whole), len(whole) // 40):
        path.write_bytes(whole[:start] + bytes(64) + whole[start + 64 :])
        for problem in store_to_problems(store):
            assert ": expected" in problem
            assert "\n" not in problem
            found.add(problem.removeprefix(f"{path}: ").split("(")[0])
    assert "expected a whole clip file, found damage " in found
    assert "expected frames to be readable, found damage " in found


@pytest.mark.parametrize("name", ["keypoints", "body/pose", "mesh/faces", "mesh/joint_weights", "mask"])
def test_a_changed_bit_is_noticed_wherever_it_is(store, name):
    path = clip_path(store, "test", "b")
    with h5py.File(path) as file:
        where = file[name].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[where + 12] ^= 4
    path.write_bytes(data)
    (problem,) = store_to_problems(store)
    assert "found damage" in problem


@pytest.mark.parametrize(
    "change", [("b,test", "001/9/1,test"), ("b,test", "b,val"), ("b,test,9", "b,test,x")]
)
def test_a_table_edited_beyond_use_is_refused(store, change):
    table = store / "clips.csv"
    table.write_text(table.read_text().replace(*change))
    with pytest.raises(
        StoreError, match=r"clips\.csv: expected each clip once, in train or test, with whole"
    ):
        open_store(store)


def test_clip_files_with_missing_parts_are_refused(store, tmp_path):
    path = clip_path(store, "test", "b")
    with h5py.File(path, "r+") as file:
        del file["keypoints"]
        del file.attrs["crop"]
    with pytest.raises(StoreError, match="expected keypoints, attribute crop, found none"):
        read_clip(path)
    with pytest.raises(StoreError, match="found none; run the same prepare again"):
        read_clip(tmp_path / "missing.h5")
    (tmp_path / "text.h5").write_text("no hdf5")
    with pytest.raises(StoreError, match="expected an HDF5 clip file"):
        read_clip(tmp_path / "text.h5")


def test_check_passes_a_whole_store(store):
    assert store_to_problems(store) == []


def test_check_names_what_is_wrong(store):
    clip_path(store, "test", "b").unlink()
    clip_to_file(clip_parts("c"), clip_path(store, "train", "c"))
    path = clip_path(store, "test", "001/9/1")
    with h5py.File(path) as file:
        where = file["frames"].id.get_chunk_info(5).byte_offset
    data = bytearray(path.read_bytes())
    data[where + 5 : where + 60] = bytes(55)
    path.write_bytes(data)
    problems = store_to_problems(store)
    assert len(problems) == 3
    assert "001/9/1.h5: expected frames to be readable, found damage" in problems[0]
    assert "b.h5, found none" in problems[1]
    assert "c.h5: not listed in clips.csv" in problems[2]


def test_check_compares_table_and_files(store):
    table = store / "clips.csv"
    table.write_text(table.read_text().replace("b,test,9,16", "b,test,8,32"))
    problems = store_to_problems(store)
    assert [p.split(";")[0] for p in problems] == [
        "b: expected frames 8 as in clips.csv, found 9",
        "b: expected size (32, 12) as in clips.csv, found (16, 12)",
    ]
    table.write_text("clip,nothing\n")
    with pytest.raises(StoreError, match="expected the columns clip,split"):
        store_to_problems(store)


def test_ids_that_leave_the_store_are_refused(store):
    with pytest.raises(ManifestError, match="clip id that is a plain relative name"):
        clip_path(store, "test", "../x")


def virtual(file, name):
    layout = h5py.VirtualLayout((4,), "float32")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset(name, layout)


@pytest.mark.parametrize(
    ("name", "put", "message"),
    [
        (
            "body/pose",
            lambda f, n: f.__setitem__(n, h5py.ExternalLink("o.h5", "/x")),
            "a link to another file",
        ),
        ("keypoints", lambda f, n: f.__setitem__(n, h5py.SoftLink("/frames")), "a soft link"),
        ("mesh/faces", virtual, "a virtual dataset"),
        (
            "body/more",
            lambda f, n: f.create_dataset(n, 4, "f4", external=[("o", 0, 16)]),
            "bytes of another file",
        ),
        ("mesh", lambda f, n: f.__setitem__(n, h5py.ExternalLink("o.h5", "/")), "a link to another file"),
        ("body", lambda f, n: f.__setitem__(n, [1.0]), "no group"),
        ("keypoints", lambda f, n: f.create_group(n), "no dataset"),
        ("frames", lambda f, n: f.__setitem__(n, h5py.ExternalLink("/o.h5", "/x")), "a link to another file"),
        ("frames", lambda f, n: f.__setitem__(n, h5py.SoftLink("/keypoints")), "a soft link"),
        ("mask", virtual, "a virtual dataset"),
    ],
)
def test_all_but_linked_frames_and_masks_is_in_the_clip_file(store, name, put, message):
    path = clip_path(store, "test", "b")
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        put(file, name)
    with pytest.raises(
        StoreError, match=rf"expected all in the clip file .* found {name} \({message}\); del"
    ):
        read_clip(path)
    (problem,) = store_to_problems(store)
    assert f"{name} ({message})" in problem


@pytest.mark.parametrize("kind", ["values", "bytes", "group"])
def test_frames_may_lie_in_a_clip_file_nearby_and_no_further(store, kind):
    path = clip_path(store, "test", "b")
    expected = read_clip(path).frames[0:T]
    with h5py.File(path.with_name("clean.h5"), "w") as file:
        if kind == "bytes":
            file.create_dataset("frames", (T, H, W, 3), np.uint8, external=[("secret", 0, T * H * W * 3)])
        elif kind == "group":
            file.create_group("frames")
        else:
            file["frames"] = expected
    with h5py.File(path, "r+") as file:
        del file["frames"]
        file["frames"] = h5py.ExternalLink("clean.h5", "/frames")
    if kind == "values":
        np.testing.assert_array_equal(read_clip(path).frames[0:T], expected)
        return
    message = "bytes of another file" if kind == "bytes" else "no dataset"
    with pytest.raises(StoreError, match=f"expected frames to link to a clip file, found {message} there"):
        read_clip(path)
