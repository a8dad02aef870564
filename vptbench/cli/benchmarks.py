"""`vptbench benchmarks`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from vptbench.cli import options
from vptbench.errors import UsageError
from vptbench.manifest import Json


@click.group()
def command() -> None:
    """List the frozen protocols, show one, or import a published one."""


@command.command("list")
@options.as_json
def list_benchmarks(as_json: bool) -> None:
    """The protocols that come with vptbench, a line each.

    A list of corruptions has the rules of its clean protocol, named in the last column. --json tells each
    one's hash as well.
    """
    from vptbench.benchmarks.loader import BENCHMARKS, NOISY_BENCHMARKS

    rows = [_row(name) for name in BENCHMARKS + NOISY_BENCHMARKS]
    options.echo_table(rows if as_json else [_row_to_line(row) for row in rows], as_json=as_json)


@command.command("show")
@click.argument("benchmark", metavar="ID")
def show_benchmark(benchmark: str) -> None:
    """One protocol, or a JSON file of your own, as it stands in its file.

    With another id it is a benchmark of your own: `vptbench benchmarks show iper-v1 > mine.json`, edit it,
    and give --benchmark mine.json. The protocol's hash goes to standard error.
    """
    from vptbench.benchmarks.loader import Benchmark
    from vptbench.benchmarks.noisy import read_any_benchmark
    from vptbench.manifest import json_to_text
    from vptbench.metrics import METRICS
    from vptbench.registry import check_known

    document, found = read_any_benchmark(benchmark)
    for metric in found.metrics if isinstance(found, Benchmark) else ():
        check_known(metric, METRICS, "metric")
    click.echo(json_to_text(document), nl=False)
    click.echo(f"sha256 {found.sha256}", err=True)


def _row(name: str) -> dict[str, Json]:
    """What `list` says of one protocol, or of a list of corruptions: its clean protocol's rules."""
    from vptbench.benchmarks.loader import Benchmark, load_benchmark
    from vptbench.benchmarks.noisy import read_any_benchmark
    from vptbench.benchmarks.source import source_to_text

    _, found = read_any_benchmark(name)
    rules, clean = (
        (found, None) if isinstance(found, Benchmark) else (load_benchmark(found.clean), found.clean)
    )
    return {
        "id": name,
        "dataset": rules.dataset,
        "split": rules.split,
        "driving": rules.driving,
        "crop": rules.crop,
        "size": rules.size,
        "source": source_to_text(rules.source),
        "pooling": rules.pooling,
        "reference": rules.reference,
        "clean": clean,
        "sha256": found.sha256,
    }


def _row_to_line(row: Mapping[str, Json]) -> dict[str, Json]:
    """A row of `_row` as the table shows it."""
    line = {name: value for name, value in row.items() if name not in {"clean", "sha256"}}
    size = row["size"]
    line["size"] = "×".join(map(str, size)) if isinstance(size, Sequence) else "any"
    return {**line, "noise on": row["clean"] or ""}


@command.command("import")
@click.argument("protocol", type=options.FOLDER, metavar="PROTOCOL")
@click.option("--dataset", type=click.Choice(["iper", "fashionvideo"]), help="Of a .json: whose videos.")
@click.option(
    "--driving", type=click.Choice(["self", "cross"]),
    help="Of a .json: self, a video's own poses; cross, those of another, without ground truth.",
)  # fmt: skip
@click.option("--store", type=options.FOLDER, help="Of a .csv: the clips that the list is for.")
@click.option("--out", type=options.FOLDER, required=True, help="Benchmark to write, FILE.json.")
@click.option(
    "--size", type=click.IntRange(min=1), default=512, show_default=True, help="Of a .json: frames, pixels."
)
@click.option("--crop", metavar="ID", default="full-v1", show_default=True, help="Of a .json: of the clips.")
def import_benchmark(
    protocol: Path, dataset: str | None, driving: str | None, store: Path | None, out: Path, size: int,
    crop: str,
) -> None:  # fmt: skip
    """A benchmark of your own from your copy of a published file.

    PROTOCOL is a his_evaluators protocol, a .json, with --dataset and --driving; or BDMM's test_list.csv,
    with --store, whose source frames then replace the drawn ones of fashionvideo-bdmm-v1. Give what is
    written to prepare, generate and score as --benchmark FILE.json.
    """
    if protocol.suffix == ".csv":
        click.echo(_import_list(protocol, out, store))
        return
    from vptbench.benchmarks.his import HisSettings, his_to_benchmark

    if dataset is None or driving is None:
        raise UsageError(f"{protocol}: expected --dataset and --driving for a .json, got none; give both")
    report = his_to_benchmark(protocol, out, HisSettings(dataset, driving, size, crop))
    click.echo(f"{out}: {report.id}, {report.videos} videos, {report.frames} frames")


def _import_list(path: Path, out: Path, store: Path | None) -> str:
    """Import BDMM's test list, and say what became of it.

    Raises:
        UsageError: No store was given.
    """
    from vptbench.prepare.testlist import list_to_benchmark

    if store is None:
        raise UsageError(f"{path}: expected --store for a .csv, got none; give the clips that it is for")
    report = list_to_benchmark(path, out, store)
    return (
        f"{out}: {report.id}, source frames of {report.videos} videos; the store lacks {report.absent} "
        f"videos and {report.missing} frames of the list, and has {report.surplus} frames more"
    )
