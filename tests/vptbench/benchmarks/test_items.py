"""What a protocol makes and scores of a store, and the stores that it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.benchmarks import items as items_file
from vptbench.benchmarks.items import (
    Item,
    benchmark_items,
    benchmark_targets,
    clip_list_sha256,
    items_to_clip_list_sha256,
)
from vptbench.benchmarks.loader import load_benchmark
from vptbench.errors import BenchmarkError

FROZEN = "2fd3f74d8685ebae1bef9dfef103db4e32a4b8f481e75314af63c84b9aab4a8c"
"""Golden: `clip_list_sha256` of commit 0c442dc of this repository, called on 2026-11-25 with the black clips
a and b of `make_clip`; boards compare by it."""


def test_clips_of_the_split_are_driven_as_a_whole(written, make_clip, memory_store):
    store = memory_store(make_clip("b"), make_clip("a", 3), make_clip("c", split="train"))
    benchmark = load_benchmark(written(targets="all-but-source"))
    assert benchmark_items(benchmark, store) == (
        Item("b", "b", 2, "b", 0, 5, (0, 1, 3, 4), "b", (0, 1, 3, 4), truth=True),
        Item("a", "a", 2, "a", 0, 3, (0, 1), "a", (0, 1), truth=True),
    )


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [
        ({}, (0, 1, 2, 3, 4, 5, 6)),
        ({"targets": "all-but-source"}, (0, 1, 3, 4, 5, 6)),
        ({"stride": 3}, (0, 3, 6)),
        ({"stride": 2, "targets": "all-but-source"}, (0, 4, 6)),
        ({"stride": 3, "targets": "all-but-source"}, (0, 3, 6)),  # the source, 2, is none of them
        ({"stride": 9}, (0,)),
    ],
)
def test_every_stride_th_frame_is_scored(written, changes, numbers):
    assert benchmark_targets(load_benchmark(written(**changes)), 7) == numbers


@given(st.integers(1, 60), st.integers(1, 9))
def test_targets_are_a_stride_apart_and_begin_at_0(frames, stride):
    benchmark = load_benchmark("fashionvideo-bdmm-v1")
    object.__setattr__(benchmark, "stride", stride)
    numbers = benchmark_targets(benchmark, frames, "a")
    assert numbers == tuple(range(frames))[::stride]


def test_a_drawn_source_frame_is_left_out_of_its_own_clip(written, make_clip, memory_store):
    clips = [make_clip(str(number), 6) for number in range(9)]
    rule = {"random_first": 4, "seed": 5}
    benchmark = load_benchmark(written(source=rule, targets="all-but-source"))
    items = benchmark_items(benchmark, memory_store(*clips))
    for item in items:
        assert item.source_frame < 4
        assert item.driving_numbers == tuple(n for n in range(6) if n != item.source_frame)
        assert benchmark_targets(benchmark, 6, item.id) == item.driving_numbers
    assert len({item.source_frame for item in items}) > 1
    assert benchmark_items(benchmark, memory_store(*clips[::-1])) == items[::-1]  # order does not matter


def test_a_list_names_the_source_frame_of_every_clip(written, make_clip, memory_store, tmp_path):
    (tmp_path / "frames.json").write_text('{"a": 1, "b": 4, "elsewhere": 0}')
    benchmark = load_benchmark(written(source={"list": "frames.json"}))
    items = benchmark_items(benchmark, memory_store(make_clip("a"), make_clip("b")))
    assert [item.source_frame for item in items] == [1, 4]
    with pytest.raises(BenchmarkError, match=r"c: expected a source frame in frames\.json, found none"):
        benchmark_items(benchmark, memory_store(make_clip("a"), make_clip("c")))
    with pytest.raises(BenchmarkError, match="b: expected more than 3 frames, with source 4"):
        benchmark_items(benchmark, memory_store(make_clip("a"), make_clip("b", 3)))


def test_cross_driving_has_real_frames_and_no_truth(with_items, make_clip, memory_store):
    """Of a, seen in its frame 1, frames 2 to 4 of b are made, and a's own 0 and 1 stand on the other side."""
    store = memory_store(make_clip("a"), make_clip("b"))
    assert benchmark_items(load_benchmark(with_items()), store) == (
        Item("a", "a", 1, "b", 2, 3, (2, 3, 4), "a", (0, 1), truth=False),
    )
    (strided,) = benchmark_items(load_benchmark(with_items(stride=2)), store)
    assert (strided.first, strided.count) == (2, 3)
    assert (strided.driving_numbers, strided.real_numbers) == ((2, 4), (0,))


def test_picture_poses_and_true_frames_may_be_of_three_clips(with_items, item, make_clip, memory_store):
    """Each of them counts among the clips of the item, and so in the hash of what is scored."""
    three = item(real={"clip": "c", "first": 1, "last": 2})
    clips = {name: make_clip(name) for name in "abcd"}
    store = memory_store(*clips.values())
    items = benchmark_items(load_benchmark(with_items(three)), store)
    assert items == (Item("a", "a", 1, "b", 2, 3, (2, 3, 4), "c", (1, 2), truth=False),)
    assert items[0].clips == {"a", "b", "c"}
    assert items_to_clip_list_sha256(items, store) == clip_list_sha256(clips[name] for name in "abc")


def test_a_source_frame_is_left_out_of_its_own_clip_only(with_items, item, make_clip, memory_store):
    other = item(source={"clip": "a", "frame": 3})  # of b, frame 3 is as good as any
    benchmark = load_benchmark(with_items(other, targets="all-but-source"))
    (made,) = benchmark_items(benchmark, memory_store(make_clip("a"), make_clip("b")))
    assert made.driving_numbers == (2, 3, 4)


@pytest.mark.parametrize(("targets", "numbers"), [("all", (1, 3)), ("all-but-source", (1,))])
def test_self_driving_by_items_is_its_own_truth(with_items, make_clip, memory_store, targets, numbers):
    span = {"clip": "a", "first": 1, "last": 4}
    own = {"id": "x/1", "source": {"clip": "a", "frame": 3}, "driving": span, "real": span}
    benchmark = load_benchmark(with_items(own, driving="self", stride=2, targets=targets))
    (item,) = benchmark_items(benchmark, memory_store(make_clip("a")))
    assert item == Item("x/1", "a", 3, "a", 1, 4, numbers, "a", numbers, truth=True)


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([], "expected clips of the test split, found none"),
        ([{"crop": "other-v1"}], "a: expected crop 'full-v1', found 'other-v1'"),
        ([{"size": (12, 16)}], r"a: expected size \(16, 12\), found \(12, 16\)"),
        ([{"frames": 2}], "a: expected more than 2 frames, with source 2"),
        ([{"name": str(i), "frames": 2} for i in range(6)], "3: expected .*; and 2 more"),
    ],
)
def test_clips_that_do_not_fit_are_refused(written, make_clip, memory_store, clips, message):
    with pytest.raises(BenchmarkError, match=message):
        benchmark_items(load_benchmark(written()), memory_store(*(make_clip(**clip) for clip in clips)))


@pytest.mark.parametrize(
    ("b", "message"),
    [
        ({"split": "train"}, "item a: expected driving clip b in the test split, found none"),
        ({"frames": 4}, "item a: expected frame 4 of driving clip b, found 4 frames"),
        ({"crop": "other-v1"}, "b: expected crop 'full-v1', found 'other-v1'"),
        ({"size": (12, 16)}, r"item a: expected clips of one size, found \(12, 16\) and \(16, 12\)"),
    ],
)
def test_items_that_a_store_lacks_are_refused(with_items, make_clip, memory_store, b, message):
    store = memory_store(make_clip("a"), make_clip("b", **b))
    with pytest.raises(BenchmarkError, match=f"the store does not fit mine-v1: {message}"):
        benchmark_items(load_benchmark(with_items(size=None)), store)


@pytest.mark.parametrize("part", ["driving", "real"])
def test_ranges_beyond_a_clip_are_refused_before_they_are_spelt_out(
    with_items, item, make_clip, memory_store, monkeypatch, part
):
    """Two thousand million numbers would fill the memory."""
    monkeypatch.setattr(items_file, "_span_to_item", lambda *_: pytest.fail("it was spelt out"))
    long = item(**{part: {"clip": "b", "first": 0, "last": 2**31 - 1}})
    text = f"item a: expected frame 2147483647 of {part} clip b, found 5 frames"
    with pytest.raises(BenchmarkError, match=text):
        benchmark_items(load_benchmark(with_items(long)), memory_store(make_clip("a"), make_clip("b")))


def test_every_problem_of_an_item_is_named(with_items, item, make_clip, memory_store):
    wrong = item(source={"clip": "a", "frame": 7}, driving={"clip": "c", "first": 0, "last": 0},
                 real={"clip": "a", "first": 0, "last": 5})  # fmt: skip
    text = "frame 7 of source clip a, found 5 frames; .*driving clip c .*; .*frame 5 of real clip a"
    with pytest.raises(BenchmarkError, match=text):
        benchmark_items(load_benchmark(with_items(wrong)), memory_store(make_clip("a")))
    only = {"clip": "a", "first": 1, "last": 1}
    alone = item(driving=only, real=only)
    with pytest.raises(BenchmarkError, match="item a: expected a frame to score beside the source frame"):
        benchmark_items(
            load_benchmark(with_items(alone, driving="self", targets="all-but-source")),
            memory_store(make_clip("a")),
        )


@pytest.mark.parametrize(
    ("name", "dataset", "synth", "message"),
    [
        ("synthetic-v1", "iper", None, "expected synthetic clips .* found real ones"),
        ("iper-v1", "iper", {"seed": 1}, "expected real clips, found synthetic ones"),
        ("iper-v1", "fashionvideo", None, "expected dataset 'iper', found 'fashionvideo'"),
    ],
)
def test_another_dataset_is_refused(make_clip, memory_store, name, dataset, synth, message):
    clip = make_clip(crop="clip-square-v1", size=(256, 256))
    with pytest.raises(BenchmarkError, match=f"the store does not fit {name}: {message}"):
        benchmark_items(load_benchmark(name), memory_store(clip, dataset=dataset, synth=synth))
    fitting = {"dataset": "iper", "synth": {"seed": 1} if name == "synthetic-v1" else None}
    (item,) = benchmark_items(load_benchmark(name), memory_store(clip, **fitting))
    assert item.id == "a"


def test_clip_list_hash_is_of_what_is_scored_and_of_nothing_else(make_clip):
    clips = [make_clip("a"), make_clip("b")]
    first = clip_list_sha256(clips)
    assert first == FROZEN
    assert clip_list_sha256(clips[::-1]) == first
    assert clip_list_sha256([make_clip("a", confidence=0.5), clips[1]]) == first
    changes = [
        {"name": "c"}, {"frames": 6}, {"size": (12, 16)}, {"crop": "other-v1"}, {"raw_sha256": "01"},
    ]  # fmt: skip
    others = [clip_list_sha256([make_clip(**change), clips[1]]) for change in changes]
    assert len({first, *others}) == len(changes) + 1


def test_clip_list_hash_of_items_covers_each_clip_that_they_touch_once(
    with_items, written, make_clip, memory_store
):
    clips = [make_clip("a"), make_clip("b"), make_clip("unused")]
    store = memory_store(*clips)
    cross = benchmark_items(load_benchmark(with_items()), store)
    assert items_to_clip_list_sha256(cross, store) == clip_list_sha256(clips[:2])
    plain = benchmark_items(load_benchmark(written()), store)
    assert items_to_clip_list_sha256(plain, store) == clip_list_sha256(clips)
