"""Lists of corruptions: what the shipped ones hold, and malformed ones."""

import json

import pytest

from vptbench.benchmarks import loader
from vptbench.benchmarks.loader import NOISY_BENCHMARKS, load_benchmark
from vptbench.benchmarks.noisy import KINDS, CorruptionRule, load_noisy_benchmark, read_any_benchmark
from vptbench.errors import BenchmarkError

RULE = {"kind": "jitter", "severities": [1, 3], "seeds": [0]}
GOOD = {
    "format": "vptbench-benchmark", "version": 1, "id": "mine-v1", "clean": "iper-v1", "corruptions": [RULE],
}  # fmt: skip


@pytest.fixture
def written_noise(tmp_path):
    def write(**changes):
        path = tmp_path / "noise.json"
        document = {key: value for key, value in (GOOD | changes).items() if value != "absent"}
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.mark.parametrize("name", NOISY_BENCHMARKS)
def test_shipped_lists_hold_every_kind_that_needs_no_data(name):
    noisy = load_noisy_benchmark(name)
    assert (noisy.id, noisy.clean) == (name, name.replace("-noisy", ""))
    assert load_benchmark(noisy.clean).id == noisy.clean
    assert [rule.kind for rule in noisy.corruptions] == [kind for kind in KINDS if kind != "estimator"]
    assert {(rule.severities, rule.seeds) for rule in noisy.corruptions} == {((1, 2, 3, 4, 5), (0, 1, 2))}


def test_a_list_of_ones_own(written_noise):
    noisy = load_noisy_benchmark(written_noise())
    assert noisy.corruptions == (CorruptionRule("jitter", (1, 3), (0,)),)
    assert read_any_benchmark(written_noise()) == (GOOD, noisy)
    document, clean = read_any_benchmark("iper-v1")
    assert clean == load_benchmark("iper-v1")
    assert document["source"] == {"index": 0}
    assert load_noisy_benchmark(written_noise(clean="synthetic-v1")).sha256 != noisy.sha256


@pytest.mark.parametrize("load", [load_noisy_benchmark, read_any_benchmark])
def test_a_file_is_read_once(written_noise, monkeypatch, load):
    reads, real = [], loader.read_manifest
    monkeypatch.setattr(
        loader, "read_manifest", lambda path, **kind: reads.append(path) or real(path, **kind)
    )
    path = written_noise()
    load(path)
    assert reads == [path]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "mine"}, "expected a versioned id .* got 'mine'"),
        ({"id": "iper-v1"}, "expected an id of its own, found 'iper-v1' with other contents"),
        ({"id": "iper-noisy-v1"}, "expected an id of its own, found 'iper-noisy-v1' with other contents"),
        (
            {"clean": "iper-v9"},
            "clean: expected a known clean benchmark, got 'iper-v9'; did you mean 'iper-v1'",
        ),
        ({"clean": "iper-noisy-v1"}, "clean: expected a known clean benchmark"),
        ({"clean": 3}, "clean: expected a known clean benchmark, got '3'"),
        ({"corruptions": "absent"}, "missing: corruptions"),
        ({"corruptions": []}, r"corruptions: expected a list of objects with kind, severities and .*\[\]"),
        ({"corruptions": [3]}, "corruptions: expected a list of objects"),
        ({"corruptions": [{"kind": "lag"}]}, "CorruptionRule: .*missing: seeds, severities"),
        ({"corruptions": [RULE, RULE]}, "expected each kind once, found jitter, jitter"),
        ({"corruptions": [RULE | {"kind": "jiter"}]}, "corruption, got 'jiter'; did you mean 'jitter'"),
        ({"corruptions": [RULE | {"kind": 1}]}, "expected a known corruption, got '1'"),
        ({"corruptions": [RULE | {"severities": [0]}]}, r"jitter: expected severities from 1 to 5.*\(0,\)"),
        (
            {"corruptions": [RULE | {"severities": [2, 1]}]},
            r"expected severities .*ascending, found \(2, 1\)",
        ),
        ({"corruptions": [RULE | {"severities": 1}]}, "expected severities .*, found 1"),
        ({"corruptions": [RULE | {"seeds": []}]}, r"jitter: expected seeds, integers from 0, .*\(\)"),
        ({"corruptions": [RULE | {"seeds": [0, 0]}]}, "jitter: expected seeds"),
        ({"corruptions": [RULE | {"seeds": [-1]}]}, "jitter: expected seeds"),
        ({"sha256": "0"}, "expected no sha256, which is computed"),
        ({"noise": 1}, "unknown: noise"),
    ],
)
def test_malformed_lists_are_refused(written_noise, changes, message):
    with pytest.raises(BenchmarkError, match=message):
        load_noisy_benchmark(written_noise(**changes))


def test_a_clean_protocol_is_no_list():
    with pytest.raises(
        BenchmarkError, match="expected a list of corruptions, got iper-v1, a clean benchmark"
    ):
        load_noisy_benchmark("iper-v1")
