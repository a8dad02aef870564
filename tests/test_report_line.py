"""The main line to its page, on synthetic videos, in a real browser; it leaves pictures for people."""

import pytest
from browser import PHONE, WIDE, opened

from vptbench.generate.run import store_to_outputs
from vptbench.report.page import scores_to_page
from vptbench.score import ScoreSettings, outputs_to_scorefile

BENCHMARK = "synthetic-v1"


@pytest.fixture(scope="module")
def page(stores, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    settings = ScoreSettings(metrics=("ssim-v1", "psnr-v1", "l1-v1"))
    scores = []
    for layout, store in stores.items():
        for model in ("mesh_warp", "copy_source", "oracle"):
            made, figures = folder / layout / model, folder / layout / "scores" / model
            assert not store_to_outputs(model, store, made, BENCHMARK).failed
            outputs_to_scorefile(made, figures, settings, store=store, benchmark=BENCHMARK)
            scores.append(figures)
    scores_to_page(scores, folder / "report.html")
    return folder / "report.html"


@pytest.mark.parametrize(("window", "dark"), [(WIDE, False), (PHONE, True)], ids=["wide-light", "phone-dark"])
def test_the_whole_page_works(page, chromium, window, dark):
    with opened(chromium, page, window=window, dark=dark) as found:
        name = f"report-{'dark' if dark else 'light'}-{window[0]}"
        assert found.page.locator("section").count() == 2
        found.page.locator(".player[data-shown='0']").last.wait_for()
        found.shoot(name, whole=True)
        for details in found.page.locator("details > summary").all():
            if details.is_visible() and details.evaluate("summary => !summary.parentNode.open"):
                details.click()
        for picture in found.page.locator("section img:visible").all():
            picture.scroll_into_view_if_needed()
            assert picture.evaluate("async img => { await img.decode(); return img.naturalWidth; }") > 0
        assert found.page.evaluate("document.documentElement.scrollWidth") <= window[0]
        found.page.locator("details.clip .charts").first.scroll_into_view_if_needed()
        found.shoot(f"{name}-clip")
