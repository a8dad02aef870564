import math
from dataclasses import replace

import numpy as np
import pytest

from vptbench.benchmarks import load_benchmark
from vptbench.errors import RegistryError
from vptbench.metrics import METRICS
from vptbench.score import ScoreSettings, folders_to_scorefile
from vptbench.score.published import (
    GROUPS,
    MEASURED,
    differences,
    groups_to_metrics,
    published_rows,
    published_to_text,
    read_published,
    resolve_groups,
    scores_to_published,
)
from vptbench.weights import Networks


def test_every_group_names_what_exists():
    rows = published_rows()
    known = set(rows["protocol_group"])
    for name, group in GROUPS.items():
        assert name in known or name.startswith("his-")
        assert set(groups_to_metrics([name])) <= set(METRICS)
        if name in known:
            assert set(group.columns) & set(rows.loc[rows["protocol_group"] == name, "metric"])
        if group.benchmark:
            benchmark = load_benchmark(group.benchmark)
            assert (benchmark.dataset, benchmark.pooling) == (group.dataset, group.pooling)
            assert set(groups_to_metrics([name])) == set(benchmark.metrics)


def test_published_figures_are_numbers_with_a_source():
    rows = published_rows()
    assert len(rows) > 500
    assert np.isfinite(rows["value"]).all()
    assert (rows["source"] != "").all()
    ours = rows[(rows["protocol_group"] == "bdmm-fashion") & (rows["method"] == "BDMM")]
    assert dict(zip(ours["metric"], ours["value"], strict=True)) == {
        "SSIM": 0.918, "PSNR": 24.071, "L1": 0.0302, "FID": 14.083, "LPIPS": 0.0478, "FVD": 168.275,
    }  # fmt: skip


def test_groups_are_resolved_in_one_order():
    assert resolve_groups(["all"]) == tuple(GROUPS)
    assert resolve_groups(["all", "bdmm-iper"], "tiktok") == (
        "bdmm-iper", "disco-tiktok10", "humanvid-tiktok40", "mimicmotion-tiktok",
    )  # fmt: skip
    assert resolve_groups(["disco-tiktok10", "bdmm-iper"]) == ("bdmm-iper", "disco-tiktok10")
    assert resolve_groups([]) == ()
    with pytest.raises(RegistryError, match="expected a known protocol group, got 'bdmm'; did you mean"):
        resolve_groups(["bdmm"])


@pytest.fixture
def scored(tmp_path, make_folder):
    """Two clips of 1 and 3 frames, 32 × 32, half as bright as the true ones, by the pixel metrics."""
    rng = np.random.default_rng(0)
    frames = {
        "a": rng.integers(0, 256, (1, 32, 32, 3), np.uint8),
        "b": rng.integers(0, 256, (3, 32, 32, 3), np.uint8),
    }
    true = make_folder({clip: dict(enumerate(video)) for clip, video in frames.items()}, "true")
    made = make_folder({clip: dict(enumerate(video // 2)) for clip, video in frames.items()})
    settings = ScoreSettings(
        networks=Networks("random"), published=("humanvid-fashion", "animateanyone-fashion")
    )
    scores = folders_to_scorefile(made, tmp_path / "scores", settings, targets=true)
    return tmp_path / "scores", scores


@pytest.mark.slow
def test_figures_stand_beside_the_rows_of_their_group(scored):
    folder, scores = scored
    table = read_published(folder)
    ours = table[table["source"] == MEASURED]
    assert ours[["group", "column", "metric", "pooling"]].to_numpy().tolist() == [
        ["animateanyone-fashion", "PSNR", "psnr-v1", "frame"],
        ["animateanyone-fashion", "PSNR_uint8", "psnr-u8overflow-v1", "frame"],
        ["humanvid-fashion", "PSNR", "psnr-v1", "frame"],
    ]
    frames = scores.per_frame
    by_frame = frames.loc[frames["metric"] == "psnr-v1", "value"].mean()
    assert ours["value"].iloc[0] == pytest.approx(by_frame, rel=1e-12)
    assert scores.metrics["psnr-v1"].value != pytest.approx(by_frame, rel=1e-6)  # which is by clip
    rows = published_rows()
    for group in ("animateanyone-fashion", "humanvid-fashion"):
        assert (
            len(table[(table["group"] == group) & (table["source"] != MEASURED)])
            == (rows["protocol_group"] == group).sum()
        )
    text = published_to_text(scores, table)
    assert "As animateanyone-fashion (frame means), made: 2 clips, 4 frames" in text
    assert "PSNR_uint8  psnr-u8overflow-v1" in text
    assert "beware: two folders against each other, not a benchmark" in text
    assert "Animate Anyone" in text


@pytest.mark.slow
def test_without_groups_no_table_is_left(scored, tmp_path):
    folder, _ = scored
    settings = ScoreSettings(metrics=("l1-v1",), networks=Networks("random"))
    folders_to_scorefile(tmp_path / "made", folder, settings, targets=tmp_path / "true")
    assert not (folder / "published.csv").exists()


def test_what_keeps_figures_apart_is_said(make_scores):
    benchmark = {"id": "fashionvideo-bdmm-v1", "sha256": "b" * 64, "dataset": "fashionvideo"}
    record = {
        "frames": 4,
        "size": [256, 256],
        "generated_sha256": "",
        "target_sha256": "",
        "truth_sha256": "",
    }
    real = make_scores(benchmark=benchmark, data={"dataset": "fashionvideo", "synth": None})
    same = replace(real, clips={"a": record})
    assert differences(same, "bdmm-fashion") == []
    assert differences(same, "bdmm-iper") == ["these clips are of fashionvideo, the rows of iper"]
    assert differences(same, "his-fashion") == ["frames of 256×256, the rows' are 512×512"]
    other = replace(same, benchmark={**benchmark, "id": "fashionvideo-v1"}, resize={"method": "area"})
    assert differences(other, "bdmm-fashion") == [
        "scored under fashionvideo-v1, the rows' protocol is fashionvideo-bdmm-v1",
        "frames were resized (area)",
    ]
    assert differences(make_scores(), "bdmm-iper") == [
        "scored under synthetic-v1, the rows' protocol is iper-bdmm-v1", "these clips are synthetic",
        "frames of 64×64, the rows' are 256×256",
    ]  # fmt: skip


def test_a_figure_that_could_not_be_had_says_why(make_scores):
    every = [(clip, frame) for clip in ("a", "b/c") for frame in range(1, 5)]
    table = scores_to_published(make_scores(infinite=every), ["humanvid-fashion"])
    (row,) = (row for row in table.itertuples() if row.metric == "psnr-v1")
    assert math.isnan(row.value)
    assert row.notes == "all frames equal their targets"


def test_published_figures_are_never_mixed_with_ours_or_with_each_other(make_scores):
    scores = make_scores("BDMM")
    table = scores_to_published(scores, ["bdmm-fashion", "disco-tiktok10"])
    text = published_to_text(scores, table)
    (line,) = (line for line in text.splitlines() if line.split()[:2] == ["BDMM", "*"])
    assert "0.918" in line  # the published row of the same name, whatever ours is called
    both = [line for line in text.splitlines() if line.split()[:1] == ["MRAA"]]
    assert any("66.36" in line for line in both)


def test_random_figures_say_so_in_published_columns(make_scores):
    table = scores_to_published(make_scores(), ["disco-tiktok10"])
    text = published_to_text(make_scores(), table)
    (line,) = (line for line in text.splitlines() if "fid-v1@random" in line)
    assert "50 @random" in line
