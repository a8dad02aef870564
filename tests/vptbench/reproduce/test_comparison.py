"""Figures beside figures: differences, what is nearest, and what others print."""

import pandas as pd
import pytest

from vptbench.reproduce.comparison import COLUMNS, RANDOM, Published, facts_to_comparison
from vptbench.reproduce.recipe import load_recipe


@pytest.fixture
def compare(make_facts):
    def make(dataset="fashionvideo", **fields):
        recipe = load_recipe("bdmm")
        return facts_to_comparison(recipe, recipe.part(dataset), make_facts(dataset, **fields))

    return make


def test_differences_are_measured_minus_published(compare):
    rows = {row.metric: row for row in compare().rows}
    # 0.9 − 0.918 = −0.018, which is 1.8/0.918 = 1.9608 % of it
    assert rows["ssim-bdmm-v1"].difference == pytest.approx(-0.018)
    assert rows["ssim-bdmm-v1"].percent == pytest.approx(-1.960784, abs=1e-6)
    assert (rows["fid-bdmm-v1"].difference, rows["fid-bdmm-v1"].percent) == (0, 0)
    assert rows["fvd-bdmm-test-16f-v1"].published.value == 168.275
    assert rows["fvd-bdmm-train-128f-v1"].difference is None
    assert rows["fvd-bdmm-train-128f-v1"].known[0] == "no figure: the disk was full"
    assert RANDOM not in rows["fid-bdmm-v1"].known


def test_random_networks_have_no_difference(compare):
    rows = {row.metric: row for row in compare(mode="random").rows}
    for name in ("lpips-v1@random", "fid-bdmm-v1@random", "fvd-bdmm-test-16f-v1@random"):
        assert (rows[name].difference, rows[name].percent, rows[name].known[0]) == (None, None, RANDOM)
        assert not any("nearest" in text for text in rows[name].known)
    assert rows["ssim-bdmm-v1"].difference == pytest.approx(-0.018)


def test_notes_about_one_definition_stand_there_alone(compare):
    text = "FVD: training clips: 480; the dataset's split has 500"
    found = {row.metric for row in compare(reference=(480, 9_001)).rows if text in row.known}
    assert found == {f"fvd-bdmm-train-{name}-v1" for name in ("16f", "128f", "128f-s8")}


def test_which_of_six_definitions_comes_nearest(compare):
    rows = [row for row in compare().rows if row.column == "FVD"]
    assert len(rows) == 6
    for row in rows:
        # measured 300, 150, 160, 140 and 500
        assert "FVD: fvd-bdmm-test-16f-v1 (160) is nearest to 168.275" in row.known
        assert "FVD: fvd-bdmm-train-128f-s8-v1 (150) is nearest to 148.3" in row.known


def test_what_others_print_stands_below_in_the_order_of_columns(compare):
    found = [(other.column, other.value) for other in compare().elsewhere]
    assert found == [
        ("SSIM", 0.918), ("SSIM", 0.918), ("PSNR", 24.07), ("PSNR", 24.07), ("LPIPS", 0.048),
        ("LPIPS", 0.048), ("FVD", 168.3), ("FVD", 148.3),
    ]  # fmt: skip
    assert compare("iper").elsewhere == ()


@pytest.mark.parametrize(
    ("printed", "value", "same"),
    [(24.07, 24.071, True), (0.048, 0.0478, True), (168.3, 168.275, True), (148.3, 168.275, False)],
)
def test_rounded_figures_agree(printed, value, same):
    assert Published("FVD", printed, "somewhere", ()).rounds(value) is same


def test_remarks_that_all_rows_share_are_made_once(compare):
    comparison = compare()
    assert comparison.known[-1].startswith("remark on the published figures: value supplied with the project")
    (lpips,) = (row for row in comparison.rows if row.column == "LPIPS")
    assert "LPIPS: remark on the published figure: AlexNet" in lpips.known
    assert sum("value supplied" in text for row in comparison.rows for text in row.known) == 0


def test_columns_without_a_published_figure_say_so(compare):
    rows = {row.metric: row for row in compare("iper").rows}
    assert rows["fid-bdmm-v1"].published is None
    assert rows["fid-bdmm-v1"].difference is None
    assert "FID: no figure of its authors is at hand" in rows["fid-bdmm-v1"].known
    assert rows["fvd-bdmm-test-16f-v1"].published.value == 500.226


def test_the_table_has_every_text(compare):
    table = compare(synthetic=True).table
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 11 + 8
    assert table.loc[0, "known"].startswith("SSIM: by the published definition")
    assert "the clips are synthetic" in table.loc[0, "known"]
    others = table[table["metric"].isna()]
    assert others["published"].tolist()[-2:] == [168.3, 148.3]
    assert others["measured"].isna().all()
    assert pd.api.types.is_float_dtype(table["difference"])
