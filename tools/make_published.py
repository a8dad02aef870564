"""Writes leaderboards/published.csv and published.md from the table of published figures.

    .venv/bin/python tools/make_published.py TABLE

TABLE has the columns of vptbench/score/published.csv, which is the one that `vptbench score --as` uses; given
another, it takes that one's place first. Each row keeps its source. What the rules of
`vptbench.leaderboard.copied` find and what `KNOWN` names is marked as suspect, with the reason. A test fails
where the files are not what this script makes.
"""

import argparse
import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from vptbench.leaderboard.copied import PublishedRow
from vptbench.leaderboard.published import mark_suspects, rows_to_csv
from vptbench.score.published import GROUPS

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "vptbench" / "score" / "published.csv"
BOARDS = ROOT / "leaderboards"

KNOWN = (
    ("disco-tiktok10", "MagicPose", ("L1",), "at 512², where DisCo's L1 is a quarter of that at 256²"),
    ("disco-tiktok10", "StableAnimator", ("L1",), "the exponent was not in the text, it is inferred"),
    ("disco-tiktok10", "DisCo (HAP, CFG), authors reproduction", ("FID-VID", "FVD"),
     "the source labels the two the other way round; swapped back here"),
    ("disco-tiktok10", "Champ (with guidance attention)", ("SSIM", "FID-VID"),
     "the same model has other figures in Table 1 of the same paper"),
)  # fmt: skip
"""Suspect figures that no rule finds: group, method or model, metrics, why. Source: the table's own notes."""

HEAD = """# Published figures

{rows} figures from papers, their tables and issue threads, each as printed. They were **measured in {groups}
different ways** and are shown apart by protocol group: compare lines of one group only. Within a group they
stand in the order of the sources; nothing here is ranked. Where two sources give a method different figures,
both are shown.

A figure with a footnote is **suspect**, and the footnote says why. The rules that find such figures are
`vptbench/leaderboard/copied.py`; `vptbench check leaderboards/published.csv` runs them.

This page and [published.csv](published.csv) are written by `tools/make_published.py` from
`vptbench/score/published.csv`.
"""


def read_table(text: str) -> tuple[PublishedRow, ...]:
    """The rows of the table, marked.

    Raises:
        ValueError: A figure that is known to be suspect is not there.
    """
    lines = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows = [
        PublishedRow(line["dataset"], line["protocol_group"], line["method"],
                     *(line[name] for name in ("metric", "value", "source", "notes")))
        for line in lines
    ]  # fmt: skip
    for group, method, metrics, why in KNOWN:
        named = [
            number
            for number, row in enumerate(rows)
            if row.group == group and method in {row.method, row.model} and row.metric in metrics
        ]
        if not named:
            raise ValueError(f"expected {metrics} of {method} in {group}, found none; mend KNOWN")
        for number in named:
            rows[number] = replace(rows[number], suspect=True, why=why)
    return mark_suspects(rows)


def rows_to_page(rows: Sequence[PublishedRow]) -> str:
    """The page: a section a dataset, in it one a protocol group."""
    notes: dict[str, int] = {}
    parts = [HEAD.format(rows=len(rows), groups=len({row.group for row in rows}))]
    for dataset in dict.fromkeys(row.dataset for row in rows):
        parts.append(f"## {dataset}\n")
        inside = [row for row in rows if row.dataset == dataset]
        groups = dict.fromkeys(row.group for row in inside)
        parts += [_group_to_text([row for row in inside if row.group == group], notes) for group in groups]
    parts.append("\n".join(f"[^{number}]: {why}." for why, number in notes.items()) + "\n")
    return "\n".join(parts)


def _group_to_text(rows: Sequence[PublishedRow], notes: dict[str, int]) -> str:
    """One group: heading, what to beware of, table, sources; footnotes are collected in `notes`."""
    group = rows[0].group
    sources = list(dict.fromkeys(row.source for row in rows))
    metrics = list(dict.fromkeys(row.metric for row in rows))
    lines = [["method", "source", *metrics], ["---", "---", *("---:" for _ in metrics)]]
    for method, source in dict.fromkeys((row.method, row.source) for row in rows):
        cells = {row.metric: row for row in rows if (row.method, row.source) == (method, source)}
        figures = (_cell(cells.get(metric), notes) for metric in metrics)
        lines.append([_plain(method), _letter(sources.index(source)), *figures])
    caution = GROUPS[group].caution if group in GROUPS else ""
    return "\n".join([
        f"### {group}\n",
        *([f"Beware: {caution}.\n"] if caution else []),
        *(f"| {' | '.join(line)} |" for line in lines),
        "",
        *(f"- {_letter(number)}: {_plain(source)}" for number, source in enumerate(sources)),
        "",
    ])  # fmt: skip


def _cell(row: PublishedRow | None, notes: dict[str, int]) -> str:
    if row is None:
        return ""
    return f"{row.value}[^{notes.setdefault(_plain(row.why), len(notes) + 1)}]" if row.suspect else row.value


def _letter(number: int) -> str:
    return chr(ord("a") + number)


def _plain(text: str) -> str:
    """A text that Markdown shows as it is."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in text)


def main() -> None:
    """Take the table, and write the two files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path)
    text = parser.parse_args().table.read_text(encoding="utf-8")
    rows = read_table(text)
    TABLE.write_text(text, encoding="utf-8")
    BOARDS.mkdir(exist_ok=True)
    (BOARDS / "published.csv").write_text(rows_to_csv(rows), encoding="utf-8")
    (BOARDS / "published.md").write_text(rows_to_page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
