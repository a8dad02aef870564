"""A store exported without its frames: once, twice, interrupted, with damage, with linked frames."""

import json
import os

import h5py
import numpy as np
import pytest

from vptbench.errors import ManifestError, RegistryError, StoreError
from vptbench.generate.export import FORMATS, load_format
from vptbench.generate.pose_pack import store_to_pack
from vptbench.store.check import pack_to_problems
from vptbench.store.pack import open_pack
from vptbench.store.reader import open_store
from vptbench.store.writer import clip_path

IDS = ("a", "b/1", "c")


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def change_manifest(store, **changes):
    path = store / "store.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_pack_says_what_it_is(written_store, tmp_path):
    change_manifest(
        written_store, citation="cite", licence="terms", body_licence="SMPL's", libraries={"numpy": "2"}
    )
    report = store_to_pack(written_store, tmp_path / "pack")
    assert (report.done, report.skipped, report.failed) == (IDS, (), {})
    assert pack_to_problems(tmp_path / "pack") == []
    pack = open_pack(tmp_path / "pack")
    assert {key: value for key, value in pack.manifest.items() if key != "clips_sha256"} == {
        "format": "vptbench-pose-pack", "version": 1, "complete": True, "dataset": "iper",
        "citation": "cite", "licence": "terms", "body_licence": "SMPL's", "synth": {"seed": 1},
        "settings": SETTINGS,
        "origin": {"format": "vptbench-store", "clips": None, "libraries": {"numpy": "2"}},
        "clips": {"train": 1, "test": 2}, "split_list": "clips.csv",
    }  # fmt: skip
    assert list(pack.table["split"]) == ["test", "test", "train"]
    assert list(pack.table["raw_name"]) == ["ground-truth"] * 3
    store = open_store(written_store)
    for name, clip in pack.items():
        np.testing.assert_array_equal(clip.keypoints, store[name].keypoints)
        np.testing.assert_array_equal(clip.mesh.vertices[0 : len(clip)], store[name].mesh.vertices[0:99])
        np.testing.assert_array_equal(clip.mask[0 : len(clip)], store[name].mask[0:99])


SETTINGS = {"size": 64, "crop": "clip-square-v1"}


@pytest.fixture(autouse=True)
def settings(written_store):
    change_manifest(written_store, settings=SETTINGS)


def test_two_exports_give_equal_bytes_and_a_second_run_nothing(written_store, tmp_path):
    store_to_pack(written_store, tmp_path / "one")
    store_to_pack(written_store, tmp_path / "two", workers=2)
    one = files_of(tmp_path / "one")
    assert len(one) == 5
    assert one == files_of(tmp_path / "two")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*.h5")}
    report = store_to_pack(written_store, tmp_path / "one")
    assert (report.done, report.skipped, report.failed) == ((), IDS, {})
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert files_of(tmp_path / "one") == one


def test_an_interrupted_export_goes_on(written_store, tmp_path, monkeypatch):
    pack = tmp_path / "pack"
    whole = "vptbench.generate.pose_pack.clip_to_pack_file"

    def stops(clip, place):
        if clip.id == "c":
            raise KeyboardInterrupt
        written(clip, place)

    from vptbench.store.pack import clip_to_pack_file as written  # noqa: PLC0415 - what is replaced

    monkeypatch.setattr(whole, stops)
    with pytest.raises(KeyboardInterrupt):
        store_to_pack(written_store, pack)
    monkeypatch.undo()
    (pack / "clips" / "train").mkdir()
    (pack / "clips" / "train" / ".c.h5.0123abcd.part").write_bytes(b"half")
    with pytest.raises(StoreError, match="expected a finished pose pack, found an interrupted one"):
        open_pack(pack)
    report = store_to_pack(written_store, pack)
    assert (report.done, report.skipped) == (("c",), ("a", "b/1"))
    store_to_pack(written_store, tmp_path / "undisturbed")
    assert files_of(pack) == files_of(tmp_path / "undisturbed")


def test_a_damaged_clip_fails_and_the_others_are_done(written_store, tmp_path):
    path = clip_path(written_store, "test", "b/1")
    with h5py.File(path) as file:
        where = file["mask"].id.get_chunk_info(3).byte_offset
    data = bytearray(path.read_bytes())
    data[where + 4 : where + 30] = bytes(26)
    path.write_bytes(data)
    report = store_to_pack(written_store, tmp_path / "pack")
    assert report.done == ("a", "c")
    assert report.failed.keys() == {"b/1"}
    assert "expected mask to be readable, found damage" in report.failed["b/1"]
    assert list(open_pack(tmp_path / "pack")) == ["a", "c"]
    assert pack_to_problems(tmp_path / "pack") == []
    assert not list((tmp_path / "pack").rglob("*.part"))


def test_files_of_an_earlier_state_of_the_store_are_told(written_store, tmp_path):
    store_to_pack(written_store, tmp_path / "pack")
    for clip, split, change in (("a", "test", "keypoints"), ("c", "train", "attribute")):
        path = clip_path(written_store, split, clip)
        with h5py.File(path, "r+") as file:
            if change == "keypoints":
                file["keypoints"][2, 3, 0] += 0.5
            else:
                file.attrs["raw_sha256"] = "01"
    report = store_to_pack(written_store, tmp_path / "pack")
    assert report.failed.keys() == {"a", "c"}
    for text in report.failed.values():
        assert "expected the poses that the store has now, found others; delete that file" in text
    assert list(open_pack(tmp_path / "pack")) == ["b/1"]


def test_frames_that_are_links_are_left_out_as_well(written_store, tmp_path):
    """As a store with noisy poses has them."""
    path = clip_path(written_store, "test", "a")
    clean = written_store / "clips" / "clean.h5"
    clean.write_bytes(path.read_bytes())
    with h5py.File(path, "r+") as file:
        for name in ("frames", "mask"):
            del file[name]
            file[name] = h5py.ExternalLink(os.path.relpath(clean, path.parent), f"/{name}")
    expected = open_store(written_store)["a"]
    mask = np.array(expected.mask[0 : len(expected)])
    assert store_to_pack(written_store, tmp_path / "pack").failed == {}
    clean.unlink()
    clip = open_pack(tmp_path / "pack")["a"]
    np.testing.assert_array_equal(clip.mask[0 : len(clip)], mask)
    with h5py.File(clip_path(tmp_path / "pack", "test", "a")) as file:
        assert {*file} == {"keypoints", "mask", "mesh"}
        assert file.get("mask", getlink=True).__class__ is h5py.HardLink


def test_a_full_pack_is_not_mixed_with_another(written_store, tmp_path):
    store_to_pack(written_store, tmp_path / "pack")
    change_manifest(written_store, settings={**SETTINGS, "crop": "full-v1"})
    with pytest.raises(
        StoreError, match=r"expected a pose pack of crop full-v1 \(found clip-square-v1\); .* pack"
    ):
        store_to_pack(written_store, tmp_path / "pack")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").touch()
    with pytest.raises(
        StoreError, match=r"expected an empty folder or a pose pack, found mine\.txt and no pack"
    ):
        store_to_pack(written_store, tmp_path / "notes")
    with pytest.raises(StoreError, match=r"found store\.json|found clips"):
        store_to_pack(written_store, written_store)
    with pytest.raises(ManifestError, match=r"expected a folder with store\.json"):
        store_to_pack(tmp_path / "notes", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_formats_are_found_by_name():
    assert load_format("pose-pack") is store_to_pack
    with pytest.raises(
        RegistryError, match="expected a known format, got 'pose-pak'; did you mean 'pose-pack'"
    ):
        load_format("pose-pak")
    assert [*FORMATS] == ["pose-pack"]
