"""Scores to a row of a leaderboard."""

from collections.abc import Mapping
from pathlib import Path

from vptbench.errors import BoardError
from vptbench.formulas import neutralise
from vptbench.leaderboard.board import LOSSY, Board, Entry, Value, read_board, write_board
from vptbench.leaderboard.clips import scores_to_clips, text_to_sha256, write_clips
from vptbench.leaderboard.rules import (
    entry_to_refusals,
    networks_to_text,
    path_to_declaration,
    scores_to_refusals,
    scores_to_settings,
)
from vptbench.leaderboard.text import printable
from vptbench.manifest import Json, file_to_sha256, json_to_sha256
from vptbench.metrics import metric_facts
from vptbench.scorefile import MANIFEST, Scores, read_scores, scores_to_problems

CLAIMS = ("trained_on", "commit", "command")
"""Columns that hold what somebody told: given to `add_entry`, or claimed when scoring."""


OURS, LOSSLESS = "vptbench-outputs", "lossless"
"""The layout that `vptbench generate` writes, whose frames are PNG."""


def add_entry(
    scores: Path | str, board: Path | str, *, name: str | None = None, claims: dict[str, str] | None = None
) -> Entry:
    """Add scores to a board as a row; the first one makes the board and says what it takes.

    Figures by clip go to a file beside the board, see `clips`.

    Args:
        scores: Folder of scores.
        board: The CSV. One named after a frozen benchmark of real data takes that benchmark by the pinned
            networks and nothing else.
        name: How the row is called; the model's name by default.
        claims: Some of `CLAIMS`.

    Raises:
        ManifestError: There are no scores.
        ScoreError: They are damaged.
        BoardError: The board is damaged or does not take them; the text names every difference.

    Example:
        ``add_entry("scores/mesh_warp", "leaderboards/iper-v1.csv").name``
    """
    scores, path = Path(scores), Path(board)
    record = read_scores(scores)
    refusals = scores_to_problems(scores) or scores_to_refusals(record)
    if refusals:
        raise BoardError(f"{path} does not take {scores}: " + "; ".join(refusals))
    entry = scores_to_entry(record, file_to_sha256(scores / MANIFEST), name=name, claims=claims)
    found = read_board(path) if path.exists() else Board(path, tuple(entry.values), ())
    refusals = entry_to_refusals(entry, found)
    if refusals:
        raise BoardError(f"{path} does not take {scores}: " + "; ".join(refusals))
    write_clips(path, scores_to_clips(record))
    entry = Entry(entry.facts, {metric: entry.values[metric] for metric in found.metrics})
    write_board(Board(path, found.metrics, (*found.entries, entry)))
    return entry


def declare_board(board: Path | str) -> Board:
    """Write the board of a frozen benchmark of real data without entries, or leave one that is there.

    Args:
        board: The CSV, named after the benchmark.

    Raises:
        BoardError: There is no such benchmark, or the file is no board.

    Example:
        ``declare_board("leaderboards/iper-v1.csv").metrics``
    """
    path = Path(board)
    benchmark = path_to_declaration(path)
    if benchmark is None:
        raise BoardError(
            f"expected a board named after a frozen benchmark of real data, got {path.name!r}; "
            "name it so, or make it with its first entry"
        )
    if not path.exists():
        write_board(Board(path, benchmark.metrics, ()))
    return read_board(path)


def scores_to_entry(
    scores: Scores, scores_sha256: str, *, name: str | None = None, claims: dict[str, str] | None = None
) -> Entry:
    """Scores as a row.

    Args:
        scores: Official scores.
        scores_sha256: Of their ``scores.json``.
        name: How the row is called; the model's name by default.
        claims: Some of `CLAIMS`.

    Raises:
        BoardError: The scores name no benchmark, or the name is empty, or a claim is unknown.
    """
    known = {**(scores.outputs or {}), **scores.claimed}
    told = {**{claim: _to_claim(known.get(claim)) for claim in CLAIMS}, **(claims or {})}
    title = printable(scores.model if name is None else name)
    if scores.benchmark is None or not title or set(told) != set(CLAIMS):
        raise BoardError(
            f"expected scores under a benchmark, a name and claims of {', '.join(CLAIMS)}, got "
            f"{title!r} with {', '.join(told)}"
        )
    own = [metric_facts(name.partition("@")[0]) for name in scores.own]
    used = sorted({each.network for each in own if each.network})
    split, reference = scores.benchmark.get("split"), scores.benchmark.get("reference")
    unpaired = any(
        not hasattr(each, "per_frame") and (getattr(each, "reference", None) or reference) != split
        for each in own
    )
    facts = {
        "name": title,
        "kind": scores.kind,
        "benchmark": str(scores.benchmark["id"]),
        "benchmark_sha256": str(scores.benchmark["sha256"]),
        "clip_list_sha256": scores.clip_list_sha256,
        "reference_sha256": str(scores.reference["sha256"]) if scores.reference and unpaired else "",
        "truth_sha256": scores.truth_sha256 if any(getattr(each, "needs", ()) for each in own) else "",
        "networks": networks_to_text(
            {name: scores.networks[name] for name in used if name in scores.networks}
        ),
        "settings": scores_to_settings(scores),
        "clips": str(max(figure.clips for figure in scores.own.values())),
        "frames": str(max(figure.frames for figure in scores.own.values())),
        "videos": scores.lacking,
        "container": _to_container(scores),
        **told,
        "vptbench": str(scores.libraries.get("vptbench", "")),
        "scores_sha256": scores_sha256,
        "generated_sha256": json_to_sha256(
            {clip: facts["generated_sha256"] for clip, facts in scores.clips.items()}
        ),
        "per_clip_sha256": text_to_sha256(scores_to_clips(scores)),
    }
    values = {metric: Value(figure.value, figure.low, figure.high) for metric, figure in scores.own.items()}
    return Entry({column: neutralise(printable(text)) for column, text in facts.items()}, values)


def _to_claim(told: Json) -> str:
    """What outputs or a claim say, as a cell: of a command line with its settings the line."""
    return str((told.get("line") if isinstance(told, Mapping) else told) or "")


def _to_container(scores: Scores) -> str:
    """What the generated frames lay in, and whether that may have lost some quality; empty if unknown."""
    if scores.reading:
        return f"{scores.reading['container']}, {LOSSLESS if scores.reading['lossless'] else LOSSY}"
    return f"PNG, {LOSSLESS}" if scores.layout == OURS else ""
