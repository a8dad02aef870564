"""`vptbench synth`."""

from pathlib import Path

import click

from vptbench.cli import options


@click.command()
@click.argument("out", type=options.FOLDER)
@click.option(
    "--layout",
    type=click.Choice(["fashionvideo", "iper", "tiktok"]),
    default="fashionvideo",
    show_default=True,
    help="Whose files and motions to imitate.",
)
@click.option(
    "--clips", type=click.IntRange(min=2), default=6, show_default=True, help="In all, over both splits."
)
@click.option("--frames", type=click.IntRange(min=2), default=24, show_default=True, help="Of each clip.")
@click.option(
    "--size", type=click.IntRange(min=32), default=128, show_default=True, help="Height of a frame."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Of people and motions."
)
@click.option(
    "--background",
    type=click.Choice(["own", "plain", "textured", "mixed"]),
    default="own",
    show_default=True,
    help="What stands behind people: as the layout has it, a studio, a room, street or park, or a studio "
    "behind half of the people of either split. All else stays the same.",
)
@options.verbose
def command(out: Path, layout: str, clips: int, frames: int, size: int, seed: int, background: str) -> None:
    """Make videos of synthetic people in a dataset's own layout, with exact ground truth beside them.

    The same arguments give the same bytes.
    """
    from vptbench.synth.build import seed_to_raw

    seed_to_raw(out, layout=layout, clips=clips, frames=frames, size=size, seed=seed, background=background)
    click.echo(f"{clips} clips of {frames} frames in {out}")
