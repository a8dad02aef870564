"""The page in a real browser: no complaint, no request, and everything on it works."""

import time

import numpy as np
import pytest
from browser import PHONE, WIDE, opened

from vptbench.clip import Frames
from vptbench.report import album
from vptbench.report.page import scores_to_page
from vptbench.report.player import MOST_PLAYERS
from vptbench.scorefile import write_scores

SIZE = 256

EVIL = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)> ' ` ${alert(1)} {{ 7 * 7 }}",
    "</style></template></title><!--",
    "right\u202eto\u2066left\u200f",
    "n" * 300,
    "../../x",
)


class Made:
    """Frames of any clip, made when asked for: a smooth picture that moves, and noise as of a camera."""

    def __init__(self, change: int) -> None:
        rng = np.random.default_rng(change)
        x, y = np.meshgrid(*[np.linspace(0, 6, SIZE)] * 2)
        waves = [np.sin(x * a + b) * np.cos(y * c + d) for a, b, c, d in rng.uniform(0, 4, (3, 4))]
        picture = 128 + 90 * np.stack(waves, -1) + rng.normal(0, 2, (SIZE, SIZE, 3))
        self.picture = np.clip(picture, 0, 255).astype(np.uint8)

    def numbers(self, clip: str) -> tuple[int, ...]:
        del clip
        return tuple(range(61))

    def frames(self, clip: str, numbers) -> Frames:
        shift = sum(map(ord, clip))
        return np.stack([np.roll(self.picture, (shift, 3 * number), (0, 1)) for number in numbers])


@pytest.fixture(scope="module")
def big(tmp_path_factory, make_scores):
    """A page of 100 clips of 60 frames, 256 pixels high: a model, floor and ceiling."""
    folder = tmp_path_factory.mktemp("big")
    names = [f"person{n // 10:02d}/outfit {n % 10}" for n in range(100)]
    rng = np.random.default_rng(0)
    given = {"ours": 0.8, "copy_source": 0.4, "mp4_roundtrip_23": 0.95}
    folders = []
    for name, quality in given.items():
        scores = make_scores(
            name, quality=quality, clips=names, frames=60, kind="audit" if "mp4" in name else "model"
        )
        spread = dict(zip(names, rng.normal(0, 0.05, len(names)), strict=True))
        for table in (scores.per_clip, scores.per_frame):
            table["value"] += table["clip"].map(spread)
        write_scores(folder / name, scores)
        folders.append(folder / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(album, "open_targets", lambda _: Made(1))
        patch.setattr(album, "open_generated", lambda row: Made(len(row.name)))
        scores_to_page(folders, folder / "report.html")
    return folder / "report.html"


def shown(canvas):
    return canvas.evaluate("canvas => canvas.toDataURL()")


def test_a_page_of_a_hundred_clips_is_small_and_quick(big, chromium):
    assert big.stat().st_size < 30e6
    before = time.monotonic()
    with opened(chromium, big) as found:
        page = found.page
        assert time.monotonic() - before < 5
        assert page.locator(".player").count() == MOST_PLAYERS
        assert page.locator("details.clip").count() == 100
        assert page.locator("details.clip:visible").count() == 12
        decoded = page.evaluate("document.images.length")
        assert decoded < 60  # sources of the players, and one model's worst and best frames
        found.shoot("report-big-top")
        page.get_by_role("button", name="Show all 100 clips").click()
        assert page.locator("details.clip:visible").count() == 100
        last = page.locator("details.clip").last
        last.locator("summary").click()
        last.locator("img").first.wait_for()
        assert last.locator("img").count() == 1 + 6 * (1 + 2 * 3)
        assert last.locator("svg").count() == 3
        page.get_by_label("Find a clip").fill("OUTFIT 7")
        assert page.locator("details.clip:visible").count() == 10
        page.locator("h3", has_text="Clip by clip").scroll_into_view_if_needed()
        found.shoot("report-big-plots")
    with opened(chromium, big, window=PHONE, dark=True) as found:
        assert found.page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
        found.shoot("report-big-phone")


def test_slider_and_play_change_the_frame_of_all_panels_at_once(big, chromium):
    with opened(chromium, big) as found:
        player = found.page.locator(".player").first
        player.scroll_into_view_if_needed()
        canvases = player.locator("canvas").all()
        assert len(canvases) == 3  # target and two models
        found.page.locator(".player[data-shown='0']").first.wait_for()
        told, slider = player.locator("output"), player.locator("input[type=range]")
        assert told.inner_text() == "frame 1"
        first = [shown(canvas) for canvas in canvases]
        assert len(set(first)) == len(first)
        slider.focus()
        slider.press("End")
        found.page.locator(".player[data-shown='39']").first.wait_for()
        assert told.inner_text() == "frame 60"
        assert all(shown(canvas) != old for canvas, old in zip(canvases, first, strict=True))
        slider.press("Home")
        found.page.locator(".player[data-shown='0']").first.wait_for()
        assert [shown(canvas) for canvas in canvases] == first
        player.get_by_role("button", name="Play").click()
        found.page.locator(".player[data-shown='3']").wait_for()
        player.get_by_role("button", name="Pause").click()
        stopped = told.inner_text()
        found.page.wait_for_timeout(250)
        assert told.inner_text() == stopped
        assert player.get_by_role("button", name="Play").count() == 1
        found.shoot("report-big-player")


def test_tables_sort_by_their_headings(big, chromium):
    with opened(chromium, big) as found:
        table = found.page.locator("table").first

        def names():
            cells = table.locator("tbody td:first-child").all_inner_texts()
            return [text.split()[0].removesuffix("audit") for text in cells]

        assert names() == ["ours", "copy_source", "mp4_roundtrip_23"]
        heading = table.locator("th", has_text="SSIM")
        button = heading.get_by_role("button")
        button.click()
        best = ["mp4_roundtrip_23", "ours", "copy_source"]
        assert (heading.get_attribute("aria-sort"), names()) == ("descending", best)
        button.press("Enter")
        assert (heading.get_attribute("aria-sort"), names()) == ("ascending", best[::-1])
        table.locator("th", has_text="L1").get_by_role("button").click()
        assert names() == best  # the least is the best, and comes first
        assert heading.get_attribute("aria-sort") == "none"
        table.locator("th", has_text="Model").get_by_role("button").click()
        assert names() == ["copy_source", "mp4_roundtrip_23", "ours"]


def test_a_dot_tells_its_clip_and_figure_and_opens_it(big, chromium):
    with opened(chromium, big) as found:
        dot = found.page.locator("svg.dots").first.locator("g[data-row=ours] circle").nth(40)
        dot.scroll_into_view_if_needed()
        box = dot.bounding_box()
        found.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        tip = found.page.locator(".tip").first
        tip.wait_for()
        clip, figure = tip.inner_text().split("\n")
        near = found.page.locator("circle.near")
        assert near.count() == 1
        assert figure == f"ours: {near.get_attribute('data-v')}"
        assert clip == found.page.locator(".names > li").nth(int(near.get_attribute("data-c"))).text_content()
        found.page.mouse.down()
        found.page.mouse.up()
        opened_clip = found.page.locator("details.clip[open]")
        opened_clip.wait_for()
        assert opened_clip.get_attribute("data-clip") == clip
        found.page.mouse.move(2, 2)
        assert not tip.is_visible()


def test_the_methods_paragraph_is_copied(big, chromium):
    with opened(chromium, big) as found:
        found.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        paragraph = found.page.locator(".methods p").first.inner_text()
        found.page.locator("button.copy").first.click()
        found.page.get_by_role("button", name="Copied").wait_for()
        assert found.page.evaluate("navigator.clipboard.readText()") == paragraph
        assert "copy_source" in paragraph


def test_names_of_strangers_do_no_harm(tmp_path, make_scores, chromium, monkeypatch):
    monkeypatch.setattr(album, "open_targets", lambda _: Made(1))
    monkeypatch.setattr(album, "open_generated", lambda _: Made(2))
    folders = []
    for place, name in enumerate(EVIL):
        scores = make_scores(
            name, clips=EVIL, quality=place / 10, claimed={"trained_on": name}, kind="claimed", outputs=None,
            benchmark={"id": EVIL[1], "sha256": "b" * 64, "dataset": EVIL[0], "crop": EVIL[2]},
            libraries={"vptbench": EVIL[0], "torch": EVIL[1]},
        )  # fmt: skip
        write_scores(tmp_path / str(place), scores)
        folders.append(tmp_path / str(place))
    scores_to_page(folders, tmp_path / "report.html")
    for window in (PHONE, WIDE):
        with opened(chromium, tmp_path / "report.html", window=window) as found:
            page = found.page
            page.on("dialog", lambda dialog: found.complaints.append(dialog.message))
            for details in page.locator("details:visible > summary").all():
                details.click()
            page.locator("details.clip img").first.wait_for()
            assert page.evaluate("document.scripts.length") == 1
            assert page.evaluate("document.querySelectorAll('img[src=x], [onerror]').length") == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= window[0]
            names = page.locator("details.clip .name").all_inner_texts()
            assert sorted(names) == sorted([*(EVIL[:3]), "right\ufffdto\ufffdleft\ufffd", *EVIL[4:]])
            assert "49" not in page.locator("h1").inner_text()
            page.evaluate("scrollTo(0, 0)")
            found.shoot(f"report-evil-{window[0]}")


def test_a_script_of_a_stranger_would_not_run(big, chromium, tmp_path):
    """The policy holds even where escaping would fail, and the fixture sees the complaint."""
    text = big.read_text().replace("</main>", "<script>document.title = 'harmed'</script></main>")
    (tmp_path / "harmed.html").write_text(text)
    with opened(chromium, tmp_path / "harmed.html") as found:
        assert found.page.title() != "harmed"
        assert len(found.complaints) == 1
        assert "Content Security Policy" in found.complaints.pop()


def test_a_page_without_its_script_says_what_is_missing(big, chromium):
    context = chromium.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(big.as_uri())
    assert page.locator("noscript").inner_text().startswith("Sorting, players and folded pictures need")
    assert page.locator("table tbody tr").count() == 3
    context.close()
