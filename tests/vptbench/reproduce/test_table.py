"""Figures beside figures: differences, what is known of which row, and the page."""

import pandas as pd
import pytest

from vptbench.reproduce.recipe import load_recipe
from vptbench.reproduce.table import COLUMNS, RANDOM, facts_to_table, table_to_page

BDMM = load_recipe("bdmm")


@pytest.fixture
def to_rows(make_facts):
    """A function from fields of facts to the measured rows, by metric."""

    def make(*given, **fields):
        table = facts_to_table(BDMM, make_facts(*given, **fields))
        return table[table["metric"] != ""].set_index("metric")

    return make


@pytest.fixture
def to_page(make_facts):
    def make(*given, **fields):
        facts = make_facts(*given, **fields)
        return table_to_page(BDMM, facts, facts_to_table(BDMM, facts))

    return make


def test_differences_are_measured_minus_published(to_rows):
    rows = to_rows()
    # 0.9 − 0.918 = −0.018, which is 1.8/0.918 = 1.9608 % of it
    assert rows.loc["ssim-bdmm-v1", "difference"] == pytest.approx(-0.018)
    assert rows.loc["ssim-bdmm-v1", "percent"] == pytest.approx(-1.960784, abs=1e-6)
    assert rows.loc["fid-bdmm-v1", ["difference", "percent"]].tolist() == [0, 0]
    assert rows.loc[rows["column"] == "FVD", "published"].tolist() == [168.275] * 6
    assert pd.isna(rows.loc["fvd-bdmm-train-128f-v1", "difference"])
    assert rows.loc["fvd-bdmm-train-128f-v1", "known"][-1] == "no figure: the disk was full"
    assert RANDOM not in rows.loc["fid-bdmm-v1", "known"]


def test_random_networks_have_no_difference(to_rows):
    rows = to_rows(mode="random")
    for name in ("lpips-v1@random", "fid-bdmm-v1@random", "fvd-bdmm-test-16f-v1@random"):
        assert rows.loc[name, ["difference", "percent"]].isna().all()
        assert rows.loc[name, "known"][-1] == RANDOM
    assert rows.loc["ssim-bdmm-v1", "difference"] == pytest.approx(-0.018)


def test_notes_about_some_metrics_stand_there_alone(to_rows):
    rows = to_rows(splits={"train": 480})
    found = {
        name for name, texts in rows["known"].items() if any("train clips: 480" in text for text in texts)
    }
    assert found == {"fid-bdmm-v1", *(f"fvd-bdmm-train-{name}-v1" for name in ("16f", "128f", "128f-s8"))}
    known = rows.loc["ssim-bdmm-v1", "known"]
    assert any(text.startswith("SSIM by the published definition") for text in known)
    assert not any(text.startswith(("FID", "PSNR", "LPIPS")) for text in known)


def test_what_others_print_follows_its_column(make_facts):
    table = facts_to_table(BDMM, make_facts())
    assert list(table.columns) == list(COLUMNS)
    assert table["column"].tolist() == (
        ["SSIM"] * 3 + ["PSNR"] * 3 + ["L1"] + ["LPIPS"] * 3 + ["FID"] + ["FVD"] * 8
    )
    others = table[table["metric"] == ""]
    assert others["measured"].isna().all()
    assert others.loc[others["column"] == "FVD", "published"].tolist() == [168.3, 148.3]
    (text,) = others["known"].iloc[-1]
    assert text.startswith("as printed in arXiv 2311.17117")
    assert "two versions circulate" in text
    assert (facts_to_table(BDMM, make_facts("iper"))["metric"] != "").all()


def test_columns_without_a_published_figure_say_so(to_rows):
    rows = to_rows("iper")
    assert rows.loc["fid-bdmm-v1", ["published", "difference"]].isna().all()
    assert "no FID of its authors is at hand" in rows.loc["fid-bdmm-v1", "known"]
    assert rows.loc["fvd-bdmm-test-16f-v1", "published"] == 500.226


def test_a_page_of_the_frozen_protocol(to_page):
    text = to_page()
    assert "- protocol: fashionvideo-bdmm-v1, frozen\n" in text
    assert f"- checkpoint: `net.pth`, SHA-256 {'a' * 64}\n" in text
    assert "- measured: 100 test clips, 30000 frames; compared with: 500 train clips, 170001 frames\n" in text
    assert "measured with published weights, pinned by SHA-256" in text
    lines = text.splitlines()
    (ssim,) = (line for line in lines if line.startswith("| SSIM   | ssim-bdmm-v1"))
    cells = [cell.strip() for cell in ssim.strip("|").split("|")]
    assert cells == ["SSIM", "ssim-bdmm-v1", "0.918", "0.9", "", "-0.018", "-2.0", "1"]
    assert any(line.startswith("1. SSIM by the published definition") for line in lines)
    assert any(line.startswith("- published figures: value supplied with the project") for line in lines)
    assert any(line.endswith(". published LPIPS: AlexNet") for line in lines)
    assert len({len(line) for line in lines if line.startswith(("| SSIM", "| FVD"))}) == 1


def test_a_page_of_a_variant_never_calls_it_frozen(to_page):
    text = to_page(used={"id": "mine-v1", "crop": "full-v1"}, size=128, synth={"seed": 1}, mode="random")
    assert "- protocol: mine-v1, which is not the frozen fashionvideo-bdmm-v1\n" in text
    general = text.partition("all measured rows:\n\n")[2].splitlines()
    assert general[:3] == [
        "- scored under mine-v1, the rows' protocol is fashionvideo-bdmm-v1",
        "- these clips are synthetic",
        "- frames of 128×128, the rows' are 256×256",
    ]
    assert general[3].startswith("- crop full-v1 instead of bdmm-crop-v1")
    assert "random weights" in text
