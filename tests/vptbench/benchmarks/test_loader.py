"""Frozen protocols: their hashes, and finding them."""

import json
from importlib.resources import files

import pytest

from vptbench.benchmarks.items import benchmark_targets
from vptbench.benchmarks.loader import BENCHMARKS, NOISY_BENCHMARKS, load_benchmark
from vptbench.benchmarks.noisy import load_noisy_benchmark
from vptbench.errors import BenchmarkError, ManifestError, RegistryError

FROZEN = {
    "synthetic-v1": "67b4b0c66468839da2fdfff0d49905c66d1043e14479e66443dfe16bdf12a869",
    "fashionvideo-v1": "101b6cac87493ab1151023e25031a70e0b64e80b9eff92d82556bcf41d3631fe",
    "iper-v1": "5ba5bfc8cc64788f6a3891cd5ada65ce3a648b7b635877efcb358053025ad538",
    "fashionvideo-bdmm-v1": "f729191b8a309af4711eae465c882e9f7fc93e96a3fb03fb31bc6d9bb6f171aa",
    "iper-bdmm-v1": "19d826a6e87caf014e9d182eed618d4082f114ad121d4e644274eb40ff987361",
}
"""A changed file is a new id: never edit a line here, add one."""

FROZEN_NOISE = {
    "synthetic-noisy-v1": "75bfe0f7f59a36268c6f600e31dd256b7660a2d3ff1eb7e2f22c329d17b74963",
    "fashionvideo-noisy-v1": "e8857913c6f17e7e3434137c97bd8f561ece57207f4fef3824b4325d387e5c5c",
    "iper-noisy-v1": "790fcc42a45f0704c7ff500432c436caec3681aec1ca8934d44ca7a5e7e839e3",
}
"""The same of lists of corruptions."""

OURS = ("synthetic-v1", "fashionvideo-v1", "iper-v1")


def test_shipped_protocols_are_frozen():
    assert {name: load_benchmark(name).sha256 for name in BENCHMARKS} == FROZEN
    assert {name: load_noisy_benchmark(name).sha256 for name in NOISY_BENCHMARKS} == FROZEN_NOISE


@pytest.mark.parametrize("name", BENCHMARKS)
def test_what_is_left_out_is_the_plain_case(name):
    benchmark = load_benchmark(name)
    assert benchmark.id == name
    assert (benchmark.stride, benchmark.driving, benchmark.items) == (1, "self", ())


@pytest.mark.parametrize("name", OURS)
def test_our_own_protocols_leave_the_first_frame_out(name):
    benchmark = load_benchmark(name)
    assert benchmark.metrics == ("ssim-v1", "psnr-v1", "l1-v1", "lpips-v1", "fid-v1", "fvd-v1")
    assert (benchmark.split, benchmark.pooling, benchmark.reference) == ("test", "clip", "test")
    assert benchmark_targets(benchmark, 4) == (1, 2, 3)


@pytest.mark.parametrize("dataset", ["fashionvideo", "iper"])
def test_the_published_protocol_keeps_its_quirks(dataset):
    benchmark = load_benchmark(f"{dataset}-bdmm-v1")
    assert (benchmark.dataset, benchmark.crop, benchmark.size) == (dataset, "bdmm-crop-v1", (256, 256))
    assert (benchmark.split, benchmark.pooling, benchmark.reference) == ("test", "frame", "train")
    assert benchmark_targets(benchmark, 40, "some clip") == tuple(range(40))
    assert benchmark.source_frame("some clip", 40) < 20
    assert sum(name.startswith("fvd-bdmm-") for name in benchmark.metrics) == 6


def test_a_file_of_ones_own(written):
    benchmark = load_benchmark(written())
    assert (benchmark.id, benchmark.size, benchmark.source_frame("a", 4)) == ("mine-v1", (16, 12), 2)
    assert benchmark_targets(benchmark, 4) == (0, 1, 2, 3)


def test_hash_follows_content_not_layout(written):
    path = written()
    document = json.loads(path.read_text())
    first = load_benchmark(path).sha256
    path.write_text(json.dumps(document, indent=7, sort_keys=True))
    assert load_benchmark(str(path)).sha256 == first
    assert load_benchmark(written(pooling="clip")).sha256 != first
    assert load_benchmark(written(stride=2)).sha256 != first


def test_unknown_protocols_are_refused(written, tmp_path):
    with pytest.raises(RegistryError, match="did you mean 'fashionvideo-v1'"):
        load_benchmark("fashionvideo-v2")
    with pytest.raises(RegistryError, match="did you mean 'iper-noisy-v1'"):
        load_noisy_benchmark("iper-nosy-v1")
    with pytest.raises(BenchmarkError, match=r"expected a benchmark's JSON file at .* found none"):
        load_benchmark(tmp_path / "absent.json")
    with pytest.raises(ManifestError, match="expected version 1 of vptbench-benchmark, found 2"):
        load_benchmark(written(version=2))


@pytest.mark.parametrize("name", ["iper-v1", "iper-noisy-v1"])
def test_a_copy_of_a_frozen_file_is_no_other(tmp_path, name):
    copy = tmp_path / "copy.json"
    copy.write_bytes((files("vptbench.benchmarks") / f"{name}.json").read_bytes())
    load = load_noisy_benchmark if "noisy" in name else load_benchmark
    assert load(copy) == load(name)


@pytest.mark.parametrize("name", ["iper-v1", "iper-noisy-v1"])
def test_a_frozen_id_is_not_taken(written, name):
    with pytest.raises(
        BenchmarkError, match=f"expected an id of its own, found '{name}' with other contents"
    ):
        load_benchmark(written(id=name))


@pytest.mark.parametrize("name", NOISY_BENCHMARKS)
def test_nothing_is_scored_under_a_list_of_corruptions(name):
    clean = name.replace("-noisy", "")
    text = (
        f"got {name}, a list of corruptions, each scored under the clean id: run `vptbench robustness MODEL "
        f"STORE OUT --benchmark {name}`, or give --benchmark {clean}$"
    )
    with pytest.raises(BenchmarkError, match=text):
        load_benchmark(name)
