"""The committed files are what the script makes, keep what is known, and are checked by rule."""

import csv
import importlib
import math
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from vptbench.cli import main
from vptbench.errors import BoardError
from vptbench.leaderboard.copied import (
    OVERFLOW,
    PSNR_OVER_SSIM,
    PublishedRow,
)
from vptbench.leaderboard.published import (
    csv_to_problems,
    csv_to_warnings,
    mark_suspects,
    read_published,
    rows_to_csv,
)

ROOT = Path(__file__).parents[3]
BOARDS = ROOT / "leaderboards"
GROUP = "disco-tiktok10"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    return importlib.import_module("make_published")


ROWS = (
    PublishedRow("TikTok", GROUP, "A", "SSIM", "0.672", "paper of A"),
    PublishedRow("TikTok", GROUP, "A", "FVD", "284.82", "paper of A"),
    PublishedRow("TikTok", GROUP, "B", "FVD", "148.06", "paper of B"),
)
SLIPPED = (*ROWS, PublishedRow("TikTok", GROUP, "A", "FVD", "148.06", "second"))
"""A cell of another line."""


def test_the_limit_of_psnr_parts_the_published_rows():
    rows = read_published(BOARDS / "published.csv")
    ssim = {(row.group, row.method, row.source): float(row.value) for row in rows if row.metric == "SSIM"}
    above = {
        metric: [
            float(row.value) + 10 * math.log10(1 - ssim[row.group, row.method, row.source])
            for row in rows
            if row.metric == metric and (row.group, row.method, row.source) in ssim
        ]
        for metric in ("PSNR", OVERFLOW)
    }
    assert len(above["PSNR"]) > 40
    assert len(above[OVERFLOW]) > 20
    assert max(above["PSNR"]) < 16 < PSNR_OVER_SSIM < 22.8 < min(above[OVERFLOW])


def test_the_committed_files_are_what_the_script_makes(script):
    rows = script.read_table(script.TABLE.read_text(encoding="utf-8"))
    assert (BOARDS / "published.csv").read_text(encoding="utf-8") == rows_to_csv(rows)
    assert (BOARDS / "published.md").read_text(encoding="utf-8") == script.rows_to_page(rows)
    assert read_published(BOARDS / "published.csv") == rows


def test_every_figure_and_its_source_are_kept(script):
    with script.TABLE.open(encoding="utf-8", newline="") as file:
        told = [(row["method"], row["metric"], row["value"], row["source"]) for row in csv.DictReader(file)]
    rows = read_published(BOARDS / "published.csv")
    assert [(row.method, row.metric, row.value, row.source) for row in rows] == told


@pytest.mark.parametrize(
    ("group", "method", "metric", "value"),
    [
        ("bdmm-fashion", "BDMM", "FVD", "168.275"),
        ("animateanyone-fashion", "BDMM", "FVD", "148.3"),
        ("animateanyone-fashion", "Animate Anyone", OVERFLOW, "38.49"),
        (GROUP, "MRAA", "FID-VID", "54.47"),
        (GROUP, "MRAA (misprint)", "LPIPS", "0.672"),
        (GROUP, "MimicMotion", "FVD", "326.57"),
        (GROUP, "MagicPose", "L1", "0.81E-04"),
        ("dreampose-fashion-ablation", "DreamPose-smooth", "L1", "0.767"),
    ],
)
def test_what_is_known_to_be_suspect_is_marked_and_what_is_right_beside_it_is_not(
    group, method, metric, value
):
    rows = read_published(BOARDS / "published.csv")
    (row,) = (
        row
        for row in rows
        if (row.group, row.method, row.metric, row.value) == (group, method, metric, value)
    )
    assert row.suspect
    assert row.why
    right = [row for row in rows if (row.method, row.metric, row.value) == ("MRAA", "FID-VID", "66.36")]
    assert [row.suspect for row in right] == [False]
    assert sum(row.suspect for row in rows) < len(rows) / 10


def test_the_page_shows_the_groups_of_fashionvideo_apart():
    page = (BOARDS / "published.md").read_text(encoding="utf-8")
    fashion = page.split("\n## FashionVideo\n")[1].split("\n## ")[0]
    sections = dict(part.split("\n", 1) for part in fashion.split("\n### ")[1:])
    rows = read_published(BOARDS / "published.csv")
    assert list(sections) == list(dict.fromkeys(row.group for row in rows if row.dataset == "FashionVideo"))
    assert len(sections) == 5
    for group, text in sections.items():
        lines = [
            line.split(" | ")[0].removeprefix("| ") for line in text.splitlines() if line.startswith("| ")
        ]
        methods = dict.fromkeys((row.method, row.source) for row in rows if row.group == group)
        assert lines[2:] == [method for method, _ in methods]
        assert lines[:1] == ["method"]
    assert "168.275" in sections["bdmm-fashion"]
    assert "168.275" not in sections["animateanyone-fashion"].split("\n- a:")[0]
    assert "rank" not in fashion


def test_every_footnote_is_used_and_explained():
    page = (BOARDS / "published.md").read_text(encoding="utf-8")
    used = {part.split("]")[0] for part in page.split("[^")[1:]}
    assert all(f"\n[^{number}]: " in page and page.count(f"[^{number}]") > 1 for number in used)


def test_a_known_suspect_that_is_gone_is_told(script):
    text = script.TABLE.read_text(encoding="utf-8").replace("MagicPose", "Other")
    with pytest.raises(ValueError, match="of MagicPose in disco-tiktok10, found none; mend KNOWN"):
        script.read_table(text)


def test_the_script_takes_a_table_with_its_place(script, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "TABLE", tmp_path / "table.csv")
    monkeypatch.setattr(script, "BOARDS", tmp_path / "boards")
    monkeypatch.setattr("sys.argv", ["make", str(ROOT / "vptbench" / "score" / "published.csv")])
    script.main()
    for name in ("published.csv", "published.md"):
        assert (tmp_path / "boards" / name).read_bytes() == (BOARDS / name).read_bytes()
    assert (tmp_path / "table.csv").read_bytes() == (
        ROOT / "vptbench" / "score" / "published.csv"
    ).read_bytes()


def test_check_tells_what_is_marked_from_what_is_not(tmp_path):
    rows = SLIPPED
    (tmp_path / "new.csv").write_text(rows_to_csv(rows), encoding="utf-8")
    (tmp_path / "marked.csv").write_text(rows_to_csv(mark_suspects(rows)), encoding="utf-8")
    text = f"{GROUP}: FVD 148.06 of A (second): equals FVD of B in paper of B: a cell may have slipped"
    assert csv_to_problems(tmp_path / "new.csv") == [f"{tmp_path / 'new.csv'}: {text}"]
    assert csv_to_warnings(tmp_path / "new.csv") == []
    assert csv_to_problems(tmp_path / "marked.csv") == []
    assert csv_to_warnings(tmp_path / "marked.csv") == [f"{tmp_path / 'marked.csv'}: {text}"]
    for name, status in (("new.csv", 1), ("marked.csv", 0)):
        done = CliRunner().invoke(main, ["check", str(tmp_path / name)])
        assert (done.exit_code, text in done.output) == (status, True)


def test_the_committed_file_has_no_unmarked_error():
    assert csv_to_problems(BOARDS / "published.csv") == []
    assert len(csv_to_warnings(BOARDS / "published.csv")) > 30


def test_a_mark_by_hand_stays_beside_what_a_rule_says():
    rows = [replace(ROWS[0], value="1.2", suspect=True, why="told by hand"), *ROWS[1:]]
    assert [row.why for row in mark_suspects(rows)] == [
        "told by hand; out of the range of SSIM, 0 to 1",
        "",
        "",
    ]
    assert mark_suspects(mark_suspects(rows)) == mark_suspects(rows)


def test_formulas_do_no_harm():
    row = PublishedRow("TikTok", GROUP, '=HYPERLINK("x")', "SSIM", "0.5", "@source")
    (_, cells) = csv.reader(rows_to_csv([row]).splitlines())
    assert (cells[2], cells[5]) == ('\'=HYPERLINK("x")', "'@source")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda text: text.replace("0.672", "nan"), "line 2: expected a number, its source"),
        (lambda text: text.replace("0.672", "x"), "line 2: expected a number, its source"),
        (lambda text: text.replace("paper of A", "", 1), "line 2: expected a number, its source"),
        (lambda text: text.replace("\n", ",more\n").replace("why,more", "why"), "in every row, found others"),
        (lambda text: text.replace("dataset", "data"), "expected the columns dataset, group, method"),
        (lambda _: "", "expected published figures at .* none that can be read"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path, change, text):
    path = tmp_path / "p.csv"
    path.write_text(change(rows_to_csv(ROWS)), encoding="utf-8")
    with pytest.raises(BoardError, match=text):
        read_published(path)


@pytest.mark.parametrize(
    "value", ["1e-9999999", "1e999999999999999999", "0e999999999", "1e101", "NaN", "-inf"]
)
def test_figures_of_no_size_are_refused(tmp_path, value):
    path = tmp_path / "p.csv"
    path.write_text(rows_to_csv([*ROWS, replace(ROWS[0], method="D", value=value)]), encoding="utf-8")
    with pytest.raises(BoardError, match="line 5: expected a number, its source"):
        csv_to_problems(path)


@pytest.mark.parametrize("values", [("0", "0", "0.1"), ("-1", "2E-04", "3E-04")])
def test_l1_that_no_logarithm_takes_is_checked(tmp_path, values):
    more = [
        PublishedRow("TikTok", GROUP, method, "L1", value, "x")
        for method, value in zip("ABC", values, strict=True)
    ]
    more.append(PublishedRow("TikTok", GROUP, "A", "PSNR", "20.10", "x"))
    (tmp_path / "p.csv").write_text(rows_to_csv([*ROWS, *more]), encoding="utf-8")
    told = [problem for problem in csv_to_problems(tmp_path / "p.csv") if "out of the range of L1" in problem]
    assert len(told) == ("-1" in values)
