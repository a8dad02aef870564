"""What models and audits without weights have in common."""

from pathlib import Path
from typing import ClassVar, Self

from vptbench.errors import ModelError


class Untrained:
    """Loads nothing, and says so.

    Attributes:
        name: In the entry points.
        parameters: Number of weights.
    """

    name: ClassVar[str]
    parameters: ClassVar[int] = 0

    @classmethod
    def load(cls, checkpoint: Path | None, device: str) -> Self:  # noqa: ARG003 - the protocol's signature
        """Nothing to load.

        Raises:
            ModelError: A checkpoint is given.
        """
        if checkpoint is not None:
            raise ModelError(f"{cls.name}: expected no checkpoint, got {checkpoint}; leave it out")
        return cls()
