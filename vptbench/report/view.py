"""What the page shows of a section: everything worked out, so that the template only draws."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vptbench.leaderboard.ranking import Column, heading
from vptbench.leaderboard.rules import listed
from vptbench.manifest import Json, json_to_text
from vptbench.progress import track
from vptbench.report.album import Album, evenly, section_to_album
from vptbench.report.bounds import Bounds, section_to_bounds
from vptbench.report.extremes import MOST, Extremes, row_to_extremes
from vptbench.report.filmstrip import Filmstrip, album_to_pictures, clip_to_filmstrip
from vptbench.report.methods import section_to_methods
from vptbench.report.picture import pictures_to_height, size_to_height
from vptbench.report.player import STEPS, Player, choose_clips, clip_to_player, player_rows
from vptbench.report.plots import Plot, clips_to_plot, curves_to_plot
from vptbench.report.table import Row, Section
from vptbench.report.values import Values, section_to_lead, section_to_values
from vptbench.scorefile import Scores

MOST_CLIPS = 100
"""Clips of a page that are listed; of more, as many evenly over their order."""

STRIPS, PLAYERS, EXTREMES = 13_000_000, 9_000_000, 2_000_000
"""Bytes of a page for pictures of each kind; what is over that is left out, and said."""

LEFT_OUT = "Left out to keep the page small"

LONG = ("metrics", "clips", "per_clip", "per_frame")
"""Fields of scores that the provenance record leaves to the table and to the files."""


@dataclass(frozen=True)
class ClipView:
    """A clip that opens on demand.

    Attributes:
        clip: Its id.
        figures: Of the lead metric, one for each judged row: its name, its number and the text.
        strip: Its pictures.
        curves: Figures along the clip, one plot for each frame metric.
    """

    clip: str
    figures: tuple[tuple[int, str], ...]
    strip: Filmstrip
    curves: tuple[Plot, ...]


@dataclass(frozen=True)
class SectionView:
    """What the template draws of a section.

    Attributes:
        section: The table.
        bounds: Floor and ceiling of each column.
        lead: The metric that clips are put in order by, or None.
        names: Ids of the clips, by the numbers that dots have.
        dots: Figures by clip, one plot for each frame metric.
        players: Clips that play.
        extremes: Worst and best frames, for each judged row.
        clips: Clips that open on demand, worst first.
        omitted: What was left out, in words.
        notes: Why figures are missing, in words.
        methods: The paragraph for a paper.
        records: Name of a row, and its provenance as JSON.
    """

    section: Section
    bounds: tuple[Bounds, ...]
    lead: Column | None
    names: tuple[str, ...]
    dots: tuple[Plot, ...]
    players: tuple[Player, ...]
    extremes: tuple[Extremes, ...]
    clips: tuple[ClipView, ...]
    omitted: tuple[str, ...]
    notes: tuple[str, ...]
    methods: str
    records: tuple[tuple[str, str], ...]


def section_to_view(section: Section, *, sections: int, players: int) -> SectionView:
    """Work out everything that the page shows of a section.

    Args:
        section: The scores.
        sections: How many of them share the page.
        players: Clips that may play.
    """
    album, values = section_to_album(section), section_to_values(section)
    lead = section_to_lead(section, values)
    names = sorted(section.rows[0].scores.clips)
    order = values.order(lead) if lead else names
    listed_clips = evenly(order, max(1, MOST_CLIPS // sections))
    clips, omitted = _to_clips(album, values, lead, listed_clips, STRIPS // sections)
    if len(listed_clips) < len(order):
        omitted.insert(0, f"{len(listed_clips)} of {len(order)} clips are listed, evenly over their order.")
    bounds = section_to_bounds(section)
    chosen = choose_clips(order, players)
    played, unplayed = _to_players(album, values, chosen, PLAYERS // sections)
    ends, endless = _to_extremes(album, values, lead, EXTREMES // sections)
    return SectionView(
        section=section,
        bounds=bounds,
        lead=lead,
        names=tuple(names),
        dots=tuple(_to_dots(section, values, names, bounds)),
        players=tuple(played),
        extremes=tuple(ends),
        clips=tuple(clips),
        omitted=(*omitted, *unplayed, *endless, *album.problems),
        notes=tuple(_row_to_note(section, row, reason) for row in section.rows for reason in _reasons(row)),
        methods=section_to_methods(section),
        records=tuple((row.name, scores_to_record(row.scores)) for row in section.rows),
    )


def scores_to_record(scores: Scores) -> str:
    """Everything that decides what scores may be compared with, as JSON."""
    fields: Mapping[str, Json] = {name: value for name, value in vars(scores).items() if name not in LONG}
    return json_to_text(fields)


def clip_to_curves(section: Section, values: Values, clip: str) -> tuple[Plot, ...]:
    """One plot for each frame metric: its value along the clip, a curve for each row."""
    plots = []
    for column in section.columns:
        found = {row: frames.get((column.name, clip)) for row, frames in enumerate(values.frames)}
        curves = {row: curve for row, curve in found.items() if curve}
        if curves:
            plots.append(curves_to_plot(heading(column), curves))
    return tuple(plots)


def _to_dots(
    section: Section, values: Values, names: Sequence[str], bounds: Sequence[Bounds]
) -> Iterator[Plot]:
    numbers = {name: number for number, name in enumerate(names)}
    for column, bound in zip(section.columns, bounds, strict=True):
        known = [clip for clip in values.order(column) if clip in numbers]
        order = [numbers[clip] for clip in known]
        figures = {
            row: {numbers[clip]: value for clip, value in found[column.name].items() if clip in known}
            for row, found in enumerate(values.clips)
            if column.name in found
        }
        if order and figures:
            yield clips_to_plot(heading(column), order, figures, bound.levels, column.decimals)


def _to_players(
    album: Album, values: Values, chosen: Sequence[tuple[str, str]], budget: int
) -> tuple[list[Player], list[str]]:
    """Clips that play as long as these stay within the budget, and what had to be left out."""
    found: list[Player] = []
    panels = (1 + len(player_rows(album, values))) * STEPS * max(1, len(chosen))
    height = pictures_to_height(panels, _shape(album, [clip for clip, _ in chosen]), budget)
    for place, (clip, tag) in enumerate(chosen, 1):
        player = clip_to_player(album, values, clip, tag, height)
        if player is None:
            continue
        budget -= player.bytes
        if budget < 0:
            lost = f"{LEFT_OUT}: {len(chosen) - place + 1} of {len(chosen)} clips that would play."
            return found, [lost]
        height = size_to_height(player.bytes * (len(chosen) - place), budget, height)
        found.append(player)
    return found, []


def _to_extremes(
    album: Album, values: Values, lead: Column | None, budget: int
) -> tuple[list[Extremes], list[str]]:
    """Worst and best frames as long as these stay within the budget, and what had to be left out."""
    made: list[Extremes] = []
    rows = [row for row in values.judged if row in album.shown]
    if lead is None or not rows:
        return [], []
    shape = _shape(album, album.scored)
    height = pictures_to_height(len(rows) * 6 * MOST, shape, budget)
    for place, row in enumerate(rows):
        found = row_to_extremes(album, values, row, lead, height)
        budget -= sum(
            len(uri) for side in (found.worst, found.best) for one in side for _, uri in one.pictures
        )
        if budget < 0:
            lost = f"{LEFT_OUT}: worst and best frames of {len(rows) - place} of {len(rows)} entries."
            return made, [lost]
        if found.worst:
            made.append(found)
    return made, []


def _to_clips(
    album: Album, values: Values, lead: Column | None, clips: Sequence[str], budget: int
) -> tuple[list[ClipView], list[str]]:
    """Clips with their pictures as long as these stay within the budget, and what had to be left out."""
    height = pictures_to_height(len(clips) * album_to_pictures(album), _shape(album, clips), budget)
    views, left_out = [], 0
    for place, clip in enumerate(track(clips, total=len(clips), label="report"), 1):
        bare = album.gone or budget < 0
        strip = Filmstrip(clip, ()) if bare else clip_to_filmstrip(album, values, clip, height)
        budget -= strip.bytes
        if budget < 0:
            strip, left_out = Filmstrip(clip, ()), left_out + 1
        height = size_to_height(strip.bytes * (len(clips) - place), budget, height)
        figures = _lead_figures(values, lead, clip) if lead else ()
        views.append(ClipView(clip, figures, strip, clip_to_curves(album.section, values, clip)))
    words = [f"{LEFT_OUT}: pictures of {left_out} of {len(clips)} clips."]
    return views, words if left_out else []


def _lead_figures(values: Values, lead: Column, clip: str) -> tuple[tuple[int, str], ...]:
    found = {row: values.texts(row, [lead], clip) for row in values.judged}
    return tuple((row, texts[0].rpartition(" ")[2]) for row, texts in found.items() if texts)


def _shape(album: Album, clips: "Sequence[str] | Mapping[str, object]") -> tuple[int, int]:
    """Height and width of the first of `clips`, for sizing; all are alike in most sections."""
    records = album.section.rows[0].scores.clips
    sizes = [records[clip]["size"] for clip in clips if clip in records]
    if sizes and isinstance(sizes[0], list | tuple) and len(sizes[0]) == 2:
        return max(1, int(str(sizes[0][0]))), max(1, int(str(sizes[0][1])))
    return 1, 1


def _reasons(row: Row) -> list[str]:
    return list(dict.fromkeys(cell.reason for cell in row.cells if cell.reason))


def _row_to_note(section: Section, row: Row, reason: str) -> str:
    metrics = [
        column.label for column, cell in zip(section.columns, row.cells, strict=True) if cell.reason == reason
    ]
    return f"{row.name} has no {listed(metrics)}: {reason}."
