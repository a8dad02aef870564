"""Which protocol is followed, and when a variant of it takes its place."""

import json
from types import SimpleNamespace

import pytest

from vptbench.benchmarks.loader import BENCHMARKS, load_benchmark
from vptbench.errors import ClipsFailedError, DatasetError, ModelError
from vptbench.generate.run import GenerateReport
from vptbench.prepare import crop
from vptbench.prepare.build import PrepareSettings
from vptbench.reproduce import run
from vptbench.reproduce.recipe import RECIPES, load_recipe

REAL = SimpleNamespace(manifest={"dataset": "fashionvideo", "synth": None})
FROZEN = load_benchmark("fashionvideo-bdmm-v1")


def test_crops_with_a_stand_in_have_not_come():
    come = set(run.STAND_INS) & set(crop.CROPS)
    assert come == set(), "they are there: take them out of STAND_INS"
    parts = [part for name in RECIPES for part in load_recipe(name).parts.values()]
    assert {part.benchmark.crop for part in parts} - set(crop.CROPS) == set(run.STAND_INS)


def test_a_crop_is_taken_as_soon_as_it_is_there(monkeypatch):
    assert run.crop_to_make("bdmm-crop-v1") == crop.DEFAULT_CROP
    assert run.crop_to_make("full-v1") == "full-v1"
    monkeypatch.setitem(crop.CROPS, "bdmm-crop-v1", "vptbench.prepare.crop:full")
    assert run.crop_to_make("bdmm-crop-v1") == "bdmm-crop-v1"


def test_clips_that_fit_are_scored_under_the_frozen_protocol(monkeypatch, tmp_path):
    monkeypatch.setitem(crop.CROPS, "bdmm-crop-v1", "vptbench.prepare.crop:full")
    (tmp_path / "protocol.json").write_text("of an earlier version")
    settings = PrepareSettings(size=256, crop="bdmm-crop-v1")
    assert run.write_protocol(tmp_path, FROZEN, REAL, settings) == "fashionvideo-bdmm-v1"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("synth", "size", "name", "changes"),
    [
        (None, 256, "fashionvideo-bdmm-clip-square-v1", {"crop": "clip-square-v1"}),
        (
            None, 128, "fashionvideo-bdmm-clip-square-128px-v1",
            {"crop": "clip-square-v1", "size": [128, 128]},
        ),
        (
            {"seed": 1}, 256, "fashionvideo-bdmm-synthetic-clip-square-v1",
            {"crop": "clip-square-v1", "dataset": "synthetic"},
        ),
    ],
)  # fmt: skip
def test_a_variant_says_in_its_id_what_was_replaced(tmp_path, synth, size, name, changes):
    store = SimpleNamespace(manifest={"dataset": "fashionvideo", "synth": synth})
    path = run.write_protocol(tmp_path, FROZEN, store, PrepareSettings(size=size))
    assert path == tmp_path / "protocol.json"
    variant = load_benchmark(path)
    assert variant.id == name
    assert name not in BENCHMARKS
    then = json.loads((tmp_path / "protocol.json").read_text())
    for field in ("source", "targets", "pooling", "reference", "metrics", "split"):
        assert getattr(variant, field) == getattr(FROZEN, field)
    assert {key: then[key] for key in changes} == changes
    assert (variant.crop, variant.size) == ("clip-square-v1", (size, size))


def test_nothing_prepared_or_generated_ends_the_run():
    store = SimpleNamespace(ids=lambda split: ("c",) if split == "train" else ())
    with pytest.raises(
        DatasetError, match="test clips that can be prepared, found none: a: cut; b: empty; m"
    ):
        run._check_prepared(store, "test", {"a": "cut", "b": "empty"})
    with pytest.raises(DatasetError, match="found none: the raw data list none"):
        run._check_prepared(store, "test", {})
    run._check_prepared(store, "train", {"a": "cut"})
    with pytest.raises(ModelError, match="expected frames of every clip, 1 failed: a: too small; mend"):
        run._check_generated(GenerateReport((), (), {"a": "too small"}))
    with pytest.raises(ClipsFailedError, match="what is done is kept") as info:
        run._check_generated(GenerateReport(("b",), (), {"a": "too small"}))
    assert info.value.failed == {"a": "too small"}
