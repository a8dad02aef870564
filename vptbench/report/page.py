"""Scores and sweeps to one self-contained HTML page: tables, plots, clips that play, methods and provenance.

The page needs no network and runs one script of its own, which its policy names by hash; whatever came from a
file's or a model's name is escaped, and never stands in a script.
"""

from collections.abc import Sequence
from pathlib import Path

from vptbench.curvefile import Robustness
from vptbench.leaderboard.html import render
from vptbench.leaderboard.inline import inline, policy
from vptbench.leaderboard.ranking import heading
from vptbench.leaderboard.rules import listed
from vptbench.leaderboard.text import printable
from vptbench.manifest import write_text
from vptbench.report.noise import is_sweep, sweeps_to_sections
from vptbench.report.picture import FULL_SCALE
from vptbench.report.player import MOST_PLAYERS, STEPS
from vptbench.report.plots import LEFT, MOST_POINTS
from vptbench.report.table import scores_to_sections
from vptbench.report.view import section_to_view
from vptbench.scorefile import Scores

MOST_NAMES = 4
"""Models that the title names before it counts them."""

FEW_CLIPS = 20
"""Clips below which an interval is too narrow to be called one."""

STYLES, SCRIPTS = ("leaderboard/style.css", "report/page.css"), ("report/page.js",)
"""Files of the package that are set into the page."""


def scores_to_page(folders: Sequence[Path | str], out: Path | str) -> None:
    """Write one HTML page of scores and of sweeps over noisy poses.

    Frames are found by the relative paths that the scores recorded; where they are gone, the page says so.

    Args:
        folders: Folders of scores or of sweeps; those that may be compared stand in one table.
        out: The file to write.

    Raises:
        ManifestError: A folder holds neither.
        ScoreError: Some are damaged.
        RegistryError: A metric is unknown.

    Example:
        ``scores_to_page(["scores/mesh_warp", "scores/copy_source"], "report.html")``
    """
    sections = scores_to_sections([folder for folder in folders if not is_sweep(folder)])
    noises = sweeps_to_sections([folder for folder in folders if is_sweep(folder)])
    shown: list[Scores | Robustness] = [row.scores for section in sections for row in section.rows]
    shown += [sweep for noise in noises for sweep in noise.sweeps]
    kinds = {one.model: one.kind for one in shown}
    audits = sum(kind == "audit" for kind in kinds.values())
    counted = [f"{len(kinds) - audits} models"] + ([f"{audits} audits"] if audits else [])
    style, script = inline(*STYLES), inline(*SCRIPTS)
    share, more = divmod(MOST_PLAYERS, max(1, len(sections)))
    page = render(
        "report/page.html",
        title=listed(list(kinds) if len(kinds) <= MOST_NAMES else counted),
        versions=sorted({str(one.libraries.get("vptbench")) for one in shown}),
        views=[
            section_to_view(section, sections=len(sections), players=share + (place < more))
            for place, section in enumerate(sections)
        ],
        noises=noises,
        style=style.text,
        script=script.text,
        policy=policy(style, script),
        heading=heading,
        printable=printable,
        few_clips=FEW_CLIPS,
        left=LEFT,
        most_points=MOST_POINTS,
        most_steps=STEPS,
        full_scale=round(100 * FULL_SCALE),
    )
    write_text(Path(out), page)
