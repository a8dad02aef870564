"""The page: numbered texts, short lists of numbers, and tables that line up."""

import pytest

from vptbench.reproduce.comparison import facts_to_comparison
from vptbench.reproduce.page import _ranges, comparison_to_markdown, write_comparison
from vptbench.reproduce.recipe import load_recipe


@pytest.fixture
def page(make_facts):
    def make(**fields):
        recipe = load_recipe("bdmm")
        return comparison_to_markdown(facts_to_comparison(recipe, recipe.part(""), make_facts(**fields)))

    return make


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([1, 2, 3, 5], "1–3, 5"), ([4], "4"), ([1, 2], "1–2"), ([1, 3, 4], "1, 3–4"), ([], "")],
)
def test_ranges_are_short(numbers, text):
    assert _ranges(numbers) == text


def test_a_frozen_protocol_is_named_as_such(page):
    assert "- protocol: fashionvideo-bdmm-v1, frozen\n" in page()
    assert "- networks: the published weights, by hash\n" in page()


def test_a_variant_is_never_called_the_frozen_protocol(page):
    text = page(used_id="fashionvideo-bdmm-full-v1", used_crop="full-v1", used_size=(128, 128), mode="random")
    line = (
        "- protocol: fashionvideo-bdmm-full-v1, which is not the frozen fashionvideo-bdmm-v1: crop full-v1 "
        "instead of bdmm-crop-v1, size 128 × 128 instead of 256 × 256\n"
    )
    assert line in text
    assert "- networks: random weights\n" in text


def test_rows_have_their_numbers(page):
    lines = page().splitlines()
    ssim = next(line for line in lines if line.startswith("| SSIM   | ssim-bdmm-v1"))
    cells = [cell.strip() for cell in ssim.strip("|").split("|")]
    assert cells == [
        "SSIM", "ssim-bdmm-v1", "0.918", "arXiv 2307.07754", "0.9", "", "-0.018", "-2.0", "1–8",
    ]  # fmt: skip
    assert "8. SSIM: by the published definition" in "\n".join(lines)
    quoted = next(line for line in lines if line.startswith("| FVD    | 148.3"))
    assert "168.275, differs by -19.97 (-11.9 %)" in quoted
    assert len({line.count("|") for line in lines if line.startswith("| FVD    | fvd")}) == 1
    assert len({len(line) for line in lines if line.startswith(("| SSIM   | ssim", "| FVD    | fvd"))}) == 1


def test_both_files_are_written(make_facts, tmp_path):
    recipe = load_recipe("bdmm")
    comparison = facts_to_comparison(recipe, recipe.part(""), make_facts())
    text = write_comparison(tmp_path, comparison)
    assert (tmp_path / "reproduction.md").read_text(encoding="utf-8") == text
    lines = (tmp_path / "reproduction.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "column,metric,published,source,measured,low,high,difference,percent,known"
    assert lines[1].startswith("SSIM,ssim-bdmm-v1,0.918,arXiv 2307.07754,0.9,,,-0.018")
