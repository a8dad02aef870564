"""Every recipe names what exists: a model, frozen protocols, metrics, and published rows."""

import pytest

from vptbench.benchmarks.loader import load_benchmark
from vptbench.errors import RegistryError
from vptbench.registry import group_to_table
from vptbench.reproduce.recipe import RECIPES, load_recipe
from vptbench.score.published import GROUPS, published_rows

MISSION = {
    "bdmm-fashion": {
        "SSIM": 0.918, "PSNR": 24.071, "L1": 0.0302, "FID": 14.083, "LPIPS": 0.0478, "FVD": 168.275,
    },
    "bdmm-iper": {"SSIM": 0.803, "PSNR": 21.797, "L1": 0.0724, "FVD": 500.226},
}  # fmt: skip
"""What this project set out to reproduce."""


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_names_what_exists(name):
    recipe, rows = load_recipe(name), published_rows()
    assert recipe.model in group_to_table("vptbench.models")
    assert set(recipe.methods) <= set(rows["method"])
    for group in recipe.groups:
        columns = GROUPS[group].columns
        frozen = load_benchmark(GROUPS[group].benchmark)
        assert frozen.dataset == GROUPS[group].dataset
        assert set(frozen.metrics) == {metric for metrics in columns.values() for metric in metrics}
        assert all(any(metric.startswith(start) for metric in frozen.metrics) for start in recipe.notes)
        dataset = rows[rows["dataset"].str.lower() == frozen.dataset]
        own = dataset[dataset["method"].isin(recipe.methods) & (dataset["source"] == recipe.source)]
        assert set(own["protocol_group"]) == {group}
        assert own["metric"].is_unique
        assert set(own["metric"]) <= set(columns)


@pytest.mark.parametrize("group", MISSION)
def test_the_figures_to_reproduce_are_there_with_their_source(group):
    rows = published_rows()
    own = rows[(rows["protocol_group"] == group) & (rows["source"] == "arXiv 2307.07754")]
    assert dict(zip(own["metric"], own["value"], strict=True)) == MISSION[group]


def test_unknown_names_are_refused_with_a_hint():
    with pytest.raises(RegistryError, match="known method to reproduce, got 'bdm'; did you mean 'bdmm'"):
        load_recipe("bdm")
    with pytest.raises(RegistryError, match="dataset of BDMM's figures, got 'ipr'; did you mean 'iper'"):
        load_recipe("bdmm").group("ipr")
