"""`vptbench corrupt`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("store", type=options.FOLDER)
@click.argument("noisy", type=options.FOLDER)
@click.option(
    "--kind",
    metavar="KIND",
    required=True,
    help="jitter, drift, dropout, swap, outlier, lag, other-body or estimator: see docs/robustness.md.",
)
@click.option("--severity", type=int, required=True, help="0 (nothing) to 5.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draws.")
@click.option(
    "--set", "given", metavar="NAME=VALUE", multiple=True, help="A parameter of the kind, as often as needed."
)
@click.option(
    "--benchmark", metavar="ID", help="Keep the poses of its source frames  [default: frame 0 of each clip]."
)
@click.option("--split", type=click.Choice(["train", "test"]), help="Corrupt this split alone.")
@click.option("--corrupt-source", is_flag=True, help="Corrupt the poses of source frames as well.")
@options.workers
@options.verbose
def command(
    store: Path, noisy: Path, kind: str, severity: int, seed: int, given: tuple[str, ...],
    benchmark: str | None, split: str | None, corrupt_source: bool, workers: int, scheduler: str | None,
) -> None:  # fmt: skip
    """Write a store to NOISY that has the frames of the clip store STORE and corrupted poses.

    Frames and masks are links into STORE, by relative path, so that no picture is copied; the mesh moves
    with its keypoints, and the parameters of the body, which would tell the clean pose, are left out. Draws
    follow from kind, clip and seed: severities are the same draws, scaled. `generate`, `export`, `show` and
    `score` take NOISY as any other store.

    Interrupted, the same command goes on where it stopped. If STORE was moved, `vptbench check NOISY
    --frames-from STORE` mends the links.
    """
    from vptbench.robustness.build import disturbance_to_text, store_to_noisy_store
    from vptbench.robustness.corruptions import Corruption, texts_to_parameters
    from vptbench.store.noisy import Sizes

    corruption = Corruption(kind, severity, seed, texts_to_parameters(given))
    report = store_to_noisy_store(
        store, noisy, corruption, benchmark=benchmark, split=split, corrupt_source=corrupt_source,
        workers=workers, scheduler=scheduler,
    )  # fmt: skip
    if report.disturbance is not None:
        click.echo(disturbance_to_text(report.disturbance))
    click.echo(f"links to frames of {store}; {Sizes(report.bytes, report.clean_bytes)}")
    options.finish(
        f"{len(report.done)} clips corrupted ({kind}-{severity}, seed {seed})",
        report.skipped, report.failed, noisy,
    )  # fmt: skip
