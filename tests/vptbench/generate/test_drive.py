"""One item: what a model is shown, what it must give back, what it costs."""

import dataclasses
import gc
import random
import sys
import types

import h5py
import numpy as np
import pytest
import torch

from vptbench.benchmarks.items import Item
from vptbench.clip import Clip
from vptbench.errors import ModelError, StoreError
from vptbench.generate import model as model_file
from vptbench.generate.drive import checkpoint_to_sha256, item_to_generated, load_model, seed_generators
from vptbench.generate.model import FoundModel
from vptbench.store.reader import FileRows, read_clip
from vptbench.testing.models import example_clip


class Model:
    """Answers with `answer(source, driving)`."""

    def __init__(self, answer):
        self.generate = answer

    def generate(self, source, driving):
        raise NotImplementedError

    @classmethod
    def load(cls, _checkpoint, device):
        raise OSError(f"no weights for {device}")


def whole(clip, source=1):
    """A clip, driven as a whole by its own poses."""
    numbers = tuple(range(len(clip)))
    return Item(clip.id, clip.id, source, clip.id, 0, len(clip), numbers, clip.id, numbers, truth=True)


def drive(answer, clip=None, kind="model", item=None):
    found, clip = FoundModel("tried", kind, Model), clip or example_clip()
    return item_to_generated(found, Model(answer), item or whole(clip), {clip.id: clip}, seed=3)


def zeros(_source, driving):
    return np.zeros((len(driving), *driving.size, 3), np.uint8)


def reachable(*roots):
    """Everything that can be reached from objects, through attributes, containers and views of arrays."""
    found, waiting = {}, list(roots)
    while waiting:
        thing = waiting.pop()
        if id(thing) in found or isinstance(thing, types.ModuleType | type | types.FunctionType):
            continue
        found[id(thing)] = thing
        waiting += gc.get_referents(thing)
        if isinstance(thing, np.ndarray):
            waiting.append(thing.base)
    return list(found.values())


@pytest.mark.parametrize("place", ["disk", "memory"])
def test_a_model_cannot_reach_target_pixels_or_masks(written_store, place):
    seen = []

    def spy(source, driving):
        seen.extend(reachable(source, driving))
        return zeros(source, driving)

    clip = read_clip(written_store / "clips" / "test" / "a.h5") if place == "disk" else example_clip()
    drive(spy, clip)
    assert not [thing for thing in seen if isinstance(thing, Clip | FileRows | h5py.File | h5py.Dataset)]
    arrays = [thing for thing in seen if isinstance(thing, np.ndarray)]
    pictures = [array for array in arrays if array.dtype == np.uint8]
    assert [array.shape for array in pictures] == [(*clip.size, 3)]
    np.testing.assert_array_equal(pictures[0], clip.frames[1])
    masks = [array for array in arrays if array.dtype == np.bool_]
    assert [array.shape for array in masks] == [clip.size]
    targets = {clip.frames[number].tobytes() for number in range(len(clip)) if number != 1}
    held = {
        thing if isinstance(thing, bytes) else thing.tobytes()
        for thing in seen
        if isinstance(thing, bytes | np.ndarray)
    }
    assert not targets & held


def test_the_walk_would_find_them():
    clip = example_clip()
    things = reachable(clip.poses(), clip)
    assert any(thing is clip.frames for thing in things)


def test_an_audit_gets_the_clip():
    clip = example_clip()
    made = drive(
        lambda _source, clip, frames: np.stack([clip.frames[number] for number in frames]), clip, "audit"
    )
    np.testing.assert_array_equal(made.frames, clip.frames)


def cross(made, **changes):
    """Of clip a, seen in its frame 2, `made` frames of clip b from number 1 on."""
    fields = {
        "id": "x", "source_clip": "a", "source_frame": 2, "driving_clip": "b", "first": 1, "count": made,
        "driving_numbers": (1,), "real_clip": "a", "real_numbers": (0, 1), "truth": False,
    }  # fmt: skip
    return Item(**fields | changes)


@pytest.fixture
def two_clips():
    return {
        name: dataclasses.replace(example_clip(seed=seed, frames=6), id=name)
        for seed, name in enumerate(("a", "b"))
    }


def test_one_clips_picture_is_driven_by_anothers_poses(two_clips):
    seen = []

    def spy(source, driving):
        seen.append((source, driving))
        return zeros(source, driving)

    made = item_to_generated(FoundModel("tried", "model", Model), Model(spy), cross(3), two_clips, seed=0)
    ((source, driving),) = seen
    assert (source.clip, source.index, driving.clip, driving.frames) == ("a", 2, "b", (1, 2, 3))
    np.testing.assert_array_equal(source.frame, two_clips["a"].frames[2])
    np.testing.assert_array_equal(driving.keypoints, two_clips["b"].keypoints[1:4])
    assert made.frames.shape == (3, 64, 64, 3)
    short = Model(lambda s, d: zeros(s, d)[1:])
    with pytest.raises(ModelError, match=r"expected frames uint8 \(3, 64, 64, 3\), got uint8 \(2, "):
        item_to_generated(FoundModel("tried", "model", Model), short, cross(3), two_clips, seed=0)


def test_an_item_is_seeded_by_its_own_id(two_clips):
    def draw(_source, driving):
        return np.full((len(driving), *driving.size, 3), random.randrange(256), np.uint8)  # noqa: S311

    found = FoundModel("tried", "model", Model)
    values = [
        int(item_to_generated(found, Model(draw), cross(1, id=name), two_clips, seed=0).frames[0, 0, 0, 0])
        for name in ("x", "y", "x")
    ]
    assert values[0] == values[2] != values[1]


def test_an_audit_gets_the_range_of_the_item_only_where_it_is_the_truth(two_clips):
    def answer(_source, clip, frames):
        return np.stack([clip.frames[number] for number in frames])

    found, audit = FoundModel("seer", "audit", Model), Model(answer)
    own = cross(3, source_clip="b", real_clip="b", truth=True)
    made = item_to_generated(found, audit, own, two_clips, seed=0)
    np.testing.assert_array_equal(made.frames, two_clips["b"].frames[1:4])
    with pytest.raises(
        ModelError, match="seer: expected true frames to be shown, found none: a never did what b"
    ):
        item_to_generated(found, audit, cross(3), two_clips, seed=0)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda _s, d: zeros(_s, d)[1:],
            r"tried: expected frames uint8 \(5, 64, 64, 3\), got uint8 \(4, 64, 64, 3\)",
        ),
        (lambda _s, d: zeros(_s, d)[:, ::2], r"got uint8 \(5, 32, 64, 3\)"),
        (lambda _s, d: zeros(_s, d) / 255, "got float64"),
        (lambda _s, d: torch.tensor(zeros(_s, d)), "as a NumPy array, got Tensor"),
        (lambda _s, _d: None, "as a NumPy array, got NoneType"),
        (lambda _s, _d: 1 / 0, "expected tried to generate, it raised ZeroDivisionError: division by zero"),
        (lambda _s, _d: sys.exit(0), "expected tried to generate, it raised SystemExit: 0"),
    ],
)
def test_a_model_that_fails_fails_its_clip(answer, message):
    with pytest.raises(ModelError, match=message):
        drive(answer)


def test_errors_that_say_what_to_do_come_through():
    def refuse(_source, _driving):
        raise StoreError("expected this, found that")

    with pytest.raises(StoreError, match="expected this, found that"):
        drive(refuse)


def test_cost_is_measured():
    def slow(source, driving):
        held = bytearray(50_000_000)
        return zeros(source, driving) + np.uint8(len(held) % 2)

    made = drive(slow)
    assert 0 < made.seconds < 60
    assert made.peak_memory_bytes > 50_000_000
    assert made.parameters is None


@pytest.mark.parametrize(
    ("parameters", "count"), [(7, 7), (torch.nn.Linear(3, 2).parameters, 8), ("x", None)]
)
def test_parameters_are_counted(parameters, count):
    found, tried, clip = FoundModel("tried", "model", Model), Model(zeros), example_clip()
    tried.parameters = parameters
    assert item_to_generated(found, tried, whole(clip), {clip.id: clip}, seed=0).parameters == count


def test_parameters_that_cannot_be_counted_fail_the_clip():
    found, tried, clip = FoundModel("tried", "model", Model), Model(zeros), example_clip()
    tried.parameters = lambda: 1 / 0
    with pytest.raises(ModelError, match="expected tried to count its parameters, it raised ZeroDivision"):
        item_to_generated(found, tried, whole(clip), {clip.id: clip}, seed=0)


def test_each_item_has_its_own_seed():
    def draw(seed, clip):
        seed_generators(seed, clip)
        return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002, S311

    assert draw(0, "a") == draw(0, "a")
    others = [draw(0, "a"), draw(1, "a"), draw(0, "b")]
    for column in zip(*others, strict=True):
        assert len(set(column)) == 3


def test_a_model_that_cannot_be_loaded_is_refused(monkeypatch):
    monkeypatch.setattr(model_file, "id_to_object", lambda *_: Model)
    with pytest.raises(
        ModelError, match="expected copy_source to load, it raised OSError: no weights for cuda"
    ):
        load_model("copy_source", None, None, "cuda")


def test_a_checkpoint_is_known_by_its_bytes(tmp_path):
    assert checkpoint_to_sha256(None) is None
    file, folder = tmp_path / "weights.pt", tmp_path / "run"
    file.write_bytes(b"1")
    folder.mkdir()
    (folder / "weights.pt").write_bytes(b"1")
    hashes = {checkpoint_to_sha256(file), checkpoint_to_sha256(folder)}
    (folder / "weights.pt").write_bytes(b"2")
    hashes.add(checkpoint_to_sha256(folder))
    assert len(hashes) == 3
    with pytest.raises(ModelError, match=r"expected a checkpoint at .*absent.pt, found none"):
        checkpoint_to_sha256(tmp_path / "absent.pt")
