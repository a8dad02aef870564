"""Links of noisy stores: missing, moved, of other frames; and led to the clean store again."""

import json
import shutil

import h5py
import numpy as np
import pytest

from vptbench import open_store
from vptbench.errors import StoreError
from vptbench.robustness.build import store_to_noisy_store
from vptbench.robustness.corruptions import Corruption
from vptbench.store.check import store_to_problems, store_to_warnings
from vptbench.store.noisy import link_again, rows_to_sha256, store_to_notes
from vptbench.store.reader import read_clip
from vptbench.store.writer import (
    ClipParts,
    Link,
    clip_path,
    clip_to_file,
    write_clips_table,
    write_store_manifest,
)
from vptbench.testing.models import example_clip


def write_clean(folder):
    """A store of a clip whose id has folders and of one without mask and mesh."""
    rows = []
    for seed, name in enumerate(("001/9/1", "b")):
        clip = example_clip(seed=seed, frames=5)
        attributes = dict.fromkeys(
            ("dataset", "raw_name", "raw_sha256", "crop", "pose_source", "mask_source", "mesh_source"), "x"
        ) | {"clip": name, "split": "test", "fps": 25.0, "crop_box": [0.0] * 4, "scale": [1.0, 1.0],
             "settings": {}}  # fmt: skip
        mask, mesh = ([clip.mask], clip.mesh) if seed == 0 else (None, None)
        shape = (len(clip), *clip.size)
        parts = ClipParts(attributes, shape, [clip.frames], clip.keypoints, mask, mesh, {})
        clip_to_file(parts, clip_path(folder, "test", name))
        rows.append((name, "test", *shape, 25.0, "x"))
    write_clips_table(folder, rows)
    write_store_manifest(folder, {"dataset": "iper", "synth": {"seed": 1}, "complete": True})
    return folder


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture
def clean(tmp_path):
    return write_clean(tmp_path / "my clean")


@pytest.fixture
def noisy(clean, tmp_path):
    store_to_noisy_store(clean, tmp_path / "my noisy", Corruption("jitter", 5))
    return tmp_path / "my noisy"


def test_hash_of_rows_is_of_the_arrays_bytes():
    """SHA-256 of "abcdef", by sha256sum."""
    rows = np.frombuffer(b"abcdef", np.uint8).reshape(2, 1, 3)
    assert rows_to_sha256(rows) == "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"


@pytest.mark.usefixtures("noisy")
def test_both_may_move_together(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in ("my clean", "my noisy"):
        (tmp_path / name).rename(tmp_path / "elsewhere" / name)
    assert store_to_problems(tmp_path / "elsewhere" / "my noisy") == []


def test_without_the_clean_store_the_error_says_what_is_sought_where(clean, noisy):
    clean.rename(clean.with_name("moved"))
    clip = open_store(noisy)
    for name in clip:
        with pytest.raises(StoreError) as caught:
            _ = clip[name]
        sought = clean.resolve() / "clips" / "test" / f"{name}.h5"
        assert str(caught.value) == (
            f"{clip.file(name)}: expected frames to link to a clip file, found no file at {sought}; put the "
            f"clean store back, or run `vptbench check '{noisy}' --frames-from CLEAN`"
        )
    (problem,) = store_to_problems(noisy)  # once, not clip by clip
    assert problem == (
        f"{noisy}: expected the clean store with its frames at {clean.resolve()}, found none; put it back, "
        f"or run `vptbench check '{noisy}' --frames-from CLEAN`"
    )
    assert store_to_notes(noisy) == ["links to frames of ../my clean"]


def test_clips_whose_clean_poses_have_changed_are_corrupted_again(clean, noisy):
    before = files_of(noisy)
    path = clip_path(clean, "test", "b")
    with h5py.File(path, "r+") as file:
        file["keypoints"][0, 0, 0] += 1
    report = store_to_noisy_store(clean, noisy, Corruption("jitter", 5))
    assert (report.done, report.skipped) == (("b",), ("001/9/1",))
    after = files_of(noisy)
    changed = [name for name in after if before[name] != after[name] and name.endswith(".h5")]
    assert changed == ["clips/test/b.h5"]


def test_a_missing_mask_is_not_an_unknown_one(clean, noisy):
    with h5py.File(clip_path(clean, "test", "001/9/1"), "r+") as file:
        del file["mask"]
    with pytest.raises(StoreError, match="expected mask to link to a clip file, found no mask there"):
        _ = open_store(noisy)["001/9/1"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.write_bytes(b"x"), "found no HDF5 file, or a damaged one, there"),
        (lambda path: change(path, None), "found no frames there"),
        (
            lambda path: change(path, np.zeros((4, 64, 64, 3), np.uint8)),
            r"shape \[5, 64, 64\] in .* found \[4, 64",
        ),
        (
            lambda path: change(path, h5py.ExternalLink("o.h5", "/frames")),
            "found a link to another file there",
        ),
        (lambda path: change(path, h5py.SoftLink("/keypoints")), "found a soft link there"),
    ],
    ids=["damaged", "lacking", "shape", "chain", "soft"],
)
def test_clean_files_that_are_others(clean, noisy, damage, message):
    damage(clip_path(clean, "test", "b"))
    with pytest.raises(StoreError, match=message) as caught:
        _ = open_store(noisy)["b"]
    assert "--frames-from CLEAN" in str(caught.value)


def change(path, frames):
    with h5py.File(path, "r+") as file:
        del file["frames"]
        if frames is not None:
            file["frames"] = frames


@pytest.mark.parametrize("name", ["frames", "mask"])
def test_check_finds_other_pixels(clean, noisy, name):
    with h5py.File(clip_path(clean, "test", "001/9/1"), "r+") as file:
        file[name][3, 7, 7] = ~file[name][3, 7, 7]
    (problem,) = store_to_problems(noisy)
    assert f"001/9/1: expected {name}_sha256 " in problem
    assert "put the clean store back" in problem


def test_links_name_the_same_part_and_relative_places(noisy, tmp_path):
    path = clip_path(noisy, "test", "b")
    with h5py.File(path, "r+") as file:
        del file["frames"]
        file["frames"] = h5py.ExternalLink("../../../my clean/clips/test/b.h5", "/keypoints")
    with pytest.raises(StoreError, match=r"by relative path, found frames \(a link to another file\)"):
        read_clip(path)
    clip = example_clip(frames=5)
    attributes = json.loads(json.dumps(dict(open_store(noisy)["001/9/1"].attributes)))
    parts = ClipParts(attributes, (5, 64, 64), Link("/x.h5"), clip.keypoints, None, None, {})
    with pytest.raises(StoreError, match=r"expected a link by relative path, got /x\.h5"):
        clip_to_file(parts, tmp_path / "c.h5")


def test_noisy_poses_are_not_doubtful_and_the_store_says_what_it_links_to(clean, noisy):
    assert store_to_warnings(noisy) == []
    sizes = [sum(path.stat().st_size for path in (s / "clips").rglob("*.h5")) / 1e6 for s in (noisy, clean)]
    assert store_to_notes(noisy) == [
        f"links to frames of ../my clean; {sizes[0]:.1f} MB against {sizes[1]:.1f} MB"
    ]
    assert store_to_notes(clean) == []


def test_links_are_led_to_a_moved_store(clean, noisy, tmp_path):
    """The same bytes as if the moved store had been corrupted; done again, nothing changes."""
    moved = tmp_path / "far" / "away"
    moved.parent.mkdir()
    clean.rename(moved)
    store_to_noisy_store(moved, tmp_path / "fresh", Corruption("jitter", 5))
    for _ in range(2):
        assert link_again(noisy, moved) == []
        assert store_to_problems(noisy) == []
        assert files_of(noisy) == files_of(tmp_path / "fresh")
    assert open_store(noisy).manifest["clean"] == {"path": "../far/away", "split": None}


def test_links_are_not_led_to_other_frames(clean, noisy, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(clean, other)
    with h5py.File(clip_path(other, "test", "b"), "r+") as file:
        file["frames"][0, 0, 0] += 1
    before = files_of(noisy)
    (problem,) = link_again(noisy, other)
    assert "b.h5: expected the frames and mask that" in problem
    after = files_of(noisy)
    assert [name for name in before if before[name] != after[name]] == ["clips/test/001/9/1.h5"]
    assert store_to_problems(noisy) == []  # the other clip still has the first store's frames


def test_only_noisy_stores_are_led_and_only_to_clean_ones(clean, noisy):
    with pytest.raises(StoreError, match="expected a noisy store for --frames-from"):
        link_again(clean, clean)
    with pytest.raises(StoreError, match="expected the clean store, found a noisy one"):
        link_again(noisy, noisy)
