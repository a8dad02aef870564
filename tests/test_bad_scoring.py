"""Bad input to `vptbench score` at the real command line: one line each, nothing half-written."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from vptbench import open_store
from vptbench.benchmarks.loader import load_benchmark
from vptbench.cli import main
from vptbench.outputs import open_outputs
from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.synth.build import seed_to_raw
from vptbench.video import frames_to_video

BENCHMARK = "synthetic-v1"


def vptbench(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def split(tmp_path_factory) -> Path:
    """A store with two test clips of 18 frames, 64 pixels."""
    root = tmp_path_factory.mktemp("split")
    seed_to_raw(root / "raw", layout="fashionvideo", clips=6, frames=18, size=64, seed=3)
    report = source_to_store("fashionvideo", root / "raw", root / "store", PrepareSettings(size=64))
    assert not report.failed
    return root / "store"


@pytest.fixture(scope="module")
def good(split, tmp_path_factory) -> Path:
    """What `copy_source` makes of the two clips."""
    outputs = tmp_path_factory.mktemp("good") / "outputs"
    done = vptbench("generate", "copy_source", split, outputs, "--benchmark", BENCHMARK)
    assert done.exit_code == 0, done.output
    return outputs


def plain(good, tmp_path):
    """The pictures alone, without ``outputs.json``."""
    shutil.copytree(good / "frames", tmp_path / "mine")
    return tmp_path / "mine"


def score(mine, tmp_path, store, *words):
    """Score, and see that a failure is one line and leaves no scores."""
    done = vptbench(
        "score",
        mine,
        tmp_path / "scores",
        "--store",
        store,
        "--benchmark",
        BENCHMARK,
        "--metrics",
        "l1-v1",
        *words,
    )
    if done.exit_code:
        assert done.stderr.splitlines()[-1].startswith("Error: ")
        assert done.stderr.count("Error: ") == 1
        assert "Traceback" not in done.output
        assert not (tmp_path / "scores" / "scores.json").exists()
        assert not list(tmp_path.rglob("per_*.csv"))
    return done


def clips(good):
    return sorted(open_outputs(good).ids)


def missing_clip(folder, clip):
    shutil.rmtree(folder / clip)


def one_frame_too_few(folder, clip):
    sorted((folder / clip).iterdir())[-1].unlink()


def another_size(folder, clip):
    for path in (folder / clip).iterdir():
        cv2.imwrite(str(path), np.zeros((32, 48, 3), np.uint8))


def one_frame_of_another_size(folder, clip):
    cv2.imwrite(str(sorted((folder / clip).iterdir())[5]), np.zeros((32, 48, 3), np.uint8))


def grey(folder, clip):
    path = sorted((folder / clip).iterdir())[5]
    cv2.imwrite(str(path), np.zeros((64, 64), np.uint8))


def alpha(folder, clip):
    path = sorted((folder / clip).iterdir())[5]
    cv2.imwrite(str(path), np.zeros((64, 64, 4), np.uint8))


def truncated(folder, clip):
    path = sorted((folder / clip).iterdir())[5]
    path.write_bytes(path.read_bytes()[:200])


def two_for_one_frame(folder, clip):
    path = sorted((folder / clip).iterdir())[5]
    shutil.copy(path, path.with_name(f"again_{path.name}"))


CASES = {
    missing_clip: (2, "1 of 2 clips are missing ({clip})"),
    one_frame_too_few: (2, "clip {clip}: 1 of 17 frames are missing (number 17)"),
    another_size: (2, "clip {clip}: expected frames of 64×64 as the target's, found 32×48"),
    one_frame_of_another_size: (1, "expected 64×64 as in 00001.png, found 32×48"),
    grey: (1, "expected an RGB picture of 8 bits, found a grey one"),
    alpha: (1, "expected an RGB picture of 8 bits, found RGB with alpha"),
    truncated: (1, "expected a PNG, JPEG or WebP picture, found 200 bytes that are none"),
    two_for_one_frame: (2, "expected one picture for frame 5"),
}
"""Damage to the status and the words: 1 where the other clip is measured and kept, 2 where nothing is."""


@pytest.mark.parametrize("damage", CASES, ids=lambda damage: damage.__name__)
def test_damaged_outputs(damage, split, good, tmp_path):
    mine, clip = plain(good, tmp_path), clips(good)[0]
    assert len(clips(good)) == 2
    damage(mine, clip)
    done = score(mine, tmp_path, split)
    status, words = CASES[damage]
    assert done.exit_code == status, done.output
    assert words.format(clip=clip) in done.stderr
    if status == 1:
        assert "1 failed" in done.stderr
        assert "what was measured is kept" in done.stderr
        assert list((tmp_path / "scores" / "parts").rglob("*.npy"))


def test_a_mended_clip_is_scored_by_the_same_command(split, good, tmp_path):
    mine, clip = plain(good, tmp_path), clips(good)[0]
    truncated(mine, clip)
    assert score(mine, tmp_path, split).exit_code == 1
    path = sorted((mine / clip).iterdir())[5]
    shutil.copy(good / "frames" / clip / path.name, path)
    assert score(mine, tmp_path, split).exit_code == 0
    assert (tmp_path / "scores" / "scores.json").exists()


def test_a_size_mismatch_names_both_sizes_and_the_option_that_allows_it(split, good, tmp_path):
    mine = plain(good, tmp_path)
    for clip in clips(good):
        another_size(mine, clip)
    done = score(mine, tmp_path, split)
    assert done.exit_code == 2
    for words in ("64×64", "32×48", "--resize"):
        assert words in done.stderr
    assert score(mine, tmp_path, split, "--resize", "area").exit_code == 0
    assert json.loads((tmp_path / "scores" / "scores.json").read_text())["resize"] == {"method": "area"}


def videos(good, tmp_path):
    folder = tmp_path / "videos"
    folder.mkdir()
    for clip in clips(good):
        frames = [cv2.imread(str(path))[..., ::-1] for path in sorted((good / "frames" / clip).iterdir())]
        frames_to_video(frames, folder / f"{clip}.mp4", fps=25, crf=18)
    return folder


def test_an_unreadable_video(split, good, tmp_path):
    mine, clip = videos(good, tmp_path), clips(good)[0]
    (mine / f"{clip}.mp4").write_bytes(b"no video at all")
    done = score(mine, tmp_path, split)
    assert done.exit_code == 2
    assert f"{clip}.mp4" in done.stderr
    assert "expected a video" in done.stderr


def test_two_outputs_for_one_clip(split, good, tmp_path):
    mine, clip = videos(good, tmp_path), clips(good)[0]
    shutil.copy(mine / f"{clip}.mp4", mine / f"{clip}.mkv")
    done = score(mine, tmp_path, split)
    assert done.exit_code == 2
    assert f"expected one file for clip {clip}, found {clip}.mkv and {clip}.mp4; delete one" in done.stderr


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.nan, "found float32 (18, 64, 64, 3) with NaN"), (0.5, "found float32 (18, 64, 64, 3)")],
)
def test_an_array_with_nan(split, good, tmp_path, value, words):
    (tmp_path / "mine").mkdir()
    for clip in clips(good):
        np.save(tmp_path / "mine" / f"{clip}.npy", np.full((18, 64, 64, 3), value, np.float32))
    done = score(tmp_path / "mine", tmp_path, split)
    assert done.exit_code == 2
    assert words in done.stderr


def test_zero_clips(split, tmp_path):
    (tmp_path / "mine").mkdir()
    done = score(tmp_path / "mine", tmp_path, split)
    assert done.exit_code == 2
    assert "found no file that ends in .png" in done.stderr


def test_a_benchmark_id_with_a_typo(split, good, tmp_path):
    done = vptbench("score", good, tmp_path / "scores", "--store", split, "--benchmark", "synthetic-v")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert (
        "expected a known benchmark (or a FILE.json), got 'synthetic-v'; did you mean 'synthetic-v1'"
        in done.stderr
    )


def test_a_metric_and_a_group_with_a_typo(split, good, tmp_path):
    words = ("score", good, tmp_path / "scores", "--store", split, "--benchmark", BENCHMARK)
    done = vptbench(*words, "--metrics", "sim-v1")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "did you mean 'ssim-v1'" in done.stderr
    done = vptbench(*words, "--as", "bdmm-fasion")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "did you mean 'bdmm-fashion'" in done.stderr
    assert not (tmp_path / "scores").exists()


def test_weights_with_a_wrong_hash(split, good, tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "alexnet-owt-7be5be79.pth").write_bytes(b"something else")
    done = vptbench(
        "score", good, tmp_path / "scores", "--store", split, "--benchmark", BENCHMARK,
        "--metrics", "lpips-v1", "--weights-dir", tmp_path / "weights",
    )  # fmt: skip
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "alexnet: expected SHA-256 7be5be79" in done.stderr
    assert "delete that file, then run `vptbench weights fetch`" in done.stderr
    assert not (tmp_path / "scores").exists()


def test_a_store_of_a_later_version(split, good, tmp_path):
    later = tmp_path / "later"
    shutil.copytree(split, later)
    manifest = json.loads((later / "store.json").read_text())
    (later / "store.json").write_text(json.dumps({**manifest, "version": 2}))
    done = vptbench("score", good, tmp_path / "scores", "--store", later, "--benchmark", BENCHMARK)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "expected version 1 of vptbench-store, found 2; install the vptbench that wrote it" in done.stderr
    assert not (tmp_path / "scores").exists()


def test_the_benchmark_scores_what_these_tests_damage(split, good):
    """Two test clips of 18 frames, of which 17 are scored: what the messages above count."""
    store, benchmark = open_store(split), load_benchmark(BENCHMARK)
    assert clips(good) == sorted(store.ids(benchmark.split))
    assert [len(store[clip]) for clip in clips(good)] == [18, 18]
