"""Outputs to a score file: under a benchmark, or two folders against each other."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from vptbench.benchmarks.items import benchmark_items, items_to_clip_list_sha256
from vptbench.benchmarks.loader import load_benchmark
from vptbench.config import config_to_json
from vptbench.errors import UsageError, WeightsError
from vptbench.manifest import Json, library_versions, relative_path
from vptbench.metrics import METRICS, metric_facts, metric_name
from vptbench.outputs import Reading, open_folder
from vptbench.outputs.reader import FrameReader
from vptbench.registry import check_known
from vptbench.score.figure import INTERVALS
from vptbench.score.measurement import Job, Lengths
from vptbench.score.origin import (
    check_clip_list,
    check_sources,
    items_to_wanted,
    reader_to_manifest,
    reader_to_record,
    reader_to_wanted,
    store_to_data,
)
from vptbench.score.pair import (
    Pair,
    folders_to_pairs,
    pairs_to_frames,
    pairs_to_sha256,
    plain_pair,
    store_to_pairs,
)
from vptbench.score.plan import PARTS, Plan, plan_to_scores
from vptbench.score.published import groups_to_metrics, resolve_groups, write_published
from vptbench.score.resize import ResizedFrames
from vptbench.scorefile import Scores
from vptbench.store import open_store, schema
from vptbench.store.frames import StoreFrames
from vptbench.weights import Mode, Networks, network_sha256, weights_to_problem

LIBRARIES = ("lpips", "pillow", "pytorch-fid", "torchvision")
"""Packages that can move a score, beside `manifest.LIBRARIES`."""

CACHE = "cache/features"
"""Folder in the store for features of its frames."""

UNNAMED = ("entries", "failures", "clips", "complete", "format", "version")
"""Fields of ``outputs.json`` that scores do not repeat."""

DEFAULT = ("ssim-v1", "psnr-v1", "l1-v1", "lpips-v1", "fid-v1", "fvd-v1")
"""What two plain folders are measured by."""


@dataclass(frozen=True)
class ScoreSettings:
    """How to score, whatever is compared.

    Attributes:
        metrics: Metric ids; those of the benchmark, or `DEFAULT`, where there are none.
        networks: Which weights, and where they run.
        published: Protocol groups whose definitions are measured as well, or "all" for those of the store's
            dataset; see `score.published`.
        resize: How frames of another size are brought to the targets' (a key of `resize.METHODS`); by
            default they are refused.
        claimed: What somebody tells of a model that never ran here, such as its name ("model"); written
            down as claimed.
        reading: How the model's folder is to be read, where it is another program's.
        workers: 1 works in this process; more start a local cluster.
        scheduler: Address of a Dask scheduler to join instead.
    """

    metrics: tuple[str, ...] = ()
    networks: Networks = field(default_factory=Networks)
    published: tuple[str, ...] = ()
    resize: str = ""
    claimed: Mapping[str, str] = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)
    workers: int = 1
    scheduler: str | None = None


def run(  # noqa: PLR0913 - what a notebook can say
    outputs: Path | str,
    scores: Path | str,
    *,
    store: Path | str | None = None,
    benchmark: str | Path | None = None,
    targets: Path | str | None = None,
    metrics: Sequence[str] = (),
    weights: Mode = "pinned",
    weights_dir: Path | str | None = None,
    device: str = "cpu",
    published: Sequence[str] = (),
    reading: Reading | None = None,
    workers: int = 1,
) -> Scores:
    """Score a model's frames, and write the figures with their provenance.

    Args:
        outputs: The model's frames: a folder that `vptbench generate` wrote, or any that holds frames or
            videos by clip.
        scores: Folder to write; the same call again finds what is there.
        store: The clip store with the true frames, beside `benchmark`.
        benchmark: Id of a frozen protocol, or a JSON file.
        targets: A folder of true frames instead of the two.
        metrics: Metric ids; those of the benchmark by default.
        weights: "pinned" or "random".
        weights_dir: Folder of the pinned files.
        device: "cpu" or "cuda".
        published: Protocol groups to measure by as well, or ``("all",)``.
        reading: How the frames lie and are numbered; found out by default.
        workers: Processes.

    Returns:
        Its ``table`` is a pandas table, and what notebooks show.

    Raises:
        UsageError: Neither or both of a benchmark and a folder of targets were given.
        VptbenchError: As `outputs_to_scorefile` and `folders_to_scorefile`.

    Example:
        ``vptbench.score.run("outputs/mine", "scores/mine", store="store", benchmark="iper-v1").table``
    """
    networks = Networks(weights, None if weights_dir is None else Path(weights_dir), device)
    settings = ScoreSettings(
        tuple(metrics), networks, tuple(published), reading=reading or Reading(), workers=workers
    )
    return score(outputs, scores, settings, store=store, benchmark=benchmark, targets=targets)


def score(
    outputs: Path | str,
    scores: Path | str,
    settings: ScoreSettings,
    *,
    store: Path | str | None = None,
    benchmark: str | Path | None = None,
    targets: Path | str | None = None,
) -> Scores:
    """Score under a benchmark (`store` and `benchmark`), or against a folder (`targets`).

    Raises:
        UsageError: Neither or both were given.
        VptbenchError: As `outputs_to_scorefile` and `folders_to_scorefile`.
    """
    given = {"--store": store, "--benchmark": benchmark, "--targets": targets}
    named_options = [name for name, value in given.items() if value is not None]
    if store is not None and benchmark is not None and targets is None:
        return outputs_to_scorefile(outputs, scores, settings, store=store, benchmark=benchmark)
    if targets is not None and len(named_options) == 1:
        return folders_to_scorefile(outputs, scores, settings, targets=targets)
    raise UsageError(
        "expected --store and --benchmark together, or --targets alone, got "
        f"{' and '.join(named_options) or 'neither'}; say what the frames are compared with"
    )


def outputs_to_scorefile(
    outputs: Path | str,
    scores: Path | str,
    settings: ScoreSettings,
    *,
    store: Path | str,
    benchmark: str | Path,
) -> Scores:
    """Score a model's frames under a frozen protocol.

    Each clip is read once for all metrics. Interrupted, the same call goes on where it stopped; finished,
    it finds that nothing has changed and gives back what is there.

    Args:
        outputs: Folder that `vptbench generate` wrote, or any folder that `outputs.open_folder` reads.
        scores: Folder to write.
        settings: Metrics, networks and workers.
        store: The clip store that holds the true frames.
        benchmark: Id of a protocol, or its JSON file.

    Raises:
        RegistryError: The benchmark or a metric is unknown.
        BenchmarkError: The store does not fit the benchmark.
        OutputError: Clips or frames are missing, sizes differ, or the outputs were made from other clips.
        WeightsError: A network's weights are missing or not the pinned ones.
        ScoreError: `scores` holds something else, or no clip could be measured.
        ClipsFailedError: Some clips could not be measured; the others are kept.
        UsageError: A model's name is claimed for outputs that state it.

    Example:
        ``outputs_to_scorefile("outputs/mesh_warp", "scores/mesh_warp", ScoreSettings(), store="store",
        benchmark="iper-v1").metrics["ssim-v1"].value``
    """
    protocol, opened = load_benchmark(benchmark), open_store(Path(store).resolve())
    groups = resolve_groups(settings.published, str(opened.manifest.get("dataset")))
    chosen, beside = _chosen(settings, protocol.metrics, groups_to_metrics(groups))
    check_weights(chosen, settings.networks)
    targets, folder = StoreFrames(opened), Path(scores).resolve()
    items = benchmark_items(protocol, opened)
    wanted = items_to_wanted(items, opened.ids(), ordered=bool(protocol.items))
    generated = open_folder(Path(outputs).resolve(), reading=settings.reading, wanted=wanted)
    if settings.resize:
        real = {item.id: item.real_clip for item in items}
        generated = ResizedFrames(generated, targets, settings.resize, real)
    pairs = store_to_pairs(
        generated, targets, protocol, resize=bool(settings.resize), reading=settings.reading
    )
    scored, asked = pairs_to_frames(pairs), sum(len(item.driving_numbers) for item in items)
    clip_list = items_to_clip_list_sha256(items, opened)
    check_clip_list(generated, protocol, clip_list)
    check_sources(generated, items)
    other = next(split for split in schema.SPLITS if split != protocol.split)
    unpaired = frozenset(name for name in chosen if _reference(name, protocol.reference) != protocol.split)
    reference = (
        [plain_pair(clip, targets.numbers(clip)) for clip in sorted(opened.ids(other))] if unpaired else []
    )
    cache = opened.path / CACHE if _is_writable(opened.path) else folder / PARTS
    done = plan_to_scores(
        Plan(
            scores=folder,
            job=Job(
                generated, targets, chosen, settings.networks, folder / PARTS, cache, unpaired,
                _lengths(pairs, reference),
            ),
            pairs=pairs,
            reference=reference,
            reference_split=other,
            missing_reference=f"the store has no clips of the {other} split to compare with"
            if unpaired and not reference
            else "",
            facts={
                **_common_facts(generated, chosen, beside, settings, (scored, asked)),
                "official": scored == asked,
                "benchmark": config_to_json(protocol),
                "data": store_to_data(opened, protocol.split),
                "clip_list_sha256": clip_list if scored == asked else pairs_to_sha256(clip_list, pairs),
                "pooling": protocol.pooling,
                "inputs": {
                    "outputs": relative_path(generated.path, folder),
                    "store": relative_path(opened.path, folder),
                    "targets": None,
                },
            },
            workers=settings.workers,
            scheduler=settings.scheduler,
        )
    )  # fmt: skip
    write_published(folder, done, groups)
    return done


def folders_to_scorefile(
    generated: Path | str, scores: Path | str, settings: ScoreSettings, *, targets: Path | str
) -> Scores:
    """Score two folders of frames or videos against each other; marked unofficial.

    Args:
        generated: The model's frames, in any layout that `outputs.open_folder` reads.
        scores: Folder to write.
        settings: Metrics, networks and workers.
        targets: The true frames; both folders must hold the same clips and frame numbers.

    Raises:
        RegistryError: A metric is unknown.
        OutputError: One folder lacks what the other has, or sizes differ.
        WeightsError: A network's weights are missing or not the pinned ones.
        ScoreError: `scores` holds something else, or no clip could be measured.
        ClipsFailedError: Some clips could not be measured; the others are kept.
        UsageError: A model's name is claimed for outputs that state it.
    """
    groups = resolve_groups(settings.published)
    chosen, beside = _chosen(settings, DEFAULT, groups_to_metrics(groups))
    check_weights(chosen, settings.networks)
    true, folder = open_folder(Path(targets).resolve()), Path(scores).resolve()
    made = open_folder(Path(generated).resolve(), reading=settings.reading, wanted=reader_to_wanted(true))
    made = ResizedFrames(made, true, settings.resize) if settings.resize else made
    pairs = folders_to_pairs(made, true, resize=bool(settings.resize), reading=settings.reading)
    scored, asked = pairs_to_frames(pairs), sum(len(true.numbers(clip)) for clip in true.ids)
    unpaired = frozenset(name for name in chosen if _reference(name, "test") != "test")
    parts = folder / PARTS
    done = plan_to_scores(
        Plan(
            scores=folder,
            job=Job(
                made, true, chosen, settings.networks, parts, parts, unpaired, _lengths(pairs, ())
            ),
            pairs=pairs,
            reference=(),
            reference_split="",
            missing_reference="it compares with training clips, plain folders have none; give a --store",
            facts={
                **_common_facts(made, chosen, beside, settings, (scored, asked)),
                "official": False,
                "benchmark": None,
                "data": {},
                "pooling": "clip",
                "inputs": {
                    "outputs": relative_path(made.path, folder),
                    "store": None,
                    "targets": relative_path(true.path, folder),
                },
            },
            workers=settings.workers,
            scheduler=settings.scheduler,
        )
    )  # fmt: skip
    write_published(folder, done, groups)
    return done


def _reference(metric: str, default: str) -> str:
    """The split that a metric compares with; a frame metric, with that of the pairs."""
    facts = metric_facts(metric)
    return default if hasattr(facts, "per_frame") else getattr(facts, "reference", None) or default


def _lengths(pairs: Sequence[Pair], reference: Sequence[Pair]) -> Lengths:
    return Lengths(
        generated={pair.clip: len(pair.numbers) for pair in pairs},
        targets={pair.clip: len(pair.target_numbers) for pair in pairs},
        reference={pair.clip: len(pair.numbers) for pair in reference},
    )


def _common_facts(
    generated: FrameReader,
    chosen: Sequence[str],
    beside: Sequence[str],
    settings: ScoreSettings,
    frames: tuple[int, int],
) -> dict[str, Json]:
    """What does not depend on the kind of comparison; `frames` are how many are scored, and of how many.

    Raises:
        UsageError: A model's name is claimed for outputs that state it.
    """
    networks, claimed = settings.networks, settings.claimed
    known, record = reader_to_manifest(generated), reader_to_record(generated)
    if known is not None and "model" in claimed:
        raise UsageError(
            f"expected no claim of a model's name, got {claimed['model']!r}: {generated.path} states "
            f"{known['model']!r}; leave it out"
        )
    used = sorted({network for name in chosen if (network := metric_facts(name).network)})
    return {
        "model": claimed.get("model", generated.path.name) if known is None else known["model"],
        "kind": "claimed" if known is None else known["kind"],
        "networks": {
            name: {"mode": networks.mode, "sha256": network_sha256(name, networks)} for name in used
        },
        "device": networks.device,
        "intervals": INTERVALS,
        "layout": generated.layout,
        "reading": {**record, "scored": frames[0], "asked": frames[1]} if record else {},
        "beside": [metric_name(name, networks.mode) for name in beside],
        "resize": {"method": settings.resize} if settings.resize else None,
        "outputs": None if known is None else {key: known[key] for key in known if key not in UNNAMED},
        "claimed": dict(claimed),
        "libraries": {**library_versions(), **{name: version(name) for name in LIBRARIES}},
    }


def _chosen(
    settings: ScoreSettings, default: Sequence[str], more: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The metrics to compute, in the order of the table, and those of them that only `more` names.

    Raises:
        RegistryError: One is unknown.
    """
    wanted = {check_known(name.strip(), METRICS, "metric") for name in (settings.metrics or default)}
    chosen = tuple(name for name in METRICS if name in wanted | set(more))
    return chosen, tuple(name for name in chosen if name not in wanted)


def check_weights(chosen: Sequence[str], networks: Networks) -> None:
    """See that the pinned networks are there, before anything is read.

    Raises:
        WeightsError: One is missing or not the pinned one.
    """
    if networks.mode == "random":
        return
    used = sorted({network for name in chosen if (network := metric_facts(name).network)})
    problems = [text for name in used if (text := weights_to_problem(name, networks.directory))]
    if problems:
        raise WeightsError("; ".join(problems))


def _is_writable(store: Path) -> bool:
    """Whether features can be kept in a store."""
    folder = store / CACHE
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK)
