import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from vptbench.errors import ManifestError
from vptbench.image import write_image
from vptbench.report.filmstrip import FRAMES, MOST_CLIPS
from vptbench.report.page import scores_to_page
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

    VOID = ("meta", "img")

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


def test_the_page_shows_table_strips_and_curves(scored, tmp_path):
    scores_to_page(scored, tmp_path / "report.html")
    page = read_page(tmp_path / "report.html")
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(pictures) == len(CLIPS) * FRAMES * (1 + 2 * 2)  # target, then generated and difference twice
    assert all(
        picture["src"].startswith("data:image/jpeg;base64,") and picture["alt"] for picture in pictures
    )
    assert sum(tag == "svg" for tag, _ in page.tags) == len(CLIPS) * 2
    text = " ".join(" ".join(page.texts).split())
    assert "near and far" in text
    assert "No figure here needs a network." in text
    assert "2 clips, 16 frames." in text
    assert "unofficial" in text
    assert '"target_sha256"' not in text
    assert '"kind": "claimed"' in text


def test_the_page_needs_nothing_from_outside(scored, tmp_path):
    scores_to_page(scored, tmp_path / "report.html")
    page = read_page(tmp_path / "report.html")
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "base"}
    for _, attributes in page.tags:
        assert attributes.get("src", "data:").startswith("data:")
        assert attributes.get("href", "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert "url(" not in (tmp_path / "report.html").read_text()


def test_equal_scores_give_equal_pages(scored, tmp_path):
    for name in ("a.html", "b.html"):
        scores_to_page(scored, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_frames_that_are_gone_are_told(scored, tmp_path):
    shutil.rmtree(tmp_path / "far")
    scores_to_page(scored, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "far is not shown: expected frames at ../../far, as seen from the scores, found none" in text
    assert text.count("<img") == len(CLIPS) * FRAMES * 3
    shutil.rmtree(tmp_path / "true")
    scores_to_page(scored, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert text.count("Frames are not shown: expected frames at ../../true") == len(CLIPS)
    assert "<img" not in text
    assert text.count("<svg") == len(CLIPS) * 2  # the curves are in the scores


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
    assert "script" not in {tag for tag, _ in page.tags}
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


def test_of_many_clips_some_are_shown(tmp_path, make_scores):
    write_scores(tmp_path / "a", make_scores(clips=[f"clip{n:02d}" for n in range(30)]))
    scores_to_page([tmp_path / "a"], tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    shown = re.findall(r"<h3>(clip\d\d)</h3>", text)
    assert len(shown) == MOST_CLIPS
    assert (shown[0], shown[-1]) == ("clip00", "clip29")
    assert "8 of 30 clips follow, evenly chosen by name." in text
    assert "but the spread" not in text


def test_many_models_are_counted(tmp_path, make_scores):
    for n in range(6):
        write_scores(tmp_path / str(n), make_scores(f"m{n}", quality=n / 10))
    scores_to_page([tmp_path / str(n) for n in range(6)], tmp_path / "report.html")
    assert "<h1>6 models</h1>" in (tmp_path / "report.html").read_text()


def test_what_is_no_scores_folder(tmp_path):
    with pytest.raises(ManifestError, match=r"expected a folder with scores\.json"):
        scores_to_page([tmp_path], tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
