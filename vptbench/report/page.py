"""Scores to one self-contained HTML page: table, filmstrips, curves and provenance.

The page needs no network and holds no script; whatever came from a file's or a model's name is escaped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vptbench.leaderboard.html import render
from vptbench.leaderboard.ranking import heading
from vptbench.leaderboard.rules import listed
from vptbench.manifest import Json, json_to_text, write_text
from vptbench.report.figure import FULL_SCALE, HEIGHT, MOST_POINTS, WIDTH, Chart, curves_to_chart
from vptbench.report.filmstrip import Filmstrip, section_to_filmstrips
from vptbench.report.table import Row, Section, scores_to_sections
from vptbench.scorefile import Scores

MOST_NAMES = 4
"""Models that the title names before it counts them."""

FEW_CLIPS = 20
"""Clips below which an interval is too narrow to be called one."""

LONG = ("metrics", "clips", "per_clip", "per_frame")
"""Fields of scores that the provenance record leaves to the table and to the files."""


@dataclass(frozen=True)
class SectionView:
    """What the template draws of a section.

    Attributes:
        section: The table.
        strips: Filmstrips, each with the charts of its clip.
        notes: Why figures are missing, in words.
        records: Name of a row, and its provenance as JSON.
    """

    section: Section
    strips: tuple[tuple[Filmstrip, tuple[Chart, ...]], ...]
    notes: tuple[str, ...]
    records: tuple[tuple[str, str], ...]


def scores_to_page(folders: Sequence[Path | str], out: Path | str) -> None:
    """Write one HTML page of score folders.

    Frames are found by the relative paths that the scores recorded; where they are gone, the page says so.

    Args:
        folders: Folders of scores; those that may be compared stand in one table.
        out: The file to write.

    Raises:
        ManifestError: A folder holds no scores.
        ScoreError: Some are damaged.
        RegistryError: A metric is unknown.

    Example:
        ``scores_to_page(["scores/mesh_warp", "scores/copy_source"], "report.html")``
    """
    sections = scores_to_sections(folders)
    names = list(dict.fromkeys(row.scores.model for section in sections for row in section.rows))
    page = render(
        "report/page.html",
        title=listed(names) if len(names) <= MOST_NAMES else f"{len(names)} models",
        versions=sorted({str(row.scores.libraries.get("vptbench")) for s in sections for row in s.rows}),
        views=[_to_view(section) for section in sections],
        heading=heading,
        few_clips=FEW_CLIPS,
        width=WIDTH,
        height=HEIGHT,
        most_points=MOST_POINTS,
        full_scale=round(100 * FULL_SCALE),
    )
    write_text(Path(out), page)


def _to_view(section: Section) -> SectionView:
    strips = tuple((strip, clip_to_charts(section, strip.clip)) for strip in section_to_filmstrips(section))
    return SectionView(
        section=section,
        strips=strips,
        notes=tuple(_row_to_note(section, row, reason) for row in section.rows for reason in _reasons(row)),
        records=tuple((row.name, scores_to_record(row.scores)) for row in section.rows),
    )


def clip_to_charts(section: Section, clip: str) -> tuple[Chart, ...]:
    """One chart for each frame metric: its value along the clip, a curve for each row."""
    charts = []
    for column in section.columns:
        curves = {}
        for colour, row in enumerate(section.rows):
            frames = row.scores.per_frame
            found = frames[(frames["clip"] == clip) & (frames["metric"] == column.name)]
            if len(found):
                curves[colour] = found["frame"].tolist(), found["value"].tolist()
        if curves:
            charts.append(curves_to_chart(heading(column), curves))
    return tuple(charts)


def scores_to_record(scores: Scores) -> str:
    """Everything that decides what scores may be compared with, as JSON."""
    fields: Mapping[str, Json] = {name: value for name, value in vars(scores).items() if name not in LONG}
    return json_to_text(fields)


def _reasons(row: Row) -> list[str]:
    return list(dict.fromkeys(cell.reason for cell in row.cells if cell.reason))


def _row_to_note(section: Section, row: Row, reason: str) -> str:
    metrics = [
        column.label for column, cell in zip(section.columns, row.cells, strict=True) if cell.reason == reason
    ]
    return f"{row.name} has no {listed(metrics)}: {reason}."
