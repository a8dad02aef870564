"""Scores side by side: in sections of what may be compared, as text, Markdown and LaTeX."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vptbench.figure import Figure
from vptbench.leaderboard.digits import EMPTY, interval_to_text, value_to_text, values_to_decimals
from vptbench.leaderboard.ranking import Column, heading
from vptbench.leaderboard.rules import RANDOM_SUFFIX, networks_to_text, weights_to_sentence
from vptbench.leaderboard.text import (
    escape_latex,
    escape_markdown,
    printable,
    rows_to_latex,
    rows_to_markdown,
)
from vptbench.scorefile import Scores, read_scores

FRECHET = ("FID", "FVD")
"""How labels of Fréchet distances begin; KID is unbiased at any number of samples."""

FEW_SAMPLES = 2048
"""Below so many samples a Fréchet distance of wide features is mostly bias.

Two draws of 1,024 samples of one normal distribution of 400 (of 2,048) independent features are 80 (1,774)
apart, two of 2,048 samples 40 (1,026).
"""


@dataclass(frozen=True)
class Cell:
    """One figure as it is shown.

    Attributes:
        text: The value, or "–".
        interval: Its 95 % interval, or empty.
        best: Whether no other row but audits is better.
        samples: What it is made of; 0 where there is no figure.
        reason: Why there is no value; empty where there is one.
    """

    text: str
    interval: str
    best: bool
    samples: int
    reason: str


@dataclass(frozen=True)
class Row:
    """One score file as it is shown.

    Attributes:
        name: Of the model; with the folder's name where two rows would be called the same.
        kind: "model", "audit" or "claimed".
        cells: A cell for each column of the section.
        seconds: Of generating a frame, or None where it was not measured.
        folder: Of the scores.
        scores: What was read there.
    """

    name: str
    kind: str
    cells: tuple[Cell, ...]
    seconds: float | None
    folder: Path
    scores: Scores


@dataclass(frozen=True)
class Section:
    """Score files that may be compared: one benchmark, one list of clips, the same networks.

    Attributes:
        title: Which benchmark, and on what data.
        clips: How many were scored.
        frames: How many were scored.
        lacking: Of which stores, as "97 of 100 videos of the test split"; empty where all was there.
        columns: The metrics of any row.
        rows: In the order given, audits last.
        sentence: What kind of weights measured.
        random: Whether some were random.
        notes: What else a reader must know: samples of distances, what the true frames themselves score.
    """

    title: str
    clips: int
    frames: int
    lacking: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    sentence: str
    random: bool
    notes: tuple[str, ...]

    @property
    def counts(self) -> str:
        """How much was scored, and of how much, in a sentence."""
        stores = "".join(f"; the store held {lacking}" for lacking in self.lacking)
        return f"{self.clips} clips, {self.frames} frames{stores}."


def scores_to_sections(folders: Sequence[Path | str]) -> list[Section]:
    """Read scores and set side by side what may be compared, in the order given.

    Raises:
        ManifestError: A folder holds no scores.
        ScoreError: Some are damaged.
        RegistryError: A metric is unknown.
    """
    groups: dict[tuple[str, ...], list[tuple[Path, Scores]]] = {}
    for folder in map(Path, folders):
        scores = read_scores(folder)
        protocol = "" if scores.benchmark is None else str(scores.benchmark["sha256"])
        key = (protocol, scores.clip_list_sha256, networks_to_text(scores.networks))
        groups.setdefault(key, []).append((folder, scores))
    return [_to_section(members) for members in groups.values()]


def scores_to_text(folders: Sequence[Path | str]) -> str:
    """The table for a terminal."""
    return "\n\n".join(_section_to_text(section) for section in scores_to_sections(folders))


def scores_to_markdown(folders: Sequence[Path | str]) -> str:
    """The table as Markdown."""
    texts = []
    for section in scores_to_sections(folders):
        rows = [["Model", "Kind", *map(heading, section.columns)]]
        for row in section.rows:
            figures = (f"**{cell.text}**" if cell.best else cell.text for cell in row.cells)
            rows.append([escape_markdown(row.name), row.kind, *figures])
        texts.append(
            f"### {escape_markdown(section.title)}\n\n{section.counts}\n\n{rows_to_markdown(rows)}\n\n"
            f"{' '.join([section.sentence, *map(escape_markdown, section.notes)])}\n"
        )
    return "\n".join(texts)


def scores_to_latex(folders: Sequence[Path | str]) -> str:
    """The table as LaTeX (packages booktabs and, for odd names, T1 fonts); one tabular a section."""
    return "\n".join(_section_to_latex(section) for section in scores_to_sections(folders))


def _to_section(members: Sequence[tuple[Path, Scores]]) -> Section:
    figures: dict[str, list[Figure]] = {}
    for _, scores in members:
        for name, figure in scores.own.items():
            figures.setdefault(name, []).append(figure)
    columns = [_to_column(name, found) for name, found in figures.items()]
    first = members[0][1]
    rows = [_to_row(folder, scores, columns, members) for folder, scores in members]
    return Section(
        title=_to_title(first),
        clips=len(first.clips),
        frames=sum(int(str(clip["frames"])) for clip in first.clips.values()),
        lacking=tuple(dict.fromkeys(scores.lacking for _, scores in members if scores.lacking)),
        columns=tuple(columns),
        rows=tuple(sorted(rows, key=lambda row: row.kind == "audit")),
        sentence=weights_to_sentence(list(figures)),
        random=any(name.endswith(RANDOM_SUFFIX) for name in figures),
        notes=_to_notes(members, list(figures)),
    )


def _to_notes(members: Sequence[tuple[Path, Scores]], names: Sequence[str]) -> tuple[str, ...]:
    """What the figures of a section leave unsaid, in sentences; audits explain themselves."""
    models = [scores for _, scores in members if scores.kind != "audit"]
    notes = [note for scores in models if (note := reading_to_note(scores))]
    notes += [
        f"{printable(scores.model)}: frames of another size, resized ({scores.resize['method']})."
        for scores in models
        if scores.resize is not None
    ]
    for name in names:
        found = [(printable(scores.model), scores.own[name]) for scores in models if name in scores.own]
        known = [figure for _, figure in found if figure.value is not None]
        notes += [f"{each.label} of {model}: none, {each.reason}." for model, each in found if each.reason]
        notes += [
            f"{each.label} of {model}: {each.infinite_frames} frames without a finite value are left out."
            for model, each in found
            if each.infinite_frames and each.value is not None
        ]
        counts = sorted({figure.samples for figure in known if not figure.pooling})
        if counts:
            spread = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
            few = ""
            if counts[0] < FEW_SAMPLES and known[0].label.startswith(FRECHET):
                few = "; so few leave it mostly bias: compare at equal n alone"
            notes.append(f"{known[0].label}: n = {spread}{few}.")
        floors = [figure.floor for figure in known if figure.floor is not None]
        if floors:
            notes.append(f"{known[0].label} of the true frames themselves: {floors[0]:.4g}.")
    return tuple(notes)


def reading_to_note(scores: Scores) -> str:
    """How another program's frames were read, what their files may have lost, and what part they are."""
    record = scores.reading
    if not record:
        return ""
    loss = "lossless" if record["lossless"] else "lossy: some quality went before scoring"
    text = f"{printable(scores.model)}: read as {record['layout']} from {record['container']} ({loss})"
    if scores.is_partial:
        usual = {"stride": 1, "offset": 0, "count": 0}
        told = [f"{name} {record.get(name)}" for name, value in usual.items() if record.get(name) != value]
        text += f"; unofficial, {record['scored']} of {record['asked']} frames ({', '.join(told)})"
    return f"{text}."


def _to_title(scores: Scores) -> str:
    title = _whole_title(scores)
    return f"{title}, a part of its frames (unofficial)" if scores.benchmark and scores.is_partial else title


def _whole_title(scores: Scores) -> str:
    if scores.benchmark is None:
        folder = [part for part in str(scores.inputs.get("targets")).split("/") if part != ".."]
        return f"Against the frames in {'/'.join(folder[-2:])} (unofficial)"
    title = str(scores.benchmark["id"])
    dataset = scores.data.get("dataset")
    return f"{title}, {dataset} layout" if scores.data.get("synth") else title


def _to_column(name: str, figures: Sequence[Figure]) -> Column:
    facts = figures[0]
    decimals = values_to_decimals(figure.value for figure in figures)
    return Column(name, facts.label, facts.unit, "↑" if facts.higher_is_better else "↓", decimals)


def _to_row(
    folder: Path, scores: Scores, columns: Sequence[Column], members: Sequence[tuple[Path, Scores]]
) -> Row:
    names = [other.model for _, other in members]
    cost = scores.outputs.get("cost") if scores.outputs else None
    seconds = cost.get("seconds_per_frame") if isinstance(cost, Mapping) else None
    return Row(
        name=scores.model if names.count(scores.model) == 1 else f"{scores.model} ({folder.name})",
        kind=scores.kind,
        cells=tuple(_to_cell(column, scores, members) for column in columns),
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        folder=folder,
        scores=scores,
    )


def _to_cell(column: Column, scores: Scores, members: Sequence[tuple[Path, Scores]]) -> Cell:
    figure = scores.own.get(column.name)
    if figure is None:
        return Cell(EMPTY, "", best=False, samples=0, reason="not asked for")
    rivals = [
        other.metrics[column.name].value
        for _, other in members
        if other.kind != "audit" and column.name in other.metrics
    ]
    values = [value for value in rivals if value is not None]
    best = max(values, default=None) if figure.higher_is_better else min(values, default=None)
    return Cell(
        text=value_to_text(figure.value, column.decimals),
        interval=interval_to_text(figure.low, figure.high, column.decimals),
        best=scores.kind != "audit" and len(values) > 1 and figure.value is not None and figure.value == best,
        samples=figure.samples,
        reason=figure.reason,
    )


def _section_to_text(section: Section) -> str:
    table = [["model", *map(heading, section.columns)]]
    for row in section.rows:
        name = printable(row.name) + (f" ({row.kind})" if row.kind != "model" else "")
        table.append([name, *(cell.text for cell in row.cells)])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = [
        "  ".join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])]).rstrip()
        for cells in table
    ]
    return "\n".join([f"{section.title}: {section.counts}", *lines, section.sentence, *section.notes])


def _section_to_latex(section: Section) -> str:
    rows = [["Model", *(escape_latex(f"{column.label} {column.arrow}") for column in section.columns)]]
    for row in section.rows:
        name = escape_latex(row.name)
        figures = (rf"\textbf{{{cell.text}}}" if cell.best else escape_latex(cell.text) for cell in row.cells)
        rows.append([rf"\emph{{{name}}}" if row.kind == "audit" else name, *figures])
    comment = f"{section.title}. {section.counts} {section.sentence}"
    return rows_to_latex(rows, f"l{'r' * len(section.columns)}", comment)
