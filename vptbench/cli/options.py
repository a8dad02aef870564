"""Options that several commands share."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = click.Path(path_type=Path)
"""A path; whether it fits is the library's business, whose messages say more than click's."""


def workers(command: Command) -> Command:
    """`--workers` and `--scheduler`: where the tasks run."""
    command = click.option(
        "--scheduler", metavar="ADDRESS", help="Join the Dask cluster at this address instead of starting one."
    )(command)
    return click.option(
        "--workers", type=click.IntRange(min=1), default=1, show_default=True,
        help="Processes; 1 works in this one, more start a local Dask cluster.",
    )(command)  # fmt: skip


def device(command: Command) -> Command:
    """`--device`: where networks run."""
    return click.option(
        "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
        help="Where networks run; auto takes a GPU if there is one.",
    )(command)  # fmt: skip


def weights(command: Command) -> Command:
    """`--weights` and `--weights-dir`: which networks measure."""
    command = click.option(
        "--weights-dir", type=FOLDER, envvar="VPTBENCH_WEIGHTS",
        help="Where the pinned files lie  [env: VPTBENCH_WEIGHTS; default: the user's cache].",
    )(command)  # fmt: skip
    return click.option(
        "--weights", type=click.Choice(["pinned", "random"]), default="pinned", show_default=True,
        help="pinned: the published networks; random: of the same kind, comparable with nothing outside.",
    )(command)  # fmt: skip


def verbose(command: Command) -> Command:
    """`--verbose`: tell what happens inside."""

    def callback(_context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            logging.getLogger("vptbench").setLevel(logging.DEBUG)

    return click.option("--verbose", is_flag=True, expose_value=False, callback=callback, help="Tell more.")(command)


def as_json(command: Command) -> Command:
    """`--json`: a table as JSON on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def resolve_device(name: str) -> str:
    """`auto` becomes `cuda` where there is a GPU, `cpu` elsewhere."""
    if name != "auto":
        return name
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
