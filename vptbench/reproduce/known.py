"""What is known of differences between published and measured figures: rules that look at what was done.

A rule gives a text where it applies and an empty one where it does not, so that a table names only what is
true of it. Rules that serve any method stand here; they are told what its authors did.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vptbench.benchmarks.source import source_to_text
from vptbench.prepare.crop import CROPS
from vptbench.report.table import FEW_SAMPLES
from vptbench.reproduce.facts import RunFacts

Rule = Callable[[RunFacts], str]
"""Facts to a text on one line; empty where the rule does not apply."""

SOURCES: Mapping[str, str] = {
    "ground-truth": "the exact truth beside the videos",
    "openpose-json": "OpenPose's JSON beside the videos, as it stands there",
    "body-fit": "a body fitted to the keypoints",
    "smpl-import": "SMPL parameters that came with the data",
}
"""Where poses and meshes come from, as clips name it, in words; others are called by their names."""


@dataclass(frozen=True)
class Note:
    """One thing that is known.

    Attributes:
        rule: When it applies, and in which words.
        about: Columns of the published table, or ids of metrics, that it is about; all where there are none.
    """

    rule: Rule
    about: tuple[str, ...] = ()


def always(text: str) -> Rule:
    """What is so whatever was done."""
    return lambda _: text


def crop_differs(published: str) -> Rule:
    """Another crop than that of the frozen protocol.

    Args:
        published: How its authors cut the person out.
    """

    def rule(facts: RunFacts) -> str:
        wanted, used = facts.frozen.crop, facts.used.crop
        if used == wanted:
            return ""
        why = "" if wanted in CROPS else ", which this version cannot make yet"
        return (
            f"crop {used} instead of {wanted}{why}: {published}; people have another size and place in the "
            "frame, which moves every figure"
        )

    return rule


def synthetic(facts: RunFacts) -> str:
    """Clips of nobody."""
    if not facts.synthetic:
        return ""
    return (
        "the clips are synthetic, in the dataset's layout: differences say nothing of the published figures"
    )


def size_differs(facts: RunFacts) -> str:
    """Frames of another size than the published ones."""
    if "size" not in facts.replaced:
        return ""
    wanted, used = (_size(size) for size in (facts.frozen.size, facts.used.size))
    return f"frames of {used}, published {wanted}, for which the network was made: every figure depends on it"


def clips_differ(published: int) -> Rule:
    """Other clips than the published ones, as far as numbers tell.

    Args:
        published: Clips of the published split.
    """

    def rule(facts: RunFacts) -> str:
        scored, lost = len(facts.frames), facts.listed - len(facts.frames)
        if scored == published and not lost:
            return ""
        failed = f" ({lost} of {facts.listed} listed ones could not be prepared)" if lost else ""
        return f"{facts.used.split} clips: {scored}{failed}; the dataset's split has {published}"

    return rule


def reference_differs(published: int) -> Rule:
    """Other clips to compare with than the published ones, as far as numbers tell.

    Args:
        published: Clips of the published split.
    """

    def rule(facts: RunFacts) -> str:
        count = facts.reference[0]
        return "" if count == published else f"training clips: {count}; the dataset's split has {published}"

    return rule


def poses_from(published: str) -> Rule:
    """Where keypoints came from.

    Args:
        published: Where they came from there.
    """
    return lambda facts: f"keypoints: {_sources(facts.pose_sources)}; published: {published}"


def mesh_from(published: str) -> Rule:
    """Where the mesh came from.

    Args:
        published: Where it came from there.
    """

    def rule(facts: RunFacts) -> str:
        bodies = f" (body model {' and '.join(facts.bodies)})" if facts.bodies else ""
        return f"mesh: {_sources(facts.mesh_sources)}{bodies}; published: {published}"

    return rule


def missing_joints(consequence: str) -> Rule:
    """Joints that were not found.

    Args:
        consequence: What they lead to here and there.
    """

    def rule(facts: RunFacts) -> str:
        if not facts.missing_joints:
            return ""
        return f"{facts.missing_joints} of {facts.joints} joints were not found: {consequence}"

    return rule


def source_frames(published: str) -> Rule:
    """Which frame shows the person.

    Args:
        published: How it was chosen there.
    """
    return lambda facts: (
        f"source frame of a clip: {source_to_text(facts.used.source)}; published: {published}"
    )


def checkpoint_origin(facts: RunFacts) -> str:
    """Whose weights these are."""
    if facts.own_run:
        return "the checkpoint is one of `vptbench train`, not the published one"
    return (
        f"`{facts.checkpoint}` is taken on trust as the checkpoint behind the published figures: its authors "
        "state no hash"
    )


def equal_frames(metric: str, limit: float) -> Rule:
    """Frames that equal their targets, which a metric counts as a limit.

    Args:
        metric: Its id.
        limit: Their value.
    """

    def rule(facts: RunFacts) -> str:
        values = facts.per_frame.loc[facts.per_frame["metric"] == metric, "value"]
        count = int((values == limit).sum())
        return f"{count} of {len(values)} frames equal their targets and count {limit:g}" if count else ""

    return rule


def published_stops(metric: str, batch: int) -> Rule:
    """Numbers of frames for which the published program of a metric gives no figure.

    Args:
        metric: Its id.
        batch: Of the program: it stops at multiples of this number.
    """

    def rule(facts: RunFacts) -> str:
        counts = {"generated": sum(facts.frames.values()), "reference": facts.reference[1]}
        stopped = [
            f"{count} {side}"
            for side, count in counts.items()
            if count and (count <= batch or count % batch == 0)
        ]
        if not stopped or not any(name.partition("@")[0] == metric for name in facts.figures):
            return ""
        return (
            f"for {' and '.join(stopped)} frames the published program stops: it fails at multiples of "
            f"{batch}, and at {batch} or fewer"
        )

    return rule


def few_videos(facts: RunFacts) -> str:
    """A distance of so few videos that it compares with equal numbers alone."""
    count = len(facts.frames)
    if count >= FEW_SAMPLES:
        return ""
    return (
        f"generated videos: {count}; below {FEW_SAMPLES} FVD is mostly bias, and it compares only with FVD "
        "of as many"
    )


def _sources(names: Sequence[str]) -> str:
    return " and ".join(SOURCES.get(name, name) for name in names)


def _size(size: tuple[int, int] | None) -> str:
    return "any size" if size is None else f"{size[0]} × {size[1]}"
