"""`vptbench show`: a clip, a whole store, figures; and what does not fit together."""

import json
import shutil

import pytest
from click.testing import CliRunner

from vptbench import open_store
from vptbench.cli import main
from vptbench.image import read_image
from vptbench.store.quality import qualities_to_rows, store_to_qualities
from vptbench.video import read_video_info


def show(*words):
    return CliRunner().invoke(main, ["show", *map(str, words)])


@pytest.fixture
def store(stores):
    return stores["fashionvideo"]


def test_a_clip_is_drawn_by_choice(store, tmp_path):
    clip = next(iter(open_store(store)))
    out = tmp_path / "a.png"
    options = ("--views", "frame, mask", "--frames", "2:6", "--columns", 3, "--source", 1)
    result = show(store, clip, "--out", out, *options)
    assert (result.exit_code, result.output) == (0, f"{out}\n")
    height, width, _ = read_image(out).shape
    assert (height, width > 3 * 66 + 20) == (42 + 2 * 66 - 2, True)
    movie = tmp_path / "a.mp4"
    assert show(store, clip, "--out", movie, "--frames", ":7").exit_code == 0
    assert read_video_info(movie).frames == 7


def test_a_whole_store_is_drawn_beside_nothing_else(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "mine"
    shutil.copytree(store, copy)
    result = show("mine")
    assert (result.exit_code, result.output) == (0, "mine.png\n")
    assert read_image(tmp_path / "mine.png").shape[1] > 800
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "mine.png"]


def test_figures_are_printed(store):
    rows = json.loads(show(store, "--json").output)
    expected = qualities_to_rows(store_to_qualities(open_store(store)))
    assert rows == json.loads(json.dumps(expected))
    (row,) = json.loads(show(store, rows[1]["clip"], "--json").output)
    assert row == rows[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--views", "mask", "--columns", "3"), "expected a clip for --views and --columns, got none"),
        (("--frames", "1:2"), "expected a clip for --frames, got none; name one"),
        (
            ("CLIP", "--frames", "3"),
            "expected --frames A:B with whole numbers, such as 10:20 or :20, got '3'",
        ),
        (("CLIP", "--frames", "-3:"), "with whole numbers, such as 10:20 or :20, got '-3:'"),
        (("CLIP", "--frames", "18:"), "expected frames in 0..17, got the span 18:"),
        (("CLIP", "--views", "masc"), "expected a known view, got 'masc'"),
        (("--out", "x.mp4"), "expected a picture named .png"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(store, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    clip = next(iter(open_store(store)))
    result = show(store, *(clip if word == "CLIP" else word for word in words))
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("--out", "x.png"), ("--out", "x.csv"), ("--json",)])
def test_a_damaged_clip_is_named_and_the_rest_is_shown(store, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(store, tmp_path / "mine")
    opened = open_store(tmp_path / "mine")
    first, *others = opened
    opened.file(first).write_bytes(b"no HDF5")
    result = show("mine", *words)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()[-1:]
    assert line.startswith(f"  {first}: mine/clips/")
    assert "expected an HDF5 clip file" in line
    if words == ("--json",):
        assert {row["clip"] for row in json.loads(result.stdout)} == set(others)
    else:
        assert result.stdout == f"{words[1]}\n"
        assert (tmp_path / words[1]).is_file()
