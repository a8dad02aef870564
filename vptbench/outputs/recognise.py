"""Which layout a folder has: by the structure of its paths, the sizes of pictures and the names of clips."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from vptbench.errors import OutputError
from vptbench.manifest import Json
from vptbench.outputs import schema
from vptbench.outputs.fit import Fit, row_to_fits
from vptbench.outputs.folder import Folder, Reading
from vptbench.outputs.layouts import AUTO, CUSTOM, FILMSTRIP, LAYOUTS, Layout
from vptbench.outputs.listing import Listing, describe, list_media, shown
from vptbench.outputs.names import Wanted, WantedClip
from vptbench.outputs.pattern import parse_pattern
from vptbench.outputs.reader import FrameReader, open_outputs
from vptbench.registry import check_known

DULL = len(".png")
"""A pattern with no more letters that stand for themselves tells nothing."""


def open_folder(
    path: Path | str, *, layout: str = AUTO, reading: Reading | None = None, wanted: Wanted | None = None
) -> FrameReader:
    """Open any folder of frames: a foreign one, a single video or array, or outputs of `vptbench generate`.

    Args:
        path: The folder or the file.
        layout: A key of `LAYOUTS`, or "auto" to take the one that fits.
        reading: More on how it is to be read; its own layout counts where `layout` is "auto".
        wanted: The clips that names are matched to; without, the names are the ids.

    Raises:
        OutputError: No layout fits or several do, it is not fit for scoring, or names match no clip; the
            text says what was found.
        RegistryError: The layout is unknown.

    Example:
        ``reader = open_folder("results"); reader.frames(reader.ids[0], range(8))``
    """
    path, how = Path(path), reading or Reading()
    how = how if layout == AUTO else replace(how, layout=layout)
    if (path / schema.MANIFEST).is_file() and how.layout == AUTO and not how.pattern:
        if how != Reading():
            raise OutputError(
                f"{path}: expected no panel, stride, offset, count or first number for outputs that state "
                "their frames' own numbers, got some; leave them out"
            )
        return open_outputs(path)
    listing = list_media(path)
    fit = (
        _take_named(listing, how, wanted)
        if how.pattern or how.layout != AUTO
        else _take(listing, how, wanted)
    )
    ordered = {clip: fit.clips[clip] for clip in sorted(fit.clips)}
    return Folder(path, fit.name, ordered, replace(how, layout=fit.name), fit.why, wanted)


def reopen_folder(path: Path | str, record: Mapping[str, Json]) -> FrameReader:
    """Open a folder as it was read before.

    Args:
        path: The folder.
        record: What `Folder.to_json` said, or nothing.

    Raises:
        OutputError: It can no longer be read so.
    """
    if not record:
        return open_folder(path)
    try:
        how = Reading(**_take_typed(record, vars(Reading())))
        wanted = _json_to_wanted(record["wanted"])
    except (KeyError, TypeError) as error:
        raise OutputError(
            f"{path}: expected the record of how this folder was read, found another ({error}); score again"
        ) from error
    return open_folder(path, reading=how, wanted=wanted)


def _json_to_wanted(found: Json) -> Wanted | None:
    """What `Folder.to_json` made of it.

    Raises:
        KeyError: Something is missing.
        TypeError: Something is of another type.
    """
    if found is None:
        return None
    record = _take_typed(found, {"clips": [], "others": [], "ordered": False})
    if not all(isinstance(clip, str) for clip in record["others"]):
        raise TypeError("others that are no names")
    types = vars(WantedClip("", "", "", 0, 0))
    clips = [WantedClip(**_take_typed(clip, types)) for clip in record["clips"]]
    return Wanted(tuple(clips), frozenset(record["others"]), ordered=record["ordered"])


def _take_typed(found: Json, like: Mapping[str, object]) -> dict[str, Any]:
    """The values of some names, which must be of the types that `like` has.

    Raises:
        KeyError: One is missing.
        TypeError: One is of another type.
    """
    if not isinstance(found, Mapping):
        raise TypeError(f"{type(found).__name__} for {', '.join(like)}")
    for name, value in like.items():
        if type(found[name]) is not type(value):
            raise TypeError(f"{name}: {type(found[name]).__name__}")
    return {name: found[name] for name in like}


def _take_named(listing: Listing, how: Reading, wanted: Wanted | None) -> Fit:
    """The layout, or the pattern, that somebody named.

    Raises:
        OutputError: It does not fit, or is not fit for scoring, or both were named.
        RegistryError: It is unknown.
    """
    if how.pattern:
        if how.layout not in (AUTO, CUSTOM):
            raise OutputError(
                f"expected a layout or a pattern, got both ({how.layout} and {how.pattern!r:.80})"
            )
        name, row, why = CUSTOM, Layout(CUSTOM, how.pattern, how.panel, "source_driving"), "as --pattern says"
    else:
        name = check_known(how.layout, LAYOUTS, "layout")
        row, why = LAYOUTS[name], "as --layout says"
        row = replace(row, panel=how.panel or row.panel, rooted=False)
    return replace(_take_row(listing, name, row, wanted), why=why)


def open_layout(path: Path | str, name: str, row: Layout, wanted: Wanted | None = None) -> Folder:
    """Open a folder by a row that need not stand in the table.

    Args:
        path: The folder or the file.
        name: What to call the layout.
        row: The row.
        wanted: As for `open_folder`.

    Raises:
        OutputError: It does not fit, or is not fit for scoring.
    """
    fit = _take_row(list_media(Path(path)), name, replace(row, rooted=False), wanted)
    return Folder(Path(path), name, {clip: fit.clips[clip] for clip in sorted(fit.clips)}, wanted=wanted)


def _take_row(listing: Listing, name: str, row: Layout, wanted: Wanted | None) -> Fit:
    """How a row fits.

    Raises:
        OutputError: It does not, or is not fit for scoring.
    """
    if row.refusal:
        raise OutputError(
            f"{listing.path}: expected frames that are fit for scoring, found {name}: {row.refusal}"
        )
    fit = next(row_to_fits(listing, name, row, wanted), None)
    if fit is None:
        raise OutputError(
            f"{listing.path}: expected {_expected(name, row)}, found {describe(listing)}"
            f"{_strays(listing, row)}; give the folder that holds them, and holds only them"
        )
    if fit.problem:
        raise OutputError(f"{listing.path}: {fit.problem}")
    return fit


def _take(listing: Listing, how: Reading, wanted: Wanted | None) -> Fit:
    """The one layout that fits: of models whose folders are seen whole, else a plain one, else the others.

    Raises:
        OutputError: None fits, or several read the folder in different ways, or it is not fit for scoring.
    """
    fits = []
    for name, row in LAYOUTS.items():
        if how.panel and row.panel == FILMSTRIP:
            continue
        taken = replace(row, panel=how.panel or row.panel)
        fits += list(row_to_fits(listing, name, taken, wanted))[:1]
    sure = [fit for fit in fits if fit.sure and not LAYOUTS[fit.name].generic]
    plain = [fit for fit in fits if LAYOUTS[fit.name].generic]
    named = wanted is not None  # only names that match tell a layout whose folders are not seen
    others = [fit for fit in fits if named and not fit.sure and not LAYOUTS[fit.name].generic]
    for tier in (sure, plain, others):
        good = [fit for fit in tier if not fit.problem and not LAYOUTS[fit.name].refusal]
        if good:
            also = _panels_of_the_same(fits, good[0]) if tier is plain and not how.panel else []
            telling = [fit for fit in also if named or LAYOUTS[fit.name].panel != FILMSTRIP]
            return _take_only(listing, [*good, *telling])
        refused = [fit for fit in tier if LAYOUTS[fit.name].refusal]
        if refused:
            row = LAYOUTS[refused[0].name]
            raise OutputError(
                f"{listing.path}: expected frames that are fit for scoring, found {refused[0].name}: "
                f"{row.refusal}"
            )
    telling = sorted((fit for fit in others if fit.literal > DULL), key=lambda fit: -fit.literal)
    wrong = [fit for fit in (*sure[:1], *plain, *telling[:1]) if fit.problem]
    if wrong:
        readings = "; ".join(f"read as {fit.name}: {fit.problem}" for fit in wrong)
        raise OutputError(f"{listing.path}: {readings}")
    names = [name for name, row in LAYOUTS.items() if row.generic and not row.refusal]
    raise OutputError(
        f"{listing.path}: expected {' or '.join(names)}, or another model's layout, found "
        f"{describe(listing)}; give a folder that holds, and holds only, a folder of pictures for each clip, "
        "the pictures of one clip, or a video or an array for each clip; or name a --layout or a --pattern"
    )


def _panels_of_the_same(fits: Sequence[Fit], taken: Fit) -> list[Fit]:
    """Unseen rows of models which say that the files of a plain layout hold more than the frame."""
    files = _files(taken)
    return [
        fit
        for fit in fits
        if not fit.sure and fit.clips and LAYOUTS[fit.name].panel and not fit.problem and _files(fit) == files
    ]


def _files(fit: Fit) -> frozenset[Path]:
    return frozenset(file for media in fit.clips.values() for file in media.files)


def _take_only(listing: Listing, good: Sequence[Fit]) -> Fit:
    """The first of some fits, if all read the folder alike.

    Raises:
        OutputError: They do not.
    """
    others = [fit for fit in good if fit.clips != good[0].clips]
    if others:
        raise OutputError(
            f"{listing.path}: expected one layout to fit, found {good[0].name} ({good[0].why}) and "
            f"{others[0].name} ({others[0].why}); say --layout {good[0].name} or --layout {others[0].name}"
        )
    return good[0]


def _expected(name: str, row: Layout) -> str:
    return f"files called {row.pattern} ({name})" if row.pattern else name


def _strays(listing: Listing, row: Layout) -> str:
    """Files that keep a pattern from fitting, in words."""
    if not row.pattern:
        return ""
    pattern = parse_pattern(row.pattern)
    known = [pattern, *map(parse_pattern, row.beside)]
    media = (*listing.pictures, *listing.videos)
    found = [file for file in media if all(each.match(file.as_posix()) is None for each in known)]
    return f", such as {', '.join(shown(file) for file in found[:3])}" if 0 < len(found) < len(media) else ""
