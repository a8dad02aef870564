"""Whether outputs that say what they were made from were made from what is scored."""

from collections.abc import Mapping, Sequence

from vptbench.benchmarks.items import Item
from vptbench.benchmarks.loader import Benchmark
from vptbench.errors import OutputError
from vptbench.manifest import Json
from vptbench.outputs import Outputs
from vptbench.outputs.reader import FrameReader
from vptbench.score.resize import ResizedFrames


def reader_to_manifest(generated: FrameReader) -> Mapping[str, Json] | None:
    """What ``outputs.json`` says, where there is one."""
    reader = generated.reader if isinstance(generated, ResizedFrames) else generated
    return reader.manifest if isinstance(reader, Outputs) else None


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
    reader = generated.reader if isinstance(generated, ResizedFrames) else generated
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
