"""Scores of several models over the same frames of one store, or the reason why they are not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pandas as pd

from vptbench.benchmarks.items import Item, benchmark_items, items_to_clip_list_sha256
from vptbench.benchmarks.protocol import record_to_benchmark
from vptbench.errors import BenchmarkError, ScoreError
from vptbench.figure import Figure
from vptbench.manifest import Json
from vptbench.registry import check_known
from vptbench.scorefile import Scores, read_scores
from vptbench.store.reader import Store, open_store

SHORT = 12
"""Digits of a hash that tell it apart in a message."""


@dataclass(frozen=True, eq=False)
class Compared:
    """Scores side by side.

    Attributes:
        benchmark: The protocol as the scores have it.
        clip_list_sha256: As `Scores.clip_list_sha256`.
        store: The store that they were scored on.
        items: What the protocol makes of it.
        metrics: Names of metrics with a value a frame that all scores have.
        headings: Each metric's heading, such as "PSNR [dB] ↑".
        facts: Name, kind, and networks of each model, for the record.
        per_frame: Name of each model to its `PER_FRAME_COLUMNS`, in the order given.
    """

    benchmark: Mapping[str, Json]
    clip_list_sha256: str
    store: Store
    items: tuple[Item, ...]
    metrics: tuple[str, ...]
    headings: Mapping[str, str]
    facts: Sequence[Mapping[str, Json]]
    per_frame: Mapping[str, pd.DataFrame] = field(repr=False)


def read_compared(folders: Sequence[Path], store: Path, metrics: Sequence[str] = ()) -> Compared:
    """Read scores, and see that they are of the same frames of this very store.

    Args:
        folders: Of scores, at least one.
        store: A clean clip store.
        metrics: Names; all that every folder has by default.

    Raises:
        ScoreError: They are not, or a metric has no value a frame.
        BenchmarkError: The store does not fit the protocol, or no true frames exist under it.
        ManifestError: A folder holds no scores, or there is no store.
        RegistryError: A metric is unknown.
    """
    found = {folder: read_scores(folder) for folder in folders}
    for folder, scores in found.items():
        _check_whole(folder, scores)
    first, lead = next(iter(found.items()))
    benchmark = record_to_benchmark(cast("Mapping[str, Json]", lead.benchmark))
    opened = open_store(store)
    if opened.manifest.get("corruption") is not None:
        raise ScoreError(
            f"{store}: expected a store of clean poses, found corrupted ones, which tell nothing of the true "
            "difficulty; give the clean store"
        )
    items = benchmark_items(benchmark, opened)
    here = items_to_clip_list_sha256(items, opened)
    for folder, scores in found.items():
        _check_same(folder, scores, here, store)
        _check_alike(folder, scores, first, lead)
    chosen = _choose_metrics(found, metrics)
    _check_frames(found, items, chosen)
    names = _to_names(found)
    return Compared(
        benchmark=cast("Mapping[str, Json]", lead.benchmark),
        clip_list_sha256=here,
        store=opened,
        items=items,
        metrics=chosen,
        headings={name: _heading(lead.metrics[name]) for name in chosen},
        facts=[
            {"name": name, "kind": scores.kind, "networks": dict(scores.networks)}
            for name, scores in zip(names, found.values(), strict=True)
        ],
        per_frame=dict(zip(names, (scores.per_frame for scores in found.values()), strict=True)),
    )


def _check_whole(folder: Path, scores: Scores) -> None:
    """See that scores are of a whole protocol whose frames have a truth.

    Raises:
        ScoreError: They are of no protocol, or of a part of it.
        BenchmarkError: People take others' poses.
    """
    if scores.benchmark is None:
        raise ScoreError(
            f"{folder}: expected scores under a benchmark, found two folders against each other; score with "
            "--store and --benchmark"
        )
    if scores.benchmark.get("driving") == "cross":
        raise BenchmarkError(
            f"{folder}: expected people who are driven by their own poses, found {scores.benchmark['id']}, "
            "where they take others': there are no true frames, and so no metric has a value a frame; give "
            "scores of a protocol with driving 'self'"
        )
    if scores.is_partial:
        raise ScoreError(
            f"{folder}: expected scores of all {scores.reading['asked']} frames that the benchmark asks for, "
            f"found {scores.reading['scored']}; make the others and score again"
        )


def _check_same(folder: Path, scores: Scores, here: str, store: Path) -> None:
    """See that scores were made on a store.

    Raises:
        ScoreError: They were not.
    """
    if scores.clip_list_sha256 != here:
        raise ScoreError(
            f"{folder}: expected scores of the clips of {store} (clip list {here[:SHORT]}…), found those of "
            f"others ({scores.clip_list_sha256[:SHORT]}…): clips, crops or sizes differ; give the store that "
            "they were scored on"
        )


def _check_alike(folder: Path, scores: Scores, first: Path, lead: Scores) -> None:
    """See that two scores may stand side by side.

    Raises:
        ScoreError: They are of two protocols, or measured by two sets of weights.
    """
    own, other = (cast("Mapping[str, Json]", each.benchmark) for each in (scores, lead))
    if own["sha256"] != other["sha256"]:
        raise ScoreError(
            f"{folder}: expected scores under {other['id']} as those of {first}, found {own['id']}; compare "
            "scores of one benchmark"
        )
    common = scores.networks.keys() & lead.networks.keys()
    unlike = sorted(name for name in common if scores.networks[name] != lead.networks[name])
    if unlike:
        raise ScoreError(
            f"{folder}: expected the networks that measured {first}, found other weights of "
            f"{', '.join(unlike)}; score both with the same --weights"
        )


def _choose_metrics(found: Mapping[Path, Scores], asked: Sequence[str]) -> tuple[str, ...]:
    """Metrics that have a value a frame in all scores.

    Raises:
        ScoreError: There is none.
        RegistryError: One that was asked for is none of them.
    """
    held = [set(scores.per_frame["metric"]) for scores in found.values()]
    lead = next(iter(found.values()))
    known = tuple(name for name in lead.own if all(name in names for names in held))
    if asked:
        everything = set.intersection(*held)
        return tuple(check_known(name, everything, "metric with a value a frame") for name in asked)
    if not known:
        raise ScoreError(
            "expected a metric that has a value a frame in all scores, found none; score with such a metric, "
            "ssim-v1 or l1-v1, say"
        )
    return known


def _check_frames(found: Mapping[Path, Scores], items: Sequence[Item], metrics: Sequence[str]) -> None:
    """See that every metric has a value for each frame of the protocol, and none for another.

    Raises:
        ScoreError: It has not.
    """
    wanted = sorted((item.id, number) for item in items for number in item.driving_numbers)
    for folder, scores in found.items():
        for name in metrics:
            rows = scores.per_frame[scores.per_frame["metric"] == name]
            if sorted(zip(rows["clip"], rows["frame"].tolist(), strict=True)) != wanted:
                raise ScoreError(
                    f"{folder}: expected values of {name} for the {len(wanted)} frames that the benchmark "
                    f"scores, found {len(rows)} of others; score again"
                )


def _to_names(found: Mapping[Path, Scores]) -> list[str]:
    """A name for each model, with its folder's where several are called the same.

    Raises:
        ScoreError: Even so two are the same.
    """
    counts = Counter(scores.model for scores in found.values())
    names = [
        scores.model if counts[scores.model] == 1 else f"{scores.model} ({folder.name})"
        for folder, scores in found.items()
    ]
    if len(set(names)) < len(names):
        raise ScoreError(
            f"expected scores of different names, found {' and '.join(sorted(names))}; rename a folder"
        )
    return names


def _heading(figure: Figure) -> str:
    """As "PSNR [dB] ↑"."""
    unit = f" [{figure.unit}]" if figure.unit else ""
    return f"{figure.label}{unit} {'↑' if figure.higher_is_better else '↓'}"
