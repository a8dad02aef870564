"""`vptbench fetch`: what is said, and the exit status."""

import csv
import subprocess
import sys

import pytest
from click.testing import CliRunner

from vptbench.cli import main
from vptbench.prepare import fetch as fetching
from vptbench.prepare.fetch import FetchReport, FetchSettings


def run(*words):
    return CliRunner().invoke(main, ["fetch", *map(str, words)])


LOADED = """
import sys
import vptbench.cli.fetch, vptbench.prepare.fetch, vptbench.prepare.links, vptbench.prepare.archive
print(sorted({"torch", "av", "decord"} & set(sys.modules)))
"""


def test_fetching_loads_neither_torch_nor_decoders():
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_missing_videos_are_named_with_status_1(raw_folders, tmp_path):
    """Synthetic videos lie there; one more is on a list, and nobody serves it."""
    raw = tmp_path / "raw"
    (raw / "test").mkdir(parents=True)
    source = raw_folders["fashionvideo"]
    names = [path.name for path in sorted((source / "test").glob("*.mp4"))]
    for name in names:
        (raw / "test" / name).write_bytes((source / "test" / name).read_bytes())
    lines = [f"http://127.0.0.1:1/{name}\n" for name in [*names, "gone.mp4"]]
    (raw / "fashion_test.txt").write_text("".join(lines))
    result = run("fashionvideo", raw, "--split", "test")
    total = len(names)
    first, second = result.output.splitlines()
    assert first == f"{raw}: {total} of {total + 1} videos, 1 failed:"
    assert second.startswith(
        "  gone: expected http://127.0.0.1:1/gone.mp4, got Connection refused; run again"
    )
    assert result.exit_code == 1
    with (raw / "missing.csv").open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["gone.mp4"]
    result = run("fashionvideo", raw, "--split", "test", "--limit", total)
    assert (result.exit_code, result.output) == (
        0, f"{raw}: {total} of {total} videos, {total} were there already\n",
    )  # fmt: skip


def test_iper_without_archives_is_one_line_with_status_2(tmp_path):
    result = run("iper", tmp_path)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "svip-lab.github.io" in result.output
    assert "terms: " in result.output


def test_other_datasets_say_where_they_are_with_status_2(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "FETCHERS", {})
    result = run("iper", tmp_path)
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "which you bring yourself: https://svip-lab.github.io" in result.output


def test_options_reach_the_library_and_notes_are_shown(tmp_path, monkeypatch):
    calls = []

    def fetch(*arguments):
        calls.append(arguments)
        return FetchReport("clips", 3, 3, notes=("a note",))

    monkeypatch.setattr(fetching, "fetch", fetch)
    result = run("iper", tmp_path, "--split", "train", "--limit", 7, "--connections", 2)
    assert (result.exit_code, result.output) == (0, f"a note\n{tmp_path}: 3 of 3 clips\n")
    assert run("iper", tmp_path).exit_code == 0
    assert calls == [("iper", tmp_path, FetchSettings(("train",), 7, 2)), ("iper", tmp_path, FetchSettings())]


@pytest.mark.parametrize("words", [("--split", "val"), ("--limit", "0"), ("--connections", "9")])
def test_wrong_options_are_status_2(tmp_path, words):
    assert run("fashionvideo", tmp_path, *words).exit_code == 2
