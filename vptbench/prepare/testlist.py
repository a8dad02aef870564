"""BDMM's test list as a protocol of one's own: the published protocol, with the source frames of the list.

The list tells frames by the numbers in their names. A store that lacks frames in which nobody was found has
other positions, and its clips say which (``raw_frames``).
"""

from dataclasses import dataclass
from pathlib import Path

from vptbench.benchmarks.items import resolve_dataset
from vptbench.benchmarks.loader import load_benchmark, read_document
from vptbench.benchmarks.naming import named
from vptbench.clip import Clip
from vptbench.errors import BenchmarkError
from vptbench.manifest import json_to_text, write_text
from vptbench.prepare.bdmm import ListedClip, read_test_list
from vptbench.store.reader import open_store

PUBLISHED = "fashionvideo-bdmm-v1"
"""The protocol that the list belongs to, which itself draws source frames."""

ID = "fashionvideo-bdmm-list-v1"
SOURCES = ".sources.json"
"""End of the name of the file of source frames, in place of the protocol's ``.json``."""


@dataclass(frozen=True)
class ListReport:
    """What was imported.

    Attributes:
        id: Of the protocol that was written.
        videos: How many clips of the store have a source frame.
        absent: How many videos of the list the store lacks.
        missing: How many frames the list names and the store lacks, of those videos.
        surplus: How many frames of them the store has and the list does not name; they are scored as well.
    """

    id: str
    videos: int
    absent: int
    missing: int
    surplus: int


def clip_to_raw_numbers(clip: Clip) -> tuple[int, ...]:
    """Number of each of a prepared clip's frames in the raw clip."""
    numbers = clip.raw_frames
    return tuple(range(len(clip))) if numbers is None else numbers


def list_to_benchmark(path: Path, out: Path, store: Path) -> ListReport:
    """Write a protocol, to be given as ``--benchmark``, from a ``test_list.csv`` and the store it is for.

    Args:
        path: The list.
        out: File to write, ending in ``.json``; the source frames go beside it (`SOURCES`).
        store: Clips of FashionVideo, prepared from its videos or from BDMM's frames.

    Raises:
        DatasetError: The list is malformed.
        StoreError: The store is none.
        BenchmarkError: The store is of another dataset or has no clip of the list, a source frame is not in
            it, or something else stands at `out`.

    Example:
        ``list_to_benchmark(Path("test_list.csv"), Path("mine.json"), Path("store"))``
    """
    frozen, opened, listed = load_benchmark(PUBLISHED), open_store(store), read_test_list(path)
    if resolve_dataset(opened.manifest.get("dataset")) != frozen.dataset or out.suffix != ".json":
        raise BenchmarkError(
            f"expected a store of {frozen.dataset} and an output that ends in .json, got a store of "
            f"{opened.manifest.get('dataset')} and {out}"
        )
    there = {row: clip_to_raw_numbers(opened[row.id]) for row in listed if row.id in opened.ids(frozen.split)}
    if not there:
        raise BenchmarkError(f"{path}: expected clips of {store}, found none of them; give their store")
    beside = out.with_name(f"{out.stem}{SOURCES}")
    document = {**read_document(PUBLISHED)[0], "id": ID, "source": {"list": beside.name}}
    texts = {beside: json_to_text(_to_sources(path, there)), out: json_to_text(document)}
    others = [file for file, text in texts.items() if file.exists() and file.read_bytes() != text.encode()]
    if others:
        raise BenchmarkError(
            f"{others[0]}: expected no file, or what is written now, found another; give another --out"
        )
    for file, text in texts.items():
        write_text(file, text)
    return ListReport(
        id=load_benchmark(out).id,
        videos=len(there),
        absent=len(listed) - len(there),
        missing=sum(len({*row.frames} - {*numbers}) for row, numbers in there.items()),
        surplus=sum(len({*numbers} - {*row.frames}) for row, numbers in there.items()),
    )


def _to_sources(path: Path, there: dict[ListedClip, tuple[int, ...]]) -> dict[str, int]:
    """Clip ids to positions of their source frames.

    Raises:
        BenchmarkError: A clip has several, or lacks the one that it has.
    """
    problems = [
        f"{row.id}: expected one source frame that the store has, found {named(row.source)}"
        for row, numbers in there.items()
        if len(row.source) != 1 or row.source[0] not in numbers
    ]
    if problems:
        raise BenchmarkError(f"{path}: {named(problems, '; ')}; prepare with --lost mark, or mend the list")
    return {row.id: numbers.index(row.source[0]) for row, numbers in there.items()}
