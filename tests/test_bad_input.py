"""Bad input at the real command line: one line each, the other clips done, no traceback."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from vptbench import open_store
from vptbench.cli import main

GOOD = "s0003-002"


def vptbench(*words, limit=None):
    """Run the command line in a process of its own, with files of at most `limit` bytes."""
    command = [sys.executable, "-m", "vptbench.cli", *map(str, words)]
    if limit is not None:
        command = [sys.executable, "-c", LIMITED, str(limit), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr + done.stdout
    return done


LIMITED = """
import resource, sys
from vptbench.cli import main
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
main()
"""


def cut_short(raw, clip):
    video = raw / "test" / f"{clip}.mp4"
    video.write_bytes(video.read_bytes()[: video.stat().st_size * 2 // 3])


def without_last_bytes(raw, clip):
    video = raw / "test" / f"{clip}.mp4"
    video.write_bytes(video.read_bytes()[:-100])


def empty(raw, clip):
    (raw / "test" / f"{clip}.mp4").write_bytes(b"")


def text(raw, clip):
    (raw / "test" / f"{clip}.mp4").write_text("this is no video\n")


def missing(raw, clip):
    (raw / "test" / f"{clip}.mp4").unlink()


def missing_json(raw, clip):
    sorted((raw / "openpose" / clip).iterdir())[4].unlink()


def change_json(raw, clip, change):
    path = sorted((raw / "openpose" / clip).iterdir())[4]
    path.write_text(json.dumps(change(json.loads(path.read_text()))))


def joints_24(raw, clip):
    def change(document):
        person = document["people"][0]
        return document | {"people": [person | {"pose_keypoints_2d": person["pose_keypoints_2d"][:72]}]}

    change_json(raw, clip, change)


def nobody(raw, clip):
    for path in (raw / "openpose" / clip).iterdir():
        path.write_text(json.dumps(json.loads(path.read_text()) | {"people": []}))


def broken_json(raw, clip):
    sorted((raw / "openpose" / clip).iterdir())[4].write_text("{")


def truth_cut(raw, clip):
    path = raw / "truth" / f"{clip}.npz"
    path.write_bytes(path.read_bytes()[:5000])


DAMAGES = {
    cut_short: ["frames as the container states, could decode"],
    without_last_bytes: ["frames as the container states, could decode"],
    empty: ["expected a video, found an empty file"],
    text: ["expected a video, found a text file"],
    missing: ["expected", ".mp4", "found none"],
    missing_json: ["expected 18", "found 17"],
    joints_24: ["expected 25 joints", "found 24", "000000000004_keypoints.json"],
    nobody: ["expected a person in at least one frame, found none in 18"],
    broken_json: ["expected JSON", "000000000004_keypoints.json"],
    truth_cut: [".npz", "expected"],
}


@pytest.fixture(scope="module")
def damaged(raw_folders, tmp_path_factory) -> Path:
    """A raw folder with one good clip, and one clip for every damage, named after it."""
    whole = raw_folders["fashionvideo"]
    raw = tmp_path_factory.mktemp("damaged") / "raw"
    shutil.copytree(whole, raw)
    names = [damage.__name__ for damage in DAMAGES]
    for name in names:
        shutil.copy(whole / "test" / f"{GOOD}.mp4", raw / "test" / f"{name}.mp4")
        shutil.copytree(whole / "openpose" / GOOD, raw / "openpose" / name)
        shutil.copy(whole / "truth" / f"{GOOD}.npz", raw / "truth" / f"{name}.npz")
    (raw / "fashion_test.txt").write_text(
        "\n".join([f"{GOOD}.mp4", *(f"{name}.mp4" for name in names)]) + "\n"
    )
    for damage in DAMAGES:
        damage(raw, damage.__name__)
    return raw


@pytest.mark.parametrize("workers", [1, 2])
def test_damaged_clips_are_listed_and_the_others_done(damaged, tmp_path, workers):
    store = tmp_path / "store"
    done = vptbench("prepare", "fashionvideo", damaged, store, "--size", 64, "--workers", workers)
    assert done.returncode == 1
    assert set(open_store(store)) == {"s0003-000", "s0003-001", GOOD}
    failures = pd.read_csv(store / "failures.csv", index_col="clip")
    assert sorted(failures.index) == sorted(damage.__name__ for damage in DAMAGES)
    for damage, words in DAMAGES.items():
        reason = failures.at[damage.__name__, "reason"]
        assert [word for word in words if word not in reason] == []
        assert "\n" not in reason
        assert reason in done.stdout
    assert len(done.stdout.splitlines()) == 2 + len(DAMAGES)
    assert vptbench("check", store).returncode == 0


def test_a_mended_clip_is_done_by_the_next_run(raw_folders, tmp_path):
    store = tmp_path / "store"
    raw = tmp_path / "raw"
    shutil.copytree(raw_folders["fashionvideo"], raw)
    (raw / "test" / f"{GOOD}.mp4").write_bytes(b"")
    words = ("prepare", "fashionvideo", raw, store, "--size", 64)
    assert vptbench(*words).returncode == 1
    shutil.copy(raw_folders["fashionvideo"] / "test" / f"{GOOD}.mp4", raw / "test")
    done = vptbench(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 clips prepared, 2 were there already" in done.stdout
    assert (store / "failures.csv").read_text() == "clip,stage,reason\n"


def test_a_full_disk_fails_clip_by_clip_and_the_next_run_goes_on(raw_folders, tmp_path):
    store = tmp_path / "store"
    words = ("prepare", "fashionvideo", raw_folders["fashionvideo"], store, "--size", 64)
    done = vptbench(*words, limit=30_000)
    assert done.returncode == 1
    assert done.stdout.count("the disk refused (File too large)") == 3
    assert list(store.rglob("*.part")) == []
    assert vptbench(*words).returncode == 0
    assert len(open_store(store)) == 3


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("prepare", "fashionvideo", "missing", "{tmp}/store"), "expected the files of"),
        (("prepare", "fashionvideo", "{tmp}", "{tmp}/store"), "expected"),
        (("prepare", "fashonvideo", "{tmp}", "{tmp}/store"), "did you mean 'fashionvideo'"),
        (("prepare", "fashionvideo", "{raw}", "{tmp}/file/store"), "file is a file"),
        (("prepare", "fashionvideo", "{raw}", "{tmp}"), "expected an empty folder or a clip store"),
        (("prepare", "fashionvideo", "{raw}", "{tmp}/s", "--crop", "clip-square"), "'clip-square-v1'"),
        (("show", "{tmp}", "a"), "expected a folder with store.json"),
        (("show", "{store}", "s0003-009"), "did you mean 's0003-00"),
        (("show", "{store}", GOOD, "--out", "{tmp}/a.bmp"), "expected a picture named"),
        (("check", "{tmp}"), "expected a folder with store.json, pack.json, export.json, outputs.json,"),
        (("check", "{store}/clips.csv"), "expected the columns of a leaderboard"),
        (("generate", "copy_sorce", "{store}", "{tmp}/o", "--benchmark", "synthetic-v1"), "'copy_source'"),
        (("generate", "copy_source", "{store}", "{tmp}/o", "--benchmark", "synthetic-v9"), "did you mean"),
        (("generate", "copy_source", "{tmp}", "{tmp}/o", "--benchmark", "synthetic-v1"), "store.json"),
        (("generate", "copy_source", "{store}", "{tmp}/file/o", "--benchmark", "synthetic-v1"), "a file"),
        (("generate", "copy_source", "{store}", "{tmp}/o", "--benchmark", "fashionvideo-v1"), "expected"),
        (("synth", "{tmp}/file/raw"), "file is a file"),
        (("synth", "{raw}", "--seed", "9"), "expected"),
        (("score", "{tmp}", "{tmp}/s", "--targets", "{tmp}/file", "--weights", "random"), "expected"),
        (("score", "{tmp}", "{tmp}/s", "--store", "{store}"), "--benchmark"),
        (("score", "{store}", "{tmp}/s", "--store", "{store}", "--benchmark", "synthetic-v1"), "expected"),
        (("report", "{tmp}"), "scores.json"),
        (("leaderboard", "add", "{tmp}", "--board", "{tmp}/b.csv"), "scores.json"),
        (("leaderboard", "build", "{tmp}/b.csv"), "expected"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_wrong_words_are_one_line_and_status_2(words, line, raw_folders, stores, tmp_path):
    (tmp_path / "file").write_text("")
    places = {"tmp": tmp_path, "raw": raw_folders["fashionvideo"], "store": stores["fashionvideo"]}
    done = CliRunner().invoke(main, [word.format(**places) for word in words])
    assert done.exit_code == 2, done.output
    assert line in done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_synth_on_a_full_disk_is_one_line_and_goes_on_later(tmp_path):
    words = ("synth", tmp_path / "raw", "--clips", 2, "--frames", 4, "--size", 64)
    done = vptbench(*words, limit=3000)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "File too large" in done.stderr
    assert vptbench(*words).returncode == 0
