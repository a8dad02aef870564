"""A ranked board as CSV, Markdown, LaTeX and one HTML page."""

import csv
import io
from pathlib import Path

from vptbench.formulas import neutralise
from vptbench.leaderboard.board import KINDS, read_board
from vptbench.leaderboard.html import render
from vptbench.leaderboard.inline import inline, policy
from vptbench.leaderboard.plot import BOTTOM, LEFT, RIGHT, ROW, TOP, WIDTH, column_to_plot
from vptbench.leaderboard.ranking import RULE, Place, Ranking, heading, rank_board
from vptbench.leaderboard.rules import RANDOM_SUFFIX, weights_to_sentence
from vptbench.leaderboard.text import (
    escape_latex,
    escape_markdown,
    printable,
    rows_to_latex,
    rows_to_markdown,
)
from vptbench.manifest import make_folder, write_text

BEST = "Bold figures are the best of their metric, or not told apart from it."

NONE_YET = "No entries yet."


def build_board(board: Path | str, out: Path | str) -> list[Path]:
    """Rank a board and write ``<board>-ranking.csv``, ``<board>.md``, ``<board>.tex`` and ``<board>.html``.

    Args:
        board: The CSV.
        out: Folder to write to.

    Returns:
        The files.

    Raises:
        BoardError: The board, or what lies beside it, is damaged.
    """
    found, out = read_board(board), Path(out)
    ranking = rank_board(found)
    make_folder(out)
    texts = {
        f"{found.path.stem}-ranking.csv": ranking_to_csv(ranking),
        f"{found.path.stem}.md": ranking_to_markdown(ranking),
        f"{found.path.stem}.tex": ranking_to_latex(ranking),
        f"{found.path.stem}.html": ranking_to_html(ranking),
    }
    for name, text in texts.items():
        write_text(out / name, text)
    return [out / name for name in texts]


def ranking_to_csv(ranking: Ranking) -> str:
    """Columns ``place,name,kind,mean_rank``, and of each metric its figure in full and its rank."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    metrics = [f"{metric}{end}" for metric in ranking.board.metrics for end in ("", ".rank")]
    writer.writerow(["place", "name", "kind", "mean_rank", *map(neutralise, metrics)])
    for place in ranking.places:
        numbers = [place.mean_rank]
        for metric in ranking.board.metrics:
            numbers += [place.entry.values[metric].value, place.ranks.get(metric)]
        cells = ["" if number is None else repr(number) for number in numbers]
        writer.writerow([place.place or "", neutralise(place.name), place.entry.facts["kind"], *cells])
    return text.getvalue()


def ranking_to_markdown(ranking: Ranking) -> str:
    """A Markdown page: heading, what was compared, table, and how it came about."""
    rows = [
        ["Place", "Entry", *(escape_markdown(heading(column)) for column in ranking.columns), "Trained on"]
    ]
    for place in ranking.places:
        name = escape_markdown(place.name)
        rows.append(
            [
                "audit" if place.place is None else str(place.place),
                f"*{name}*" if place.place is None else name,
                *(_marked(place, ranking, "**", "**")),
                escape_markdown(place.entry.facts["trained_on"]) or "–",
            ]
        )
    counts = escape_markdown(ranking_to_counts(ranking))
    parts = [f"# {escape_markdown(ranking_to_title(ranking))}", counts]
    if ranking.places:
        parts.append(rows_to_markdown(rows))
    losses = map(escape_markdown, ranking_to_losses(ranking))
    parts.append(" ".join([weights_to_sentence(ranking.board.metrics), RULE, *ranking.notes, *losses, BEST]))
    return "\n\n".join(parts) + "\n"


def ranking_to_latex(ranking: Ranking) -> str:
    """The same as a tabular of LaTeX (booktabs); what it says below the table stands in a comment."""
    metrics = [escape_latex(heading(column)) for column in ranking.columns]
    rows = [["Place", "Entry", *metrics]]
    for place in ranking.places:
        name = escape_latex(place.name)
        rows.append(
            [
                "--" if place.place is None else str(place.place),
                rf"\emph{{{name}}}" if place.place is None else name,
                *map(escape_dash, _marked(place, ranking, r"\textbf{", "}")),
            ]
        )
    said = [f"{ranking_to_title(ranking)}: {ranking_to_counts(ranking)}", RULE, *ranking.notes]
    said += [*ranking_to_losses(ranking), BEST]
    comment = " ".join([*said, weights_to_sentence(ranking.board.metrics)])
    return rows_to_latex(rows, f"rl{'r' * len(metrics)}", comment)


def ranking_to_html(ranking: Ranking) -> str:
    """One self-contained HTML page of the same, with sorting, filters and plots."""
    style = inline("leaderboard/style.css", "leaderboard/board.css")
    script = inline("leaderboard/board.js")
    metrics = ranking.board.metrics
    return render(
        "leaderboard/board.html",
        policy=policy(style, script),
        style=style.text,
        script=script.text,
        title=ranking_to_title(ranking),
        counts=ranking_to_counts(ranking),
        ranking=ranking,
        facts=ranking.places[0].entry.facts if ranking.places else None,
        headings=[heading(column) for column in ranking.columns],
        kinds=[kind for kind in KINDS if kind in {place.entry.facts["kind"] for place in ranking.places}],
        trained=sorted({printable(place.entry.facts["trained_on"]) for place in ranking.places}),
        plots=[column_to_plot(column, ranking.places) for column in ranking.columns]
        if ranking.places
        else [],
        size={"width": WIDTH, "row": ROW, "top": TOP, "bottom": BOTTOM, "left": LEFT, "right": RIGHT},
        printable=printable,
        sentence=weights_to_sentence(metrics),
        random=any(name.endswith(RANDOM_SUFFIX) for name in metrics),
        rule=RULE,
    )


def ranking_to_title(ranking: Ranking) -> str:
    """The benchmark's id; of a board without entries the file's name."""
    return ranking.places[0].entry.facts["benchmark"] if ranking.places else ranking.board.path.stem


def ranking_to_counts(ranking: Ranking) -> str:
    """How much was scored, in words."""
    if not ranking.places:
        return NONE_YET
    facts = ranking.places[0].entry.facts
    lacking = f"; the store held {facts['videos']}" if facts["videos"] else ""
    return f"{facts['clips']} clips, {facts['frames']} frames{lacking}."


def ranking_to_losses(ranking: Ranking) -> list[str]:
    """Whose frames lay in files that may have lost some quality before scoring, in sentences."""
    return [
        f"Frames of {place.name} were read from {printable(place.entry.facts['container'])}: some quality "
        "may have gone before scoring."
        for place in ranking.places
        if place.entry.lossy
    ]


def escape_dash(text: str) -> str:
    """An empty cell's dash as LaTeX writes it."""
    return text.replace("–", "--")


def _marked(place: Place, ranking: Ranking, before: str, after: str) -> list[str]:
    """The figures of an entry, the best ones between `before` and `after`."""
    cells = [(column.name in place.best, place.cell(column)[0]) for column in ranking.columns]
    alone = sum(each.place is not None for each in ranking.places) < 2  # best of what?
    return [f"{before}{text}{after}" if best and not alone else text for best, text in cells]
