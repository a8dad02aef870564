"""`vptbench export`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("store", type=options.FOLDER)
@click.argument("out", type=options.FOLDER)
@click.option("--format", "form", metavar="NAME,NAME", required=True, help="What to write, see above.")
@click.option("--benchmark", metavar="ID", help="A frozen protocol, or a JSON file of your own.")
@options.workers
@options.verbose
def command(
    store: Path, out: Path, form: str, benchmark: str | None, workers: int, scheduler: str | None
) -> None:
    """Write what others read of the clip store STORE to the folder OUT.

    Inputs for other people's models, for each video of a benchmark (--benchmark): openpose-json (BODY_25, a
    file a frame), skeleton-png, skeleton-mp4 (in OpenPose's colours), dwpose (the body as DWPose draws it,
    without hands and face), heatmaps, mesh-flow. The source frame lies beside, and items.csv says which
    source drives which clip. No other frame is written.

    pose-pack: the store without its frames (keypoints, mesh, mask, body, provenance), which may be published
    where the videos may not. `vptbench prepare DATASET RAW STORE --poses-from OUT` joins it to anybody's own
    copy of the videos.

    Interrupted, the same command goes on where it stopped.
    """
    from vptbench.generate.inputs import store_to_exports

    formats = [name.strip() for name in form.split(",")]
    report = store_to_exports(
        store, out, formats, benchmark=benchmark, workers=workers, scheduler=scheduler
    )  # fmt: skip
    options.finish(f"{len(report.done)} clips exported", report.skipped, report.failed, out)
