"""`vptbench doctor`."""

from dataclasses import asdict
from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.option("--model", metavar="NAME", help="Measure what this model costs here, instead of the machine.")
@options.weights_directory
@options.device
@options.as_json
def command(model: str | None, weights_dir: Path | None, device: str, as_json: bool) -> None:
    """Say what works on this machine, and what to install for the rest; or what a model costs on it."""
    from vptbench.doctor import machine_to_findings, model_to_efficiency

    if model is None:
        findings = machine_to_findings(weights_dir)
        options.echo_table([asdict(finding) for finding in findings], as_json=as_json)
    else:
        rows = model_to_efficiency(model, options.resolve_device(device))
        options.echo_table(rows, as_json=as_json)
