"""`vptbench export`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("store", type=options.FOLDER)
@click.argument("out", type=options.FOLDER)
@click.option("--format", "form", metavar="NAME", required=True, help="What to write; there is pose-pack.")
@options.workers
@options.verbose
def command(store: Path, out: Path, form: str, workers: int, scheduler: str | None) -> None:
    """Write what others read of the clip store STORE to the folder OUT.

    pose-pack: the store without its frames (keypoints, mesh, mask, body, provenance), which may be published
    where the videos may not. `vptbench prepare DATASET RAW STORE --poses-from OUT` joins it to anybody's own
    copy of the videos.

    Interrupted, the same command goes on where it stopped.
    """
    from vptbench.generate.export import load_format

    report = load_format(form)(store, out, workers=workers, scheduler=scheduler)
    options.finish(f"{len(report.done)} clips exported", report.skipped, report.failed, out)
