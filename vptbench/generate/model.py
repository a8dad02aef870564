"""What a model is, and how one is found: the entry points ``vptbench.models`` and ``vptbench.audits``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, Self, cast

from vptbench.clip import Clip, Frames, PoseClip, SourceFrame
from vptbench.registry import check_callables, check_known, group_to_table, id_to_object, strangers_import

MODELS_GROUP = "vptbench.models"
AUDITS_GROUP = "vptbench.audits"

Kind = Literal["model", "audit"]


class Model(Protocol):
    """Makes a video of a person from one picture and driving poses. Implementers import nothing.

    It may also have an attribute ``parameters``, the number of its weights, or, as torch's modules do, a
    method of that name that gives the arrays of weights; and a classmethod ``efficiency(device)`` for
    `vptbench doctor --model`, which gives a list of dicts with equal keys: what the model costs, a row each.
    Randomness: before each clip the global generators of Python, NumPy and torch are seeded from the run's
    seed and the clip's id.
    """

    @classmethod
    def load(cls, checkpoint: Path | None, device: str) -> Self:
        """Make the model ready.

        Args:
            checkpoint: What `--checkpoint` names, a file or a folder; None if it was not given.
            device: "cpu" or "cuda".
        """

    def generate(self, source: SourceFrame, driving: PoseClip) -> Frames:
        """Make the frames.

        Args:
            source: The person, as one picture with keypoints, and mesh and mask where they are known.
            driving: The poses to take, T of them, of the same or of another person.

        Returns:
            RGB frames, uint8 (T, H, W, 3), with (H, W) = ``driving.size``.
        """


class Audit(Protocol):
    """As a model, but shown the answer: it tells what a metric can and cannot see, and is never ranked."""

    @classmethod
    def load(cls, checkpoint: Path | None, device: str) -> Self:
        """As of a `Model`."""

    def generate(self, source: SourceFrame, clip: Clip, frames: Sequence[int]) -> Frames:
        """Make frames `frames` of `clip`, uint8 (len(frames), H, W, 3)."""


@dataclass(frozen=True)
class FoundModel:
    """A model or an audit by its name.

    Attributes:
        name: In the entry points.
        kind: "model" or "audit".
        factory: The class, whose `load` makes one ready.
    """

    name: str
    kind: Kind
    factory: type[Model] | type[Audit]


def name_to_model(name: str) -> FoundModel:
    """Import a model or an audit by its entry point.

    Raises:
        RegistryError: No package that is installed brings one of that name.
        ModelError: Importing it failed, or it lacks `load` or `generate`.
    """
    models, audits = group_to_table(MODELS_GROUP), group_to_table(AUDITS_GROUP)
    kind: Kind = "model" if name in models else "audit"
    table = {**audits, **models}
    check_known(name, table, "model")
    with strangers_import(f"model {name}", table[name]):
        factory = id_to_object(name, table, "model")
    check_callables(factory, ("load", "generate"), f"model {name} ({table[name]})", "methods", see=__name__)
    return FoundModel(name=name, kind=kind, factory=cast("type[Model] | type[Audit]", factory))
