"""Names of folders and files to clips, by rule and never by position.

A clip ``001/9/1`` may be called so, or ``001-9-1`` or ``001_9_1``, each also with ``.mp4`` behind it. A
layout says what else its names are made of:

====================  ==============================================================================
``clip``              The clip, or the benchmark's item.
``source``            The clip of the source picture, where that names one item alone.
``source_driving``    Anything, ``_``, and the driving clip; what stands before is the source picture's.
``driving-source``    The driving clip, ``-``, and anything.
====================  ==============================================================================

Anything is not everything: a known clip there is another source picture's, unless it is the item's own.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from vptbench.errors import OutputError
from vptbench.outputs.listing import shown

ONLY_CLIP = "clip"
"""Id of the clip in a folder, or of a file, that holds just one."""

MOST = 4
"""Names that a message gives before it counts the rest."""


@dataclass(frozen=True)
class WantedClip:
    """A clip, or an item of a benchmark, that outputs are looked for.

    Attributes:
        id: Of the output.
        source: The clip of the source picture.
        driving: The clip whose poses were followed.
        first: Number of the first frame that is made.
        count: How many are made, one after another.
    """

    id: str
    source: str
    driving: str
    first: int
    count: int


@dataclass(frozen=True)
class Wanted:
    """What is to be scored.

    Attributes:
        clips: In the order of the protocol.
        others: Ids of clips that may be there as well and are left alone.
        ordered: Whether the order of `clips` is the protocol's own, spelled out there.
    """

    clips: tuple[WantedClip, ...]
    others: frozenset[str] = frozenset()
    ordered: bool = False


Rule = Callable[[str, WantedClip, frozenset[str]], bool]
"""Whether a name is an item's; the last argument holds the spellings of all clips that are known."""


def id_to_spellings(clip: str) -> frozenset[str]:
    """How a clip may be called in names of files and folders."""
    plain = {clip, clip.replace("/", "-"), clip.replace("/", "_")}
    return frozenset(plain | {f"{name}.mp4" for name in plain})


def names_to_clips(names: Iterable[str], wanted: Wanted, rule: str) -> dict[str, str]:
    """Find the clip of each name.

    Args:
        names: As the files or folders have them.
        wanted: What is looked for.
        rule: A key of `RULES`.

    Returns:
        Clip id to name; names of `others` are left out.

    Raises:
        OutputError: A name matches no clip or several, or two match one; all are named.
    """
    found: dict[str, str] = {}
    unmatched, problems = [], []
    others = _spellings(wanted.others)
    known = others | _spellings(
        each for clip in wanted.clips for each in (clip.id, clip.source, clip.driving)
    )
    for name in sorted(names):
        fitting = [fits for fits in RULES[rule] if name not in others or fits not in LOOSE]
        clips = _name_to_ids(name, wanted.clips, (_is_clip, *fitting), known)
        if not clips and name in others:
            continue
        if not clips:
            unmatched.append(shown(name))
        elif len(clips) > 1:
            problems.append(f"{shown(name)} could be clip {' or '.join(map(shown, clips))}")
        elif clips[0] in found:
            problems.append(
                f"{shown(found[clips[0]])} and {shown(name)} are both named after clip {shown(clips[0])}"
            )
        else:
            found[clips[0]] = name
    if unmatched:
        more = f" and {len(unmatched) - MOST} more" if len(unmatched) > MOST else ""
        problems.insert(0, f"no clip is called {', '.join(unmatched[:MOST])}{more}")
    if problems:
        clips = [shown(clip.id) for clip in wanted.clips[:MOST]]
        raise OutputError(
            f"expected names of the {len(wanted.clips)} clips ({', '.join(clips)}"
            f"{', …' if len(wanted.clips) > MOST else ''}), found others: {'; '.join(problems[:MOST])}; "
            "rename them, take away what is not to be scored, or say how names are made with --pattern"
        )
    return found


def _spellings(clips: Iterable[str]) -> frozenset[str]:
    """How any of some clips may be called."""
    return frozenset(name for clip in clips for name in id_to_spellings(clip))


def _name_to_ids(
    name: str, clips: Sequence[WantedClip], rules: Sequence[Rule], known: frozenset[str]
) -> list[str]:
    """Ids of the clips that a name may mean; the first of the rules that finds any decides."""
    if any(clip.id == name for clip in clips) or (name == ONLY_CLIP and len(clips) == 1):
        return [name if any(clip.id == name for clip in clips) else clips[0].id]
    for fits in rules:
        found = [clip.id for clip in clips if fits(name, clip, known)]
        if found:
            return found
    return []


def _is_clip(name: str, clip: WantedClip, _: frozenset[str]) -> bool:
    return name in id_to_spellings(clip.id)


def _is_source(name: str, clip: WantedClip, _: frozenset[str]) -> bool:
    return name in id_to_spellings(clip.source)


def _is_source_and_driving(name: str, clip: WantedClip, _: frozenset[str]) -> bool:
    return _joined(name, clip.source, clip.driving, "_")


def _ends_in_driving(name: str, clip: WantedClip, known: frozenset[str]) -> bool:
    ends = [f"_{each}" for each in id_to_spellings(clip.driving)]
    rests = [name.removesuffix(end) for end in ends if name.endswith(end)]
    return any(_may_be_source(rest, clip, known) for rest in rests)


def _is_driving_and_source(name: str, clip: WantedClip, _: frozenset[str]) -> bool:
    return _joined(name, clip.driving, clip.source, "-")


def _begins_with_driving(name: str, clip: WantedClip, known: frozenset[str]) -> bool:
    starts = [f"{each}-" for each in id_to_spellings(clip.driving)]
    rests = [name.removeprefix(start) for start in starts if name.startswith(start)]
    return any(_may_be_source(rest, clip, known) for rest in rests)


def _may_be_source(rest: str, clip: WantedClip, known: frozenset[str]) -> bool:
    """Whether what a name holds beside the driving clip names no other clip than the item's source."""
    return rest not in known or rest in id_to_spellings(clip.source)


def _joined(name: str, first: str, second: str, joint: str) -> bool:
    return any(
        name == f"{one}{joint}{other}" for one in id_to_spellings(first) for other in id_to_spellings(second)
    )


LOOSE = (_ends_in_driving, _begins_with_driving)
"""Rules that leave a part of the name open; what is exactly the name of one of `others` is that clip's."""

RULES: Mapping[str, tuple[Rule, ...]] = {
    "clip": (),
    "source": (_is_source,),
    "source_driving": (_is_source_and_driving, _ends_in_driving),
    "driving-source": (_is_driving_and_source, _begins_with_driving),
}
"""What is tried after the clip's own spellings, in this order."""
