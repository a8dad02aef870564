"""`vptbench check`."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import click

from vptbench.cli import options

CHECKS = {
    "store.json": "vptbench.store.check:store_to_problems",
    "pack.json": "vptbench.store.check:pack_to_problems",
    "export.json": "vptbench.generate.check:inputs_to_problems",
    "outputs.json": "vptbench.outputs.check:outputs_to_problems",
    "scores.json": "vptbench.scorefile:scores_to_problems",
    "robustness.json": "vptbench.curvefile:robustness_to_problems",
    "run.json": "vptbench.runfile:run_to_problems",
    ".csv": "vptbench.leaderboard.published:csv_to_problems",
}
"""Manifest of a folder, or suffix of a file, to the function that lists its problems."""

WARNINGS = {
    "store.json": "vptbench.store.check:store_to_warnings",
    ".csv": "vptbench.leaderboard.published:csv_to_warnings",
}
"""The same for what is no damage and yet worth a look; of the other things nothing is."""


@click.command()
@click.argument("place", metavar="FOLDER|BOARD", type=options.FOLDER)
@options.verbose
def command(place: Path) -> None:
    """Read a thing on disk to the last byte, and say what is wrong with it.

    A clip store, a pose pack, exported inputs, outputs, scores, a training run, a leaderboard or published
    figures. Warnings do not change the exit status: of a store, they name videos that are missing and clips
    whose poses are doubtful; of published figures, those that are marked as suspect.
    """
    from vptbench.errors import ManifestError
    from vptbench.registry import id_to_object

    kind = next((name for name in CHECKS if (place / name).is_file()), place.suffix.lower())
    if kind not in CHECKS or (kind == ".csv" and not place.is_file()):
        *manifests, _ = CHECKS
        raise ManifestError(
            f"{place}: expected a folder with {', '.join(manifests)}, or a leaderboard's CSV, found none; "
            "check the path"
        )
    place_to_problems = cast("Callable[[Path], list[str]]", id_to_object(kind, CHECKS, "manifest"))
    problems = place_to_problems(place)
    for problem in problems:
        click.echo(problem)
    warnings = _warnings(kind, place)
    for warning in warnings:
        click.echo(f"warning: {warning}")
    state = f"{len(problems)} problems" if problems else "whole"
    click.echo(f"{place}: {state}" + (f", {len(warnings)} warnings" if warnings else ""))
    raise SystemExit(1 if problems else 0)


def _warnings(kind: str, place: Path) -> list[str]:
    """What is worth a look in a thing of that kind."""
    from vptbench.registry import id_to_object

    if kind not in WARNINGS:
        return []
    place_to_warnings = cast("Callable[[Path], list[str]]", id_to_object(kind, WARNINGS, "manifest"))
    return place_to_warnings(place)
