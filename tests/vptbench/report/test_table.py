import dataclasses

import pytest

from vptbench.errors import ManifestError
from vptbench.leaderboard.text import escape_latex, printable
from vptbench.report.table import (
    scores_to_latex,
    scores_to_markdown,
    scores_to_sections,
    scores_to_text,
)
from vptbench.scorefile import write_scores


@pytest.fixture
def folders(tmp_path, make_scores):
    """Score folders: oracle first, to see that audits go last; "b" has no PSNR."""
    everything = [(clip, frame) for clip in ("a", "b/c") for frame in range(1, 5)]
    given = {
        "x": make_scores("oracle", kind="audit", quality=1, infinite=everything),
        "y": make_scores("mesh_warp", quality=0.8),
        "z": make_scores("copy_source", quality=0.3, kind="claimed", outputs=None),
    }
    for name, scores in given.items():
        write_scores(tmp_path / name, scores)
    return [tmp_path / name for name in given]


def test_rows_stand_side_by_side(folders):
    (section,) = scores_to_sections(folders)
    assert (section.title, section.clips, section.frames) == ("synthetic-v1, iper layout", 2, 8)
    assert [row.name for row in section.rows] == ["mesh_warp", "copy_source", "oracle"]
    assert [column.name for column in section.columns] == ["ssim-v1", "psnr-v1", "l1-v1", "fid-v1@random"]
    assert [column.arrow for column in section.columns] == ["↑", "↑", "↓", "↓"]
    assert [[cell.best for cell in row.cells] for row in section.rows] == [
        [True] * 4,
        [False] * 4,
        [False] * 4,
    ]
    assert [cell.text for cell in section.rows[0].cells][3] == "20.00"
    assert [row.seconds for row in section.rows] == [0.25, None, 0.25]
    psnr = section.rows[2].cells[1]
    assert (psnr.text, psnr.reason, psnr.samples) == ("–", "all frames equal their targets", 0)
    assert "FID comes from a network with random weights" in section.sentence


@pytest.mark.parametrize(
    "fields",
    [
        {"clip_list_sha256": "1" * 64},
        {"networks": {"inception-fid": {"mode": "random", "sha256": "2" * 64}}},
        {"benchmark": {"id": "mine-v1", "sha256": "3" * 64, "dataset": "synthetic"}},
        {"official": False, "benchmark": None, "inputs": {"targets": "../../x/real"}},
    ],
)
def test_what_may_not_be_compared_stands_apart(folders, tmp_path, make_scores, fields):
    write_scores(tmp_path / "other", make_scores("other", **fields))
    sections = scores_to_sections([folders[1], tmp_path / "other", folders[2]])
    assert [[row.name for row in section.rows] for section in sections] == [
        ["mesh_warp", "copy_source"],
        ["other"],
    ]
    assert not any(cell.best for cell in sections[1].rows[0].cells)  # best of what?
    if "official" in fields:
        assert sections[1].title == "Against the frames in x/real (unofficial)"


READING = {
    "layout": "moore", "why": "w", "container": "h264 yuv420p", "lossless": False, "scored": 8, "asked": 8,
    "stride": 1, "offset": 0, "count": 0,
}  # fmt: skip


def test_what_the_container_lost_stands_below_the_table(tmp_path, make_scores):
    write_scores(tmp_path / "a", make_scores("a", reading=READING))
    write_scores(tmp_path / "b", make_scores("b", reading={**READING, "container": "PNG", "lossless": True}))
    for text in (scores_to_text([tmp_path / "a", tmp_path / "b"]), scores_to_markdown([tmp_path / "a"])):
        assert "a: read as moore from h264 yuv420p (lossy: some quality went before scoring)." in text
    assert "b: read as moore from PNG (lossless)." in scores_to_text([tmp_path / "b"])


def test_a_part_of_a_benchmark_is_titled_so(tmp_path, make_scores):
    part = {**READING, "asked": 16, "stride": 2}
    write_scores(tmp_path / "a", make_scores("a", official=False, reading=part))
    text = scores_to_text([tmp_path / "a"])
    assert text.startswith("synthetic-v1, iper layout, a part of its frames (unofficial): 2 clips")
    assert "; unofficial, 8 of 16 frames (stride 2)." in text


def test_two_rows_of_one_model_are_told_apart(folders, tmp_path, make_scores):
    write_scores(tmp_path / "again", make_scores("mesh_warp", quality=0.7))
    (section,) = scores_to_sections([folders[1], tmp_path / "again"])
    assert [row.name for row in section.rows] == ["mesh_warp (y)", "mesh_warp (again)"]


def test_a_metric_that_was_not_asked_for_is_a_dash(folders, tmp_path, make_scores):
    scores = make_scores("short", quality=0.5)
    only = scores.per_frame[scores.per_frame["metric"] == "l1-v1"]
    clips = scores.per_clip[scores.per_clip["metric"] == "l1-v1"]
    short = dataclasses.replace(
        scores, metrics={"l1-v1": scores.metrics["l1-v1"]}, per_frame=only, per_clip=clips
    )
    write_scores(tmp_path / "short", short)
    (section,) = scores_to_sections([folders[1], tmp_path / "short"])
    assert [cell.text == "–" for cell in section.rows[1].cells] == [True, True, False, True]
    assert section.rows[1].cells[0].reason == "not asked for"


def test_the_terminals_table(folders):
    lines = scores_to_text(folders).splitlines()
    assert lines[0] == "synthetic-v1, iper layout: 2 clips, 8 frames."
    assert lines[1].split() == ["model", "SSIM", "↑", "PSNR", "[dB]", "↑", "L1", "↓", "FID", "↓"]
    assert lines[2].startswith("mesh_warp              0.7")
    assert lines[3].startswith("copy_source (claimed)")
    assert lines[4].startswith("oracle (audit)")
    assert lines[4].split()[3] == "–"
    assert len({len(line) for line in lines[1:5]}) == 1  # aligned


def test_markdown_and_latex_mark_the_best(folders):
    markdown = scores_to_markdown(folders)
    assert "| Model | Kind | SSIM ↑ | PSNR [dB] ↑ | L1 ↓ | FID ↓ |" in markdown
    assert r"| mesh\_warp | model | **0.7" in markdown
    latex = scores_to_latex(folders)
    assert r"Model & SSIM $\uparrow$ & PSNR $\uparrow$ & L1 $\downarrow$ & FID $\downarrow$ \\" in latex
    assert r"mesh\_warp & \textbf{0.7" in latex
    assert r"\emph{oracle} & " in latex


def test_names_do_no_harm_anywhere(tmp_path, make_scores):
    name = "<script>\x1b[31m|`\\end{tabular}\n\\input{x}& 100% $a_b^c~"
    write_scores(tmp_path / "a", make_scores(name))
    text = scores_to_text([tmp_path / "a"])
    assert "\x1b" not in text
    assert len(text.splitlines()) == 5
    assert "<script>" not in scores_to_markdown([tmp_path / "a"])
    latex = scores_to_latex([tmp_path / "a"])
    assert latex.count(r"\end{tabular}") == 1
    assert r"\input" not in latex


def test_escaping_by_hand():
    assert escape_latex("a_b & 50% {x} \\ ~^") == (
        r"a\_b \& 50\% \{x\} \textbackslash{} \textasciitilde{}\textasciicircum{}"
    )
    assert printable("a\tb\n\x1b[0m\u202e") == "a b \ufffd[0m\ufffd"


def test_what_is_no_scores_folder(tmp_path):
    with pytest.raises(ManifestError, match=r"expected a folder with scores\.json"):
        scores_to_sections([tmp_path])


def test_what_figures_leave_unsaid_stands_below(tmp_path, make_scores):
    everything = [(clip, frame) for clip in ("a", "b/c") for frame in range(1, 5)]
    for name, fields in {
        "model": {"infinite": everything[:3]},
        "none": {"infinite": everything},
        "audit": {"infinite": everything, "kind": "audit"},
    }.items():
        write_scores(tmp_path / name, make_scores(name, **fields))
    text = scores_to_text([tmp_path / name for name in ("model", "none", "audit")])
    assert "PSNR of model: 3 frames without a finite value are left out." in text
    assert "PSNR of none: none, all frames equal their targets." in text
    assert "PSNR of audit" not in text
    assert "FID: n = 8; so few leave it mostly bias: compare at equal n alone." in text
    scores = make_scores("flicker")
    figures = {**scores.metrics, "l1-v1": dataclasses.replace(scores.metrics["l1-v1"], floor=0.25)}
    write_scores(tmp_path / "floor", dataclasses.replace(scores, metrics=figures))
    assert "L1 of the true frames themselves: 0.25." in scores_to_text([tmp_path / "floor"])
