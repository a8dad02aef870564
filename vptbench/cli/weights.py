"""`vptbench weights`."""

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
    from vptbench.weights import NETWORKS, weights_to_problem

    rows = [
        {
            "network": name,
            "serves": network.serves,
            "state": "missing" if weights_to_problem(name, weights_dir) else "verified",
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
    from vptbench.weights import NETWORKS, fetch_weights

    for name in NETWORKS:
        click.echo(f"{name}: {fetch_weights(name, weights_dir)}")


@command.command()
@options.weights_directory
def verify(weights_dir: Path | None) -> None:
    """Check the files that are here against their pinned hashes."""
    from vptbench.weights import NETWORKS, resolve_weights

    for name in NETWORKS:
        click.echo(f"{name}: {resolve_weights(name, weights_dir)}")
