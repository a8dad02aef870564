"""A board's entries in order, as CSV, Markdown and HTML.

Within each metric entries are ranked by its direction, equal figures sharing the mean of their ranks; an
entry's place follows from the mean of its ranks over all metrics, equal means sharing a place. Intervals do
not enter. Audits are shown, never ranked.
"""

import csv
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from vptbench.leaderboard.board import Board, Entry, read_board
from vptbench.leaderboard.digits import interval_to_text, value_to_text, values_to_decimals
from vptbench.leaderboard.html import render
from vptbench.leaderboard.rules import RANDOM_SUFFIX, weights_to_sentence
from vptbench.manifest import make_folder, write_text
from vptbench.metrics import metric_facts

RULE = (
    "Place by the mean, over metrics, of an entry's rank in each; equal figures share their ranks. "
    "Audits are shown for scale and never ranked."
)
"""How the order came about, for readers of the ranking."""


@dataclass(frozen=True)
class Column:
    """A metric as it stands in tables.

    Attributes:
        name: "ssim-v1", "fid-v1@random".
        label: "SSIM".
        unit: "dB", or empty.
        arrow: "↑" where higher is better, else "↓".
        decimals: Of all its figures.
    """

    name: str
    label: str
    unit: str
    arrow: str
    decimals: int


@dataclass(frozen=True)
class Place:
    """An entry and where it stands.

    Attributes:
        entry: The entry.
        place: From 1, or None for audits.
        mean_rank: Over metrics, or None for audits.
    """

    entry: Entry
    place: int | None
    mean_rank: float | None

    def cell(self, column: Column) -> tuple[str, str]:
        """The figure of a metric and its interval, as text."""
        value = self.entry.values[column.name]
        return (
            value_to_text(value.value, column.decimals),
            interval_to_text(value.low, value.high, column.decimals),
        )


def board_to_columns(board: Board) -> list[Column]:
    """The metrics of a board.

    Raises:
        RegistryError: One is unknown.
    """
    columns = []
    for name in board.metrics:
        facts = metric_facts(name.partition("@")[0])
        decimals = values_to_decimals(entry.values[name].value for entry in board.entries)
        arrow = "↑" if facts.higher_is_better else "↓"
        columns.append(Column(name, facts.label, facts.unit, arrow, decimals))
    return columns


def entries_to_ranking(entries: Sequence[Entry], higher_is_better: Sequence[bool]) -> list[Place]:
    """Order entries; see the module's docstring.

    Args:
        entries: Of one board.
        higher_is_better: For each metric, in the order of `Entry.values`.

    Returns:
        Ranked entries by place and then name, after them the audits by name.
    """
    ranked = sorted((entry for entry in entries if entry.ranked), key=lambda entry: entry.name)
    audits = sorted((entry for entry in entries if not entry.ranked), key=lambda entry: entry.name)
    values = np.array([[value.value for value in entry.values.values()] for entry in ranked], np.float64)
    signs = np.where(higher_is_better, -1, 1)
    ranks = rankdata(values * signs, method="average", axis=0) if ranked else values
    means = [float(row.mean()) for row in ranks]
    places = [1 + sum(other < mean for other in means) for mean in means]
    order = sorted(range(len(ranked)), key=lambda index: places[index])
    return [Place(ranked[index], places[index], means[index]) for index in order] + [
        Place(audit, None, None) for audit in audits
    ]


def build_board(board: Path | str, out: Path | str) -> list[Path]:
    """Rank a board and write ``<board>-ranking.csv``, ``<board>.md`` and ``<board>.html``.

    Args:
        board: The CSV.
        out: Folder to write to.

    Returns:
        The files.

    Raises:
        BoardError: The board is damaged.
    """
    found, out = read_board(board), Path(out)
    columns = board_to_columns(found)
    places = entries_to_ranking(found.entries, [column.arrow == "↑" for column in columns])
    make_folder(out)
    texts = {
        f"{found.path.stem}-ranking.csv": ranking_to_csv(places),
        f"{found.path.stem}.md": ranking_to_markdown(found, columns, places),
        f"{found.path.stem}.html": ranking_to_html(found, columns, places),
    }
    for name, text in texts.items():
        write_text(out / name, text)
    return [out / name for name in texts]


def ranking_to_csv(places: Sequence[Place]) -> str:
    """Columns ``place,name,kind,mean_rank`` and a figure a metric, in full."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["place", "name", "kind", "mean_rank", *places[0].entry.values])
    for place in places:
        numbers = [place.mean_rank, *(value.value for value in place.entry.values.values())]
        cells = ["" if number is None else repr(number) for number in numbers]
        facts = place.entry.facts
        writer.writerow([place.place or "", facts["name"], facts["kind"], *cells])
    return text.getvalue()


def ranking_to_markdown(board: Board, columns: Sequence[Column], places: Sequence[Place]) -> str:
    """A Markdown page: heading, what was compared, table, and how it came about."""
    facts = board.entries[0].facts
    lacking = f"; the store held {facts['videos']}" if facts["videos"] else ""
    rows = [["Place", "Entry", *(heading(column) for column in columns), "Trained on"]]
    for place in places:
        name = escape_markdown(place.entry.name)
        rows.append(
            [
                "audit" if place.place is None else str(place.place),
                f"*{name}*" if place.place is None else name,
                *(place.cell(column)[0] for column in columns),
                escape_markdown(place.entry.facts["trained_on"]) or "–",
            ]
        )
    return (
        f"# {escape_markdown(facts['benchmark'])}\n\n{facts['clips']} clips, {facts['frames']} frames"
        f"{escape_markdown(lacking)}.\n\n"
        f"{rows_to_markdown(rows)}\n\n{weights_to_sentence(board.metrics)} {RULE}\n"
    )


def ranking_to_html(board: Board, columns: Sequence[Column], places: Sequence[Place]) -> str:
    """One self-contained HTML page of the same."""
    return render(
        "leaderboard/board.html",
        facts=board.entries[0].facts,
        columns=columns,
        headings=[heading(column) for column in columns],
        places=places,
        best=_best(columns, places),
        sentence=weights_to_sentence(board.metrics),
        random=any(name.endswith(RANDOM_SUFFIX) for name in board.metrics),
        rule=RULE,
    )


def heading(column: Column) -> str:
    """A metric's heading, such as "PSNR [dB] ↑"."""
    return " ".join(filter(None, [column.label, f"[{column.unit}]" if column.unit else "", column.arrow]))


def rows_to_markdown(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first row is the heading; all columns but the first two to the right."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    rule = " | ".join("---" if index < 2 else "---:" for index in range(len(rows[0])))
    return "\n".join([lines[0], f"| {rule} |", *lines[1:]])


def escape_markdown(text: str) -> str:
    """A text on one line that Markdown and HTML take as it is."""
    marked = "".join(f"\\{letter}" if letter in "\\`*_[]|#~" else letter for letter in " ".join(text.split()))
    return html.escape(marked, quote=False)


def _best(columns: Sequence[Column], places: Sequence[Place]) -> dict[str, float]:
    """The best figure of each metric among ranked entries."""
    best = {}
    for column in columns:
        values = [place.entry.values[column.name].value for place in places if place.place is not None]
        numbers = [value for value in values if value is not None]
        if numbers:
            best[column.name] = max(numbers) if column.arrow == "↑" else min(numbers)
    return best
