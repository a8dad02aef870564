"""`vptbench check`."""

from collections.abc import Callable, Mapping
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
    "robustness.json": "vptbench.robustness.check:robustness_to_problems",
    "run.json": "vptbench.runfile:run_to_problems",
    ".csv": "vptbench.leaderboard.published:csv_to_problems",
}
"""Manifest of a folder, or suffix of a file, to the function that lists its problems."""

WARNINGS = {
    "store.json": "vptbench.store.check:store_to_warnings",
    ".csv": "vptbench.leaderboard.published:csv_to_warnings",
}
"""The same for what is no damage and yet worth a look; of the other things nothing is."""


NOTES = {
    "store.json": "vptbench.store.noisy:store_to_notes",
}
"""The same for what is neither, and told all the same."""


@click.command()
@click.argument("place", metavar="FOLDER|BOARD", type=options.FOLDER)
@click.option(
    "--frames-from", "clean", metavar="CLEAN", type=options.FOLDER,
    help="Of a noisy store: first make its links lead to this clean store, which was moved.",
)  # fmt: skip
@options.verbose
def command(place: Path, clean: Path | None) -> None:
    """Read a thing on disk to the last byte, and say what is wrong with it.

    A clip store, a pose pack, exported inputs, outputs, scores, a sweep over noisy poses, a training run, a
    leaderboard or published figures. Warnings do not change the exit status: of a store, they name videos
    that are missing and clips whose poses are doubtful; of published figures, those that are marked as
    suspect. Of a store with noisy poses, the frames that it links to are read as well, and must be those
    that it was made with. Means, curves and summary of a sweep are made again from its other tables.
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
    problems = [] if clean is None else _link_again(kind, place, clean)
    place_to_problems = cast("Callable[[Path], list[str]]", id_to_object(kind, CHECKS, "manifest"))
    problems = problems or place_to_problems(place)
    for problem in problems:
        click.echo(problem)
    warnings = _told(kind, WARNINGS, place)
    for warning in warnings:
        click.echo(f"warning: {warning}")
    for note in _told(kind, NOTES, place):
        click.echo(note)
    state = f"{len(problems)} problems" if problems else "whole"
    click.echo(f"{place}: {state}" + (f", {len(warnings)} warnings" if warnings else ""))
    raise SystemExit(1 if problems else 0)


def _link_again(kind: str, place: Path, clean: Path) -> list[str]:
    """Lead the links of a noisy store to `clean`; a line for each clip that cannot be.

    Raises:
        UsageError: It is no store.
    """
    from vptbench.errors import UsageError
    from vptbench.store.noisy import link_again

    if kind != "store.json":
        raise UsageError(f"{place}: expected a noisy store for --frames-from, found none; leave that out")
    return link_again(place, clean)


def _told(kind: str, table: Mapping[str, str], place: Path) -> list[str]:
    """What a table's function says of a thing of that kind."""
    from vptbench.registry import id_to_object

    if kind not in table:
        return []
    return cast("Callable[[Path], list[str]]", id_to_object(kind, table, "manifest"))(place)
