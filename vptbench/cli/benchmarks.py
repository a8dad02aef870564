"""`vptbench benchmarks`."""

import click

from vptbench.cli import options


@click.group()
def command() -> None:
    """List the frozen protocols, or show one."""


@command.command("list")
@options.as_json
def list_benchmarks(as_json: bool) -> None:
    """The protocols that come with vptbench, a line each."""
    from vptbench.benchmarks.loader import benchmark_ids, load_benchmark

    rows = [load_benchmark(name) for name in benchmark_ids()]
    table = [{"id": row.id, "dataset": row.dataset, "split": row.split, "sha256": row.sha256} for row in rows]
    options.echo_table(table, as_json=as_json)


@command.command("show")
@click.argument("benchmark", metavar="ID")
def show_benchmark(benchmark: str) -> None:
    """One protocol, as JSON, with its hash."""
    from vptbench.benchmarks.loader import load_benchmark
    from vptbench.config import config_to_json
    from vptbench.manifest import json_to_text

    protocol = load_benchmark(benchmark)
    click.echo(json_to_text({**config_to_json(protocol), "sha256": protocol.sha256}), nl=False)
