"""Naming many things in one line of a message."""

from collections.abc import Sequence

MOST_NAMED = 4
"""Clips, frames or problems that a message names before it counts the rest."""


def named(things: Sequence[object], joint: str = ", ") -> str:
    """The first few of `things`, and how many more there are: "a, b, c, d and 2 more"."""
    rest = len(things) - MOST_NAMED
    shown = joint.join(map(str, things[:MOST_NAMED]))
    return shown + (f"{joint.strip(', ')} and {rest} more" if rest > 0 else "")
