"""What files have in common whose frames are known by their position alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vptbench.errors import OutputError


@dataclass(frozen=True)
class CountedFile:
    """All frames of a clip in one file, numbered from 0.

    Attributes:
        path: The file.
    """

    path: Path

    @property
    def counted(self) -> bool:
        """Positions alone are known."""
        return True

    @property
    def files(self) -> tuple[Path, ...]:
        """The file."""
        return (self.path,)

    def check_asked(self, numbers: Sequence[int]) -> None:
        """See that some frame is asked for.

        Raises:
            OutputError: None is.
        """
        if not numbers:
            raise OutputError(f"{self.path}: expected at least one frame to be asked for, got none")
