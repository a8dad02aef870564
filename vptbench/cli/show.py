"""`vptbench show`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vptbench.cli import options

if TYPE_CHECKING:
    from vptbench.report.show import ViewSettings

CLIP_OPTIONS = {"views": "--views", "span": "--frames", "source": "--source", "columns": "--columns"}
"""Options that only a single clip takes, by parameter."""


@click.command()
@click.argument("store", type=options.FOLDER)
@click.argument("clip", required=False)
@click.option(
    "--out",
    type=options.FOLDER,
    help="Picture (.png, .jpg), video of a clip (.mp4), or table of the store (.csv)  "
    "[default: <clip or store>.png here].",
)
@click.option(
    "--views", metavar="NAME,NAME",
    help="Some of frame, skeleton, mask, mesh, flow, warped  [default: all that the clip has].",
)  # fmt: skip
@click.option("--frames", "span", metavar="A:B", help="Frames A to B − 1 of the clip  [default: all].")
@click.option("--source", type=click.IntRange(min=0), help="Frame that the flow leads back to  [default: 0].")
@click.option("--columns", type=click.IntRange(min=1), help="Frames in the picture of a clip  [default: 8].")
@options.as_json
@options.verbose
def command(
    store: Path, clip: str | None, out: Path | None, as_json: bool, **chosen: str | int | None
) -> None:
    """Draw CLIP of STORE: frames, skeleton, mask, mesh, mesh flow and the source warped along it.

    Without CLIP, draw the whole store: pages of its clips, those with the most doubtful poses or body first,
    each with a few frames and its figures. --json prints the figures instead. Clips that cannot be read are
    named on standard error, the others drawn, and the exit status is 1.
    """
    from vptbench import open_store
    from vptbench.report.sheet import write_store_view
    from vptbench.report.show import write_view
    from vptbench.store.quality import clip_to_quality, qualities_to_rows, store_to_qualities

    opened, settings = open_store(store), _resolve(clip, chosen)
    damaged: dict[str, str] = {}
    if as_json:
        found = store_to_qualities(opened, damaged) if clip is None else (clip_to_quality(opened[clip]),)
        options.echo_table(qualities_to_rows(found), as_json=True)
    elif clip is None:
        for path in write_store_view(opened, out or Path(f"{store.resolve().name}.png"), damaged):
            click.echo(path)
    else:
        out = out or Path(f"{clip.replace('/', '-')}.png")
        write_view(opened[clip], out, settings)
        click.echo(out)
    for name, reason in damaged.items():
        click.echo(f"  {name}: {' '.join(reason.split())}", err=True)
    raise SystemExit(1 if damaged else 0)


def _resolve(clip: str | None, chosen: Mapping[str, str | int | None]) -> "ViewSettings":
    """What the options of a single clip say together.

    Raises:
        UsageError: They were given without a clip, or the span is none.
    """
    from vptbench.errors import UsageError
    from vptbench.report.show import ViewSettings

    given = {name: value for name, value in chosen.items() if value is not None}
    if clip is None and given:
        names = " and ".join(CLIP_OPTIONS[name] for name in given)
        raise UsageError(f"expected a clip for {names}, got none; name one, or leave these out")
    views, span = str(given.get("views", "")), str(given.get("span", ":"))
    first, colon, stop = span.partition(":")
    if not colon or not all(end.isdecimal() or not end for end in (first, stop)):
        raise UsageError(f"expected --frames A:B with whole numbers, such as 10:20 or :20, got {span!r}")
    return ViewSettings(
        views=tuple(name.strip() for name in views.split(",")) if views else (),
        span=(int(first) if first else None, int(stop) if stop else None),
        source=int(given.get("source", 0)),
        columns=int(given.get("columns", 8)),
    )
