import csv
import json
from dataclasses import replace

import pytest

from vptbench.errors import BoardError, ManifestError
from vptbench.leaderboard import add_entry, read_board
from vptbench.manifest import file_to_sha256
from vptbench.metrics import metric_facts
from vptbench.scorefile import write_scores


def test_the_first_entry_makes_the_board(folder, tmp_path):
    scores = folder("mesh_warp", quality=0.8)
    added = add_entry(
        scores, tmp_path / "boards" / "b.csv", claims={"commit": "abc", "trained_on": "nothing"}
    )
    board = read_board(tmp_path / "boards" / "b.csv")
    assert board.entries == (added,)
    assert board.metrics == ("ssim-v1", "psnr-v1", "l1-v1", "fid-v1@random")
    facts = added.facts
    assert (facts["name"], facts["kind"], facts["benchmark"]) == ("mesh_warp", "model", "synthetic-v1")
    assert (facts["clips"], facts["frames"], facts["vptbench"]) == ("2", "8", "0.1.0")
    assert (facts["commit"], facts["trained_on"], facts["command"]) == ("abc", "nothing", "")
    assert facts["networks"] == f"inception-fid=random:{'f' * 64}"
    assert facts["scores_sha256"] == file_to_sha256(scores / "scores.json")
    assert added.values["fid-v1@random"].value == pytest.approx(20)
    assert added.values["fid-v1@random"].low is None


def test_claims_come_from_the_scores_unless_they_are_given(folder, tmp_path):
    scores = folder("a", kind="claimed", claimed={"trained_on": "iper", "commit": "old"})
    facts = add_entry(scores, tmp_path / "b.csv", claims={"commit": "new"}).facts
    assert (facts["kind"], facts["trained_on"], facts["commit"]) == ("claimed", "iper", "new")
    with pytest.raises(BoardError, match=r"claims of trained_on, commit, command, got .* colour"):
        add_entry(folder("b", quality=0.2), tmp_path / "b.csv", claims={"colour": "red"})


def test_a_command_with_its_settings_is_its_line(folder, tmp_path):
    command = {"line": "python infer.py --out {out}", "format": "dwpose", "measured": "seconds"}
    outputs = {"model": "a", "cost": {}, "benchmark": {"sha256": "b" * 64}, "command": command}
    facts = add_entry(folder("a", outputs=outputs), tmp_path / "b.csv").facts
    assert facts["command"] == "python infer.py --out {out}"


def reading(container, *, lossless):
    return {
        "layout": "clip-videos",
        "why": "",
        "container": container,
        "lossless": lossless,
        "scored": 8,
        "asked": 8,
    }


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "PNG, lossless"),
        ({"layout": "clip-videos", "reading": reading("mp4 (h264)", lossless=False)}, "mp4 (h264), lossy"),
        ({"layout": "frames", "reading": reading("=PNG", lossless=True)}, "'=PNG, lossless"),
        ({"layout": "frames"}, ""),
    ],
)
def test_the_container_of_the_frames_is_a_fact(folder, tmp_path, fields, text):
    added = add_entry(folder("a", **fields), tmp_path / "b.csv")
    assert added.facts["container"] == text
    assert added.lossy == text.endswith("lossy")
    assert read_board(tmp_path / "b.csv").entries == (added,)


def test_further_entries_stand_below(folder, tmp_path):
    board = tmp_path / "b.csv"
    add_entry(folder("mesh_warp", quality=0.8), board)
    add_entry(folder("copy_source", quality=0.3), board, name="floor")
    add_entry(folder("oracle", kind="audit", quality=1), board)
    assert [(entry.name, entry.ranked) for entry in read_board(board).entries] == [
        ("mesh_warp", True), ("floor", True), ("oracle", False),
    ]  # fmt: skip


def test_an_audit_may_lack_a_figure(folder, tmp_path):
    everything = [(clip, frame) for clip in ("a", "b/c") for frame in range(1, 5)]
    add_entry(folder("oracle", kind="audit", infinite=everything), tmp_path / "b.csv")
    assert read_board(tmp_path / "b.csv").entries[0].values["psnr-v1"].value is None


REAL = {"id": "iper-v1", "sha256": "b" * 64, "dataset": "iper", "source": {"index": 0}}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"official": False, "benchmark": None},
            "expected scores under a benchmark, found two folders",
        ),
        (
            {
                "official": False,
                "reading": {
                    "layout": "x",
                    "why": "",
                    "container": "PNG",
                    "lossless": True,
                    "scored": 8,
                    "asked": 16,
                },
            },
            r"expected every frame that the benchmark scores, found 8 of 16 frames, a part of it",
        ),
        (
            {"benchmark": REAL},
            "expected pinned networks on boards of real data, found random weights in inception-fid",
        ),
        (
            {"infinite": [(clip, frame) for clip in ("a", "b/c") for frame in range(1, 5)]},
            r"expected a figure for every metric, found none for psnr-v1 \(all frames equal",
        ),
        (
            {"outputs": {"benchmark": {"id": "other-v1", "sha256": "9" * 64}}},
            r"expected outputs generated under synthetic-v1, found 'other-v1' \(999999999999…\)",
        ),
    ],
)
def test_scores_that_no_board_takes(folder, tmp_path, fields, text):
    with pytest.raises(BoardError, match=text):
        add_entry(folder("a", **fields), tmp_path / "b.csv")
    assert not (tmp_path / "b.csv").exists()


def test_pinned_scores_of_real_data_are_taken(folder, tmp_path, make_scores):
    figures = {name.removesuffix("@random"): figure for name, figure in make_scores().metrics.items()}
    pinned = {"inception-fid": {"mode": "pinned", "sha256": "1" * 64}}
    scores = folder("a", benchmark=REAL, networks=pinned, metrics=figures)
    assert add_entry(scores, tmp_path / "b.csv").facts["benchmark"] == "iper-v1"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"benchmark": {"id": "mine-v1", "sha256": "b" * 64, "dataset": "synthetic"}},
            "benchmark: the board has synthetic-v1, these scores mine-v1",
        ),
        (
            {
                "benchmark": {"id": "synthetic-v1", "sha256": "2" * 64, "dataset": "synthetic"},
                "outputs": {"benchmark": {"sha256": "2" * 64}},
            },
            "benchmark's hash: the board has bbbbbbbbbbbb…, these scores 222222222222…",
        ),
        (
            {"clip_list_sha256": "3" * 64},
            "clip list: the board has cccccccccccc…, these scores 333333333333…",
        ),
        (
            {"networks": {"inception-fid": {"mode": "random", "sha256": "4" * 64}}},
            "network inception-fid: the board has random:ffffffffffff…, these scores random:444444444444…",
        ),
        ({"networks": {}}, "network inception-fid: the board has random:ffffffffffff…, these scores none"),
        (
            {"resize": {"method": "area"}},
            r"expected frames in the benchmark's size, found resized ones \(area\)",
        ),
        ({"model": "first"}, "name: there is an entry 'first' already; give another with --name"),
    ],
)
def test_a_board_names_what_differs(folder, tmp_path, fields, text):
    board = tmp_path / "b.csv"
    add_entry(folder("first"), board)
    before = board.read_bytes()
    with pytest.raises(BoardError, match=text):
        add_entry(folder(**{"model": "second", "quality": 0.2, **fields}), board)
    assert board.read_bytes() == before


def test_other_metrics_are_refused(folder, tmp_path, make_scores):
    board = tmp_path / "b.csv"
    add_entry(folder("first"), board)
    figures = dict(make_scores().metrics)
    figures["fid-v1"] = figures.pop("fid-v1@random")
    text = "metrics: these scores lack fid-v1@random, and the board lacks fid-v1; network"
    with pytest.raises(BoardError, match=text):
        add_entry(folder("second", metrics=figures, networks={}), board)


def test_the_same_scores_under_another_name_are_refused(folder, tmp_path):
    scores = folder("first")
    add_entry(scores, tmp_path / "b.csv")
    with pytest.raises(BoardError, match="duplicate: these very scores are on the board as 'first'"):
        add_entry(scores, tmp_path / "b.csv", name="second")
    with pytest.raises(BoardError, match="a name and claims"):
        add_entry(scores, tmp_path / "c.csv", name=" ")


def test_damaged_scores_are_refused(folder, tmp_path):
    scores = folder("first")
    document = json.loads((scores / "scores.json").read_text())
    document["metrics"]["ssim-v1"].update(value=0.99, high=1)
    (scores / "scores.json").write_text(json.dumps(document))
    with pytest.raises(BoardError, match=r"ssim-v1: expected 0\.\d+ as the tables give, found 0\.99"):
        add_entry(scores, tmp_path / "b.csv")
    with pytest.raises(ManifestError, match=r"expected a folder with scores\.json"):
        add_entry(tmp_path / "none", tmp_path / "b.csv")


def with_truth(make_scores, truth):
    """Scores with a masked metric, whose masks have this hash."""
    scores = make_scores(model=f"masks {truth}")
    per_frame = scores.per_frame.replace({"metric": {"l1-v1": "l1-person-v1"}})
    per_clip = scores.per_clip.replace({"metric": {"l1-v1": "l1-person-v1"}})
    figures = {name.replace("l1-v1", "l1-person-v1"): figure for name, figure in scores.metrics.items()}
    clips = {clip: {**record, "truth_sha256": truth} for clip, record in scores.clips.items()}
    return replace(scores, per_frame=per_frame, per_clip=per_clip, metrics=figures, clips=clips)


def test_other_masks_and_other_training_clips_are_refused(tmp_path, make_scores):
    board = tmp_path / "b.csv"
    for number, truth in enumerate(("one", "one", "other")):
        scores = replace(with_truth(make_scores, truth), model=str(number))
        clips = {clip: {**facts, "generated_sha256": str(number)} for clip, facts in scores.clips.items()}
        scores = replace(scores, clips=clips)
        write_scores(tmp_path / f"{number}", scores)
    add_entry(tmp_path / "0", board)
    add_entry(tmp_path / "1", board)
    with pytest.raises(BoardError, match="masks and meshes: the board has"):
        add_entry(tmp_path / "2", board)
    train = {**make_scores().benchmark, "split": "test", "reference": "train"}
    for number, sha256 in enumerate(("5" * 64, "6" * 64)):
        reference = {"split": "train", "clips": 1, "frames": 4, "sha256": sha256}
        scores = make_scores(f"r{number}", benchmark=train, reference=reference)
        write_scores(tmp_path / f"r{number}", scores)
    add_entry(tmp_path / "r0", tmp_path / "r.csv")
    with pytest.raises(BoardError, match="training clips compared with: the board has 555555555555…"):
        add_entry(tmp_path / "r1", tmp_path / "r.csv")


def test_what_was_measured_for_published_tables_alone_stays_off_the_board(folder, tmp_path, make_scores):
    board = tmp_path / "b.csv"
    figures = dict(make_scores().metrics)
    figures["lpips-vgg-v1@random"] = replace(figures["fid-v1@random"], label="LPIPS (VGG)")
    networks = {**make_scores().networks, "vgg16": {"mode": "random", "sha256": "7" * 64}}
    more = {"metrics": figures, "networks": networks, "beside": ("lpips-vgg-v1@random",)}
    add_entry(folder("published", **more), board)
    add_entry(folder("plain", quality=0.2), board)
    assert read_board(board).metrics == ("ssim-v1", "psnr-v1", "l1-v1", "fid-v1@random")


def test_names_are_kept_on_one_line_and_are_no_formulas(folder, tmp_path):
    name = '=HYPERLINK("x"),\n<script>\0\u202e' + "y" * 300
    added = add_entry(folder(name), tmp_path / "b.csv", claims={"command": "a\n  b"})
    assert added.name == '\'=HYPERLINK("x"), <script>\ufffd\ufffd' + "y" * 300
    assert added.facts["command"] == "a b"
    with (tmp_path / "b.csv").open(newline="") as stream:
        assert next(csv.DictReader(stream))["name"] == added.name
    with pytest.raises(BoardError, match=r"there is an entry .* already"):
        add_entry(folder(name, quality=0.1), tmp_path / "b.csv")


def test_scores_of_the_same_frames_under_another_name_are_refused(folder, tmp_path, make_scores):
    add_entry(folder("first"), tmp_path / "b.csv")
    assert (
        add_entry(folder("second"), tmp_path / "b.csv").name == "second"
    )  # other frames, equal figures: chance
    same = make_scores("first")
    write_scores(tmp_path / "again", replace(same, model="third", device="cuda"))
    with pytest.raises(
        BoardError, match="duplicate: scores of these very frames are on the board as 'first'"
    ):
        add_entry(tmp_path / "again", tmp_path / "b.csv")


def fvd(make_scores, **settings):
    """Figures with an FVD of these settings."""
    known = {**metric_facts("fvd-v1").settings, "reference_samples": 8, "spread": 0.5}
    figure = replace(make_scores().metrics["fid-v1@random"], label="FVD", settings=known | settings)
    return {"ssim-v1": make_scores().metrics["ssim-v1"], "fvd-v1@random": figure}


def only_ssim(make_scores, **fields):
    """Tables that hold SSIM alone."""
    scores = make_scores(**fields)
    per_frame, per_clip = (
        table[table["metric"] == "ssim-v1"] for table in (scores.per_frame, scores.per_clip)
    )
    return {"per_frame": per_frame, "per_clip": per_clip}


def test_another_setting_of_a_metric_is_refused(folder, tmp_path, make_scores):
    board = tmp_path / "b.csv"
    tables = only_ssim(make_scores)
    entry = add_entry(folder("a", metrics=fvd(make_scores), **tables), board)
    assert json.loads(entry.facts["settings"])["ssim-v1"] == {"pooling": "clip"}
    assert "spread" not in entry.facts["settings"]  # a model's own frames move it
    add_entry(folder("b", metrics=fvd(make_scores, spread=0.75), **tables), board)
    for change, text in (
        ({"stride": 4}, r"fvd-v1@random: stride: the board has 1, these scores 4$"),
        ({"reference_samples": 9}, r"fvd-v1@random: reference_samples: the board has 8, these scores 9$"),
    ):
        with pytest.raises(BoardError, match=text):
            add_entry(folder("c", metrics=fvd(make_scores, **change), **tables), board)
    figures = fvd(make_scores)
    figures["ssim-v1"] = replace(figures["ssim-v1"], pooling="frame")
    with pytest.raises(BoardError, match="ssim-v1: pooling: the board has clip, these scores frame"):
        add_entry(folder("d", metrics=figures, pooling="frame", **tables), board)


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_a_figure_that_is_no_number_is_refused(folder, tmp_path, number):
    scores = folder("a")
    document = (scores / "scores.json").read_text()
    value = json.loads(document)["metrics"]["fid-v1@random"]["value"]
    (scores / "scores.json").write_text(document.replace(f'"value": {value}', f'"value": {number}', 1))
    with pytest.raises(ManifestError, match=f"{number}, which is no number of JSON"):
        add_entry(scores, tmp_path / "b.csv")
    assert not (tmp_path / "b.csv").exists()
