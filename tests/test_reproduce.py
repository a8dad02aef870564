"""`vptbench reproduce bdmm` on synthetic raw data, with a checkpoint made up in the published form."""

import json
import re
import shutil

import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from dmm_model.config import GeneratorConfig
from dmm_model.generator import Generator
from vptbench import open_store
from vptbench.cli import main
from vptbench.engine import Report
from vptbench.scorefile import read_scores

ID = "fashionvideo-bdmm-synthetic-128px-v1"
PUBLISHED = {"SSIM": 0.918, "PSNR": 24.071, "L1": 0.0302, "LPIPS": 0.0478, "FID": 14.083, "FVD": 168.275}
APPLY = (
    f"scored under {ID}, the rows' protocol is fashionvideo-bdmm-v1",
    "these clips are synthetic",
    "frames of 128×128, the rows' are 256×256",
    "keypoints: OpenPose's JSON beside the videos",
    "mesh: the exact truth beside the videos (body model ",
    "every frame is kept here",
    "source frame of a clip: random of first 20, seed 0",
    "8-bit frames are rounded here",
    "`latest_net_G.pth` is taken on trust",
    "test clips: 1 prepared of 1 listed; the published split has 100",
    "train clips: 2 prepared of 2 listed; the published split has 500",
    "published figures: value supplied with the project",
    "FID: for 18 generated and 36 training frames the published program stops",
    "the published code prints six FVDs",
    "no figure: clip s0003-002: expected at least 128 generated frames, got 18",
)
DO_NOT = (
    "joints were not found", "instead of bdmm-crop-v1", "of `vptbench train`",
    "equal their targets and count", "iPER",
)  # fmt: skip
"""What is true of other runs: here no joint is missing."""


def write_checkpoint(path, config=None):
    """A seeded generator, saved as the published code saves it: wrapped, with its mesh renderer's buffers."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = Generator(config).state_dict()
    renderer = {"renderer.coords": torch.zeros(2, 3), "renderer.map_fn": torch.zeros(4)}
    torch.save({f"module.{key}": value for key, value in {**state, **renderer}.items()}, path)
    return path


def run(*words):
    """`vptbench reproduce` with random networks at 128 pixels, unless `words` end with other options."""
    options = ("--weights", "random", "--size", 128, "--device", "cpu")
    return CliRunner().invoke(main, ["reproduce", *map(str, (*options, *words))])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("published") / "latest_net_G.pth")


@pytest.fixture(scope="module")
def done(raw_folders, checkpoint, tmp_path_factory):
    """A whole run: the folder, and what was printed."""
    out = tmp_path_factory.mktemp("reproduce") / "out"
    result = run("bdmm", raw_folders["fashionvideo"], checkpoint, "--out", out)
    assert result.exit_code == 0, result.output
    return out, result.output


def state(folder):
    """Every file below a folder, with the time of its last change."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_the_table_sets_measured_beside_published(done):
    out, printed = done
    table = pd.read_csv(out / "reproduction.csv")
    rows = table[table["metric"].notna()].set_index("metric")
    assert len(rows) == 11
    assert rows.groupby("column")["published"].unique().map(list).to_dict() == {
        column: [value] for column, value in PUBLISHED.items()
    }
    assert set(rows["source"]) == {"arXiv 2307.07754"}
    figures = read_scores(out / "scores").metrics
    assert set(rows.index) == set(figures)
    for name, row in rows.iterrows():
        value = figures[name].value
        assert pd.isna(row["measured"]) if value is None else row["measured"] == value
        if name in {"ssim-bdmm-v1", "psnr-cap100-v1", "l1-bdmm-v1"}:
            assert row["difference"] == pytest.approx(value - row["published"], rel=1e-12)
            assert row["percent"] == pytest.approx(100 * (value / row["published"] - 1), rel=1e-9)
        else:
            assert name.endswith("@random")
            assert pd.isna(row["difference"])
            assert pd.isna(row["percent"])
    assert rows["measured"].notna().sum() == 7  # clips of 18 frames have no windows of 128
    others = table[table["metric"].isna()]
    assert others.loc[others["column"] == "FVD", "published"].tolist() == [168.3, 148.3]
    assert (out / "reproduction.md").read_text(encoding="utf-8") in printed


@pytest.mark.slow
def test_what_is_known_is_what_applies(done):
    _, printed = done
    for text in APPLY:
        assert text in printed
    for text in DO_NOT:
        assert text not in printed
    assert f"- protocol: {ID}, which is not the frozen fashionvideo-bdmm-v1\n" in printed
    assert re.search(r"\n\| FVD    \| printed by others +\| 148.3 ", printed)


@pytest.mark.slow
def test_nothing_claims_the_frozen_protocol(done):
    out, _ = done
    assert json.loads((out / "protocol.json").read_text())["id"] == ID
    scores = read_scores(out / "scores")
    assert scores.benchmark["id"] == ID
    assert scores.outputs["benchmark"]["id"] == ID
    assert {clip.attributes["crop"] for clip in open_store(out / "store").values()} == {"bdmm-crop-v1"}


@pytest.mark.slow
def test_the_same_command_does_what_is_missing(done, raw_folders, checkpoint):
    out, printed = done
    before, page = state(out), (out / "reproduction.md").read_text()
    kept = {path for path in before if path.suffix in {".h5", ".png"} or path.name in {"scores.json"}}
    assert len(kept) == 3 + 18 + 1
    again = run("bdmm", raw_folders["fashionvideo"], checkpoint, "--out", out)
    assert (again.exit_code, again.output) == (0, printed)
    after = state(out)
    assert {path: after[path] for path in kept} == {path: before[path] for path in kept}

    lost = next(path for path in kept if path.suffix == ".png")
    lost.unlink()
    shutil.rmtree(out / "scores")
    (out / "reproduction.csv").unlink()
    again = run("bdmm", raw_folders["fashionvideo"], checkpoint, "--out", out)
    assert (again.exit_code, again.output) == (0, printed)
    assert (out / "reproduction.md").read_text() == page
    after = state(out)
    assert after.keys() == before.keys()
    stores = {path for path in kept if path.suffix == ".h5"}
    assert {path: after[path] for path in stores} == {path: before[path] for path in stores}


@pytest.mark.slow
def test_clips_that_fail_are_listed_and_the_rest_is_reproduced(done, raw_folders, checkpoint, tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    shutil.copytree(raw_folders["fashionvideo"], raw)
    shutil.copytree(done[0], out)
    with (raw / "fashion_test.txt").open("a") as stream:
        stream.write("https://example.org/gone.mp4\n")
    result = run("bdmm", raw, checkpoint, "--out", out)
    assert result.exit_code == 1
    assert "test clips: 1 prepared of 2 listed; the published split has 100" in result.output
    assert "1 failed:\n  gone: expected test/gone.mp4 or videos/gone.mp4" in result.output


def test_no_figures_where_the_clips_to_score_cannot_be_prepared(raw_folders, checkpoint, tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    shutil.copytree(raw_folders["fashionvideo"], raw)
    next((raw / "openpose" / "s0003-002").glob("*.json")).unlink()
    result = run("bdmm", raw, checkpoint, "--out", out)
    assert result.exit_code == 1
    assert "s0003-002: expected 18 JSON files" in " ".join(result.output.split())
    assert "Error: expected test clips that can be prepared, found none; mend that and run" in result.output
    assert not (out / "reproduction.md").exists()


@pytest.mark.slow
def test_no_figures_of_fewer_clips_than_were_asked_for(done, raw_folders, checkpoint, tmp_path, monkeypatch):
    out = tmp_path / "out"
    shutil.copytree(done[0] / "store", out / "store")
    report = Report(("others",), (), {"s0003-002": "the card was full"})
    monkeypatch.setattr("vptbench.reproduce.run.store_to_outputs", lambda *_, **__: report)
    result = run("bdmm", raw_folders["fashionvideo"], checkpoint, "--out", out)
    assert result.exit_code == 1
    assert "\n  s0003-002: the card was full\n" in result.output
    assert "Error: expected frames of every clip, 1 failed; mend that and run" in result.output
    assert not (out / "reproduction.md").exists()


def refused(*words):
    result = run(*words)
    assert result.exit_code == 2, result.output
    error = result.stderr.splitlines()[-1]
    assert error.startswith("Error: ")
    return error


def test_frames_that_the_model_cannot_take_are_refused_before_the_work(raw_folders, checkpoint, tmp_path):
    out = tmp_path / "out"
    error = refused("bdmm", raw_folders["fashionvideo"], checkpoint, "--out", out, "--size", 64)
    assert "Error: expected frames whose height and width are multiples of 8" in error
    assert "got 64 × 64; reproduce tried --size 64, published (256, 256)" in error
    assert not out.exists()


@pytest.mark.slow
def test_videos_without_a_mesh_are_driven_by_a_fitted_body(raw_folders, checkpoint, tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    shutil.copytree(raw_folders["fashionvideo"], raw)
    (raw / "synth.json").unlink()  # what is left looks like real videos with OpenPose's JSON
    shutil.rmtree(raw / "truth")
    done = run("bdmm", raw, checkpoint, "--out", out)
    assert done.exit_code == 0, done.output
    assert (
        "- protocol: fashionvideo-bdmm-128px-v1, which is not the frozen fashionvideo-bdmm-v1\n"
        in done.output
    )
    assert "- mesh: body-fit (body model " in done.output
    assert "these clips are synthetic" not in done.output


def test_lists_without_videos_are_refused_before_the_work(checkpoint, tmp_path):
    (tmp_path / "fashion_test.txt").write_text("https://example.org/gone.mp4\n")
    error = refused("bdmm", tmp_path, checkpoint, "--out", tmp_path / "out")
    assert f"{tmp_path}: expected clips of the test split, found none; fetch them" in error


def test_unknown_names_are_refused_with_a_hint(raw_folders, checkpoint, tmp_path):
    raw, out = raw_folders["fashionvideo"], tmp_path / "out"
    error = refused("bdm", raw, checkpoint, "--out", out)
    assert "expected a known method to reproduce, got 'bdm'; did you mean 'bdmm'?" in error
    error = refused("bdmm", raw, checkpoint, "--out", out, "--dataset", "ipr")
    assert "expected a known dataset of BDMM's figures, got 'ipr'; did you mean 'iper'?" in error
    assert not out.exists()


def test_other_checkpoints_are_refused_before_the_work(raw_folders, tmp_path):
    raw, out = raw_folders["fashionvideo"], tmp_path / "out"
    small = write_checkpoint(tmp_path / "small.pth", GeneratorConfig(channels=8, widest=64))
    error = refused("bdmm", raw, small, "--out", out)
    assert "expected the weights of the published generator, found those of another network" in error
    error = refused("bdmm", raw, tmp_path / "gone.pth", "--out", out)
    assert f"expected a checkpoint at {tmp_path / 'gone.pth'}, found none; check the path" in error
    assert not out.exists()


def test_missing_networks_are_told_before_the_work(raw_folders, checkpoint, tmp_path):
    words = ("bdmm", raw_folders["fashionvideo"], checkpoint, "--out", tmp_path / "out")
    error = refused(*words, "--weights", "pinned", "--weights-dir", tmp_path)
    for network in ("alexnet", "inception-torchvision", "i3d-kinetics400"):
        assert f"{network}: expected its weights at" in error
    assert not (tmp_path / "out").exists()


def test_raw_data_in_another_layout_are_refused(raw_folders, checkpoint, tmp_path):
    error = refused("bdmm", tmp_path, checkpoint, "--out", tmp_path / "out")
    assert "expected fashion_train.txt and fashion_test.txt beside train/ and test/" in error
    error = refused("bdmm", tmp_path / "gone", checkpoint, "--out", tmp_path / "out")
    assert f"{tmp_path / 'gone'}: expected fashion_train.txt and fashion_test.txt" in error
    error = refused(
        "bdmm", raw_folders["fashionvideo"], checkpoint, "--out", tmp_path / "out", "--dataset", "iper"
    )
    assert "expected train.txt or val.txt, and images_HD or images beside them; found no list" in error
    assert not (tmp_path / "out").exists()
