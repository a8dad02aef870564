"""Where frames come from: what a folder says of itself, and whether it was made from what is scored."""

from collections.abc import Collection, Mapping, Sequence

from vptbench.benchmarks.items import Item
from vptbench.benchmarks.loader import Benchmark
from vptbench.errors import OutputError
from vptbench.manifest import Json
from vptbench.outputs import Outputs
from vptbench.outputs.folder import Folder
from vptbench.outputs.names import Wanted, WantedClip
from vptbench.outputs.reader import FrameReader
from vptbench.score.resize import reader_to_unresized
from vptbench.store import Store


def reader_to_manifest(generated: FrameReader) -> Mapping[str, Json] | None:
    """What ``outputs.json`` says, where there is one."""
    reader = reader_to_unresized(generated)
    return reader.manifest if isinstance(reader, Outputs) else None


def reader_to_record(generated: FrameReader) -> dict[str, Json]:
    """How a foreign folder was read; empty for what `vptbench generate` wrote.

    Raises:
        VideoError: A file is damaged.
    """
    reader = reader_to_unresized(generated)
    return reader.to_json() if isinstance(reader, Folder) else {}


def items_to_wanted(items: Sequence[Item], others: Collection[str], *, ordered: bool) -> Wanted:
    """What names of a folder are matched to.

    Args:
        items: What the protocol makes, in its order.
        others: Ids of clips that may lie there as well.
        ordered: Whether the protocol spells its items out.
    """
    clips = [
        WantedClip(item.id, item.source_clip, item.driving_clip, item.first, item.count) for item in items
    ]
    return Wanted(tuple(clips), frozenset(others) - {clip.id for clip in clips}, ordered)


def reader_to_wanted(targets: FrameReader) -> Wanted:
    """The same for the clips of a folder of true frames.

    Raises:
        VptbenchError: A clip is damaged.
    """
    spans = {clip: targets.numbers(clip) for clip in targets.ids}
    return Wanted(
        tuple(WantedClip(clip, clip, clip, numbers[0], len(numbers)) for clip, numbers in spans.items())
    )


def check_clip_list(generated: FrameReader, benchmark: Benchmark, clip_list: str) -> None:
    """See that outputs of the same protocol were made from the very clips of the store.

    Raises:
        OutputError: They were not.
    """
    known = reader_to_manifest(generated) or {}
    under = known.get("benchmark")
    same = isinstance(under, Mapping) and under.get("sha256") == benchmark.sha256
    if same and known["clip_list_sha256"] != clip_list:
        raise OutputError(
            f"{generated.path}: expected outputs made from the clips of this store (clip list "
            f"{clip_list[:12]}…), found others ({str(known['clip_list_sha256'])[:12]}…): clips, crops or "
            "sizes differ; give the store that they were generated from"
        )


def check_sources(generated: FrameReader, items: Sequence[Item]) -> None:
    """See that outputs which say from what they were made were made from what the protocol says.

    Raises:
        OutputError: They were made from another picture, or driven by another clip.
    """
    reader = reader_to_unresized(generated)
    if not isinstance(reader, Outputs):
        return
    for item in items:
        entry = reader.entry(item.id)
        wanted = {"clip": item.source_clip, "frame": item.source_frame}
        for what, expected in (("source", wanted), ("driving", item.driving_clip)):
            if entry.get(what, expected) not in (expected, None):
                raise OutputError(
                    f"{reader.path}: {item.id}: expected {what} {expected}, found {entry[what]}: the outputs "
                    "were generated under another protocol; generate under this one"
                )


def store_to_data(store: Store, split: str) -> dict[str, Json]:
    """What the clips are, and how many of the videos that the dataset lists for the split are there."""
    listed = store.listed(split)
    return {
        **{name: store.manifest.get(name) for name in ("dataset", "synth")},
        "videos": None
        if listed is None
        else {"split": split, "prepared": len(store.ids(split)), "listed": listed},
    }
