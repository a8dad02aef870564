"""How one row of the table fits a folder: which files it matches, and what they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from vptbench.errors import OutputError, VptbenchError
from vptbench.outputs.arrays import ARRAY_SUFFIXES, Array
from vptbench.outputs.layouts import FILMSTRIP, Code, Layout
from vptbench.outputs.listing import Listing, shown
from vptbench.outputs.media import Filmstrip, Media, Pictures, Video, read_media_size
from vptbench.outputs.names import ONLY_CLIP, Wanted, names_to_clips
from vptbench.outputs.panels import Panel, parse_panel
from vptbench.outputs.pattern import CLIP, DEEP, FRAME, Pattern, parse_pattern, pattern_to_variants
from vptbench.outputs.plain import number_pictures
from vptbench.registry import id_to_object
from vptbench.video import VIDEO_SUFFIXES

Match = dict[str, str | int]
"""What a path says."""


@dataclass(frozen=True)
class Fit:
    """A layout that fits a folder's structure.

    Attributes:
        name: Of the layout.
        sure: Whether every folder of its pattern was seen.
        clips: Clip id to media; empty where something is wrong.
        why: What fitted, in words.
        problem: What is wrong; empty if nothing is.
        literal: How many letters of its pattern stand for themselves.
    """

    name: str
    sure: bool
    clips: Mapping[str, Media]
    why: str
    problem: str = ""
    literal: int = 0


def row_to_fits(listing: Listing, name: str, row: Layout, wanted: Wanted | None) -> Iterator[Fit]:
    """How a row of the table fits a folder, the surest first."""
    if not row.pattern:
        yield from _code_to_fits(listing, name, row, wanted)
        return
    for head, pattern in pattern_to_variants(parse_pattern(row.pattern)):
        seen = _sees_head(listing.path, head)
        if row.rooted and not seen:
            continue
        matched = _match(listing, pattern, _shorten(row.beside, head))
        if matched:
            why = f"{len(matched)} files are called {pattern.text}" + (
                f" in {listing.path.resolve().name}" if head and seen else ""
            )
            yield _matched_to_fit(listing, name, row, _Matched(pattern, matched, seen, why), wanted)


@dataclass(frozen=True)
class _Matched:
    """A pattern, and the files that it matches."""

    pattern: Pattern
    files: Mapping[Path, Match]
    sure: bool
    why: str


def _matched_to_fit(
    listing: Listing, name: str, row: Layout, matched: _Matched, wanted: Wanted | None
) -> Fit:
    why = f"{matched.why}, panel {row.panel}" if row.panel else matched.why
    try:
        if row.refusal:
            return Fit(name, matched.sure, {}, why)
        if row.code:
            narrowed = Listing(listing.path, tuple(matched.files), ())
            return Fit(name, matched.sure, _read_by_code(narrowed, name, row, wanted) or {}, why)
        media = _files_to_media(listing.path, matched, row.panel)
        return Fit(name, matched.sure, _name(media, wanted, row.names), why)
    except VptbenchError as error:
        literal = sum(len(part) for part in matched.pattern.parts if isinstance(part, str))
        return Fit(name, matched.sure, {}, why, str(error), literal)


def _code_to_fits(listing: Listing, name: str, row: Layout, wanted: Wanted | None) -> Iterator[Fit]:
    try:
        media = _read_by_code(listing, name, row, wanted)
        if media is None:
            return
        yield Fit(name, sure=True, clips=_name(media, wanted, row.names), why=_plain_why(media))
    except VptbenchError as error:
        yield Fit(name, sure=True, clips={}, why="", problem=str(error))


def _read_by_code(listing: Listing, name: str, row: Layout, wanted: Wanted | None) -> dict[str, Media] | None:
    """What a row's code finds, cut to its panel; None where it does not fit.

    Raises:
        OutputError: It fits, but something is wrong.
    """
    read = cast("Code", id_to_object(name, {name: row.code}, "layout"))
    found = read(listing, wanted)
    if found is None:
        return None
    panel = parse_panel(row.panel)
    return {clip: _with_panel(media, panel) for clip, media in found.items()}


def _plain_why(found: Mapping[str, Media]) -> str:
    kinds = {"Pictures": "a folder of pictures", "Video": "a video", "Array": "an array"}
    kind = kinds.get(type(next(iter(found.values()))).__name__, "a file")
    return f"{kind} for each of {len(found)} clips" if len(found) > 1 else f"{kind} of one clip"


def _with_panel(media: Media, panel: Panel) -> Media:
    """Media of which only a panel is the frame.

    Raises:
        OutputError: They are no pictures and no video.
    """
    if not panel.text:
        return media
    if not isinstance(media, Pictures | Video):
        raise OutputError(f"expected pictures or videos for panel {panel.text}, found {media.files[0]}")
    return replace(media, panel=panel)


def _name(media: Mapping[str, Media], wanted: Wanted | None, rule: str) -> dict[str, Media]:
    """Media by clip id.

    Raises:
        OutputError: A name matches no clip, or several.
    """
    if wanted is None:
        return dict(media)
    return {clip: media[name] for clip, name in names_to_clips(media, wanted, rule).items()}


def _match(listing: Listing, pattern: Pattern, beside: Sequence[str]) -> dict[Path, Match]:
    """Files that a pattern matches; none if some are neither matched nor known to lie beside."""
    if listing.path.is_file():
        return {}
    known = [parse_pattern(text) for text in beside]
    media = frozenset((*listing.pictures, *listing.videos))
    readable = frozenset(listing.of_suffix(pattern.suffix))
    found: dict[Path, Match] = {}
    for file in (*listing.pictures, *listing.videos, *listing.arrays, *listing.gifs):
        name = file.as_posix()
        if any(each.match(name) is not None for each in known):
            continue
        match = pattern.match(name) if file in readable else None
        if match is not None:
            found[file] = match
        elif file in media:
            return {}
    return found


def _shorten(patterns: Sequence[str], head: Sequence[Pattern]) -> list[str]:
    """Patterns without the folders `head`; those in other folders are left out."""
    if not head:
        return list(patterns)
    start = "/".join(part.text for part in head) + "/"
    bare = [text.removeprefix(DEEP) for text in patterns]
    return [text.removeprefix(start) for text in bare if text.startswith(start)]


def _sees_head(path: Path, head: Sequence[Pattern]) -> bool:
    """Whether the folders that a pattern begins with are those that lead to `path`."""
    names = path.resolve().parts[-len(head) :] if head else ()
    return len(names) == len(head) and all(
        CLIP not in part.fields and part.match(name) is not None
        for part, name in zip(head, names, strict=True)
    )


def _files_to_media(folder: Path, matched: _Matched, panel_text: str) -> dict[str, Media]:
    """Media by the clip's name in the path.

    Raises:
        OutputError: Two files are of one frame or one clip, or the first has no such panel.
        VideoError: The first file is damaged.
    """
    grouped: dict[str, list[tuple[Path, Match]]] = {}
    for file, match in matched.files.items():
        grouped.setdefault(str(match.get(CLIP, ONLY_CLIP)), []).append((folder / file, match))
    filmstrip = panel_text == FILMSTRIP
    panel = Panel() if filmstrip else parse_panel(panel_text)
    first_file, first_match = next(iter(grouped.values()))[0]
    suffix = first_file.suffix.lower()
    if suffix not in ARRAY_SUFFIXES:
        size = read_media_size(first_file, is_video=suffix in VIDEO_SUFFIXES)
        _check_panel(first_file, size, panel, _sizes(first_match))
    if filmstrip:
        _check_filmstrip(first_file)
    media: dict[str, Media] = {}
    for clip, files in grouped.items():
        sizes = _sizes(files[0][1])
        if FRAME in matched.pattern.fields:
            numbered = number_pictures([(int(match[FRAME]), file) for file, match in files])
            media[clip] = replace(numbered, panel=panel, named=sizes)
            continue
        if len(files) > 1:
            first, second = (shown(file.relative_to(folder)) for file, _ in files[:2])
            raise OutputError(
                f"expected one file for clip {shown(clip)}, found {first} and {second}; take one away"
            )
        media[clip] = _file_to_media(files[0][0], panel, sizes, filmstrip=filmstrip)
    return media


def _file_to_media(path: Path, panel: Panel, sizes: Match, *, filmstrip: bool) -> Media:
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return Video(path, panel, sizes)
    if suffix in ARRAY_SUFFIXES:
        return Array(path)
    return Filmstrip(path) if filmstrip else Pictures({0: path}, panel, sizes)


def _sizes(match: Match) -> Match:
    """What a name says of the panel's size."""
    return {name: value for name, value in match.items() if name in {"height", "width"}}


def _check_panel(path: Path, size: tuple[int, int], panel: Panel, sizes: Match) -> None:
    """See that a file has the panel.

    Raises:
        OutputError: It has not.
    """
    if panel.is_whole and not sizes:
        return
    try:
        panel.columns(size, sizes)
    except OutputError as error:
        raise OutputError(f"{shown(path.name)}: {error}") from error


def _check_filmstrip(path: Path) -> None:
    Filmstrip(path).numbers()
