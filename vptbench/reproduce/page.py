"""A comparison as a page: a table, what is known of it, and what others print of the same method."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from vptbench.leaderboard.digits import EMPTY
from vptbench.leaderboard.rules import RANDOM_SUFFIX
from vptbench.manifest import write_text
from vptbench.reproduce.comparison import CLAUSES, Comparison, Published, Row

PAGE, TABLE = "reproduction.md", "reproduction.csv"
"""Names of the files."""

HEADINGS = (
    "metric",
    "definition",
    "published",
    "source",
    "measured",
    "95 % interval",
    "difference",
    "in %",
    "known",
)


def write_comparison(folder: Path, comparison: Comparison) -> str:
    """Write `PAGE` and `TABLE` into `folder`, and give the page's text."""
    text = comparison_to_markdown(comparison)
    write_text(folder / TABLE, comparison.table.to_csv(index=False, lineterminator="\n"))
    write_text(folder / PAGE, text)
    return text


def comparison_to_markdown(comparison: Comparison) -> str:
    """The page; its tables are aligned, so that it can be read as it is."""
    notes = list(dict.fromkeys([*comparison.known, *(text for row in comparison.rows for text in row.known)]))
    rows = [HEADINGS, *(_row_to_cells(row, comparison.known, notes) for row in comparison.rows)]
    parts = [
        f"# {comparison.title}: published against measured",
        "\n".join(f"- {line}" for line in _facts_to_lines(comparison)),
        _aligned(rows),
        "Differences are measured minus published. What is known, by number:",
        "\n".join(f"{number}. {text}" for number, text in enumerate(notes, 1)),
    ]
    if comparison.elsewhere:
        parts += ["## The same method as others print it", _aligned(_elsewhere_to_rows(comparison))]
    return "\n\n".join(parts) + "\n"


def _facts_to_lines(comparison: Comparison) -> list[str]:
    """Protocol, checkpoint and amount of what was measured."""
    facts = comparison.facts
    frozen, used = facts.frozen, facts.used
    if facts.replaced:
        changes = ", ".join(
            f"{name} {_value(now)} instead of {_value(then)}" for name, (then, now) in facts.replaced.items()
        )
        protocol = f"{used.id}, which is not the frozen {frozen.id}: {changes}"
    else:
        protocol = f"{frozen.id}, frozen"
    random = any(name.endswith(RANDOM_SUFFIX) for name in facts.figures)
    clips, frames = facts.reference
    scored = f"{len(facts.frames)} {used.split} clips, {sum(facts.frames.values())} frames"
    return [
        f"protocol: {protocol}",
        f"checkpoint: `{facts.checkpoint}`, SHA-256 {facts.checkpoint_sha256}",
        f"measured: {scored}; reference: {clips} clips, {frames} frames",
        f"networks: {'random weights' if random else 'the published weights, by hash'}",
    ]


def _row_to_cells(row: Row, general: Sequence[str], notes: Sequence[str]) -> Sequence[str]:
    numbers = sorted(notes.index(text) + 1 for text in (*general, *row.known))
    low, high = row.figure.low, row.figure.high
    return (
        row.column,
        row.metric,
        EMPTY if row.published is None else f"{row.published.value:g}",
        "" if row.published is None else row.published.source,
        EMPTY if row.figure.value is None else f"{row.figure.value:.5g}",
        "" if low is None or high is None else f"{low:.5g} to {high:.5g}",
        "" if row.difference is None else f"{row.difference:+.4g}",
        "" if row.percent is None else f"{row.percent:+.1f}",
        _ranges(numbers),
    )


def _elsewhere_to_rows(comparison: Comparison) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [("metric", "printed", "source", "beside its authors'", "remarks")]
    for other in comparison.elsewhere:
        beside = _beside(other, comparison.own(other.column))
        rows.append((other.column, f"{other.value:g}", other.source, beside, CLAUSES.join(other.remarks)))
    return rows


def _beside(other: Published, own: Published | None) -> str:
    """How a quoted figure stands to the one it quotes."""
    if own is None:
        return ""
    if other.rounds(own.value):
        return f"{own.value:g}, equal as far as printed"
    difference = other.value - own.value
    return f"{own.value:g}, differs by {difference:+.4g} ({100 * difference / own.value:+.1f} %)"


def _ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers in short: 1, 2, 3, 5 as "1–3, 5"."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0])
    ]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _value(value: object) -> str:
    return " × ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _aligned(rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose columns are as wide as their widest cell."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = ["-" * width for width in widths]
    lines = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in table]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))
