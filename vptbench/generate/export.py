"""What other people read, written from a clip store: one function a format."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from vptbench.registry import id_to_object

FORMATS = {
    "pose-pack": "vptbench.generate.pose_pack:store_to_pack",
}
"""Names of formats to functions, each a `Format`."""


@dataclass(frozen=True)
class ExportReport:
    """What became of a store's clips.

    Attributes:
        done: Clips exported now.
        skipped: Clips that were there already.
        failed: Clip to the reason, in a line.
    """

    done: tuple[str, ...]
    skipped: tuple[str, ...]
    failed: Mapping[str, str]


class Format(Protocol):
    """Writes a store to a folder; done again, it does what is missing and nothing else."""

    def __call__(
        self, store: Path, out: Path, *, workers: int = 1, scheduler: str | None = None
    ) -> ExportReport:
        """Export the store at `store` to the folder `out`.

        Raises:
            VptbenchError: The store cannot be opened, or the folder holds something else.
        """


def load_format(name: str) -> Format:
    """The format of that name.

    Raises:
        RegistryError: The name is unknown.

    Example:
        ``load_format("pose-pack")(Path("store"), Path("pack"))``
    """
    return cast("Format", id_to_object(name, FORMATS, "format"))
