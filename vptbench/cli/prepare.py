"""`vptbench prepare`."""

from pathlib import Path

import click

from vptbench.cli import options

NO_SETTINGS = ("dataset", "raw", "store", "benchmark", "compression", "poses_from", "workers", "scheduler")
"""Parameters that a pose pack leaves to its user."""


@click.command()
@click.argument("dataset", metavar="DATASET")
@click.argument("raw", type=options.FOLDER)
@click.argument("store", type=options.FOLDER)
@click.option(
    "--size",
    type=click.IntRange(min=16),
    help="Height and width of the frames  [default: the benchmark's, or 256].",
)
@click.option("--crop", help="How the person is cut out  [default: the benchmark's, or clip-square-v1].")
@click.option("--benchmark", metavar="ID", help="The frozen protocol that the store is for.")
@click.option(
    "--poses",
    type=click.Choice(["auto", "kptsmpls", "openpose", "coco", "truth", "smpl", "rtmlib", "mediapipe"]),
    default="auto",
    show_default=True,
    help="Where keypoints come from; auto: what the dataset brings, else an estimator that is installed.",
)
@click.option(
    "--swaps",
    type=click.Choice(["estimated", "all", "none"]),
    default="estimated",
    show_default=True,
    help="Whose left-right swaps are put right: an estimator's, also those of JSON, or nobody's.",
)
@click.option("--smoothing", default="none", show_default=True, help="A filter of keypoints over time.")
@click.option(
    "--lost",
    type=click.Choice(["mark", "drop"]),
    default="mark",
    show_default=True,
    help="Frames in which nobody was found: kept with all joints missing, or left out as published.",
)
@click.option(
    "--body",
    type=click.Choice(["auto", "dataset", "smpl", "fit", "none"]),
    default="auto",
    show_default=True,
    help="Where mesh and mask come from; auto takes what the dataset brings, and fits a body elsewhere.",
)
@click.option(
    "--smpl-model",
    type=options.FOLDER,
    envvar="VPTBENCH_SMPL",
    help="Your SMPL file (.pkl or .npz), for SMPL parameters that datasets bring  [env: VPTBENCH_SMPL].",
)
@click.option(
    "--compression",
    type=click.Choice(["gzip", "zstd"]),
    default="gzip",
    show_default=True,
    help="Of the clip files; zstd is smaller, reads faster and needs vptbench[zstd].",
)
@click.option(
    "--poses-from",
    type=options.FOLDER,
    metavar="PACK",
    help="A pose pack (`vptbench export`): crop, keypoints, mesh and mask are taken from it.",
)
@options.workers
@options.verbose
def command(
    dataset: str, raw: Path, store: Path, size: int | None, crop: str | None, benchmark: str | None,
    poses: str, swaps: str, smoothing: str, lost: str, body: str, smpl_model: Path | None, compression: str,
    poses_from: Path | None, workers: int, scheduler: str | None,
) -> None:  # fmt: skip
    """Turn the videos of DATASET in RAW into the clip store STORE.

    Datasets: fashionvideo, iper, tiktok, bdmm-preprocessed, and videos, which is any folder of them.

    Interrupted, the same command goes on where it stopped. Clips that cannot be prepared are listed in
    STORE/failures.csv with the reason; the others are done, and the exit status is 1.

    With --poses-from, a video is found in the pack by the SHA-256 of its file, and the pack says size, crop
    and how poses were made.
    """
    from vptbench.prepare.build import source_to_store
    from vptbench.prepare.pack import Join, check_asked, pack_to_store
    from vptbench.prepare.protocol import check_dataset, resolve_size_and_crop
    from vptbench.prepare.settings import PrepareSettings

    check_dataset(benchmark, dataset, raw)
    if poses_from is not None:
        check_asked(poses_from, options.asked_for(*NO_SETTINGS), benchmark)
        join = Join(dataset, raw, poses_from, compression)
        report = pack_to_store(join, store, workers=workers, scheduler=scheduler)
    else:
        side, cut = resolve_size_and_crop(benchmark, size, crop)
        settings = PrepareSettings(
            size=side, crop=cut, poses=poses, swaps=swaps, smoothing=smoothing, lost=lost, body=body,
            compression=compression, smpl_model=smpl_model,
        )  # fmt: skip
        report = source_to_store(dataset, raw, store, settings, workers=workers, scheduler=scheduler)
    if report.done or report.skipped:
        click.echo(report.origins)
    options.finish(f"{len(report.done)} clips prepared", report.skipped, report.failed, store)
