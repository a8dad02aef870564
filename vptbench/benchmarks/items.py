"""What a protocol makes and scores of a clip store: the one definition, for generating and for scoring."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from vptbench.benchmarks.naming import named
from vptbench.benchmarks.protocol import Benchmark
from vptbench.benchmarks.span import ItemSpan
from vptbench.clip import Clip
from vptbench.errors import BenchmarkError
from vptbench.manifest import Json, json_to_sha256

SYNTHETIC = "synthetic"
"""The dataset of protocols that take any store of synthetic clips, in whichever layout."""

SAME_VIDEOS = {"bdmm-preprocessed": "fashionvideo"}
"""Datasets that are another's videos under the same ids, prepared by somebody else, to that other."""


class ClipStore(Protocol):
    """What a protocol needs of a clip store."""

    @property
    def manifest(self) -> Mapping[str, Json]:
        """What ``store.json`` says: ``dataset``, and ``synth``, the arguments of `vptbench synth` or None."""

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Clip ids of one split."""

    def __getitem__(self, clip: str, /) -> Clip:
        """One clip, lazily."""


@dataclass(frozen=True)
class Item:
    """One video to make.

    Attributes:
        id: Of what is made; the clip's where a clip is driven as a whole.
        source_clip: The clip of the picture that the model sees.
        source_frame: The number of that frame.
        driving_clip: The clip whose poses are taken, and by whose frame numbers the output is indexed.
        first: Number of the first frame to make.
        count: How many frames are made, one after another.
        driving_numbers: Numbers of the frames that are scored, ascending; all of them are made.
        real_clip: The clip of the true frames on the other side.
        real_numbers: Numbers of these, ascending; as `driving_numbers` where `truth` is set.
        truth: Whether the true frames are what the output should be; if not, only metrics that need no
            ground truth apply.
    """

    id: str
    source_clip: str
    source_frame: int
    driving_clip: str
    first: int
    count: int
    driving_numbers: tuple[int, ...]
    real_clip: str
    real_numbers: tuple[int, ...]
    truth: bool

    @property
    def clips(self) -> frozenset[str]:
        """Ids of all clips that it takes something of."""
        return frozenset((self.source_clip, self.driving_clip, self.real_clip))


@dataclass(frozen=True)
class _Shape:
    """What is asked of a clip, kept instead of its open file."""

    frames: int
    size: tuple[int, int]
    crop: str


def benchmark_items(benchmark: Benchmark, store: ClipStore) -> tuple[Item, ...]:
    """What a protocol makes of a store: its items in their order, or the split's clips in the store's.

    Raises:
        BenchmarkError: The store is of another dataset, lacks the split or clips, or holds clips of another
            crop or size, or too short ones; every problem is named.

    Example:
        ``benchmark_items(load_benchmark("iper-v1"), open_store("store"))[0].driving_numbers``
    """
    problems = dataset_to_problems(benchmark, store.manifest)
    ids = store.ids(benchmark.split)
    if not ids:
        problems.append(f"expected clips of the {benchmark.split} split, found none")
    needed = _items_to_clips(benchmark.items) if benchmark.items else ids
    known = set(ids)
    shapes = {name: _clip_to_shape(store[name]) for name in needed if name in known}
    problems += [text for name in shapes for text in _shape_to_problems(benchmark, name, shapes[name])]
    items, found = (_spans_to_items if benchmark.items else _clips_to_items)(benchmark, shapes)
    problems += found
    if problems:
        raise BenchmarkError(
            f"the store does not fit {benchmark.id}: {named(problems, '; ')}; give another store or benchmark"
        )
    return tuple(items)


def resolve_dataset(name: object) -> str:
    """The dataset whose videos a store's dataset holds: its own name, but for those of `SAME_VIDEOS`."""
    return SAME_VIDEOS.get(str(name), str(name))


def benchmark_targets(benchmark: Benchmark, frames: int, clip: str = "") -> tuple[int, ...]:
    """Numbers of the frames that are scored in a clip that is driven as a whole, ascending.

    Args:
        benchmark: A protocol without items.
        frames: How many frames the clip has.
        clip: Its id, which matters where the source frame depends on it.
    """
    left_out = benchmark.source_frame(clip, frames) if benchmark.targets == "all-but-source" else None
    return tuple(number for number in range(0, frames, benchmark.stride) if number != left_out)


def clip_list_sha256(clips: Iterable[Clip]) -> str:
    """Hash of what is scored: each clip's id, frame count, raw file, crop and size, sorted by id.

    Poses and the bytes of clip files do not enter, so that a noisy store has its clean store's hash.

    Args:
        clips: The clips that a protocol takes, in any order.

    Returns:
        SHA-256, in hex, of the JSON list of ``[clip, frames, raw_sha256, crop, [H, W]]``.
    """
    rows = sorted((clip.id, len(clip), *_facts(clip), list(clip.size)) for clip in clips)
    return json_to_sha256(rows)


def items_to_clip_list_sha256(items: Sequence[Item], store: ClipStore) -> str:
    """`clip_list_sha256` of every clip that items take a picture, poses or true frames of, once each."""
    clips = sorted(frozenset().union(*(item.clips for item in items)))
    return clip_list_sha256(store[clip] for clip in clips)


def _facts(clip: Clip) -> tuple[str, str]:
    return str(clip.attributes["raw_sha256"]), str(clip.attributes["crop"])


def _clip_to_shape(clip: Clip) -> _Shape:
    return _Shape(len(clip), clip.size, _facts(clip)[1])


def _items_to_clips(items: Iterable[ItemSpan]) -> tuple[str, ...]:
    """Ids of the clips that items name, in the order of their first mention."""
    named = (clip for item in items for clip in (item.source.clip, item.driving.clip, item.real.clip))
    return tuple(dict.fromkeys(named))


def dataset_to_problems(benchmark: Benchmark, manifest: Mapping[str, Json]) -> list[str]:
    """Why a store cannot be of a protocol's dataset, by what its manifest says under dataset and synth."""
    synthetic = manifest.get("synth") is not None
    if benchmark.dataset == SYNTHETIC:
        return [] if synthetic else ["expected synthetic clips (made by `vptbench synth`), found real ones"]
    problems = []
    if resolve_dataset(manifest.get("dataset")) != benchmark.dataset:
        problems.append(f"expected dataset {benchmark.dataset!r}, found {manifest.get('dataset')!r}")
    if synthetic:
        problems.append("expected real clips, found synthetic ones (use synthetic-v1)")
    return problems


def _shape_to_problems(benchmark: Benchmark, clip: str, shape: _Shape) -> list[str]:
    problems = []
    if shape.crop != benchmark.crop:
        problems.append(f"{clip}: expected crop {benchmark.crop!r}, found {shape.crop!r}")
    if benchmark.size is not None and shape.size != benchmark.size:
        problems.append(f"{clip}: expected size {benchmark.size}, found {shape.size}")
    return problems


def _clips_to_items(benchmark: Benchmark, shapes: Mapping[str, _Shape]) -> tuple[list[Item], list[str]]:
    """Every clip, driven as a whole, and what is wrong with the others."""
    items, problems = [], []
    for clip, shape in shapes.items():
        source = benchmark.source_frame(clip, shape.frames)
        numbers = benchmark_targets(benchmark, shape.frames, clip)
        if source is None:
            problems.append(f"{clip}: expected a source frame in {benchmark.source['list']}, found none")
        elif source >= shape.frames or not numbers:
            problems.append(f"{clip}: expected more than {shape.frames} frames, with source {source}")
        else:
            items.append(
                Item(
                    id=clip, source_clip=clip, source_frame=source, driving_clip=clip, first=0,
                    count=shape.frames, driving_numbers=numbers, real_clip=clip, real_numbers=numbers,
                    truth=True,
                )
            )  # fmt: skip
    return items, problems


def _spans_to_items(benchmark: Benchmark, shapes: Mapping[str, _Shape]) -> tuple[list[Item], list[str]]:
    """The items that a protocol spells out, and what is wrong with the others."""
    items, problems = [], []
    for span in benchmark.items:
        lost = _span_to_problems(benchmark, span, shapes)
        if not lost:  # only now, since its numbers fit into the memory where they fit into the clips
            item = _span_to_item(benchmark, span)
            items.append(item)
            if not item.driving_numbers:
                lost.append("expected a frame to score beside the source frame, found none")
        problems += [f"item {span.id}: {text}" for text in lost]
    return items, problems


def _span_to_item(benchmark: Benchmark, span: ItemSpan) -> Item:
    driving, real = span.driving, span.real
    leave_out = benchmark.targets == "all-but-source" and driving.clip == span.source.clip
    left_out = span.source.frame if leave_out else None
    numbers = tuple(n for n in range(driving.first, driving.last + 1, benchmark.stride) if n != left_out)
    truth = benchmark.driving == "self"
    return Item(
        id=span.id, source_clip=span.source.clip, source_frame=span.source.frame, driving_clip=driving.clip,
        first=driving.first, count=len(driving), driving_numbers=numbers, real_clip=real.clip,
        real_numbers=numbers if truth else tuple(range(real.first, real.last + 1, benchmark.stride)),
        truth=truth,
    )  # fmt: skip


def _span_to_problems(benchmark: Benchmark, span: ItemSpan, shapes: Mapping[str, _Shape]) -> list[str]:
    """What an item asks for and the store has not."""
    parts = (
        ("source", span.source.clip, span.source.frame),
        ("driving", span.driving.clip, span.driving.last),
        ("real", span.real.clip, span.real.last),
    )
    problems = []
    for what, clip, last in parts:
        if clip not in shapes:
            problems.append(f"expected {what} clip {clip} in the {benchmark.split} split, found none")
        elif last >= shapes[clip].frames:
            problems.append(
                f"expected frame {last} of {what} clip {clip}, found {shapes[clip].frames} frames"
            )
    sizes = {shapes[clip].size for _, clip, _ in parts if clip in shapes}
    if len(sizes) > 1:
        problems.append(f"expected clips of one size, found {' and '.join(map(str, sorted(sizes)))}")
    return problems
