"""One clip: what a model is shown, what it must give back, what it costs."""

import gc
import random
import sys
import types

import h5py
import numpy as np
import pytest
import torch

from vptbench.clip import Clip
from vptbench.errors import ModelError, StoreError
from vptbench.generate import model as model_file
from vptbench.generate.drive import checkpoint_to_sha256, clip_to_generated, load_model, seed_generators
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


def drive(answer, clip=None, kind="model", **more):
    found = FoundModel("tried", kind, Model)
    return clip_to_generated(found, Model(answer), clip or example_clip(), source_index=1, seed=3, **more)


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
    found, tried = FoundModel("tried", "model", Model), Model(zeros)
    tried.parameters = parameters
    assert clip_to_generated(found, tried, example_clip(), source_index=0, seed=0).parameters == count


def test_parameters_that_cannot_be_counted_fail_the_clip():
    tried = Model(zeros)
    tried.parameters = lambda: 1 / 0
    with pytest.raises(ModelError, match="expected tried to count its parameters, it raised ZeroDivision"):
        clip_to_generated(FoundModel("tried", "model", Model), tried, example_clip(), source_index=0, seed=0)


def test_each_clip_has_its_own_seed():
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
