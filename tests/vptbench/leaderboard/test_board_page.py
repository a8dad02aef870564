"""The page in a real browser: it complains of nothing, sorts, filters, and its plots follow."""

import numpy as np
import pytest
from browser import PHONE, opened
from hostile_names import HOSTILE

from vptbench.leaderboard import add_entry, build_board, declare_board


@pytest.fixture
def page(folder, tmp_path):
    """A board of models, one claimed entry and an audit."""
    many = [f"c{number}" for number in range(12)]
    given = [
        ("copy_source", 0.30, {}, "nothing"), ("mesh_warp", 0.62, {}, "nothing"),
        ("keypoint_warp", 0.62001, {}, "nothing"), ("dmm", 0.81, {}, "fashionvideo"),
        ("somebody's", 0.74, {"kind": "claimed"}, "iper"), ("oracle", 1.0, {"kind": "audit"}, ""),
    ]  # fmt: skip
    for name, quality, fields, trained in given:
        scores = folder(name, quality=quality, clips=many, **fields)
        add_entry(scores, tmp_path / "b.csv", claims={"trained_on": trained, "commit": f"0{name}"})
    return build_board(tmp_path / "b.csv", tmp_path / "out")[3]


def names(page):
    return page.locator("#board tbody tr:not([hidden]) td.name bdi").all_inner_texts()


def rows_of_plot(page):
    """Names in the first plot, from top to bottom, as drawn."""
    marks = page.locator("svg.plot").first.locator(".mark[visibility=visible]")
    found = [(mark.bounding_box()["y"], mark.locator("text").text_content()) for mark in marks.all()]
    return [name for _, name in sorted(found)]


PLACES = ["dmm", "somebody's", "keypoint_warp", "mesh_warp", "copy_source", "oracle"]


def test_it_opens_by_place_and_sorts_both_ways(chromium, page):
    with opened(chromium, page) as found:
        assert names(found.page) == PLACES
        found.shoot("board", whole=True)
        head = found.page.get_by_role("button", name="L1 ↓")
        head.click()
        assert names(found.page) == [
            "oracle",
            "dmm",
            "somebody's",
            "keypoint_warp",
            "mesh_warp",
            "copy_source",
        ]
        assert rows_of_plot(found.page) == names(found.page)
        head.click()
        assert names(found.page)[:2] == ["copy_source", "mesh_warp"]
        assert found.page.locator("th[aria-sort]").all_inner_texts()[0].startswith("L1")
        found.page.get_by_role("button", name="SSIM ↑").click()
        assert names(found.page)[0] == "oracle"  # higher is better: the best comes first
        found.page.get_by_role("button", name="Mean rank").click()
        assert names(found.page) == PLACES  # an audit has none, and stays last
        found.page.get_by_role("button", name="Mean rank").click()
        assert names(found.page) == [
            "copy_source",
            "mesh_warp",
            "keypoint_warp",
            "somebody's",
            "dmm",
            "oracle",
        ]


def test_it_filters_by_text_kind_and_training(chromium, page):
    with opened(chromium, page) as found:
        count = found.page.locator("#count")
        found.page.locator("#find").fill("WARP nothing")
        assert names(found.page) == ["keypoint_warp", "mesh_warp"]
        assert rows_of_plot(found.page) == names(found.page)
        assert count.inner_text() == "2 of 6 entries"
        found.page.locator("#reset").click()
        found.page.locator("#count", has_text="6 of 6").wait_for()
        found.page.locator(".chip", has_text="audit").click()
        assert names(found.page) == PLACES[:-1]
        found.page.locator("#trained").select_option(label="iper")
        assert names(found.page) == ["somebody's"]
        found.page.locator("#find").fill("nobody")
        assert names(found.page) == []
        assert count.inner_text() == "0 of 6 entries"
        found.page.locator("#reset").click()
        found.page.locator("#count", has_text="6 of 6").wait_for()
        assert rows_of_plot(found.page) == PLACES


def test_a_name_leads_to_its_record(chromium, page):
    with opened(chromium, page) as found:
        found.page.get_by_role("link", name="mesh_warp").click()
        record = found.page.locator("details[open]")
        assert "0mesh_warp" in record.inner_text()


def test_plots_show_what_the_table_says(chromium, page):
    with opened(chromium, page) as found:
        assert found.page.locator("svg.plot").count() == 4
        best = found.page.locator("svg.plot").first.locator(".mark.best text").all_text_contents()
        assert best == ["dmm"]
        marks = found.page.locator("svg.plot").first.locator("circle").all()
        places = {
            mark.evaluate("m => m.closest('.mark').querySelector('text').textContent"): mark for mark in marks
        }
        across = {name: mark.bounding_box()["x"] for name, mark in places.items()}
        assert across["copy_source"] < across["mesh_warp"] < across["dmm"] < across["oracle"]


def test_on_a_phone_only_the_table_scrolls_sideways(chromium, page):
    with opened(chromium, page, window=PHONE, dark=True) as found:
        found.shoot("board-phone")
        width = found.page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE[0]


def test_strange_names_stay_text(chromium, folder, tmp_path):
    for number, name in enumerate(HOSTILE):
        add_entry(folder(name, quality=0.9 - number / 100), tmp_path / "b.csv", claims={"trained_on": name})
    with opened(chromium, build_board(tmp_path / "b.csv", tmp_path / "out")[3]) as found:
        found.shoot("board-strange", whole=True)
        assert len(names(found.page)) == len(HOSTILE)
        assert found.page.locator("main script, main img, main b").count() == 0
        assert found.page.evaluate("document.documentElement.scrollWidth") <= 1280
        found.page.locator("#find").fill("<script>")
        assert names(found.page) == ["<script>alert(1)</script>"]


def test_a_board_without_entries_is_a_page(chromium, tmp_path):
    board = declare_board(tmp_path / "iper-v1.csv")
    with opened(chromium, build_board(board.path, tmp_path)[3]) as found:
        assert found.page.locator(".lead").inner_text() == "No entries yet."


def test_many_entries_stay_quick(chromium, folder, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(60):
        add_entry(folder(f"m{number:02d}", quality=float(rng.uniform(0.2, 0.9))), tmp_path / "b.csv")
    page = build_board(tmp_path / "b.csv", tmp_path / "out")[3]
    assert page.stat().st_size < 600_000
    with opened(chromium, page) as found:
        found.page.get_by_role("button", name="FID ↓").click()
        assert len(names(found.page)) == 60
