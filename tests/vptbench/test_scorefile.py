import dataclasses
import math

import pandas as pd
import pytest
from forged_tables import edit, edit_table
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from vptbench.errors import ManifestError, ScoreError
from vptbench.scorefile import (
    clips_to_value,
    frames_to_clips,
    read_scores,
    scores_to_problems,
    write_scores,
)


@pytest.fixture
def folder(tmp_path, make_scores):
    write_scores(tmp_path / "scores", make_scores())
    return tmp_path / "scores"


def test_what_is_written_is_read(tmp_path, make_scores):
    clips = ("001/9/1", "007", "NA", '=1+1, "x"\n<b>')
    scores = make_scores(clips=clips, infinite=[("007", 2)])
    write_scores(tmp_path, scores)
    again = read_scores(tmp_path)
    assert list(again.metrics) == [
        "ssim-v1",
        "psnr-v1",
        "l1-v1",
        "fid-v1@random",
    ]  # as in METRICS, not sorted
    for field in dataclasses.fields(scores):
        if field.name in {"per_clip", "per_frame"}:
            assert_frame_equal(
                getattr(again, field.name), getattr(scores, field.name), check_exact=True, check_dtype=False
            )
        else:
            assert getattr(again, field.name) == getattr(scores, field.name)
    assert scores_to_problems(tmp_path) == []
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_scores(tmp_path, again)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("videos", "lacking"),
    [
        ({}, ""),  # files of before
        ({"videos": None}, ""),
        ({"videos": {"split": "test", "prepared": 100, "listed": 100}}, ""),
        ({"videos": {"split": "test", "prepared": 97, "listed": 100}}, "97 of 100 videos of the test split"),
    ],
)
def test_scores_know_what_the_store_lacked(tmp_path, make_scores, videos, lacking):
    write_scores(tmp_path, make_scores(data={"dataset": "iper", "synth": None, **videos}))
    scores = read_scores(tmp_path)
    assert scores.lacking == lacking
    assert f"<p>mesh_warp: synthetic-v1, 2 clips{lacking and ', ' + lacking}</p>" in scores._repr_html_()


@pytest.mark.parametrize("videos", [7, {"split": "test"}, {"split": "test", "prepared": "1", "listed": 2}])
def test_videos_of_another_kind_are_refused(tmp_path, make_scores, videos):
    with pytest.raises(ScoreError, match="data: videos: expected split, prepared, listed, found another"):
        write_scores(tmp_path, make_scores(data={"videos": videos}))


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=12))
def test_any_numbers_survive_the_table(values):
    rows = [("a", number, "psnr-v1", value) for number, value in enumerate(values)]
    table = pd.DataFrame(rows, columns=["clip", "frame", "metric", "value"])
    text = table.to_csv(index=False, lineterminator="\n")
    assert [float(line.split(",")[3]) for line in text.splitlines()[1:]] == values


def test_means_leave_infinite_frames_out():
    # a: (10 + 20)/2 = 15, the third frame is infinite; b: only infinite; c: 3. Over clips (15 + 3)/2 = 9,
    # over frames (10 + 20 + 3)/3 = 11
    rows = [
        ("a", 0, "m", 10.0),
        ("a", 1, "m", 20.0),
        ("a", 2, "m", math.inf),
        ("b", 0, "m", math.inf),
        ("c", 0, "m", 3.0),
    ]
    per_frame = pd.DataFrame(rows, columns=["clip", "frame", "metric", "value"])
    per_clip = frames_to_clips(per_frame)
    assert per_clip.to_numpy().tolist() == [["a", "m", 15.0], ["b", "m", math.inf], ["c", "m", 3.0]]
    assert clips_to_value(per_clip, per_frame, "m", "clip") == 9
    assert clips_to_value(per_clip, per_frame, "m", "frame") == 11
    only_b = per_frame[per_frame["clip"] == "b"]
    assert clips_to_value(frames_to_clips(only_b), only_b, "m", "clip") == math.inf


def test_a_figure_without_a_value_is_kept_with_its_reason(tmp_path, make_scores):
    everything = [(clip, frame) for clip in ("a", "b/c") for frame in range(1, 5)]
    write_scores(tmp_path, make_scores(infinite=everything))
    figure = read_scores(tmp_path).metrics["psnr-v1"]
    assert (figure.value, figure.infinite_frames, figure.samples) == (None, 8, 0)
    assert figure.reason == "all frames equal their targets"
    assert scores_to_problems(tmp_path) == []


READ = {"layout": "x", "why": "", "container": "PNG", "lossless": True, "scored": 8, "asked": 8}


def test_a_part_of_a_benchmark_names_it_and_is_not_official(tmp_path, make_scores):
    write_scores(tmp_path, make_scores(official=False, reading={**READ, "asked": 16}))
    scores = read_scores(tmp_path)
    assert (scores.official, scores.is_partial, scores.benchmark["id"]) == (False, True, "synthetic-v1")
    assert not make_scores(reading=READ).is_partial
    assert not make_scores().is_partial


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "oracle"}, "kind: expected model or audit or claimed, found 'oracle'"),
        ({"pooling": "median"}, "pooling: expected clip or frame"),
        ({"official": False}, "official scores to name their benchmark"),
        (
            {"reading": {"layout": "x"}},
            "reading: expected layout, why, container, lossless, scored, asked, or",
        ),
        ({"reading": {**READ, "scored": 4}}, "official scores to name their benchmark"),  # a part
        ({"benchmark": {"id": "x"}}, "expected id, sha256 and dataset"),
        ({"model": 3}, "model: found 3"),
        ({"claimed": None}, "claimed: found None"),
        ({"metrics": {}}, "metrics: expected at least one"),
    ],
)
def test_records_that_contradict_themselves_are_not_written(tmp_path, make_scores, change, text):
    with pytest.raises(ScoreError, match=text):
        write_scores(tmp_path, make_scores(**change))
    assert not (tmp_path / "scores.json").exists()


def test_tables_with_nan_or_unknown_metrics_are_not_written(tmp_path, make_scores):
    scores = make_scores()
    bad = scores.per_frame.assign(value=math.nan)
    with pytest.raises(ScoreError, match=r"per_frame\.csv: expected numbers, found NaN"):
        write_scores(tmp_path, dataclasses.replace(scores, per_frame=bad))
    bad = scores.per_clip.assign(metric="other-v1")
    with pytest.raises(ScoreError, match=r"per_clip\.csv: expected only metrics that have a figure"):
        write_scores(tmp_path, dataclasses.replace(scores, per_clip=bad))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda d: d.update(surplus=1), "unknown: surplus"),
        (lambda d: d.pop("model"), "missing: model"),
        (lambda d: d.pop("reading"), "missing: reading"),
        (lambda d: d.update(reading=[1]), r"reading: found \(1,\)"),
        (lambda d: d.update(metrics=[1]), "metrics: expected an object of figures"),
        (lambda d: d.update(beside=["fid-v1"]), "beside: expected only metrics that have a figure"),
        (lambda d: d["metrics"]["ssim-v1"].pop("low"), "Figure: .* missing: low"),
        (lambda d: d["tables"].pop("per_clip.csv"), r"per_clip\.csv: expected the table as it was written"),
        (lambda d: d.update(official="yes"), "official: found 'yes'"),
        (
            lambda d: d["clips"].update(a={"frames": 4}),
            "clips: a: expected frames, size, generated_sha256, target_",
        ),
        (
            lambda d: d["networks"].update(alexnet="x"),
            "networks: alexnet: expected mode, sha256, found another",
        ),
        (lambda d: d["benchmark"].update(id=None), "benchmark: expected id, sha256 and dataset"),
    ],
)
def test_damaged_records_are_refused(folder, change, text):
    edit(folder / "scores.json", change)
    with pytest.raises(ScoreError, match=text):
        read_scores(folder)
    assert len(scores_to_problems(folder)) == 1


def test_tables_changed_by_hand_are_refused(folder):
    path = folder / "per_frame.csv"
    path.write_text(path.read_text().replace("ssim-v1,0.", "ssim-v1,0.9", 1))
    with pytest.raises(
        ScoreError, match=r"per_frame\.csv: expected the table as it was written, found another"
    ):
        read_scores(folder)
    path.unlink()
    with pytest.raises(ScoreError, match=r"expected a table at .*per_frame\.csv, found none"):
        read_scores(folder)


def test_tables_of_other_columns_or_kinds_are_refused(folder):
    before = "clip,metric,value"
    for header in ("clip,metric,figure", "clip,value,metric", "id,metric,value"):
        edit_table(folder / "scores.json", "per_clip.csv", before, header)
        with pytest.raises(ScoreError, match=r"per_clip\.csv: expected the columns clip,metric,value, found"):
            read_scores(folder)
        before = header
    edit_table(folder / "scores.json", "per_clip.csv", before, "clip,metric,value")
    edit_table(folder / "scores.json", "per_frame.csv", "a,1,ssim", "a,one,ssim")
    with pytest.raises(ScoreError, match=r"per_frame\.csv: expected a CSV table, found damage"):
        read_scores(folder)


def test_an_empty_cell_is_refused(folder):
    line = next(
        line for line in (folder / "per_clip.csv").read_text().splitlines() if line.startswith("a,ssim")
    )
    edit_table(folder / "scores.json", "per_clip.csv", line, "a,ssim-v1,")
    with pytest.raises(ScoreError, match=r"per_clip\.csv: expected numbers, found NaN"):
        read_scores(folder)


def test_check_recomputes_means_and_figures(folder):
    edit(folder / "scores.json", lambda d: d["metrics"]["l1-v1"].update(value=0.49))
    (problem,) = scores_to_problems(folder)
    assert "l1-v1: expected 0.5" in problem
    assert "found 0.49" in problem
    edit(folder / "scores.json", lambda d: d["metrics"]["l1-v1"].update(value=0.49, clips=9))
    assert "expected 2 clips and 8 frames as in per_frame.csv, found 9 and 8" in scores_to_problems(folder)[1]


def test_check_compares_clip_means_with_frames(folder):
    line = next(
        line for line in (folder / "per_clip.csv").read_text().splitlines() if line.startswith("a,ssim")
    )
    edit_table(folder / "scores.json", "per_clip.csv", line, "a,ssim-v1,0.75")
    problems = scores_to_problems(folder)
    assert "per_clip.csv: a, ssim-v1: expected 0." in problems[0]
    assert "found 0.75" in problems[0]
    edit_table(folder / "scores.json", "per_clip.csv", "a,ssim-v1,0.75\n", "")
    assert "found nan" in scores_to_problems(folder)[0]


def test_what_is_no_scores_folder(tmp_path, folder):
    with pytest.raises(ManifestError, match=r"expected a folder with scores\.json"):
        read_scores(tmp_path / "none")
    edit(folder / "scores.json", lambda d: d.update(version=2))
    with pytest.raises(ManifestError, match="expected version 1 of vptbench-scores, found 2"):
        scores_to_problems(folder)


def test_nan_in_json_is_refused(folder):
    edit(folder / "scores.json", lambda document: document["metrics"]["ssim-v1"].update(value=math.nan))
    with pytest.raises(ManifestError, match="NaN, which is no number of JSON"):
        read_scores(folder)


def test_figures_beside_are_not_the_scores_own(make_scores):
    scores = make_scores(beside=("psnr-v1",))
    assert list(scores.own) == ["ssim-v1", "l1-v1", "fid-v1@random"]
    assert list(scores.table.index) == list(scores.metrics)
