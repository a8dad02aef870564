"""Noisy poses on the page, in a real browser: no complaint, no request, tables sort, and it can be read."""

import pytest
from browser import PHONE, WIDE, opened

from vptbench.curvefile import write_robustness
from vptbench.report.page import scores_to_page
from vptbench.scorefile import write_scores

KINDS = ("jitter", "drift", "dropout", "swap", "outlier", "lag", "other-body")
EVIL = "\"><img src=x onerror=alert(1)> ' ${alert(1)} {{ 7 * 7 }} \u202e" + "n" * 100


@pytest.fixture(scope="module")
def page(tmp_path_factory, make_robustness, make_scores):
    folder = tmp_path_factory.mktemp("noise")
    given = {"mesh_warp": 1.0, "ours": 0.4, EVIL: 0.1}
    folders = [folder / "scores"]
    write_scores(folders[0], make_scores())
    for place, (name, fragility) in enumerate(given.items()):
        folders.append(folder / str(place))
        sweep = make_robustness(name, fragility=fragility, kinds=KINDS, severities=range(1, 6))
        write_robustness(folders[-1], sweep)
    scores_to_page(folders, folder / "report.html")
    return folder / "report.html"


@pytest.mark.parametrize(("window", "dark"), [(WIDE, False), (PHONE, True), (WIDE, True)])
def test_the_section_can_be_read(page, chromium, window, dark):
    with opened(chromium, page, window=window, dark=dark) as found:
        section = found.page.locator("section#n1")
        picture = section.locator("img")
        assert picture.evaluate("async img => { await img.decode(); return img.naturalWidth; }") > 2000
        assert found.page.evaluate("document.documentElement.scrollWidth") <= window[0]
        assert section.locator("table").count() == 3
        assert (
            section.locator(".card").evaluate("card => getComputedStyle(card).backgroundColor")
            == "rgb(255, 255, 255)"
        )
        assert found.page.evaluate("document.querySelectorAll('img[src=x], [onerror]').length") == 0
        section.scroll_into_view_if_needed()
        section.evaluate("section => section.scrollIntoView()")
        found.shoot(f"report-noise-{'dark' if dark else 'light'}-{window[0]}")
        if window == WIDE:
            section.locator("table").first.scroll_into_view_if_needed()
            found.shoot(f"report-noise-{'dark' if dark else 'light'}-tables")


def test_tables_sort_and_what_did_not_break_is_last_to_break(page, chromium):
    with opened(chromium, page) as found:
        table = found.page.locator("section#n1 table").first

        def column(place):
            return table.locator(f"tbody td:nth-child({place})").all_inner_texts()

        assert column(1)[:4] == ["jitter"] * 3 + ["drift"]
        table.locator("th", has_text="Breaks at").get_by_role("button").click()
        order = [text.split("\n")[0] for text in column(5)]
        assert order[0] == "none to 5"
        assert order == sorted(order, key=lambda text: 9 if text == "none to 5" else int(text), reverse=True)
        table.locator("th", has_text="Area").get_by_role("button").click()
        areas = [float(text.split("\n")[0]) for text in column(4)]
        assert areas == sorted(areas, reverse=True)
        table.locator("th", has_text="Model").get_by_role("button").click()
        assert [text.split()[0] for text in column(2)][-7:] == ["ours"] * 7
