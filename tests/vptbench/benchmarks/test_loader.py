"""Frozen protocols: their hashes, what they pick, what they refuse."""

import dataclasses
import json

import numpy as np
import pytest

from vptbench.benchmarks.loader import (
    benchmark_clips,
    benchmark_ids,
    benchmark_targets,
    clip_list_sha256,
    load_benchmark,
)
from vptbench.clip import Clip
from vptbench.errors import BenchmarkError, ManifestError, RegistryError
from vptbench.skeleton import missing_keypoints

FROZEN = {
    "synthetic-v1": "67b4b0c66468839da2fdfff0d49905c66d1043e14479e66443dfe16bdf12a869",
    "fashionvideo-v1": "101b6cac87493ab1151023e25031a70e0b64e80b9eff92d82556bcf41d3631fe",
    "iper-v1": "5ba5bfc8cc64788f6a3891cd5ada65ce3a648b7b635877efcb358053025ad538",
}
"""A changed file is a new id: never edit a line here, add one."""

GOOD = {
    "format": "vptbench-benchmark", "version": 1, "id": "mine-v1", "dataset": "videos", "split": "test",
    "crop": "full-v1", "size": [16, 12], "source": {"index": 2}, "targets": "all", "pooling": "frame",
    "reference": "train", "metrics": ["ssim-v1"],
}  # fmt: skip


def make_clip(name="a", frames=5, size=(16, 12), crop="full-v1", raw_sha256="00", confidence=0.0):
    keypoints = missing_keypoints(frames)
    if confidence:
        keypoints[:] = confidence
    pixels = np.zeros((frames, *size, 3), np.uint8)
    attributes = {"crop": crop, "raw_sha256": raw_sha256}
    return Clip(name, "test", pixels, keypoints, 25.0, attributes=attributes)


class MemoryStore(dict):
    """Clips in memory, all of the test split."""

    def __init__(self, *clips, dataset="videos", synth=None):
        super().__init__({clip.id: clip for clip in clips})
        self.manifest = {"dataset": dataset, "synth": synth}

    def ids(self, split=None):
        return tuple(self) if split in {None, "test"} else ()


@pytest.fixture
def written(tmp_path):
    def write(**changes):
        path = tmp_path / "mine.json"
        document = {key: value for key, value in (GOOD | changes).items() if value != "absent"}
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.mark.parametrize("name", benchmark_ids())
def test_shipped_protocols_are_frozen(name):
    benchmark = load_benchmark(name)
    assert benchmark.id == name
    assert benchmark.sha256 == FROZEN[name]
    assert benchmark.metrics == ("ssim-v1", "psnr-v1", "l1-v1", "lpips-v1", "fid-v1", "fvd-v1")
    assert (benchmark.split, benchmark.pooling, benchmark.reference) == ("test", "clip", "test")
    assert benchmark_targets(benchmark, 4) == (1, 2, 3)


def test_a_file_of_ones_own(written):
    benchmark = load_benchmark(written())
    assert (benchmark.id, benchmark.size, benchmark.source_index) == ("mine-v1", (16, 12), 2)
    assert benchmark_targets(benchmark, 4) == (0, 1, 2, 3)
    assert benchmark_targets(dataclasses.replace(benchmark, targets="all-but-source"), 4) == (0, 1, 3)


def test_hash_follows_content_not_layout(written):
    path = written()
    first = load_benchmark(path).sha256
    path.write_text(json.dumps(GOOD, indent=7, sort_keys=True))
    assert load_benchmark(str(path)).sha256 == first
    assert load_benchmark(written(pooling="clip")).sha256 != first


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": "val"}, "split: expected 'train' or 'test', found 'val'"),
        ({"targets": "most"}, "targets: expected 'all' or 'all-but-source', found 'most'"),
        ({"pooling": None}, "pooling: expected 'clip' or 'frame', found None"),
        ({"reference": ["test"]}, "reference: expected 'train' or 'test'"),
        ({"dataset": 3}, "dataset: expected a name, found 3"),
        ({"size": [16]}, r"size: expected \[height, width\] or null, found \(16,\)"),
        ({"size": [16, True]}, "size: expected"),
        ({"size": 16}, "size: expected"),
        ({"source": {"index": -1}}, r'source: expected \{"index": N\} with N from 0'),
        ({"source": {"index": True}}, "source: expected"),
        ({"source": 0}, "source: expected"),
        ({"metrics": []}, r"metrics: expected a list of metric ids, found \(\)"),
        ({"metrics": "ssim-v1"}, "metrics: expected a list"),
        ({"metrics": ["ssim"]}, "expected a versioned id such as 'ssim-v1'.* got 'ssim'"),
        ({"id": "mine@v1"}, "expected a versioned id .* got 'mine@v1'"),
        ({"targts": "all"}, "unknown: targts"),
        ({"targets": "absent"}, "missing: targets"),
        ({"id": "iper-v1"}, "expected an id of its own, found 'iper-v1' with other contents"),
    ],
)
def test_malformed_protocols_are_refused(written, changes, message):
    with pytest.raises(BenchmarkError, match=message):
        load_benchmark(written(**changes))


def test_all_problems_come_at_once(written):
    with pytest.raises(BenchmarkError, match=r"split: .*; size: .*; source: "):
        load_benchmark(written(split="", size=0, source={}))


def test_unknown_protocols_are_refused(written, tmp_path):
    with pytest.raises(RegistryError, match="did you mean 'fashionvideo-v1'"):
        load_benchmark("fashionvideo-v2")
    with pytest.raises(BenchmarkError, match=r"expected a benchmark's JSON file at .* found none"):
        load_benchmark(tmp_path / "absent.json")
    with pytest.raises(ManifestError, match="expected version 1 of vptbench-benchmark, found 2"):
        load_benchmark(written(version=2))


def test_clips_of_the_split(written):
    store = MemoryStore(make_clip("b"), make_clip("a"))
    assert benchmark_clips(load_benchmark(written()), store) == ("b", "a")


@pytest.mark.parametrize(
    ("name", "dataset", "synth", "message"),
    [
        ("synthetic-v1", "iper", None, "expected synthetic clips .* found real ones"),
        ("iper-v1", "iper", {"seed": 1}, "expected real clips, found synthetic ones"),
        ("iper-v1", "fashionvideo", None, "expected dataset 'iper', found 'fashionvideo'"),
    ],
)
def test_another_dataset_is_refused(name, dataset, synth, message):
    clip = make_clip(crop="clip-square-v1", size=(256, 256))
    with pytest.raises(BenchmarkError, match=f"the store does not fit {name}: {message}"):
        benchmark_clips(load_benchmark(name), MemoryStore(clip, dataset=dataset, synth=synth))
    fitting = {"dataset": "iper", "synth": {"seed": 1} if name == "synthetic-v1" else None}
    assert benchmark_clips(load_benchmark(name), MemoryStore(clip, **fitting)) == ("a",)


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ([], "expected clips of the test split, found none"),
        ([make_clip(crop="other-v1")], "a: expected crop 'full-v1', found 'other-v1'"),
        ([make_clip(size=(12, 16))], r"a: expected size \(16, 12\), found \(12, 16\)"),
        ([make_clip(frames=2)], "a: expected more than 2 frames, with source 2"),
        ([make_clip(str(i), frames=2) for i in range(6)], "3: expected .*; and 2 more"),
    ],
)
def test_clips_that_do_not_fit_are_refused(written, clips, message):
    with pytest.raises(BenchmarkError, match=message):
        benchmark_clips(load_benchmark(written()), MemoryStore(*clips))


def test_clip_list_hash_is_of_what_is_scored_and_of_nothing_else():
    clips = [make_clip("a"), make_clip("b")]
    first = clip_list_sha256(clips)
    assert clip_list_sha256(clips[::-1]) == first
    assert clip_list_sha256([make_clip("a", confidence=0.5), clips[1]]) == first
    changes = [
        {"name": "c"}, {"frames": 6}, {"size": (12, 16)}, {"crop": "other-v1"}, {"raw_sha256": "01"},
    ]  # fmt: skip
    others = [clip_list_sha256([make_clip(**change), clips[1]]) for change in changes]
    assert len({first, *others}) == len(changes) + 1
