"""What a frozen protocol says of preparing: the size and the crop that its clips must have."""

from pathlib import Path

from vptbench.benchmarks.items import dataset_to_problems
from vptbench.benchmarks.loader import load_benchmark
from vptbench.errors import UsageError
from vptbench.prepare.build import SYNTH_MANIFEST
from vptbench.prepare.crop import CROPS, DEFAULT_CROP

DEFAULT_SIZE = 256
"""Height and width of prepared frames where nothing else is said, pixels."""


def check_dataset(benchmark: str | None, dataset: str, raw: Path) -> None:
    """See that raw data can be of the protocol that the store is for.

    Args:
        benchmark: Id or JSON file of the protocol, or None.
        dataset: Name in `sources.DATASETS`.
        raw: The dataset's folder.

    Raises:
        UsageError: They are of another dataset.
        BenchmarkError: The protocol's file is malformed.
        RegistryError: Its id is unknown.
    """
    if benchmark is None:
        return
    protocol = load_benchmark(benchmark)
    synth = True if (raw / SYNTH_MANIFEST).is_file() else None
    problems = dataset_to_problems(protocol, {"dataset": dataset, "synth": synth})
    if problems:
        raise UsageError(f"{protocol.id}: {'; '.join(problems)}; prepare without --benchmark, or for another")


def resolve_size_and_crop(benchmark: str | None, size: int | None, crop: str | None) -> tuple[int, str]:
    """Size and crop id to prepare with.

    Args:
        benchmark: Id or JSON file of a protocol that the store is for, or None.
        size: What was asked for, or None.
        crop: What was asked for, or None.

    Raises:
        UsageError: What was asked for is not what the protocol needs, its frames are not square, or this
            version cannot make its crop.
        BenchmarkError: The protocol's file is malformed.
        RegistryError: The protocol's id is unknown.
    """
    if benchmark is None:
        return size or DEFAULT_SIZE, crop or DEFAULT_CROP
    protocol = load_benchmark(benchmark)
    if protocol.size is not None and protocol.size[0] != protocol.size[1]:
        raise UsageError(
            f"{protocol.id}: expected square frames, as prepare makes them, found {protocol.size}"
        )
    if protocol.crop not in CROPS:
        raise UsageError(
            f"{protocol.id}: expected a crop that can be made, found {protocol.crop}, which this version "
            f"cannot make yet (it has {', '.join(CROPS)}); give another benchmark, or await a later version"
        )
    needed = None if protocol.size is None else protocol.size[0]
    for name, asked, fixed in (("--size", size, needed), ("--crop", crop, protocol.crop)):
        if asked is not None and fixed is not None and asked != fixed:
            raise UsageError(
                f"expected {name} {fixed} as {protocol.id} has it, got {asked}; leave {name} out"
            )
    return needed or size or DEFAULT_SIZE, protocol.crop
