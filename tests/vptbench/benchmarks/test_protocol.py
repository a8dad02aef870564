"""The fields of a protocol, one refusal each."""

import json

import pytest

from vptbench.benchmarks.loader import BENCHMARKS, load_benchmark
from vptbench.benchmarks.protocol import record_to_benchmark
from vptbench.benchmarks.span import Span, Still
from vptbench.config import config_to_json
from vptbench.errors import BenchmarkError
from vptbench.manifest import json_to_text

SELF = {
    "id": "a", "source": {"clip": "a", "frame": 1}, "driving": {"clip": "a", "first": 2, "last": 4},
    "real": {"clip": "a", "first": 2, "last": 4},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": "val"}, "split: expected 'train' or 'test', found 'val'"),
        ({"targets": "most"}, "targets: expected 'all' or 'all-but-source', found 'most'"),
        ({"driving": "other"}, "driving: expected 'self' or 'cross', found 'other'"),
        ({"pooling": None}, "pooling: expected 'clip' or 'frame', found None"),
        ({"reference": ["test"]}, "reference: expected 'train' or 'test'"),
        ({"dataset": 3}, "dataset: expected a name, found 3"),
        ({"size": [16]}, r"size: expected \[height, width\] or null, found \(16,\)"),
        ({"size": [16, True]}, "size: expected"),
        ({"size": 16}, "size: expected"),
        ({"stride": 0}, r"stride: expected an integer from 1 to below 2\*\*31, found 0"),
        ({"stride": True}, "stride: expected an integer from 1 .* found True"),
        ({"stride": 1.5}, r"stride: expected an integer from 1 .* found 1\.5"),
        ({"stride": 2**31}, "stride: expected an integer from 1 .* found 2147483648"),
        ({"size": [16, 2**31]}, "size: expected"),
        ({"source": {"index": -1}}, r'source: expected \{"index": N\} with N from 0'),
        ({"source": {"index": True}}, "source: expected"),
        ({"source": {"index": 2**31}}, "source: expected"),
        ({"source": {"random_first": 2, "seed": 2**31}}, "source: expected"),
        ({"source": {"random_first": 2**31, "seed": 0}}, "source: expected"),
        ({"source": {"random_first": 0, "seed": 0}}, r'\{"random_first": N, "seed": S\} with N from 1'),
        ({"source": {"random_first": 20}}, "source: expected"),
        ({"source": {"random_first": 20, "seed": "0"}}, "source: expected"),
        ({"source": {"index": 0, "list": "x.json"}}, "source: expected"),
        ({"source": {"list": 3}}, r'or \{"list": FILE\}, found'),
        ({"source": 0}, "source: expected"),
        ({"source": "absent"}, r"source: expected .* found \{\}"),
        ({"metrics": []}, r"metrics: expected a list of metric ids, found \(\)"),
        ({"metrics": "ssim-v1"}, "metrics: expected a list"),
        ({"metrics": ["ssim"]}, "expected a versioned id such as 'ssim-v1'.* got 'ssim'"),
        ({"id": "mine@v1"}, "expected a versioned id .* got 'mine@v1'"),
        ({"targts": "all"}, "unknown: targts"),
        ({"targets": "absent"}, "missing: targets"),
        ({"sha256": "0"}, "expected no sha256, which are computed"),
        ({"driving": "cross"}, "items: expected a list of them for driving 'cross', found none"),
        ({"items": [SELF]}, "source: expected none beside items, which name their own, found"),
        *(
            (
                {"items": [SELF], "source": wrong},
                "source: expected none beside items, which name their own, found",
            )
            for wrong in (None, [], 0, "", False, "a")
        ),
        ({"items": []}, r"items: expected a list of items, or no such field, found \[\]"),
    ],
)
def test_malformed_protocols_are_refused(written, changes, message):
    with pytest.raises(BenchmarkError, match=message):
        load_benchmark(written(**changes))


def test_all_problems_come_at_once(written):
    with pytest.raises(BenchmarkError, match=r"split: .*; size: .*; stride: .*; source: "):
        load_benchmark(written(split="", size=0, source={}, stride=-1))


def test_items_name_what_is_made(with_items):
    (item,) = load_benchmark(with_items()).items
    assert item.source == Still("a", 1)
    assert (item.driving, item.real) == (Span("b", 2, 4), Span("a", 0, 1))
    assert len(item.driving) == 3  # 2, 3 and 4


@pytest.mark.parametrize(
    "change",
    [
        {"driving": {"clip": "a", "first": 2, "last": 3}},
        {"real": {"clip": "b", "first": 2, "last": 4}},
        {"source": {"clip": "b", "frame": 1}},
    ],
)
def test_driven_by_itself_a_clip_is_its_own_truth(with_items, change):
    assert load_benchmark(with_items(SELF, driving="self")).items[0].id == "a"
    with pytest.raises(
        BenchmarkError, match="items: a: expected for driving 'self' one clip and driving equal"
    ):
        load_benchmark(with_items(SELF | change, driving="self"))


def test_a_list_of_source_frames_is_covered_by_the_hash(written, tmp_path):
    frames = tmp_path / "frames.json"
    frames.write_text('{"a": 3, "b/1": 0}')
    path = written(source={"list": "frames.json"})
    first = load_benchmark(path)
    assert (first.source_frame("a", 9), first.source_frame("b/1", 9), first.source_frame("c", 9)) == (
        3,
        0,
        None,
    )
    frames.write_text(json.dumps({"b/1": 0, "a": 3}, indent=4))
    assert load_benchmark(path).sha256 == first.sha256
    frames.write_text('{"a": 4, "b/1": 0}')
    assert load_benchmark(path).sha256 != first.sha256


@pytest.mark.parametrize("name", [*BENCHMARKS, "own"])
def test_what_scores_record_of_a_protocol_is_the_protocol(name, with_items):
    benchmark = load_benchmark(with_items() if name == "own" else name)
    record = json.loads(json_to_text(config_to_json(benchmark)))
    assert record_to_benchmark(record) == benchmark


def test_a_damaged_record_is_refused():
    record = config_to_json(load_benchmark("synthetic-v1"))
    with pytest.raises(BenchmarkError, match=r"benchmark of the scores: .*unknown: colour; score again"):
        record_to_benchmark({**record, "colour": 1})
    with pytest.raises(BenchmarkError, match="benchmark of the scores: pooling: expected 'clip' or 'frame'"):
        record_to_benchmark({**record, "pooling": "all"})
