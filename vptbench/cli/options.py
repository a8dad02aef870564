"""Options that several commands share."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from vptbench.errors import UsageError
from vptbench.manifest import Json, json_to_text

if TYPE_CHECKING:
    from vptbench.outputs.folder import Reading
    from vptbench.weights import Networks

Command = TypeVar("Command", bound=Callable[..., Any])

FOLDER = click.Path(path_type=Path)
"""A path; whether it fits is the library's business, whose messages say more than click's."""


def workers(command: Command) -> Command:
    """`--workers` and `--scheduler`: where the tasks run."""
    command = click.option(
        "--scheduler",
        metavar="ADDRESS",
        help="Join the Dask cluster at this address instead of starting one.",
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


def weights_directory(command: Command) -> Command:
    """`--weights-dir`: where the pinned files lie."""
    return click.option(
        "--weights-dir", type=FOLDER, envvar="VPTBENCH_WEIGHTS",
        help="Where the pinned files lie  [env: VPTBENCH_WEIGHTS; default: the user's cache].",
    )(command)  # fmt: skip


def weights(command: Command) -> Command:
    """`--weights` and `--weights-dir`: which networks measure."""
    return click.option(
        "--weights", type=click.Choice(["pinned", "random"]), default="pinned", show_default=True,
        help="pinned: the published networks; random: of the same kind, comparable with nothing outside.",
    )(weights_directory(command))  # fmt: skip


def verbose(command: Command) -> Command:
    """`--verbose`: tell what happens inside."""

    def callback(_context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            logging.getLogger("vptbench").setLevel(logging.DEBUG)

    return click.option("--verbose", is_flag=True, expose_value=False, callback=callback, help="Tell more.")(
        command
    )


def reading(command: Command) -> Command:
    """`--layout` and its kin: how another program's folder is to be read."""
    for name, kind, text in reversed((
        ("--layout", str, "How the frames lie, see docs/layouts.md  [default: auto, the one that fits]."),
        ("--pattern", str, 'Instead of a layout, such as "{clip}/frame_{frame:05d}.png".'),
        ("--panel", str, "The part of each picture that is the frame: 5/5, 3/3+2 (padded) or right:512."),
        ("--first", int, "The number in the name of the first output  [default: 0]."),
        ("--stride", int, "Driving frames from one output to the next  [default: 1]."),
        ("--offset", int, "The driving frame that the first output stands for  [default: 0]."),
        ("--count", int, "How many outputs a clip has where they end before the clip  [default: all]."),
    )):  # fmt: skip
        command = click.option(name, type=kind, help=text)(command)
    return command


def resolve_reading(**given: str | int | None) -> "Reading":
    """What `--layout` and its kin say together; what was not given stays as it is by default."""
    from vptbench.outputs.folder import Reading

    return Reading(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def as_json(command: Command) -> Command:
    """`--json`: a table as JSON on standard output."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


def resolve_device(name: str) -> str:
    """`auto` becomes `cuda` where there is a GPU, `cpu` elsewhere; `cuda` is refused where there is none."""
    if name == "cpu":
        return name
    import torch

    found = "cuda" if torch.cuda.is_available() else "cpu"
    if name not in {"auto", found}:
        raise UsageError(
            f"expected a GPU for --device {name}, found none; take --device cpu, or run `vptbench doctor`"
        )
    return found


def resolve_networks(mode: str, directory: Path | None, device_name: str) -> "Networks":
    """What `--weights`, `--weights-dir` and `--device` name together."""
    from vptbench.weights import Networks

    return Networks(
        mode="random" if mode == "random" else "pinned",
        directory=directory,
        device=resolve_device(device_name),
    )


def resolve_claims(claims: Sequence[str]) -> dict[str, str]:
    """`--claim KEY=VALUE`, as often as it was given.

    Raises:
        UsageError: One has no key or no value.
    """
    pairs = [claim.partition("=") for claim in claims]
    for claim, (key, _, value) in zip(claims, pairs, strict=True):
        if not key.strip() or not value.strip():
            raise UsageError(f"expected a claim such as model=NAME, got {claim!r}")
    return {key.strip(): value.strip() for key, _, value in pairs}


def asked_for(*left_out: str) -> dict[str, object]:
    """Parameters given on the command line itself, no default and no variable, but for those left out."""
    context = click.get_current_context()
    return {
        name: value
        for name, value in context.params.items()
        if name not in left_out and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }


def finish(done: str, skipped: Sequence[str], failed: Mapping[str, str], where: Path) -> None:
    """Say what was done, list the clips that failed, and end with status 1 if there are any."""
    already = f", {len(skipped)} were there already" if skipped else ""
    click.echo(f"{where}: {done}{already}" + (f", {len(failed)} failed:" if failed else ""))
    for clip, reason in failed.items():
        click.echo(f"  {clip}: {reason}")
    raise SystemExit(1 if failed else 0)


def echo_table(rows: Sequence[Mapping[str, Json]], *, as_json: bool) -> None:
    """Print rows with equal keys as aligned columns, or as JSON."""
    if as_json:
        click.echo(json_to_text(list(rows)), nl=False)
        return
    table = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)] if rows else []
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
