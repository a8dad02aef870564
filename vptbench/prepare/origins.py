"""Where the poses and meshes of a store's clips came from, counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vptbench.manifest import Json


@dataclass(frozen=True)
class Origins:
    """Where the poses and meshes of a store came from.

    Attributes:
        poses: Source of poses to the number of clips.
        meshes: Source of meshes to the number of clips.
        lost_frames: Frames without a person, in all clips.
        lost: What became of them (`lost.LOST`).
    """

    poses: Mapping[str, int]
    meshes: Mapping[str, int]
    lost_frames: int
    lost: str

    def __str__(self) -> str:
        parts = [
            f"{what}: " + ", ".join(f"{source} ({number} clips)" for source, number in sorted(found.items()))
            for what, found in (("poses", self.poses), ("mesh", self.meshes))
        ]
        if self.lost_frames:
            done = {"mark": "marked", "drop": "left out"}[self.lost]
            parts.append(f"{self.lost_frames} frames without a person {done}")
        return "; ".join(parts)


def attributes_to_origins(attributes: Sequence[Mapping[str, Json]]) -> Origins:
    """Count over the attributes of a store's clips."""
    settings = [clip["settings"] for clip in attributes]
    facts = [clip.get("pose_facts") for clip in attributes]
    lost = [int(str(each.get("lost_frames", 0))) for each in facts if isinstance(each, Mapping)]
    ways = [str(each.get("lost", "mark")) for each in settings if isinstance(each, Mapping)]
    return Origins(
        poses=dict(Counter(str(clip["pose_source"]) for clip in attributes)),
        meshes=dict(Counter(str(clip["mesh_source"]) for clip in attributes)),
        lost_frames=sum(lost),
        lost=ways[0] if ways else "mark",
    )
