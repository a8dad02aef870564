"""`vptbench weights`."""

from collections.abc import Callable
from pathlib import Path

import click

from vptbench.cli import options


@click.group()
def command() -> None:
    """List, fetch and verify the pinned networks behind LPIPS, FID and FVD."""


@command.command("list")
@options.weights_directory
@options.as_json
def list_weights(weights_dir: Path | None, as_json: bool) -> None:
    """Each network: its file, hash and licence, and whether it is here."""
    from vptbench.weights import NETWORKS, default_directory, weights_to_problem

    folder = weights_dir or default_directory()
    verified = {name for name in NETWORKS if weights_to_problem(name, weights_dir) is None}
    rows = [
        {
            "network": name,
            "serves": network.serves,
            "state": "verified"
            if name in verified
            else "damaged"
            if (folder / network.file).exists()
            else "missing",
            "sha256": network.sha256,
            "licence": network.licence,
            "url": network.url,
        }
        for name, network in NETWORKS.items()
    ]
    options.echo_table(rows, as_json=as_json)


@command.command()
@options.weights_directory
def fetch(weights_dir: Path | None) -> None:
    """Download what is missing, and check it against its pinned hash."""
    from vptbench.weights import fetch_weights

    _each_network(fetch_weights, weights_dir)


@command.command()
@options.weights_directory
def verify(weights_dir: Path | None) -> None:
    """Check the files that are here against their pinned hashes."""
    from vptbench.weights import resolve_weights

    _each_network(resolve_weights, weights_dir)


def _each_network(step: Callable[[str, Path | None], Path], weights_dir: Path | None) -> None:
    """Do `step` for every network, say what came of each, and fail at the end if one failed.

    Raises:
        WeightsError: Some networks are missing or not the pinned ones; each was named before.
    """
    from vptbench.errors import WeightsError
    from vptbench.weights import NETWORKS

    failed = []
    for name in NETWORKS:
        try:
            click.echo(f"{name}: {step(name, weights_dir)}")
        except WeightsError as error:
            click.echo(f"{name}: {error}")
            failed.append(name)
    if failed:
        raise WeightsError(
            f"expected all {len(NETWORKS)} networks, could not have {', '.join(failed)}; see above"
        )
