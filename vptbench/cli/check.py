"""`vptbench check`."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import click

from vptbench.cli import options

CHECKS = {
    "store.json": "vptbench.store.check:store_to_problems",
    "outputs.json": "vptbench.outputs.check:outputs_to_problems",
    "scores.json": "vptbench.scorefile:scores_to_problems",
}
"""Manifest of a folder to the function that lists its problems."""


@click.command()
@click.argument("folder", type=options.FOLDER)
@options.verbose
def command(folder: Path) -> None:
    """Read a clip store, outputs or scores to the last byte, and say what is wrong with it."""
    from vptbench.errors import ManifestError
    from vptbench.registry import id_to_object

    manifest = next((name for name in CHECKS if (folder / name).is_file()), None)
    if manifest is None:
        raise ManifestError(
            f"{folder}: expected a folder with {', '.join(CHECKS)}, found none; check the path"
        )
    folder_to_problems = cast("Callable[[Path], list[str]]", id_to_object(manifest, CHECKS, "manifest"))
    problems = folder_to_problems(folder)
    for problem in problems:
        click.echo(problem)
    click.echo(f"{folder}: {len(problems)} problems" if problems else f"{folder}: whole")
    raise SystemExit(1 if problems else 0)
