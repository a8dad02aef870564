"""Bins, means by bin, paired differences, and the command on outputs of two models."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from vptbench.cli import main
from vptbench.errors import BenchmarkError
from vptbench.generate.run import store_to_outputs
from vptbench.interval import bootstrap_interval, means_to_interval, resampled_means
from vptbench.outputs.folder import Reading
from vptbench.report.strata_table import strata_to_markdown
from vptbench.robustness.difficulty import DIFFICULTY_COLUMNS
from vptbench.robustness.strata import (
    STRATA,
    STRATA_COLUMNS,
    TEXTURED,
    frames_to_strata,
    scores_to_strata,
    strata_to_rows,
)
from vptbench.score.scoring import ScoreSettings, run, score
from vptbench.scorefile import read_scores

BY_MEASURE = {each.measure: each for each in STRATA}


def run_strata(*words):
    return CliRunner().invoke(main, ["strata", *map(str, words)])


@pytest.mark.parametrize(
    ("measure", "values", "bins"),
    [
        ("hidden", [0, 0.0999, 0.1, 0.25, 0.4999, 0.5, 1], [0, 0, 1, 2, 2, 3, 3]),
        ("pose_distance", [0, 0.05, 0.1, 0.2, 7, math.nan], [0, 1, 2, 3, 3, -1]),
        ("speed", [0, 0.2, 0.4, 0.8, math.nan], [0, 1, 2, 3, -1]),
        ("background", [0, np.nextafter(TEXTURED, 0), TEXTURED, 90], [0, 0, 1, 1]),
    ],
)
def test_a_value_on_an_edge_belongs_above(measure, values, bins):
    assert BY_MEASURE[measure].bins(np.array(values, float)).tolist() == bins


def test_bins_are_named_and_ascend():
    for each in STRATA:
        assert len(each.names) == len(each.edges) - 1
        assert list(each.edges) == sorted(set(each.edges))
        assert each.edges[0] == 0


@pytest.fixture
def made():
    """A difficulty table of 8 clips of unlike lengths, and values of two models, some of them infinite."""
    rng = np.random.default_rng(5)
    keys = [(f"c{clip}", frame) for clip in range(8) for frame in range(3 + 2 * clip)]
    difficulty = pd.DataFrame(keys, columns=["clip", "frame"])
    for name, top in (("pose_distance", 0.3), ("hidden", 1), ("speed", 1.2), ("background", 9)):
        difficulty[name] = rng.uniform(0, top, len(keys))
    difficulty.loc[::11, "speed"] = np.nan
    per_frame = {}
    for model in ("one", "two"):
        values = rng.normal(20, 3, len(keys))
        values[rng.integers(len(keys), size=9)] = np.inf
        table = difficulty[["clip", "frame"]].assign(metric="psnr-v1", value=values)
        other = table.assign(metric="l1-v1", value=rng.uniform(0, 1, len(keys)))
        per_frame[model] = pd.concat([table, other]).sample(frac=1, random_state=3)  # no order is assumed
    return difficulty, per_frame


def naive_rows(difficulty, per_frame, stratum, number):
    """Clip to the finite pairs of values (one, two) of PSNR in a bin; and each model's own finite values."""
    low, high = stratum.edges[number : number + 2]
    pairs, own, lost = {}, {"one": {}, "two": {}}, {"one": 0, "two": 0, "pair": 0}
    for row in difficulty.itertuples():
        value = getattr(row, stratum.measure)
        if not low <= value < high:
            continue
        found = {}
        for model, table in per_frame.items():
            at = (table["clip"] == row.clip) & (table["frame"] == row.frame) & (table["metric"] == "psnr-v1")
            (found[model],) = table.loc[at, "value"]
            if math.isfinite(found[model]):
                own[model].setdefault(row.clip, []).append(found[model])
            else:
                lost[model] += 1
        if all(map(math.isfinite, found.values())):
            pairs.setdefault(row.clip, []).append((found["one"], found["two"]))
        else:
            lost["pair"] += 1
    return pairs, own, lost


@pytest.mark.parametrize("stratum", STRATA, ids=BY_MEASURE)
def test_means_by_bin_against_a_loop(made, stratum):
    table = frames_to_strata(*made, ["psnr-v1", "l1-v1"])
    for number, name in enumerate(stratum.names):
        pairs, own, lost = naive_rows(*made, stratum, number)
        at = (table["stratum"] == stratum.measure) & (table["bin"] == name) & (table["metric"] == "psnr-v1")
        rows = table[at].set_index(["model", "minus"])
        assert len(rows) == 3
        for model, clips in own.items():
            row = rows.loc[model, ""]
            flat = [value for values in clips.values() for value in values]
            assert row["value"] == pytest.approx(np.mean(flat), rel=1e-12)
            assert (row["frames"], row["clips"], row["infinite"]) == (len(flat), len(clips), lost[model])
            ordered = [clips[clip] for clip in sorted(clips)]
            weights = [len(values) for values in ordered]
            ends = bootstrap_interval([float(np.mean(values)) for values in ordered], weights=weights)
            assert (row["low"], row["high"]) == pytest.approx(ends, rel=1e-9)
        row = rows.loc["one", "two"]
        ordered = [pairs[clip] for clip in sorted(pairs)]
        weights = [len(values) for values in ordered]
        means = [
            resampled_means(
                [float(np.mean([pair[side] for pair in values])) for values in ordered], weights=weights
            )
            for side in (0, 1)
        ]  # one seed: the same clips are drawn for both
        assert (row["low"], row["high"]) == pytest.approx(means_to_interval(means[0] - means[1]), rel=1e-9)
        flat = [one - two for values in ordered for one, two in values]
        assert row["value"] == pytest.approx(np.mean(flat), rel=1e-9)
        assert (row["frames"], row["infinite"]) == (len(flat), lost["pair"])


def test_pairing_makes_a_constant_difference_certain(made):
    """The clips differ a lot, the models by 0.5 in each frame: only their own intervals are wide."""
    difficulty, per_frame = made
    lead = per_frame["one"][per_frame["one"]["metric"] == "l1-v1"].copy()
    lead["value"] += lead["clip"].str[1:].astype(float)
    table = frames_to_strata(difficulty, {"a": lead, "b": lead.assign(value=lead["value"] - 0.5)}, ["l1-v1"])
    row = table[(table["stratum"] == "hidden") & (table["bin"] == "50–100 %")].set_index(["model", "minus"])
    assert row.loc["a", "b"][["value", "low", "high"]].tolist() == pytest.approx([0.5, 0.5, 0.5])
    assert row.loc["a", ""]["high"] - row.loc["a", ""]["low"] > 1


def test_empty_bins_stay_with_no_number(made):
    difficulty, per_frame = made
    table = frames_to_strata(difficulty.assign(background=1.0), per_frame, ["l1-v1"])
    rows = table[(table["stratum"] == "background") & (table["bin"] == "textured")]
    assert len(rows) == 3
    assert rows[["value", "low", "high"]].isna().all(axis=None)
    assert (rows[["frames", "clips", "infinite"]] == 0).all(axis=None)
    assert strata_to_rows(rows)[0]["value"] is None
    assert strata_to_rows(rows)[0]["high_edge"] is None  # no end


def test_a_bin_without_a_finite_value_has_none(made):
    difficulty, per_frame = made
    lost = per_frame["one"].assign(value=np.inf)
    table = frames_to_strata(difficulty, {"one": lost}, ["l1-v1"])
    assert table["value"].isna().all()
    inside = table[table["stratum"] == "background"]
    assert inside["infinite"].sum() == len(difficulty)


def make_table(values):
    """Rows of one bin: (model, minus) to value, low, high, clips."""
    rows = [
        ("speed", "below 0.2", 0.0, 0.2, *names, "l1-v1", *ends, 9, clips, 0)
        for names, (*ends, clips) in values.items()
    ]
    return pd.DataFrame(rows, columns=list(STRATA_COLUMNS))


@pytest.mark.parametrize(
    ("ends", "clips", "expected"),
    [
        ((-0.1, -0.2, 0.0), 6, "-0.1000 (-0.2000 to 0.0000) n.s."),
        ((-0.1, -0.2, -0.05), 6, "-0.1000 (-0.2000 to -0.0500)"),
        ((-0.1, -0.2, 0.1), 5, "-0.1000 (-0.2000 to 0.1000)"),  # too few to judge
        ((-0.1, math.nan, math.nan), 1, "-0.1000"),
        ((math.nan,) * 3, 0, "–"),
    ],
)
def test_a_table_says_what_is_not_significant(ends, clips, expected):
    own = {("a|b", ""): (0.1, 0.0, 0.2, clips), ("c", ""): (0.2, 0.1, 0.3, clips)}
    table = make_table({**own, ("a|b", "c"): (*ends, clips)})
    text = strata_to_markdown(table, ["a|b", "c"], {"l1-v1": "L1 ↓"}, {"hidden": 3, "speed": 0})
    title, _, head, _, row, _, legend = text.splitlines()
    assert title == "**L1 ↓**"
    assert head.endswith(r"| a\|b | c | a\|b − c |")
    assert row.split(" | ")[-1] == f"{expected} |"
    assert row.split(" | ")[3] == f"{clips}†" if 0 < clips < 6 else str(clips)
    assert "hidden: 3 frames have no figure." in legend
    assert "speed:" not in legend


@pytest.fixture(scope="module")
def scored(stores, tmp_path_factory):
    """Scores of two models on the session's store of iPER's layout."""
    root = tmp_path_factory.mktemp("strata")
    for model in ("mesh_warp", "copy_source"):
        store_to_outputs(model, stores["iper"], root / "outputs" / model, "synthetic-v1")
        run(
            root / "outputs" / model, root / model, store=stores["iper"], benchmark="synthetic-v1",
            metrics=["psnr-v1", "flicker-v1"],
        )  # fmt: skip
    return root


def test_the_command_writes_tables_and_pictures(stores, scored, tmp_path):
    folders = (scored / "mesh_warp", scored / "copy_source")
    result = run_strata(*folders, "--store", stores["iper"], "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "| background | textured |" in result.output
    assert r"mesh\_warp − copy\_source" in result.output
    names = ["difficulty.csv", "strata.csv", "strata.json", "strata.png", "strata.svg"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    table = pd.read_csv(tmp_path / "out" / "strata.csv", keep_default_na=False, na_values={"value": ""})
    assert list(table.columns) == list(STRATA_COLUMNS)
    difficulty = pd.read_csv(tmp_path / "out" / "difficulty.csv")
    assert list(difficulty.columns) == list(DIFFICULTY_COLUMNS)
    scores = read_scores(folders[0])
    assert len(difficulty) == (scores.per_frame["metric"] == "psnr-v1").sum()
    own = table[(table["model"] == "mesh_warp") & (table["minus"] == "") & (table["metric"] == "psnr-v1")]
    for stratum in STRATA:  # every frame is in one bin, and all bins together give the mean over all frames
        inside = own[own["stratum"] == stratum.measure]
        assert inside["frames"].sum() + inside["infinite"].sum() == len(difficulty)
        values = scores.per_frame.loc[scores.per_frame["metric"] == "psnr-v1", "value"]
        known = inside[inside["frames"] > 0]
        assert np.average(known["value"], weights=known["frames"]) == pytest.approx(values.mean())
    document = json.loads((tmp_path / "out" / "strata.json").read_text())
    assert document["clip_list_sha256"] == scores.clip_list_sha256
    assert [model["name"] for model in document["models"]] == ["mesh_warp", "copy_source"]
    assert document["strata"]["background"]["edges"] == [0.0, TEXTURED, None]


def test_the_same_command_gives_the_same_bytes_and_json(stores, scored, tmp_path):
    words = (scored / "mesh_warp", "--store", stores["iper"], "--metrics", "psnr-v1", "--json")
    outputs = [run_strata(*words, "--out", tmp_path / name) for name in ("a", "b")]
    rows = json.loads(outputs[0].stdout)
    assert {row["metric"] for row in rows} == {"psnr-v1"}
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_a_strangers_name_is_but_letters_that_the_font_has(stores, scored, tmp_path):
    other, frames = tmp_path / "other", scored / "outputs" / "copy_source" / "frames"
    settings = ScoreSettings(metrics=("psnr-v1",), claimed={"model": "_a$x<b>模"})
    score(frames, other, settings, store=stores["iper"], benchmark="synthetic-v1")
    words = (scored / "mesh_warp", other, "--store", stores["iper"], "--out", tmp_path / "out")
    result = run_strata(*words)
    assert result.exit_code == 0, result.output
    svg = (tmp_path / "out" / "strata.svg").read_text()
    assert "<!-- _a$x<b>\ufffd -->" in svg.replace("&lt;", "<").replace("&gt;", ">")
    assert "&lt;b&gt;" in result.output


def refusal(*words):
    result = run_strata(*words)
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_scores_of_another_store_are_refused(stores, scored, tmp_path):
    said = refusal(scored / "mesh_warp", "--store", stores["fashionvideo"], "--out", tmp_path / "out")
    assert "expected scores of the clips of" in said
    assert "give the store that they were scored on" in said
    assert not (tmp_path / "out").exists()


def test_scores_of_two_folders_are_refused(scored, tmp_path, stores):
    frames = scored / "outputs" / "copy_source" / "frames"
    run(frames, tmp_path / "plain", targets=frames, metrics=["l1-v1"])
    said = refusal(tmp_path / "plain", "--store", stores["iper"], "--out", tmp_path / "out")
    assert "expected scores under a benchmark, found two folders against each other" in said


def test_a_part_of_a_benchmark_is_refused(scored, tmp_path, stores):
    settings = ScoreSettings(metrics=("l1-v1",), reading=Reading(stride=2))
    frames = scored / "outputs" / "copy_source" / "frames"
    part = tmp_path / "frames"
    for clip in sorted({path.parent for path in frames.rglob("*.png")}):
        folder = part / clip.relative_to(frames)
        folder.mkdir(parents=True)
        for number, path in enumerate(sorted(clip.iterdir())[::2]):
            (folder / f"{number:05d}.png").write_bytes(path.read_bytes())
    score(part, tmp_path / "part", settings, store=stores["iper"], benchmark="synthetic-v1")
    said = refusal(tmp_path / "part", "--store", stores["iper"], "--out", tmp_path / "out")
    assert "frames that the benchmark asks for, found" in said


def test_metrics_without_a_value_a_frame_are_refused(scored, tmp_path, stores):
    words = ("--store", stores["iper"], "--out", tmp_path / "out", "--metrics", "fid-v1")
    said = refusal(scored / "mesh_warp", *words)
    assert "expected a known metric with a value a frame, got 'fid-v1'" in said


def test_the_same_folder_twice_is_refused(scored, tmp_path, stores):
    again = tmp_path / "mesh_warp"
    again.mkdir()
    for path in (scored / "mesh_warp").iterdir():
        (again / path.name).write_bytes(path.read_bytes())
    said = refusal(scored / "mesh_warp", again, "--store", stores["iper"], "--out", tmp_path / "out")
    assert "expected scores of different names, found mesh_warp (mesh_warp) and mesh_warp (mesh_warp)" in said
    again.rename(tmp_path / "later")
    found = scores_to_strata([scored / "mesh_warp", tmp_path / "later"], stores["iper"])
    assert found.models == ("mesh_warp (mesh_warp)", "mesh_warp (later)")


def edited(folder, place, change):
    """Scores whose record was changed."""
    place.mkdir()
    for path in folder.iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    document = json.loads((place / "scores.json").read_text())
    change(document)
    (place / "scores.json").write_text(json.dumps(document))
    return place


def test_cross_driving_has_no_values_a_frame(scored, tmp_path, stores):
    cross = edited(
        scored / "mesh_warp",
        tmp_path / "cross",
        lambda it: it["benchmark"].update(driving="cross", id="x-v1"),
    )
    with pytest.raises(BenchmarkError, match="found x-v1, where they take others': there are no true frames"):
        scores_to_strata([cross], stores["iper"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda it: it["benchmark"].update(sha256="0" * 64),
            "expected scores under synthetic-v1 as those of",
        ),
        (lambda it: it["benchmark"].update(stride=0), "stride: expected an integer from 1"),
        (lambda it: it["benchmark"].pop("stride"), "missing: stride"),
    ],
)
def test_unlike_and_damaged_protocols_are_refused(scored, tmp_path, stores, change, said):
    other = edited(scored / "copy_source", tmp_path / "other", change)
    order = (other, scored / "mesh_warp") if "expected scores" not in said else (scored / "mesh_warp", other)
    assert said in refusal(*order, "--store", stores["iper"], "--out", tmp_path / "out")


def test_unlike_networks_are_refused(scored, tmp_path, stores):
    one, other = (
        edited(
            scored / model, tmp_path / model,
            lambda it, sha256=sha256: it.update(networks={"lpips": {"mode": "pinned", "sha256": sha256}}),
        )
        for model, sha256 in (("mesh_warp", "0"), ("copy_source", "1"))
    )  # fmt: skip
    said = refusal(one, other, "--store", stores["iper"], "--out", tmp_path / "out")
    assert "found other weights of lpips; score both with the same --weights" in said


def test_corrupted_stores_are_refused(scored, tmp_path, stores):
    noisy = tmp_path / "noisy"
    noisy.mkdir()
    for name in ("clips.csv", "store.json"):
        (noisy / name).write_bytes((stores["iper"] / name).read_bytes())
    document = json.loads((noisy / "store.json").read_text())
    (noisy / "store.json").write_text(json.dumps(document | {"corruption": {"kind": "jitter"}}))
    said = refusal(scored / "mesh_warp", "--store", noisy, "--out", tmp_path / "out")
    assert "expected a store of clean poses, found corrupted ones" in said
