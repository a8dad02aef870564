"""What became of the tasks of a run."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Report:
    """What became of all that a run was to do. Stages that have more to say add fields.

    Attributes:
        done: What was done now, by ids of clips or of items, where nothing else is said.
        skipped: What was there already.
        failed: Id to the reason, in a line.
    """

    done: tuple[str, ...]
    skipped: tuple[str, ...]
    failed: Mapping[str, str]
