"""`vptbench prepare`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("dataset", metavar="DATASET")
@click.argument("raw", type=options.FOLDER)
@click.argument("store", type=options.FOLDER)
@click.option(
    "--size",
    type=click.IntRange(min=16),
    default=256,
    show_default=True,
    help="Height and width of the frames.",
)
@click.option("--crop", default="clip-square-v1", show_default=True, help="How the person is cut out.")
@click.option(
    "--poses",
    type=click.Choice(["auto", "openpose", "truth"]),
    default="auto",
    show_default=True,
    help="Where keypoints come from; auto takes what the dataset brings.",
)
@click.option(
    "--body",
    type=click.Choice(["auto", "dataset"]),
    default="auto",
    show_default=True,
    help="Where the mesh comes from; auto goes without where the dataset brings none.",
)
@click.option(
    "--compression",
    type=click.Choice(["gzip", "zstd"]),
    default="gzip",
    show_default=True,
    help="Of the clip files; zstd reads 4× faster and needs vptbench[zstd].",
)
@options.workers
@options.verbose
def command(
    dataset: str, raw: Path, store: Path, size: int, crop: str, poses: str, body: str, compression: str,
    workers: int, scheduler: str | None,
) -> None:  # fmt: skip
    """Turn the videos of DATASET (fashionvideo, iper) in RAW into the clip store STORE.

    Interrupted, the same command goes on where it stopped. Clips that cannot be prepared are listed in
    STORE/failures.csv with the reason; the others are done, and the exit status is 1.
    """
    from vptbench.prepare.build import PrepareSettings, source_to_store

    settings = PrepareSettings(size=size, crop=crop, poses=poses, body=body, compression=compression)
    report = source_to_store(dataset, raw, store, settings, workers=workers, scheduler=scheduler)
    options.finish(f"{len(report.done)} clips prepared", report.skipped, report.failed, store)
