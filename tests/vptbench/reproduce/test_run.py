"""Which protocol is followed, and when a variant of it takes its place."""

import json
from types import SimpleNamespace

import pytest

from vptbench.benchmarks.loader import BENCHMARKS, load_benchmark
from vptbench.prepare.settings import PrepareSettings
from vptbench.reproduce.run import write_protocol

FROZEN = load_benchmark("fashionvideo-bdmm-v1")


def test_clips_that_fit_are_scored_under_the_frozen_protocol(tmp_path):
    (tmp_path / "protocol.json").write_text("of an earlier version")
    settings = PrepareSettings(size=256, crop="bdmm-crop-v1")
    store = SimpleNamespace(manifest={"synth": None})
    assert write_protocol(tmp_path, FROZEN, store, settings) == "fashionvideo-bdmm-v1"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("synth", "size", "name", "dataset"),
    [
        (None, 256, "fashionvideo-bdmm-clip-square-v1", "fashionvideo"),
        (None, 128, "fashionvideo-bdmm-clip-square-128px-v1", "fashionvideo"),
        ({"seed": 1}, 256, "fashionvideo-bdmm-synthetic-clip-square-v1", "synthetic"),
    ],
)
def test_a_variant_says_in_its_id_what_was_replaced(tmp_path, synth, size, name, dataset):
    store = SimpleNamespace(manifest={"synth": synth})
    path = write_protocol(tmp_path, FROZEN, store, PrepareSettings(size=size))
    assert path == tmp_path / "protocol.json"
    variant = load_benchmark(path)
    assert variant.id == name
    assert name not in BENCHMARKS
    for field in ("source", "targets", "pooling", "reference", "metrics", "split"):
        assert getattr(variant, field) == getattr(FROZEN, field)
    assert (variant.dataset, variant.crop, variant.size) == (dataset, "clip-square-v1", (size, size))
    assert json.loads(path.read_text())["format"] == "vptbench-benchmark"
