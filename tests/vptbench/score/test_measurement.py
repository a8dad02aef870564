import logging
from dataclasses import replace

import numpy as np
import pytest

from vptbench.errors import OutputError, ShapeError
from vptbench.outputs import open_folder
from vptbench.score import measurement as room
from vptbench.score.measurement import (
    Job,
    Lengths,
    frames_to_sha256,
    hash_pair,
    measure_pair,
    measure_reference,
)
from vptbench.score.pair import plain_pair
from vptbench.store.frames import StoreFrames, Truth
from vptbench.weights import Networks

RANDOM = Networks(mode="random")


@pytest.fixture
def job(tmp_path, make_folder, grey):
    """L1 and colours of a clip of three frames, off by 0, 5 and 10 levels."""
    made = make_folder({"a": dict(enumerate(grey(10, 25, 40)))})
    true = make_folder({"a": dict(enumerate(grey(10, 20, 30)))}, "true")
    metrics = ("l1-v1", "colour-v1")
    return Job(
        open_folder(made), open_folder(true), metrics, RANDOM, tmp_path / "p", tmp_path / "c", frozenset(),
        Lengths({"a": 3}, {"a": 3}, {"a": 3}),
    )  # fmt: skip


def kept(folder):
    return sorted(path.parent.name for path in folder.rglob("*.npy"))


def test_a_pair_by_hand(colour, job):
    measured = measure_pair(job, plain_pair("a", (0, 1, 2)))
    np.testing.assert_allclose(measured.values["l1-v1"], np.array([0, 5, 10]) / 255, rtol=1e-12)
    assert (measured.size, measured.refused) == ((16, 16), {})
    np.testing.assert_array_equal(
        np.load(measured.generated["colour-v1"]), np.float32([[10] * 3, [25] * 3, [40] * 3])
    )
    np.testing.assert_array_equal(
        np.load(measured.targets["colour-v1"]), np.float32([[10] * 3, [20] * 3, [30] * 3])
    )
    assert kept(job.parts) == ["colour-v1", "l1-v1"]
    assert kept(job.cache) == ["colour-v1"]
    assert measured.to_json() == hash_pair(job, measured.pair)
    assert colour.calls == [3, 3]


def test_nothing_is_measured_twice_and_nothing_stale_is_taken(colour, job):
    measure_pair(job, plain_pair("a", (0, 1, 2)))
    again = measure_pair(job, plain_pair("a", (0, 1, 2)))
    assert colour.calls == [3, 3]
    fewer = measure_pair(replace(job, lengths=Lengths({"a": 2}, {"a": 2}, {})), plain_pair("a", (1, 2)))
    assert colour.calls == [3, 3, 2, 2]
    assert fewer.target_sha256 != again.target_sha256
    np.testing.assert_allclose(fewer.values["l1-v1"], again.values["l1-v1"][1:])


@pytest.mark.parametrize("damage", [b"", b"x", b"\x93NUMPY\x01\x00"])
def test_what_is_damaged_is_measured_again(colour, job, caplog, damage):
    first = measure_pair(job, plain_pair("a", (0, 1, 2)))
    for place in [*job.parts.rglob("*.npy"), *job.cache.rglob("*.npy")]:
        place.write_bytes(damage)
    with caplog.at_level(logging.WARNING):
        again = measure_pair(job, plain_pair("a", (0, 1, 2)))
    np.testing.assert_array_equal(again.values["l1-v1"], first.values["l1-v1"])
    assert len(colour.calls) == 4
    assert "expected an array, found damage" in caplog.text


@pytest.mark.usefixtures("colour")
def test_reference_clips_have_features_of_their_true_frames_only(job):
    job = replace(job, unpaired=frozenset(job.metrics), lengths=Lengths({}, {}, {"a": 2}))
    measured = measure_reference(job, plain_pair("a", (0, 2)))
    assert (measured.values, measured.generated, measured.generated_sha256) == ({}, {}, "")
    np.testing.assert_array_equal(np.load(measured.targets["colour-v1"])[:, 0], [10, 30])


def test_reference_clips_too_small_for_a_metric_say_so(colour, job, monkeypatch):
    def refuse(*_):
        raise ShapeError("expected at least 31 × 31 pixels")

    monkeypatch.setattr(colour, "features", refuse)
    job = replace(job, unpaired=frozenset(job.metrics), lengths=Lengths({}, {}, {"a": 2}))
    measured = measure_reference(job, plain_pair("a", (0, 2)))
    assert measured.targets == {}
    assert measured.refused == {"colour-v1": "reference clip a: expected at least 31 × 31 pixels"}


@pytest.mark.usefixtures("colour")
def test_sizes_that_differ_in_the_middle_of_a_clip(tmp_path, make_folder, grey):
    made = make_folder({"a": {0: grey(1)[0], 1: grey(1, size=(8, 8))[0]}})
    true = make_folder({"a": dict(enumerate(grey(1, 1)))}, "true")
    job = Job(
        open_folder(made), open_folder(true), ("l1-v1",), RANDOM, tmp_path / "p", tmp_path / "c", frozenset(),
        Lengths({}, {}, {}),
    )  # fmt: skip
    with pytest.raises(OutputError, match=r"00001\.png: expected 16×16 as in 00000\.png, found 8×8"):
        measure_pair(job, plain_pair("a", (0, 1)))
    with pytest.raises(OutputError, match="clip a: expected frames of 16×16 as the target's, found 8×8"):
        hash_pair(job, plain_pair("a", (1,)))


def test_the_hash_is_of_shape_and_bytes():
    frames = np.arange(48, dtype=np.uint8).reshape(1, 4, 4, 3)
    assert frames_to_sha256(frames) == frames_to_sha256(np.concatenate([frames, frames])[:1])
    assert frames_to_sha256(frames) != frames_to_sha256(frames.reshape(1, 2, 8, 3))


@pytest.mark.parametrize("part", ["device", "network", "torch", "windows", "extractor"])
def test_kept_features_are_of_this_very_network_device_and_window(colour, job, monkeypatch, part):
    monkeypatch.setattr(colour, "network", "alexnet")
    job = replace(job, metrics=("colour-v1",))
    measure_pair(job, plain_pair("a", (0, 1, 2)))
    assert colour.calls == [3, 3]
    if part == "device":
        job = replace(job, networks=replace(RANDOM, device="meta"))
    elif part == "network":
        monkeypatch.setattr(room, "network_sha256", lambda *_: "another")
    elif part == "torch":
        monkeypatch.setattr(room, "version", lambda _: "0.0")
    elif part == "windows":
        monkeypatch.setattr(colour, "windows", lambda *_, **__: (range(1), range(2, 3), range(1, 2)))
    else:
        monkeypatch.setattr(colour, "extractor", "another")
    measure_pair(job, plain_pair("a", (0, 1, 2)))
    assert colour.calls == [3, 3, 3, 3]


def test_kept_values_are_of_these_very_targets_and_masks(
    colour, make_store, make_folder, grey, tmp_path, monkeypatch
):
    store = make_store({("a", "test"): grey(10, 20)})
    made = open_folder(make_folder({"a": dict(enumerate(grey(1, 2)))}))
    job = Job(
        made, StoreFrames(store), ("masked-v1",), RANDOM, tmp_path / "p", tmp_path / "c", frozenset(),
        Lengths({"a": 2}, {"a": 2}, {}),
    )  # fmt: skip
    truth = Truth(np.ones((2, 16, 16), bool), "one")
    monkeypatch.setattr(StoreFrames, "truth", lambda *_: truth)
    pair = plain_pair("a", (0, 1))
    first = measure_pair(job, pair)
    measure_pair(job, pair)
    assert colour.calls == [2]
    assert first.truth_sha256 == hash_pair(job, pair)["truth_sha256"] != ""
    truth = Truth(np.zeros((2, 16, 16), bool), "two")
    second = measure_pair(job, pair)
    assert colour.calls == [2, 2]
    assert (first.values["masked-v1"].tolist(), second.values["masked-v1"].tolist()) == ([1, 1], [0, 0])
    assert second.truth_sha256 != first.truth_sha256
    other = make_store({("a", "test"): grey(10, 21)}, tmp_path / "other")
    measure_pair(replace(job, targets=StoreFrames(other)), pair)
    assert colour.calls == [2, 2, 2]
