"""The command line: thin commands over the library, loaded when called.

Exit status: 0 done; 1 finished, but some clips failed; 2 wrong use or bad input, told in one line; 130
stopped by the user.
"""

import errno
import logging
import os
from importlib import import_module

import click

from vptbench.errors import ClipsFailedError, VptbenchError

os.environ.setdefault("GOMP_SPINCOUNT", "10000")
# Threads of networks wait for each other by spinning; as long as GNU's OpenMP does by itself, they take the
# processor from the one that they wait for as soon as anything else runs: 3 frames a second instead of 14.

COMMANDS = (
    "demo", "synth", "fetch", "prepare", "show", "check", "corrupt", "train", "generate", "export", "score",
    "strata", "robustness", "leaderboard", "report", "reproduce", "benchmarks", "weights", "doctor",
)  # fmt: skip
"""Command names in the order of `--help`; each lies in the module of its name."""


class LazyGroup(click.Group):
    """A group that imports a command's module when it is asked for, and turns errors into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All commands, in the order of a user's work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"vptbench.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; `VptbenchError` and the disk's refusals become one line and exit status 2 or 1."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Stopped("stopped; what is done is kept, and the same command goes on") from error
        except ClipsFailedError as error:
            for clip, reason in error.failed.items():
                click.echo(f"  {clip}: {' '.join(reason.split())}")
            raise SomeFailed(str(error)) from error
        except VptbenchError as error:
            raise OneLine(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            where = f"{error.filename}: " if error.filename else ""
            raise OneLine(
                f"{where}the system refused: {error.strerror or error}; mend that and run again"
            ) from error


class OneLine(click.ClickException):
    """An error that click shows in one line, and that ends the process with status 2."""

    exit_code = 2

    def __init__(self, text: str) -> None:
        super().__init__(" ".join(text.split()))


class Stopped(OneLine):
    """The same where the user stopped it: the status that shells give, 128 + 2."""

    exit_code = 130


class SomeFailed(OneLine):
    """The same where other clips are done: status 1."""

    exit_code = 1


@click.command(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="vptbench")
def main() -> None:
    """Prepare, score and rank human pose transfer: datasets, six metrics, leaderboards, one report.

    Begin with `vptbench demo`.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
