import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from vptbench.errors import ManifestError
from vptbench.image import write_image
from vptbench.report import view
from vptbench.report.extremes import MOST
from vptbench.report.filmstrip import FRAMES
from vptbench.report.page import scores_to_page
from vptbench.report.view import MOST_CLIPS
from vptbench.score import ScoreSettings, folders_to_scorefile
from vptbench.scorefile import write_scores
from vptbench.weights import Networks

CLIPS = ("a", "b/1")


@pytest.fixture
def scored(tmp_path):
    """Scores of two "models" against a folder of true frames, with everything where it was recorded."""
    rng = np.random.default_rng(0)
    true = {clip: rng.integers(0, 256, (8, 32, 24, 3), np.uint8) for clip in CLIPS}
    for name, change in (("true", 0), ("near", 3), ("far", 90)):
        for clip, frames in true.items():
            (tmp_path / name / clip).mkdir(parents=True)
            for number, frame in enumerate(frames):
                write_image(
                    tmp_path / name / clip / f"{number:03d}.png",
                    np.clip(frame, 0, 255 - change) + np.uint8(change),
                )
    folders = []
    for name in ("near", "far"):
        folders.append(tmp_path / "scores" / name)
        settings = ScoreSettings(metrics=("ssim-v1", "l1-v1"), networks=Networks(mode="random"))
        folders_to_scorefile(
            tmp_path / name, folders[-1], settings, targets=tmp_path / "true"
        )  # fmt: skip
    return folders


class Tags(HTMLParser):
    """Every tag with its attributes, and the text of the page; complains where tags do not close."""

    VOID = ("meta", "img", "input", "br")

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.texts = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read_page(path):
    tags = Tags()
    tags.feed(path.read_text())
    assert tags.open == []
    return tags


def test_the_page_shows_tables_plots_players_and_pictures(scored, tmp_path):
    scores_to_page(scored, tmp_path / "report.html")
    page = read_page(tmp_path / "report.html")
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    strips = len(CLIPS) * FRAMES * (1 + 2 * 2)  # target, then generated and difference twice
    steps = len(CLIPS) * 8
    ends = 2 * MOST * 3  # 16 frames of a model, no two of a clip within 8: two stand at either end at most
    assert strips + steps < len(pictures) <= strips + steps + 2 * ends
    assert all(picture["src"].startswith("data:image/webp;base64,") for picture in pictures)
    assert all("alt" in picture for picture in pictures)
    assert sum(tag == "svg" for tag, _ in page.tags) == 2 + len(CLIPS) * 2  # two metrics: by clip, along each
    assert sum(tag == "canvas" for tag, _ in page.tags) == len(CLIPS) * 3
    assert sum(tag == "circle" for tag, _ in page.tags) == 2 * 2 * len(CLIPS)
    text = " ".join(" ".join(page.texts).split())
    assert "near and far" in text
    assert "No figure here needs a network." in text
    assert "2 clips, 16 frames." in text
    assert "unofficial" in text
    assert '"target_sha256"' not in text
    assert '"kind": "claimed"' in text
    assert "SSIM is computed over an 11 × 11 Gaussian window" in text


def test_the_page_needs_nothing_from_outside(scored, tmp_path):
    scores_to_page(scored, tmp_path / "report.html")
    page = read_page(tmp_path / "report.html")
    assert not {tag for tag, _ in page.tags} & {"link", "iframe", "object", "base"}
    assert [attributes for tag, attributes in page.tags if tag == "script"] == [{}]
    for _, attributes in page.tags:
        assert attributes.get("src", "data:").startswith("data:")
        assert attributes.get("href", "#").startswith("#")
        assert "style" not in attributes  # its policy would not let it
        assert not any(name.startswith("on") for name in attributes)
    (rule,) = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    parts = rule.split("; ")
    assert [part for part in parts if "sha256" not in part] == [
        "default-src 'none'", "img-src data:", "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip
    assert "unsafe" not in rule
    assert "url(" not in (tmp_path / "report.html").read_text()


def test_what_does_not_fit_is_left_out_and_told(scored, tmp_path, monkeypatch):
    monkeypatch.setattr(view, "STRIPS", 30_000)  # a strip of this noise takes some 25 kB
    scores_to_page(scored, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert text.count('alt="near, frame') == FRAMES
    assert "Left out to keep the page small: pictures of 1 of 2 clips." in text
    assert text.count("<canvas") == len(CLIPS) * 3
    assert "clips that would play" not in text
    assert "worst and best frames of" not in text
    monkeypatch.setattr(view, "PLAYERS", 1000)
    monkeypatch.setattr(view, "EXTREMES", 1000)
    scores_to_page(scored, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "<canvas" not in text
    assert "Left out to keep the page small: 2 of 2 clips that would play." in text
    assert "Left out to keep the page small: worst and best frames of 2 of 2 entries." in text


def test_equal_scores_give_equal_pages(scored, tmp_path):
    for name in ("a.html", "b.html"):
        scores_to_page(scored, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_frames_that_are_gone_are_told(scored, tmp_path):
    shutil.rmtree(tmp_path / "far")
    scores_to_page(scored, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    told = "far is not shown: expected frames at ../../far, as seen from the scores, found none"
    assert text.count(told) == 1
    assert text.count('alt="near, frame') == len(CLIPS) * FRAMES
    assert 'alt="far, frame' not in text
    shutil.rmtree(tmp_path / "true")
    scores_to_page(scored, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert text.count("Frames are not shown: expected frames at ../../true") == 1
    assert "<img" not in text
    assert "<canvas" not in text
    assert text.count("<svg") == 2 + len(CLIPS) * 2  # the plots are in the scores


def test_frames_that_have_changed_size_are_told(scored, tmp_path):
    for path in (tmp_path / "far" / "a").iterdir():
        write_image(path, np.zeros((8, 8, 3), np.uint8))
    scores_to_page(scored, tmp_path / "report.html")
    assert (
        "far is not shown: expected frames of 32×24, found others by now"
        in (tmp_path / "report.html").read_text()
    )


def test_everything_that_was_named_is_escaped(tmp_path, make_scores):
    evil = '<script>alert("x")</script><img src=x onerror=alert(1)>'
    scores = make_scores(
        evil, clips=(evil + "1", "b"),
        claimed={"trained_on": evil}, outputs=None, kind="claimed",
        benchmark={"id": evil, "sha256": "b" * 64, "dataset": evil},
        data={"dataset": evil, "synth": {"seed": 1}},
        inputs={"outputs": evil, "store": evil, "targets": None},
    )  # fmt: skip
    write_scores(tmp_path / "a", scores)
    scores_to_page([tmp_path / "a"], tmp_path / "report.html")
    page = read_page(tmp_path / "report.html")
    assert [attributes for tag, attributes in page.tags if tag == "script"] == [{}]
    assert "img" not in {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "&lt;script&gt;alert(&#34;x&#34;)" in (tmp_path / "report.html").read_text()
    assert evil in "".join(page.texts)


def test_sets_that_may_not_be_compared_have_sections_of_their_own(tmp_path, make_scores):
    for index, changes in enumerate([{}, {"quality": 0.1, "model": "b"}, {"clip_list_sha256": "9" * 64}]):
        write_scores(tmp_path / str(index), make_scores(**changes))
    scores_to_page([tmp_path / "0", tmp_path / "1", tmp_path / "2"], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert text.count("<section") == 2
    assert text.count("<table>") == 2
    assert text.count('<a href="#s') == 2
    assert "FID comes from a network with random weights" in text
    assert "with 2 clips it is but the spread between them" in text


def test_audits_and_missing_figures_are_explained(tmp_path, make_scores):
    everything = [(clip, frame) for clip in CLIPS for frame in range(1, 5)]
    write_scores(tmp_path / "a", make_scores("oracle", kind="audit", clips=CLIPS, infinite=everything))
    scores_to_page([tmp_path / "a"], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert '<tr class="audit">' in text
    assert '<span class="tag">audit</span>' in text
    assert "oracle has no PSNR: all frames equal their targets." in text


def test_of_many_clips_some_are_listed(tmp_path, make_scores):
    write_scores(tmp_path / "a", make_scores(clips=[f"clip{n:03d}" for n in range(130)]))
    scores_to_page([tmp_path / "a"], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert len(re.findall(r'data-clip="clip\d\d\d"', text)) == MOST_CLIPS
    assert "100 of 130 clips are listed, evenly over their order." in text
    assert "Show all 100 clips" in text
    assert text.count("<circle") == 130 * 3
    assert "but the spread" not in text


def test_floor_and_ceiling_stand_beside_each_score(tmp_path, make_scores):
    given = {"copy_source": (0.25, "model"), "mine": (0.5, "model"), "mp4_roundtrip_23": (0.75, "audit")}
    for name, (quality, kind) in given.items():
        write_scores(tmp_path / name, make_scores(name, quality=quality, kind=kind))
    scores_to_page([tmp_path / name for name in given], tmp_path / "report.html")
    page = read_page(tmp_path / "report.html")
    text = " ".join(" ".join(page.texts).split())
    assert "floor 75.00 ceiling 25.00" in text  # FID is 100 (1 − quality)
    levels = [
        label["aria-label"] for tag, label in page.tags if tag == "svg" and label.get("class") == "share"
    ]
    assert levels.count("50 % of the way from floor to ceiling") == 4  # the model's, of four metrics
    assert [tag for tag, found in page.tags if found.get("class") == "level"] == ["line"] * 2 * 3
    assert "the store held" not in text


def test_what_the_store_lacked_stands_beside_each_row(tmp_path, make_scores):
    data = {"dataset": "iper", "videos": {"split": "test", "prepared": 97, "listed": 100}}
    write_scores(tmp_path / "a", make_scores(data=data))
    scores_to_page([tmp_path / "a"], tmp_path / "report.html")
    page = read_page(tmp_path / "report.html")
    assert page.texts.count("97 of 100 videos of the test split") == 1
    assert "2 clips, 8 frames; the store held 97 of 100 videos of the test split." in page.texts


def test_many_models_are_counted(tmp_path, make_scores):
    for n in range(6):
        write_scores(tmp_path / str(n), make_scores(f"m{n}", quality=n / 10))
    scores_to_page([tmp_path / str(n) for n in range(6)], tmp_path / "report.html")
    assert "<h1>6 models</h1>" in (tmp_path / "report.html").read_text()


def test_what_is_no_scores_folder(tmp_path):
    with pytest.raises(ManifestError, match=r"expected a folder with scores\.json"):
        scores_to_page([tmp_path], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
