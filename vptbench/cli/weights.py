"""`vptbench weights`."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from vptbench.cli import options
from vptbench.manifest import Json

COLUMNS = ("network", "serves", "state", "mib")
"""What the table of `list` has room for."""


@click.group()
def command() -> None:
    """List, fetch and verify the pinned networks behind LPIPS, FID, FVD and training losses."""


@command.command("list")
@options.weights_directory
@options.as_json
def list_weights(weights_dir: Path | None, as_json: bool) -> None:
    """Each network: what it serves, whether it is here, and its size in MiB.

    --json tells its metrics, hash, licence and address as well. A hash of fewer than 64 digits is how the
    file's SHA-256 begins: no more is known.
    """
    from vptbench.weights import NETWORKS, default_directory

    folder = weights_dir or default_directory()
    metrics = _network_to_metrics()
    rows = [_row(name, folder, metrics.get(name, [])) for name in NETWORKS]
    if not as_json:
        rows = [{name: "?" if row[name] is None else row[name] for name in COLUMNS} for row in rows]
    options.echo_table(rows, as_json=as_json)


@command.command()
@click.argument("names", nargs=-1, metavar="[NAMES]...")
@options.weights_directory
def fetch(names: tuple[str, ...], weights_dir: Path | None) -> None:
    """Download the networks NAMES (all of them by default), and check them against their pinned hashes.

    What is here already is not brought again; a download that was cut goes on where it ended.
    """
    from vptbench.weights import fetch_weights

    _each_network(fetch_weights, names, weights_dir)


@command.command()
@click.argument("names", nargs=-1, metavar="[NAMES]...")
@options.weights_directory
def verify(names: tuple[str, ...], weights_dir: Path | None) -> None:
    """Check the files of the networks NAMES (all of them by default) against their pinned hashes."""
    from vptbench.weights import resolve_weights

    _each_network(resolve_weights, names, weights_dir)


def _network_to_metrics() -> dict[str, list[str]]:
    """The ids of the metrics that run each network."""
    from vptbench.metrics import METRICS, metric_facts

    found: dict[str, list[str]] = {}
    for metric in METRICS:
        network = metric_facts(metric).network
        if network is not None:
            found.setdefault(network, []).append(metric)
    return found


def _row(name: str, folder: Path, metrics: Sequence[str]) -> dict[str, Json]:
    """What `list` says of one network; a file that is here and right tells its own size."""
    from vptbench.weights import NETWORKS, weights_to_problem

    network = NETWORKS[name]
    path = folder / network.file
    verified = weights_to_problem(name, folder) is None
    return {
        "network": name,
        "serves": network.serves,
        "metrics": ", ".join(metrics),
        "mib": round(path.stat().st_size / 2**20) if verified else network.mib,
        "state": "verified" if verified else "damaged" if path.exists() else "missing",
        "sha256": network.sha256,
        "licence": network.licence,
        "url": network.url,
    }


def _each_network(
    step: Callable[[str, Path | None], Path], names: Sequence[str], weights_dir: Path | None
) -> None:
    """Do `step` for the networks `names` (all by default), say what came of each, and fail at the end.

    Raises:
        RegistryError: A name is unknown; nothing was done then.
        WeightsError: Some networks are missing or not the pinned ones; each was named before.
    """
    from vptbench.errors import WeightsError
    from vptbench.registry import check_known
    from vptbench.weights import NETWORKS

    wanted = [check_known(name, NETWORKS, "network") for name in dict.fromkeys(names)] or list(NETWORKS)
    failed = []
    for name in wanted:
        try:
            click.echo(f"{name}: {step(name, weights_dir)}")
        except WeightsError as error:
            click.echo(str(error))
            failed.append(name)
    if failed:
        asked = ", ".join(wanted) if names else f"all {len(wanted)} networks"
        raise WeightsError(f"expected {asked}, could not have {', '.join(failed)}; see above")
