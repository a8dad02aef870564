"""Source frames: what each rule picks, and lists that are none."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.benchmarks.loader import load_benchmark
from vptbench.benchmarks.source import clip_to_source_frame, draw_frame, source_to_text
from vptbench.errors import BenchmarkError

RANDOM = {"random_first": 20, "seed": 0}


@pytest.mark.parametrize(
    ("seed", "clip", "count", "frame"),
    [(0, "91-3003CN5S", 20, 11), (0, "001/9/1", 20, 7), (1, "001/9/1", 20, 11), (0, "001/9/1", 7, 3)],
)
def test_frozen_draws(seed, clip, count, frame):
    """Golden: `draw_frame(seed, clip, count)` when it was written, NumPy 2: frozen protocols rest on it."""
    assert draw_frame(seed, clip, count) == frame


def test_the_draw_is_what_its_text_says():
    number = int(hashlib.sha256("7:ä/b".encode()).hexdigest(), 16)  # big-endian, as hex is written
    stream = np.random.Generator(np.random.PCG64(number)).integers(0, 2**64, dtype=np.uint64, size=1)
    assert draw_frame(7, "ä/b", 13) == int(stream[0]) % 13


@given(st.integers(0, 9), st.text(max_size=9), st.integers(1, 30))
def test_one_of_the_first_frames_that_there_are(seed, clip, frames):
    frame = clip_to_source_frame({"random_first": 20, "seed": seed}, {}, clip, frames)
    assert 0 <= frame < min(20, frames)
    assert frame == clip_to_source_frame({"random_first": 20, "seed": seed}, {}, clip, frames)


def test_draws_reach_every_frame_about_equally_often():
    counts = np.bincount([clip_to_source_frame(RANDOM, {}, f"clip {i}", 300) for i in range(4000)])
    assert len(counts) == 20
    assert counts.min() > 150  # 200 expected, standard deviation 14
    assert counts.max() < 250
    other = np.array([clip_to_source_frame(RANDOM | {"seed": 1}, {}, f"clip {i}", 300) for i in range(99)])
    assert (other != [clip_to_source_frame(RANDOM, {}, f"clip {i}", 300) for i in range(99)]).any()


def test_rules_in_words():
    texts = [source_to_text(rule) for rule in ({"index": 3}, RANDOM, {"list": "frames.json"}, {})]
    assert texts == ["frame 3", "random of first 20, seed 0", "list frames.json", "by item"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("absent.json", None, r"source: expected a JSON file at .*absent\.json, found none"),
        ("../frames.json", None, "source: expected a list of source frames that is a plain relative name"),
        ("frames.json", "[0]", "source: .*expected a JSON object, found a list"),
        ("frames.json", "{}", "expected an object of clip ids and frame numbers from 0, found an empty one"),
        ("frames.json", '{"a": 1, "b": -1, "c": true}', "frame numbers from 0, found b: -1, c: True"),
    ],
)
def test_lists_that_are_none_are_refused(written, tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(BenchmarkError, match=message):
        load_benchmark(written(source={"list": name}))
