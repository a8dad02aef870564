"""Every entry of every table can be imported, says its source, and never goes away."""

import inspect
from pathlib import Path

import pytest

from vptbench.benchmarks.loader import BENCHMARKS, NOISY_BENCHMARKS, load_benchmark
from vptbench.benchmarks.noisy import load_noisy_benchmark
from vptbench.cli import prepare, synth
from vptbench.cli.check import CHECKS, NOTES, WARNINGS
from vptbench.generate.export import FORMATS, INPUT_FORMATS, InputFormat, load_input_format
from vptbench.metrics.table import METRICS, metric_facts
from vptbench.outputs.layouts import LAYOUTS
from vptbench.prepare.bodies import BODIES
from vptbench.prepare.crop import CROPS
from vptbench.prepare.lost import LOST
from vptbench.prepare.poses import POSES, SWAPS
from vptbench.prepare.sources import DATASETS
from vptbench.registry import check_id, group_to_table, id_to_object
from vptbench.store.schema import COMPRESSIONS
from vptbench.synth import build, scene

KEPT = Path(__file__).parent / "golden" / "ids.txt"


@pytest.mark.parametrize(
    "table",
    [CROPS, DATASETS, CHECKS, WARNINGS, NOTES, FORMATS],
    ids=["crops", "datasets", "checks", "warnings", "notes", "formats"],
)
def test_entries_can_be_imported(table):
    for name in table:
        assert callable(id_to_object(name, table, "entry"))


@pytest.mark.parametrize(
    ("module", "option", "known"),
    [
        (prepare, "poses", POSES),
        (prepare, "swaps", SWAPS),
        (prepare, "lost", LOST),
        (prepare, "body", BODIES),
        (prepare, "compression", COMPRESSIONS),
        (synth, "layout", build.LAYOUTS),
        (synth, "background", scene.BACKGROUNDS),
    ],
)
def test_the_command_line_offers_what_there_is(module, option, known):
    """Written out there, so that `--help` needs no heavy imports."""
    offered = {each.name: each.type for each in module.command.params}[option]
    assert sorted(offered.choices) == sorted(known)


@pytest.mark.parametrize("name", INPUT_FORMATS)
def test_formats_of_inputs_can_be_imported(name):
    assert isinstance(load_input_format(name), InputFormat)


@pytest.mark.parametrize("name", [name for name, row in LAYOUTS.items() if row.code])
def test_layouts_can_be_imported(name):
    assert callable(id_to_object(name, {name: LAYOUTS[name].code}, "layout"))


@pytest.mark.parametrize("group", ["vptbench.models", "vptbench.audits"])
def test_models_can_be_imported(group):
    table = group_to_table(group)
    assert table
    for name in table:
        assert callable(id_to_object(name, table, "model"))


@pytest.mark.parametrize("metric", METRICS)
def test_metrics_can_be_imported(metric):
    assert callable(metric_facts(metric).load)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_states_its_source(metric):
    module = inspect.getmodule(id_to_object(metric, METRICS, "metric"))
    assert "Source:" in inspect.getsource(module)


def test_ids_follow_the_grammar():
    for name in [*METRICS, *CROPS, *BENCHMARKS, *NOISY_BENCHMARKS]:
        assert check_id(name) == name


def test_benchmarks_name_what_exists():
    for name in BENCHMARKS:
        benchmark = load_benchmark(name)
        assert benchmark.id == name
        assert set(benchmark.metrics) <= set(METRICS)
        assert benchmark.crop in CROPS
    for name in NOISY_BENCHMARKS:
        noisy = load_noisy_benchmark(name)
        assert noisy.id == name
        assert noisy.clean in BENCHMARKS


def test_no_id_goes_away():
    kept = set(KEPT.read_text().split())
    now = {*METRICS, *CROPS, *BENCHMARKS, *NOISY_BENCHMARKS}
    assert kept <= now
    assert now <= kept, "add the new ids to tests/golden/ids.txt"
