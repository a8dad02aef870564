"""`vptbench doctor`."""

from dataclasses import asdict
from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@options.weights_directory
@options.as_json
def command(weights_dir: Path | None, as_json: bool) -> None:
    """Say what works on this machine, and what to install for the rest."""
    from vptbench.doctor import machine_to_findings

    options.echo_table([asdict(finding) for finding in machine_to_findings(weights_dir)], as_json=as_json)
