import csv
import hashlib
from dataclasses import replace

import numpy as np
import pytest

from vptbench.errors import BoardError
from vptbench.leaderboard import add_entry, read_board
from vptbench.leaderboard.board import Entry
from vptbench.leaderboard.clips import ClipFigure, clips_path, clips_to_figure, read_clips, scores_to_clips
from vptbench.scorefile import read_scores


def test_the_file_by_hand(by_clip, tmp_path):
    scores = by_clip("a", {"b": [0.5, 0.25], "a/c": [1.0]})
    entry = add_entry(scores, tmp_path / "boards" / "x-v1.csv")
    text = "clip,metric,frames,value\na/c,ssim-v1,1,1.0\nb,ssim-v1,2,0.375\n"
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    assert entry.facts["per_clip_sha256"] == sha256
    path = tmp_path / "boards" / "x-v1.clips" / f"{sha256}.csv"
    assert path.read_text() == text
    assert read_clips(tmp_path / "boards" / "x-v1.csv", entry) == {
        "ssim-v1": {"a/c": ClipFigure(1, 1.0), "b": ClipFigure(2, 0.375)}
    }


def test_clips_to_figure_by_hand():
    clips = {"a": ClipFigure(3, 1.0), "b": ClipFigure(1, 0.0)}
    assert clips_to_figure(clips, "clip") == 0.5
    assert clips_to_figure(clips, "frame") == 0.75


def test_frames_without_a_finite_value_do_not_count(folder):
    everything = [("a", frame) for frame in range(1, 5)]
    scores = read_scores(folder("x", infinite=[*everything, ("b/c", 1)]))
    rows = [line.split(",")[:3] for line in scores_to_clips(scores).splitlines()]
    assert ["b/c", "psnr-v1", "3"] in rows
    assert not any(row[:2] == ["a", "psnr-v1"] for row in rows)
    assert ["a", "ssim-v1", "4"] in rows


def test_clips_named_like_formulas_are_neutralised_and_kept_apart(by_clip, tmp_path):
    names = ["=HYPERLINK(1)", " @x", 'a"b,c\nd', "<script>", "\u202ex"]
    entry = add_entry(by_clip("a", {name: [0.5] for name in names}), tmp_path / "b.csv")
    path = clips_path(tmp_path / "b.csv", entry.facts["per_clip_sha256"])
    with path.open(newline="") as stream:
        found = {row["clip"] for row in csv.DictReader(stream)}
    assert found == {"'=HYPERLINK(1)", "' @x", 'a"b,c\nd', "<script>", "\u202ex"}
    assert set(read_clips(tmp_path / "b.csv", entry)["ssim-v1"]) == found
    with pytest.raises(BoardError, match="expected clips whose names differ by more than an apostrophe"):
        add_entry(by_clip("b", {"=x": [0.5], "'=x": [0.25]}), tmp_path / "c.csv")


@pytest.mark.parametrize("sha256", ["", "../../secret", "0" * 64, "x" * 64])
def test_what_is_not_at_hand_is_empty(by_clip, tmp_path, sha256):
    (tmp_path / "secret.csv").write_text("clip,metric,frames,value\n")
    entry = add_entry(by_clip("a", {"a": [0.5]}), tmp_path / "b.csv")
    assert (
        read_clips(tmp_path / "b.csv", Entry({**entry.facts, "per_clip_sha256": sha256}, entry.values)) == {}
    )


@pytest.mark.parametrize(
    "text", ["", "clip,metric\na,b\n", "clip,metric,frames,value\na,ssim-v1,x,1\n", "\xff\0"]
)
def test_another_file_in_its_place_is_refused(by_clip, tmp_path, text):
    entry = add_entry(by_clip("a", {"a": [0.5]}), tmp_path / "b.csv")
    clips_path(tmp_path / "b.csv", entry.facts["per_clip_sha256"]).write_text(text, encoding="latin-1")
    with pytest.raises(BoardError, match=r"\.csv: expected (the )?figures by clip"):
        read_clips(read_board(tmp_path / "b.csv").path, entry)


def test_scores_without_frame_metrics_have_no_such_file(folder, tmp_path, make_scores):
    figures = {"fid-v1@random": make_scores().metrics["fid-v1@random"]}
    empty = make_scores().per_frame.iloc[:0], make_scores().per_clip.iloc[:0]
    entry = add_entry(folder("a", metrics=figures, per_frame=empty[0], per_clip=empty[1]), tmp_path / "b.csv")
    assert entry.facts["per_clip_sha256"] == ""
    assert not (tmp_path / "b.clips").exists()
    assert np.isclose(entry.values["fid-v1@random"].value, 50)
    assert replace(entry).ranked
