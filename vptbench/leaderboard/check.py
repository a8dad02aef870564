"""What is wrong with a leaderboard, row by row."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from vptbench.errors import BoardError, VptbenchError
from vptbench.leaderboard.board import LATER, Board, Entry, read_table, row_to_entry
from vptbench.leaderboard.clips import clips_path, clips_to_figure, read_clips
from vptbench.leaderboard.entry import CLAIMS, scores_to_entry
from vptbench.leaderboard.rules import POOLING, entry_to_refusals, entry_to_settings, scores_to_refusals
from vptbench.manifest import file_to_sha256
from vptbench.scorefile import MANIFEST, ROUNDING, read_scores, scores_to_problems


def board_to_problems(path: Path, scores: Sequence[Path] = ()) -> list[str]:
    """Rows that were changed by hand, may not stand beside those above, or are not what was scored.

    Args:
        path: The CSV.
        scores: Folders in which scores lie at any depth: rows of theirs must say what they say.

    Returns:
        Each problem in a line.

    Raises:
        BoardError: The file is no board.
    """
    table = read_table(path)
    at_hand = {
        file_to_sha256(each): each.parent for folder in scores for each in sorted(folder.rglob(MANIFEST))
    }
    entries: list[Entry] = []
    problems = []
    for row in table.rows:
        try:
            entry = row_to_entry(table, row)
        except BoardError as error:
            problems.append(str(error))
            continue
        found = entry_to_refusals(entry, Board(path, table.metrics, tuple(entries)))
        found += _clips_to_problems(path, entry) + _scores_to_problems(entry, at_hand)
        problems += [f"{path}: row {entry.name!r}: {problem}" for problem in found]
        entries.append(entry)
    return problems


def board_to_known(path: Path, scores: Sequence[Path]) -> tuple[int, int]:
    """How many rows were compared with scores at hand, and how many there are.

    Raises:
        BoardError: The file is no board.
    """
    table = read_table(path)
    column = table.header.index("scores_sha256")
    at_hand = {file_to_sha256(each) for folder in scores for each in folder.rglob(MANIFEST)}
    return sum(len(row) > column and row[column] in at_hand for row in table.rows), len(table.rows)


def _clips_to_problems(path: Path, entry: Entry) -> list[str]:
    """Whether the figures by clip are there, and give the row's."""
    sha256 = entry.facts["per_clip_sha256"]
    if not sha256:
        return []
    try:
        clips = read_clips(path, entry)
        settings = entry_to_settings(entry)
    except BoardError as error:
        return [str(error)]
    if not clips:
        place = clips_path(path, sha256)
        return [f"expected its figures by clip at {place}, found none; bring back {place.parent.name}"]
    problems = []
    for metric, value in entry.values.items():
        if metric not in clips or value.value is None:
            continue
        again = clips_to_figure(clips[metric], str(settings.get(metric, {}).get(POOLING)))
        if not np.isclose(value.value, again, rtol=ROUNDING, atol=0):
            problems.append(
                f"{metric}: expected {again!r} as its figures by clip give, found {value.value!r}"
            )
    return problems


def _scores_to_problems(entry: Entry, at_hand: Mapping[str, Path]) -> list[str]:
    """Whether a row says what its scores say, where these are at hand; claims are anybody's to change."""
    folder = at_hand.get(entry.facts["scores_sha256"])
    if folder is None:
        return []
    try:
        problems = scores_to_problems(folder)
        scores = read_scores(folder)
        claims = {claim: entry.facts[claim] for claim in CLAIMS}
        made = scores_to_entry(scores, entry.facts["scores_sha256"], name=entry.name, claims=claims)
    except VptbenchError as error:
        return [str(error)]
    problems += scores_to_refusals(scores)
    problems += [
        f"{fact}: expected {text!r} as {folder} says, found {entry.facts[fact]!r}"
        for fact, text in made.facts.items()
        if entry.facts[fact] != text and (entry.facts[fact] or fact not in LATER)
    ]
    return problems + [
        f"{metric}: expected {made.values.get(metric)} as {folder} says, found {value}"
        for metric, value in entry.values.items()
        if made.values.get(metric) != value
    ]
