"""Pose packs on disk: what is in them, what never is, and what is refused."""

import dataclasses
import json

import h5py
import numpy as np
import pytest

from vptbench import open_store
from vptbench.clip import Mesh
from vptbench.errors import ManifestError, RegistryError, StoreError
from vptbench.manifest import file_to_sha256
from vptbench.skeleton import missing_keypoints
from vptbench.store import schema
from vptbench.store.check import pack_to_problems
from vptbench.store.pack import clip_to_pack_file, open_pack, write_pack_manifest
from vptbench.store.reader import read_clip, read_pack_clip
from vptbench.store.writer import ClipParts, clip_path, clip_to_file, write_clips_table

T, H, W = 5, 16, 12
SETTINGS = {"size": 16, "crop": "full-v1"}


def clip_parts(clip):
    rng = np.random.default_rng(0)
    keypoints = missing_keypoints(T)
    keypoints[:, 3] = rng.random((T, 3))
    attributes = dict.fromkeys(schema.ATTRIBUTES, "x") | {
        "clip": clip, "split": "test", "fps": 12.5, "crop_box": [[1.0, 2.0, 3.0, 4.0]] * T,
        "scale": [2.0, 2.0], "settings": SETTINGS, "pose_facts": {"lost_frames": 1}, "fit_residual": None,
    }  # fmt: skip
    return ClipParts(
        attributes=attributes,
        shape=(T, H, W),
        frames=[rng.integers(0, 256, (T, H, W, 3), np.uint8)],
        keypoints=keypoints,
        mask=[rng.random((T, H, W)) < 0.5],
        mesh=Mesh(
            rng.normal(0, 1e4, (T, 4, 3)).astype(np.float32),
            np.int32([[0, 1, 2]]),
            np.full((4, 25), 1 / 25, np.float32),
        ),
        body={"pose": rng.random((T, 18, 3)).astype(np.float32)},
    )


def write_pack(folder, clips=("001/9/1", "b"), **changes):
    """A pack of hand-made clips, and the clips themselves."""
    rows, made = [], {}
    for name in clips:
        path = folder.parent / "clips" / f"{name}.h5"
        clip_to_file(clip_parts(name), path)
        made[name] = read_clip(path)
        clip_to_pack_file(made[name], folder)
        digest = file_to_sha256(clip_path(folder, "test", name))
        rows.append((name, "test", T, H, W, 12.5, "x", f"{name}.mp4", digest))
    write_clips_table(folder, rows, schema.PACK_COLUMNS)
    table = file_to_sha256(folder / "clips.csv")
    body = {"dataset": "iper", "settings": SETTINGS, "clips_sha256": table, "complete": True}
    write_pack_manifest(folder, body | changes)
    return made


@pytest.fixture
def pack(tmp_path):
    write_pack(tmp_path / "pack")
    return tmp_path / "pack"


def test_all_but_the_frames_is_kept_bit_for_bit(tmp_path):
    made = write_pack(tmp_path / "pack")
    pack = open_pack(tmp_path / "pack")
    assert list(pack) == list(made)
    assert pack.settings == SETTINGS
    for name, clip in made.items():
        packed = pack[name]
        assert (packed.id, packed.split, packed.fps, packed.size, len(packed)) == (
            name, "test", 12.5, (H, W), T,
        )  # fmt: skip
        assert packed.keypoints.tobytes() == clip.keypoints.tobytes()
        np.testing.assert_array_equal(packed.mask[0:T], clip.mask[0:T])
        assert packed.mesh.vertices[0:T].tobytes() == clip.mesh.vertices[0:T].tobytes()
        np.testing.assert_array_equal(packed.mesh.faces, clip.mesh.faces)
        np.testing.assert_array_equal(packed.mesh.joint_weights, clip.mesh.joint_weights)
        np.testing.assert_array_equal(packed.body["pose"], clip.body["pose"])
        other = {"format": "vptbench-pose-clip", "size": [H, W]}
        assert packed.attributes == {**clip.attributes, **other}


def test_no_frame_is_in_it(pack):
    """By name, by type and by size: nothing of eight bits is there, and noise of H·W·3 bytes would show."""
    found = {}
    for path in pack.rglob("*.h5"):
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item: found.update({name: item.dtype} if isinstance(item, h5py.Dataset) else {})
            )
        assert path.stat().st_size < 40_000
    assert found == {
        "keypoints": np.float32, "mask": np.bool_, "mesh/vertices": np.float32, "mesh/faces": np.int32,
        "mesh/joint_weights": np.float32, "body/pose": np.float32,
    }  # fmt: skip


def test_frames_have_a_shape_and_refuse_to_be_read(pack):
    clip = open_pack(pack)["b"]
    assert (clip.frames.shape, clip.frames.dtype) == ((T, H, W, 3), np.uint8)
    for rows in (0, slice(0, 2)):
        with pytest.raises(StoreError, match="expected a clip with frames, found one of a pose pack"):
            _ = clip.frames[rows]
    assert clip.poses(1, 3).frames == (1, 2)


def test_its_hash_stands_for_every_byte(tmp_path):
    write_pack(tmp_path / "pack")
    one = open_pack(tmp_path / "pack").sha256
    assert one == file_to_sha256(tmp_path / "pack" / "pack.json")
    write_pack(tmp_path / "again" / "pack")
    assert open_pack(tmp_path / "again" / "pack").sha256 == one
    write_pack(tmp_path / "other" / "pack", clips=("b",))
    assert open_pack(tmp_path / "other" / "pack").sha256 != one


def test_a_whole_pack_passes_its_check(pack):
    assert pack_to_problems(pack) == []
    (pack / "README.md").write_text("where to fetch the videos")
    assert pack_to_problems(pack) == []


@pytest.mark.parametrize("where", [0.02, 0.3, 0.6, 0.95])
def test_damage_anywhere_is_found(pack, where):
    path = clip_path(pack, "test", "b")
    data = bytearray(path.read_bytes())
    data[int(len(data) * where)] ^= 1
    path.write_bytes(data)
    (problem,) = pack_to_problems(pack)
    assert "b.h5: expected SHA-256" in problem
    assert "fetch the pack again" in problem
    with pytest.raises(StoreError, match="expected SHA-256"):
        _ = open_pack(pack)["b"]
    assert len(open_pack(pack)["001/9/1"]) == T


def test_check_names_what_is_missing_or_too_much(pack):
    clip_path(pack, "test", "b").rename(clip_path(pack, "test", "c"))
    lost, extra = pack_to_problems(pack)
    assert "b.h5: expected SHA-256" in lost
    assert "found no file" in lost
    assert "c.h5: not listed in clips.csv; delete it" in extra


def test_a_changed_table_is_refused(pack):
    table = pack / "clips.csv"
    table.write_text(table.read_text().replace("b,test", "b,train"))
    with pytest.raises(StoreError, match=r"clips\.csv: expected SHA-256 .*; fetch the pack again"):
        open_pack(pack)


def test_clips_that_it_lacks_are_named(pack):
    assert ["b" in open_pack(pack), "c" in open_pack(pack)] == [True, False]
    with pytest.raises(RegistryError, match=r"expected a known clip .* did you mean '001/9/1'"):
        _ = open_pack(pack)["001/9/2"]


def change(pack, **changes):
    path = pack / "pack.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"version": 2}, ManifestError, "expected version 1 of vptbench-pose-pack, found 2"),
        ({"format": "vptbench-store"}, ManifestError, "expected format 'vptbench-pose-pack', found 'vptb"),
        ({"complete": False}, StoreError, "found an interrupted one; run the same export again"),
        ({"settings": {"size": 64}}, StoreError, "expected settings with size and crop, found others"),
    ],
)
def test_packs_of_another_kind_are_refused(pack, changes, error, message):
    change(pack, **changes)
    with pytest.raises(error, match=message):
        open_pack(pack)


def test_stores_and_packs_are_told_apart(pack, tmp_path):
    with pytest.raises(
        StoreError, match="expected a clip store, found a pose pack, which has no frames; join"
    ):
        open_store(pack)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "store.json").write_text("{}")
    with pytest.raises(StoreError, match="expected a pose pack, found a clip store; make a pack of it by"):
        open_pack(tmp_path / "store")
    with pytest.raises(ManifestError, match=r"expected a folder with pack\.json"):
        open_pack(tmp_path)
    with pytest.raises(StoreError, match="expected format 'vptbench-clip', found 'vptbench-pose-clip'"):
        read_clip(clip_path(pack, "test", "b"))
    with pytest.raises(StoreError, match="expected format 'vptbench-pose-clip', found 'vptbench-clip'"):
        read_pack_clip(tmp_path / "clips" / "b.h5")


@pytest.mark.parametrize(
    ("name", "message"),
    [("frames", "frames"), ("mesh/texture", "mesh/texture"), ("body/face", "body/face"), ("skin", "skin")],
)
def test_a_clip_file_with_pictures_is_no_packs(pack, name, message):
    path = clip_path(pack, "test", "b")
    with h5py.File(path, "r+") as file:
        file[name] = np.zeros((T, H, W, 3), np.uint8)
    with pytest.raises(StoreError, match=rf"expected keypoints, mask, mesh and body .*, found {message};"):
        read_pack_clip(path)


def test_a_link_to_frames_is_no_packs_either(pack):
    path = clip_path(pack, "test", "b")
    with h5py.File(path, "r+") as file:
        file["frames"] = h5py.ExternalLink("gone.h5", "frames")
    with pytest.raises(StoreError, match="alone in a pose pack, found frames;"):
        read_pack_clip(path)


@pytest.mark.parametrize("size", [None, [16], [0.5, "x"]])
def test_a_clip_file_without_a_size_is_refused(pack, size):
    path = clip_path(pack, "test", "b")
    with h5py.File(path, "r+") as file:
        del file.attrs["size"]
        if size:
            file.attrs["size"] = [str(side) for side in size]
    with pytest.raises(StoreError, match=r"expected attribute size, found none|found damage"):
        read_pack_clip(path)


def test_clips_without_mask_and_mesh_are_packed(tmp_path):
    bare = dataclasses.replace(clip_parts("a"), mask=None, mesh=None, body={})
    clip_to_file(bare, tmp_path / "a.h5")
    clip_to_pack_file(read_clip(tmp_path / "a.h5"), tmp_path / "pack")
    clip = read_pack_clip(clip_path(tmp_path / "pack", "test", "a"))
    assert (clip.mask, clip.mesh, dict(clip.body)) == (None, None, {})
