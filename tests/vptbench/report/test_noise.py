import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hostile_names import HOSTILE

from vptbench.curvefile import write_robustness
from vptbench.errors import ManifestError
from vptbench.leaderboard.text import printable
from vptbench.report.noise import sweeps_to_sections
from vptbench.report.page import scores_to_page
from vptbench.scorefile import write_scores


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.texts = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.texts.append(data)


def read_page(path):
    tags = Tags()
    tags.feed(path.read_text())
    return tags


@pytest.fixture
def written(tmp_path):
    """A function that writes sweeps into folders of their own."""

    def write(*sweeps):
        folders = [tmp_path / f"sweep{n}" for n in range(len(sweeps))]
        for folder, sweep in zip(folders, sweeps, strict=True):
            write_robustness(folder, sweep)
        return folders

    return write


def with_summary(sweep, row, **changes):
    """The sweep with another row in its summary, by its place."""
    summary = sweep.summary.copy()
    for name, value in changes.items():
        summary.loc[summary.index[row], name] = value
    return replace(sweep, summary=summary)


def test_few_clips_are_told(written, make_robustness):
    (few,) = sweeps_to_sections(written(make_robustness("ours", clips=5)))
    assert few.counts.endswith("1 draw of each. So few clips cannot tell noise: breaking points are rough.")


def test_only_what_was_run_is_counted(written, make_robustness):
    """The list asks for more: nothing is said of severity 5 and of the second draw."""
    asked = tuple(("jitter", severity, seed) for severity in range(1, 6) for seed in (0, 1))
    sweep = make_robustness(kinds=("jitter",), metrics=("ssim-v1",), severities=(1, 3), asked=asked)
    held = "lost_severity: better than the floor at severity 3"
    (section,) = sweeps_to_sections(written(with_summary(sweep, 0, lost_severity=np.nan, reason=held)))
    assert section.counts == "6 clips of 64 pixels; severities 1 and 3 of jitter, 1 draw of each."
    assert section.tables[0][1][0].cells[3].text == "none to 3"


def test_sweeps_over_different_severities_are_told(written, make_robustness):
    sweeps = (
        make_robustness("ours", kinds=("jitter", "drift"), severities=(1, 3)),
        make_robustness("theirs", kinds=("jitter",)),
        make_robustness("others", kinds=("jitter",)),
    )
    (section,) = sweeps_to_sections(written(*sweeps))
    assert section.notes[0] == (
        "Severities of jitter differ, and area and obedience with them: 1 and 3 of ours; "
        "1, 3 and 5 of theirs and others."
    )
    assert not any("drift differ" in note for note in section.notes)


def test_a_table_a_metric_with_a_row_a_kind_and_model(written, make_robustness):
    folders = written(make_robustness("ours"), make_robustness("theirs", fragility=0.2))
    (section,) = sweeps_to_sections(folders)
    assert section.title == "Noisy poses: synthetic-noisy-v1, iper layout"
    assert (
        section.counts == "6 clips of 64 pixels; severities 1, 3 and 5 of jitter and drift, 1 draw of each."
    )
    assert [column.name for column, _ in section.tables] == ["ssim-v1", "l1-v1", "flicker-v1"]
    rows = section.tables[0][1]
    assert [(row.kind, row.model) for row in rows] == [
        ("jitter", "ours"), ("jitter", "theirs"), ("drift", "ours"), ("drift", "theirs"),
    ]  # fmt: skip
    assert section.picture.startswith("data:image/png;base64,")
    assert section.notes == ()


def test_figures_of_a_row_in_words(written, make_robustness):
    sweep = with_summary(
        make_robustness(kinds=("jitter",), metrics=("ssim-v1",)), 0,
        clean=0.81234, floor=0.5, auc=0.7, relative_auc=0.8617, breaking_severity=3, breaking_px=5.0,
        breaking_px_low=2.51, breaking_px_high=7.0, lost_severity=5, obedience=1.25,
    )  # fmt: skip
    ((_, (row,)),) = sweeps_to_sections(written(sweep))[0].tables
    assert [(cell.text, cell.detail) for cell in row.cells] == [
        ("0.8123", "floor 0.5000"), ("0.700", "0.862 of clean"), ("3", "5 px, 2.51 to 7"), ("5", ""),
        ("1.25", ""),
    ]  # fmt: skip
    assert [cell.key for cell in row.cells] == ["0.81234", "0.7", "3.0", "5.0", "1.25"]


def test_what_did_not_break_and_what_cannot_break(written, make_robustness):
    """The reasons are those of `robustness.breaking`."""
    empty = ("auc", "breaking_severity", "breaking_px", "breaking_px_low", "lost_severity")
    none = dict.fromkeys(empty, np.nan)
    held = "lost_severity: better than the floor at severity 5; breaking_severity: not proven to break"
    sweep = make_robustness(kinds=("jitter", "drift", "lag"), metrics=("ssim-v1",))
    sweep = with_summary(
        sweep, 0, **none | {"auc": 0.9, "breaking_px_low": 12.5}, breaking_px_high=np.inf, reason=held
    )
    sweep = with_summary(
        sweep, 1, **none, reason="auc, breaking, lost: no floor; 2 of 6 clips left out: infinite"
    )
    sweep = with_summary(sweep, 2, **none | {"clean": np.nan}, reason="all: no clip left")
    (section,) = sweeps_to_sections(written(sweep))
    first, second, third = (row.cells for row in section.tables[0][1])
    assert [(cell.text, cell.detail, cell.key) for cell in first[2:4]] == [
        ("none to 5", "12.5 px or more", "Infinity"), ("none to 5", "", "Infinity"),
    ]  # fmt: skip
    assert [(cell.text, cell.key, cell.reason) for cell in second[1:4]] == [("–", "", "no floor")] * 3
    assert second[4].reason == ""
    assert [cell.reason for cell in third[:4]] == ["no clip left"] * 4
    assert section.notes == (
        "mesh_warp, SSIM under drift: no floor.", "mesh_warp, SSIM under drift: infinite.",
        "mesh_warp, SSIM under lag: no clip left.",
    )  # fmt: skip


def test_an_interval_may_go_on_past_the_last_severity(written, make_robustness):
    sweep = make_robustness(kinds=("jitter",), metrics=("ssim-v1",))
    sweep = with_summary(
        sweep, 0, breaking_severity=5, breaking_px=20.0, breaking_px_low=5.0, breaking_px_high=np.inf
    )
    ((_, (row,)),) = sweeps_to_sections(written(sweep))[0].tables
    assert row.cells[2].detail == "20 px, 5 or more"


def test_notes_name_metrics_of_a_kind_together(written, make_robustness):
    sweep = make_robustness(kinds=("jitter", "dropout"), metrics=("ssim-v1", "l1-v1"))
    for row in (0, 2, 3):
        sweep = with_summary(sweep, row, reason="breaking_px: no growth")
    (section,) = sweeps_to_sections(written(sweep))
    assert section.notes == ("mesh_warp, SSIM under jitter; SSIM and L1 under dropout: no growth.",)


def test_cells_without_figures_are_told(written, make_robustness):
    failures = {f"jitter-{n}-0": "no outputs" for n in range(1, 8)}
    (section,) = sweeps_to_sections(written(make_robustness(failures=failures)))
    (note,) = section.failures
    assert note.startswith("mesh_warp: 7 of 7 cells have no figures (jitter-1-0: no outputs; ")
    assert note.endswith("; and 2 more).")


def test_sweeps_that_may_not_be_compared_have_sections_of_their_own(
    written, make_robustness, make_scores, tmp_path
):
    folders = written(
        make_robustness(kinds=("jitter",), metrics=("l1-v1",)),
        make_robustness("b", kinds=("jitter",), metrics=("l1-v1",)),
        make_robustness(
            kinds=("jitter",), metrics=("l1-v1",), benchmark={"id": "mine-v1", "sha256": "e" * 64}
        ),
        make_robustness(kinds=("jitter",), metrics=("l1-v1",), clip_list_sha256="9" * 64),
    )
    write_scores(tmp_path / "scores", make_scores())
    scores_to_page([*folders[:1], tmp_path / "scores", *folders[1:]], tmp_path / "report.html")
    page = read_page(tmp_path / "report.html")
    ids = [found["id"] for tag, found in page.tags if tag == "section"]
    assert ids == ["s1", "n1", "n2", "n3"]
    assert [found["href"] for tag, found in page.tags if tag == "a"] == [f"#{name}" for name in ids]
    assert sum(tag == "table" for tag, _ in page.tags) == 4
    assert "Noisy poses: mine-v1, iper layout" in page.texts


def test_a_page_of_sweeps_alone(written, make_robustness, tmp_path):
    folders = written(make_robustness("one"), make_robustness("one", kind="claimed"))
    scores_to_page(folders, tmp_path / "a.html")
    scores_to_page(folders, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    page = read_page(tmp_path / "a.html")
    assert "one (sweep0) and one (sweep1)" in page.texts
    assert "claimed" in page.texts
    assert sum(tag == "section" for tag, _ in page.tags) == 1
    assert not any(tag == "nav" for tag, _ in page.tags)
    assert '"benchmark"' in (tmp_path / "a.html").read_text().replace("&#34;", '"')
    assert "style" not in {name for _, found in page.tags for name in found}


def test_names_of_strangers_are_escaped(written, make_robustness, tmp_path):
    sweeps = [
        make_robustness(
            name, kinds=("jitter",), metrics=("l1-v1",), failures={name: name},
            benchmark={"id": name, "sha256": "e" * 64}, data={"dataset": name, "synth": {}},
        )
        for name in HOSTILE
    ]  # fmt: skip
    told = {"label": HOSTILE[0], "unit": HOSTILE[0], "higher_is_better": False}
    sweeps[0] = replace(sweeps[0], metrics={"l1-v1": told})
    scores_to_page(written(*sweeps), tmp_path / "report.html")
    page = read_page(tmp_path / "report.html")
    assert [found for tag, found in page.tags if tag == "script"] == [{}]
    assert not any(name.startswith("on") for _, found in page.tags for name in found)
    assert all(found["src"].startswith("data:image/png") for tag, found in page.tags if tag == "img")
    assert {printable(name) for name in HOSTILE} <= {text.strip() for text in page.texts}
    assert f"{printable(HOSTILE[0])} [{printable(HOSTILE[0])}] ↓" in page.texts


def test_what_is_neither_scores_nor_a_sweep(written, make_robustness, tmp_path):
    (folder,) = written(make_robustness())
    shutil.copytree(folder, tmp_path / "other")
    (tmp_path / "other" / "robustness.json").unlink()
    with pytest.raises(ManifestError, match=r"expected a folder with scores\.json"):
        scores_to_page([folder, tmp_path / "other"], tmp_path / "report.html")
