"""`vptbench show`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("store", type=options.FOLDER)
@click.argument("clip")
@click.option(
    "--out",
    type=options.FOLDER,
    help="Picture (.png, .jpg) or video (.mp4) to write  [default: <clip>.png here].",
)
@click.option(
    "--source", type=click.IntRange(min=0), default=0, show_default=True, help="Where the flow leads back to."
)
@click.option(
    "--columns", type=click.IntRange(min=1), default=8, show_default=True, help="Frames in the picture."
)
@options.verbose
def command(store: Path, clip: str, out: Path | None, source: int, columns: int) -> None:
    """Draw CLIP of STORE: frames, skeleton, mesh, mesh flow and the source warped along it."""
    from vptbench import open_store
    from vptbench.report.show import write_view

    out = out or Path(f"{clip.replace('/', '-')}.png")
    write_view(open_store(store)[clip], out, source=source, columns=columns)
    click.echo(out)
