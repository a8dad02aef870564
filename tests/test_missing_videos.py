"""A store of which one video failed: every place that shows its scores says of how many videos they are."""

import json
import shutil

import pytest
from click.testing import CliRunner

from vptbench.cli import main
from vptbench.image import read_image
from vptbench.score.published import differences
from vptbench.scorefile import read_scores

LACKING = "2 of 3 videos of the test split"


def run(*words, status=0):
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture(scope="module")
def place(raw_folders, tmp_path_factory):
    """Raw data, store, outputs and scores; of three test videos one is no video."""
    folder = tmp_path_factory.mktemp("missing")
    raw = folder / "raw"
    shutil.copytree(raw_folders["fashionvideo"], raw)
    listed = sorted(path.stem for split in ("train", "test") for path in (raw / split).glob("*.mp4"))
    assert len(listed) == 3
    for clip in listed:  # all in the test split
        if (raw / "train" / f"{clip}.mp4").exists():
            (raw / "train" / f"{clip}.mp4").rename(raw / "test" / f"{clip}.mp4")
    lines = (raw / "fashion_train.txt").read_text() + (raw / "fashion_test.txt").read_text()
    (raw / "fashion_test.txt").write_text(lines.replace("/train/", "/test/"))
    (raw / "fashion_train.txt").write_text("")
    (raw / "test" / f"{listed[0]}.mp4").write_bytes(b"no video")
    run("prepare", "fashionvideo", raw, folder / "store", "--size", 64, status=1)
    run("generate", "copy_source", folder / "store", folder / "outputs", "--benchmark", "synthetic-v1")
    return folder


def score(place, name="scores"):
    return run(
        "score", place / "outputs", place / name, "--store", place / "store", "--benchmark", "synthetic-v1",
        "--metrics", "l1-v1,ssim-v1,psnr-v1",
    )  # fmt: skip


def test_scores_say_of_how_many_videos_they_are(place):
    first, *_ = score(place).splitlines()
    assert first == f"synthetic-v1, fashionvideo layout: 2 clips, 34 frames; the store held {LACKING}."
    document = json.loads((place / "scores" / "scores.json").read_text())
    assert document["data"]["videos"] == {"split": "test", "prepared": 2, "listed": 3}
    before = (place / "scores" / "scores.json").stat().st_mtime_ns
    score(place)  # what is there is found
    assert (place / "scores" / "scores.json").stat().st_mtime_ns == before
    assert f"the store held {LACKING}" in differences(read_scores(place / "scores"), "bdmm-fashion")
    assert run("check", place / "scores").endswith("scores: whole\n")


def test_boards_and_pages_say_it_too(place):
    score(place)
    board = place / "board.csv"
    board.unlink(missing_ok=True)
    run("leaderboard", "add", place / "scores", "--board", board)
    run("leaderboard", "build", board)
    assert f"2 clips, 34 frames; the store held {LACKING}.\n" in (place / "board.md").read_text()
    assert f"2 clips, 34 frames; the store held {LACKING}.</p>" in (place / "board.html").read_text()
    assert run("check", board) == f"{board}: whole\n"
    run("report", place / "scores", "--out", place / "page.html")
    assert f"2 clips, 34 frames; the store held {LACKING}.</p>" in (place / "page.html").read_text()


def test_check_and_the_sheet_say_it_of_the_store(place):
    output = run("check", place / "store")
    assert "warning: 1 of 3 videos of the test split are missing" in output
    run("show", place / "store", "--out", place / "sheet.png")
    assert read_image(place / "sheet.png").shape[1] > 800


def test_a_whole_store_is_silent(stores, tmp_path):
    run(
        "generate", "copy_source", stores["fashionvideo"], tmp_path / "outputs", "--benchmark", "synthetic-v1"
    )
    text = run(
        "score", tmp_path / "outputs", tmp_path / "scores", "--store", stores["fashionvideo"],
        "--benchmark", "synthetic-v1", "--metrics", "l1-v1",
    )  # fmt: skip
    assert text.splitlines()[0] == "synthetic-v1, fashionvideo layout: 1 clips, 17 frames."
    assert read_scores(tmp_path / "scores").data["videos"] == {"split": "test", "prepared": 1, "listed": 1}
