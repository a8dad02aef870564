"""`vptbench benchmarks`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.group()
def command() -> None:
    """List the frozen protocols, show one, or import a published one."""


@command.command("list")
@options.as_json
def list_benchmarks(as_json: bool) -> None:
    """The protocols that come with vptbench, a line each."""
    from vptbench.benchmarks.catalogue import benchmarks_to_rows

    options.echo_table(benchmarks_to_rows(), as_json=as_json)


@command.command("show")
@click.argument("benchmark", metavar="ID")
def show_benchmark(benchmark: str) -> None:
    """One protocol, or a JSON file of your own, with its defaults and its hash."""
    from vptbench.benchmarks.catalogue import benchmark_to_json
    from vptbench.manifest import json_to_text

    click.echo(json_to_text(benchmark_to_json(benchmark)), nl=False)


@command.command("import")
@click.argument("protocol", type=options.FOLDER, metavar="PROTOCOL.json")
@click.option("--dataset", type=click.Choice(["iper", "fashionvideo"]), required=True, help="Whose videos.")
@click.option(
    "--driving", type=click.Choice(["self", "cross"]), required=True,
    help="self: a video's own poses; cross: those of another, without ground truth.",
)  # fmt: skip
@click.option("--out", type=options.FOLDER, required=True, help="Benchmark to write, FILE.json.")
@click.option(
    "--size", type=click.IntRange(min=1), default=256, show_default=True, help="Of the frames, pixels."
)
@click.option("--crop", metavar="ID", default="full-v1", show_default=True, help="Of the clips.")
def import_benchmark(protocol: Path, dataset: str, driving: str, out: Path, size: int, crop: str) -> None:
    """A benchmark of your own from your copy of a his_evaluators protocol file.

    Give it to prepare, generate and score as --benchmark FILE.json.
    """
    from vptbench.benchmarks.his import HisSettings, his_to_benchmark

    report = his_to_benchmark(protocol, out, HisSettings(dataset, driving, size, crop))
    click.echo(f"{out}: {report.id}, {report.videos} videos, {report.frames} frames")
