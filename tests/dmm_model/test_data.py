import dataclasses
import logging
from collections import Counter
from itertools import pairwise, zip_longest

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dmm_model.config import GeneratorConfig, TrainConfig
from dmm_model.data import Batch, TrainingWindows, pose_clip_to_inputs, windows_to_loader
from vptbench.clip import frames_to_tensor
from vptbench.errors import ModelError, StoreError, UsageError
from vptbench.heatmaps import keypoints_to_heatmaps
from vptbench.store import schema
from vptbench.store.reader import open_store
from vptbench.store.writer import (
    ClipParts,
    clip_path,
    clip_to_file,
    write_clips_table,
    write_store_manifest,
)
from vptbench.testing.models import example_clip

CHUNK = 2
GENERATOR = GeneratorConfig(frames_per_chunk=CHUNK)
CONFIG = TrainConfig(window=6, source_frames=3)
FIELDS = [field.name for field in dataclasses.fields(Batch)]


def clips_to_store(folder, clips):
    """Writes clips, by id, as a finished store."""
    rows = []
    for name, clip in clips.items():
        parts = ClipParts(
            {key: {} if key == "settings" else "x" for key in schema.ATTRIBUTES}
            | {"clip": name, "split": clip.split, "fps": clip.fps},
            (len(clip), *clip.size), [clip.frames], clip.keypoints, [clip.mask], clip.mesh, {},
        )  # fmt: skip
        clip_to_file(parts, clip_path(folder, clip.split, name))
        rows.append((name, clip.split, len(clip), *clip.size, clip.fps, "0"))
    write_clips_table(folder, rows)
    write_store_manifest(folder, {"dataset": "example", "complete": True})
    return folder


def clip_of(frames, seed=0, size=(16, 24), split="train", **changes):
    return dataclasses.replace(example_clip(frames=frames, size=size, seed=seed), split=split, **changes)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Clips of 10, 7, 6, 5, 4 and 12 frames, 16×24, and one for testing."""
    clips = {f"p{n}/c": clip_of(frames, n) for n, frames in enumerate((10, 7, 6, 5, 4, 12))}
    return clips_to_store(tmp_path_factory.mktemp("store"), clips | {"test": clip_of(8, split="test")})


@pytest.fixture(scope="module")
def windows(store):
    return TrainingWindows(store, CONFIG, GENERATOR, seed=5)


def assert_equal(a, b):
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_shapes_and_ranges(windows):
    sample = windows[0]
    count = windows.window(0).count
    assert sample.source.shape == (1, 3, 16, 24)
    assert sample.targets.shape == (1, count, 3, 16, 24)
    assert sample.keypoints.shape == (1, count, 25, 3)
    assert sample.grids.shape == (1, count, 16, 24, 2)
    assert {getattr(sample, name).dtype for name in FIELDS} == {torch.float32}
    for frames in (sample.source, sample.targets):
        assert -1 <= frames.min() < 0 < frames.max() <= 1
    assert windows.size == (16, 24)


@pytest.mark.parametrize("i", range(8))
def test_a_sample_is_what_its_window_says(store, windows, i):
    window, sample = windows.window(i), windows[i]
    clip, numbers = open_store(store)[window.clip], range(window.start, window.start + window.count)
    true = frames_to_tensor(clip.frames[:])
    np.testing.assert_array_equal(sample.source[0], true[window.source])
    np.testing.assert_array_equal(sample.targets[0], true[numbers])
    np.testing.assert_array_equal(sample.keypoints[0], clip.keypoints[numbers])
    for grid, number in zip(sample.grids[0], numbers, strict=True):
        np.testing.assert_array_equal(grid, clip.mesh_flow(window.source, number))


def test_poses_are_drawn_from_the_keypoints(windows):
    sample = windows[0]
    poses = sample.poses()
    sigma = 6 * 16 / 256
    expected = keypoints_to_heatmaps(sample.keypoints.numpy(), (16, 24), sigma_px=sigma)
    np.testing.assert_array_equal(poses, expected)
    np.testing.assert_array_equal(sample.poses(1, 3), poses[:, 1:3])
    np.testing.assert_array_equal(sample.poses(1), poses[:, 1:])


def test_batches_move_to_a_device(windows):
    sample = windows[0].to("meta")
    assert {getattr(sample, name).device.type for name in FIELDS} == {"meta"}
    assert sample.poses(0, 1).device.type == "meta"


def test_every_pass_visits_every_clip_once_in_another_order(windows):
    passes = [tuple(windows.window(6 * epoch + place).clip for place in range(6)) for epoch in range(20)]
    assert {tuple(sorted(clips)) for clips in passes} == {windows.clips}
    assert all(one != other for one, other in pairwise(passes))


def test_windows_are_whole_chunks_inside_their_clips_and_uniform(store, windows):
    drawn = [windows.window(i) for i in range(6 * 600)]
    lengths = {name: len(open_store(store)[name]) for name in windows.clips}
    counts = {name: {window.count for window in drawn if window.clip == name} for name in lengths}
    assert counts == {"p0/c": {6}, "p1/c": {6}, "p2/c": {6}, "p3/c": {4}, "p4/c": {4}, "p5/c": {6}}
    for name, choices in {"p0/c": 5, "p1/c": 2, "p2/c": 1, "p3/c": 2, "p4/c": 1, "p5/c": 7}.items():
        assert choices == lengths[name] - counts[name].copy().pop() + 1
        for field, values in (("start", choices), ("source", 3)):
            seen = Counter(getattr(window, field) for window in drawn if window.clip == name)
            assert sorted(seen) == list(range(values))
            spread = 4.5 * np.sqrt(600 / values)  # over four standard deviations
            np.testing.assert_allclose(list(seen.values()), 600 / values, rtol=0, atol=spread)


def test_source_frames_beyond_the_clip_are_not_asked_for(store):
    windows = TrainingWindows(store, dataclasses.replace(CONFIG, source_frames=20), GENERATOR, seed=5)
    sources = {name: set() for name in windows.clips}
    for i in range(600):
        sources[windows.window(i).clip].add(windows.window(i).source)
    assert sources["p3/c"] == set(range(5))
    assert sources["p5/c"] == set(range(12))


def test_a_window_depends_on_seed_and_number_alone(store, windows):
    again = TrainingWindows(store, CONFIG, GENERATOR, seed=5)
    later = [again.window(i) for i in (40, 3, 17)]
    assert later == [windows.window(i) for i in (40, 3, 17)]
    other = TrainingWindows(store, CONFIG, GENERATOR, seed=6)
    assert [other.window(i) for i in range(12)] != [windows.window(i) for i in range(12)]


def test_pinned_windows(windows):
    """So that a changed random stream is seen: runs that were interrupted before would go on otherwise."""
    found = [dataclasses.astuple(windows.window(i)) for i in (0, 1, 1000)]
    assert found == [("p1/c", 1, 0, 6), ("p4/c", 0, 0, 4), ("p1/c", 0, 1, 6)]


@settings(max_examples=15)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 5), st.integers(1, 3))
def test_shares_of_processes_make_up_the_single_ones_sequence(windows, batch, world, start, length):
    def load(batch, rank, world):
        return windows_to_loader(
            windows, start, start + length, batch=batch, rank=rank, world=world, workers=0
        )

    shares = [load(batch, rank, world) for rank in range(world)]
    whole = list(load(batch * world, 0, 1))
    assert len(whole) == length
    for n, (expected, *parts) in enumerate(zip_longest(whole, *shares)):
        first = (start + n) * world * batch
        counts = [windows.window(first + place).count for place in range(world * batch)]
        for name in FIELDS:
            together = torch.cat([getattr(part, name) for part in parts])
            np.testing.assert_array_equal(together, getattr(expected, name))
        assert expected.targets.shape[:2] == (world * batch, min(counts))
        for place in range(world * batch):
            np.testing.assert_array_equal(
                expected.targets[place], windows[first + place].targets[0, : min(counts)]
            )


def test_workers_read_the_same_and_draw_from_no_global_generator(windows):
    before = torch.get_rng_state()
    given = {"batch": 2, "rank": 1, "world": 2}
    expected = list(windows_to_loader(windows, 3, 8, **given, workers=0))
    found = list(windows_to_loader(windows, 3, 8, **given, workers=2))
    assert len(found) == len(expected) == 5
    for one, other in zip(found, expected, strict=True):
        assert_equal(one, other)
    np.testing.assert_array_equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_clip_that_is_damaged_later_is_told_in_one_line(tmp_path, workers):
    folder = clips_to_store(tmp_path, {"a": clip_of(6)})
    windows = TrainingWindows(folder, CONFIG, GENERATOR, seed=0)
    clip_path(folder, "train", "a").write_bytes(b"nothing")
    with pytest.raises(StoreError, match=r"^.*a\.h5: expected an HDF5 clip file, found another .*$"):
        next(windows_to_loader(windows, 0, 1, batch=1, rank=0, world=1, workers=workers))


def refuse(folder, clips, text):
    with pytest.raises(StoreError, match=text) as caught:
        TrainingWindows(clips_to_store(folder, clips), CONFIG, GENERATOR, seed=0)
    assert "\n" not in str(caught.value)


def test_a_store_without_the_split_is_refused(tmp_path):
    text = r"expected clips in split train, found none among 2; prepare data that have a train split"
    refuse(tmp_path, {name: clip_of(6, split="test") for name in "ab"}, text)


def test_clips_without_mesh_are_refused(tmp_path):
    clips = {f"c{n:02}": clip_of(4, mesh=None) for n in range(10)} | {"whole": clip_of(4)}
    text = (
        r"expected a mesh in every clip, found none in 10 of 11 \(c00, c01, c02, c03, c04, c05, c06, c07 and "
        r"2 more\); prepare with --body dataset"
    )
    refuse(tmp_path, clips, text)


def test_clips_that_are_all_too_short_are_refused(tmp_path):
    text = r"expected clips of at least 4 frames \(2 chunks\), found at most 3; prepare longer clips"
    refuse(tmp_path, {"a": clip_of(2), "b": clip_of(3)}, text)


def test_frames_of_several_sizes_are_refused(tmp_path):
    clips = {"a": clip_of(4), "b": clip_of(5, size=(16, 16)), "c": clip_of(4)}
    text = r"expected frames of one size, found 16×24 in 2 \(a, c\), 16×16 in 1 \(b\); prepare all clips with"
    refuse(tmp_path, clips, text)


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    clips = {"a": clip_of(4, mesh=None), "b": clip_of(5, size=(16, 16)), "c": clip_of(4)}
    clip_path(clips_to_store(tmp_path, clips), "train", "c").write_bytes(b"nothing")
    with pytest.raises(StoreError, match=r"c\.h5: expected an HDF5.*; expected a mesh.*; expected frames of"):
        TrainingWindows(tmp_path, CONFIG, GENERATOR, seed=0)


def test_some_clips_that_are_too_short_are_left_out_with_a_warning(tmp_path, caplog):
    clips = {"a": clip_of(3), "b": clip_of(5), "c": clip_of(2, mesh=None, size=(16, 16))}
    with caplog.at_level(logging.WARNING):
        windows = TrainingWindows(clips_to_store(tmp_path, clips), CONFIG, GENERATOR, seed=0)
    assert windows.clips == ("b",)
    [record] = caplog.records
    assert "left out 2 of 3 clips, shorter than 4 frames (2 chunks): a, c" in record.getMessage()


def test_settings_that_allow_no_window_are_refused(store):
    text = (
        r"window: expected at least 4 frames \(2 chunks of 2\), got 3; "
        r"seed: expected 0 or more, got -1; change the training's settings"
    )
    with pytest.raises(UsageError, match=text):
        TrainingWindows(store, TrainConfig(window=3), GENERATOR, seed=-1)


def test_training_on_synthetic_people(stores):
    config = TrainConfig(window=18)
    windows = TrainingWindows(stores["fashionvideo"], config, GeneratorConfig(), seed=0)
    assert windows.window(0).count == 18
    sample = windows[0]
    assert sample.targets.shape == (1, 18, 3, *windows.size)
    on_body = (sample.grids != -2).all(-1).float().mean()
    assert 0.02 < on_body < 0.9


def test_inputs_of_some_rows():
    source, clip = example_clip(seed=1).source(2), example_clip(frames=7, seed=2)
    poses, grids = pose_clip_to_inputs(source, clip.poses(1), range(2, 5))
    assert poses.shape == (1, 3, 25, 64, 64)
    expected = keypoints_to_heatmaps(clip.keypoints[3:6], (64, 64), sigma_px=1.5)
    np.testing.assert_array_equal(poses[0], expected)
    for grid, row in zip(grids[0], range(2, 5), strict=True):
        np.testing.assert_array_equal(grid, clip.poses(1).mesh_flow(source, row))
    moved = pose_clip_to_inputs(source, clip.poses(1), range(2, 5), device="meta")
    assert [tensor.device.type for tensor in moved] == ["meta", "meta"]


def test_inputs_follow_training_where_source_and_target_are_of_one_clip(store, windows):
    window, sample = windows.window(1), windows[1]
    clip = open_store(store)[window.clip]
    poses, grids = pose_clip_to_inputs(
        clip.source(window.source), clip.poses(), range(window.start, window.start + window.count)
    )
    np.testing.assert_array_equal(poses, sample.poses())
    np.testing.assert_array_equal(grids, sample.grids)


def test_inputs_that_do_not_fit_are_refused():
    clip = example_clip()
    bare, small = dataclasses.replace(clip, mesh=None), example_clip(size=(48, 64))
    other = dataclasses.replace(clip, mesh=dataclasses.replace(clip.mesh, faces=clip.mesh.faces[1:]))
    missing = r"example/0: dmm expected a mesh in source and driving clip, found none; prepare with --body"
    for one, driving in ((bare, clip), (clip, bare)):
        with pytest.raises(ModelError, match=missing):
            pose_clip_to_inputs(one.source(0), driving.poses(), range(2))
    for driving in (small, other):
        with pytest.raises(ModelError, match=r"example/0: dmm expected the mesh topology and frame size of"):
            pose_clip_to_inputs(clip.source(0), driving.poses(), range(2))
