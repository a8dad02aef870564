"""Outputs to a score file: under a benchmark, or two folders against each other."""

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from vptbench.benchmarks.loader import Benchmark, clip_list_sha256, load_benchmark
from vptbench.config import config_to_json
from vptbench.errors import OutputError, UsageError
from vptbench.manifest import Json, library_versions, relative_path
from vptbench.metrics import METRICS, metric_facts
from vptbench.outputs import Outputs, open_folder
from vptbench.outputs.reader import FrameReader
from vptbench.registry import check_known
from vptbench.score.figure import INTERVALS
from vptbench.score.measurement import Job
from vptbench.score.pair import Pair, folders_to_pairs, store_to_pairs
from vptbench.score.plan import PARTS, Plan, plan_to_scores
from vptbench.scorefile import Scores
from vptbench.store import open_store
from vptbench.store.frames import StoreFrames
from vptbench.weights import Networks, network_sha256, resolve_weights

LIBRARIES = ("lpips", "pytorch-fid", "torchvision")
"""Packages that can move a score, beside `manifest.LIBRARIES`."""

CACHE = "cache/features"
"""Folder in the store for features of its frames."""

UNNAMED = ("entries", "failures", "clips", "complete", "format", "version")
"""Fields of ``outputs.json`` that scores do not repeat."""


def score(  # noqa: PLR0913 - what the command line can say
    outputs: Path | str,
    scores: Path | str,
    *,
    store: Path | None = None,
    benchmark: str | Path | None = None,
    targets: Path | None = None,
    metrics: Sequence[str] | None = None,
    networks: Networks,
    claimed: Mapping[str, str] | None = None,
    workers: int = 1,
    scheduler: str | None = None,
) -> Scores:
    """Score under a benchmark (`store` and `benchmark`), or against a folder (`targets`).

    Raises:
        UsageError: Neither or both were given.
        VptbenchError: As `outputs_to_scorefile` and `folders_to_scorefile`.
    """
    given = {"--store": store, "--benchmark": benchmark, "--targets": targets}
    named_options = [name for name, value in given.items() if value is not None]
    if store is not None and benchmark is not None and targets is None:
        return outputs_to_scorefile(
            outputs, scores, store=store, benchmark=benchmark, metrics=metrics, networks=networks,
            claimed=claimed, workers=workers, scheduler=scheduler,
        )  # fmt: skip
    if targets is not None and len(named_options) == 1:
        return folders_to_scorefile(
            outputs, scores, targets=targets, metrics=metrics, networks=networks, claimed=claimed,
            workers=workers, scheduler=scheduler,
        )  # fmt: skip
    raise UsageError(
        "expected --store and --benchmark together, or --targets alone, got "
        f"{' and '.join(named_options) or 'neither'}; say what the frames are compared with"
    )


def outputs_to_scorefile(  # noqa: PLR0913 - what the command line can say
    outputs: Path | str,
    scores: Path | str,
    *,
    store: Path | str,
    benchmark: str | Path,
    metrics: Sequence[str] | None = None,
    networks: Networks,
    claimed: Mapping[str, str] | None = None,
    workers: int = 1,
    scheduler: str | None = None,
) -> Scores:
    """Score a model's frames under a frozen protocol.

    Each clip is read once for all metrics. Interrupted, the same call goes on where it stopped; finished,
    it finds that nothing has changed and gives back what is there.

    Args:
        outputs: Folder that `vptbench generate` wrote, or any folder that `outputs.open_folder` reads.
        scores: Folder to write.
        store: The clip store that holds the true frames.
        benchmark: Id of a protocol, or its JSON file.
        metrics: Some of the protocol's metrics; all by default.
        networks: Which weights, and where they run.
        claimed: What somebody tells of a model that never ran here, such as its name ("model"); written
            down as claimed.
        workers: 1 works in this process; more start a local cluster.
        scheduler: Address of a Dask scheduler to join instead.

    Raises:
        RegistryError: The benchmark or a metric is unknown.
        BenchmarkError: The store does not fit the benchmark.
        OutputError: Clips or frames are missing, sizes differ, or the outputs were made from other clips.
        WeightsError: A network's weights are missing or not the pinned ones.
        ScoreError: `scores` holds something else, or clips could not be measured.
        UsageError: A model's name is claimed for outputs that state it.

    Example:
        ``outputs_to_scorefile("outputs/mesh_warp", "scores/mesh_warp", store="store",
        benchmark="iper-v1", networks=Networks()).metrics["ssim-v1"].value``
    """
    protocol, opened = load_benchmark(benchmark), open_store(Path(store).resolve())
    chosen = _chosen(metrics, protocol.metrics, f"metric of {protocol.id}")
    _check_weights(chosen, networks)
    generated, targets, folder = (
        open_folder(Path(outputs).resolve()),
        StoreFrames(opened),
        Path(scores).resolve(),
    )
    pairs = store_to_pairs(generated, targets, protocol)
    clip_list = clip_list_sha256(opened[pair.clip] for pair in pairs)
    _check_clip_list(generated, protocol, clip_list)
    paired = protocol.reference == protocol.split
    reference = (
        [] if paired else [Pair(clip, targets.numbers(clip)) for clip in opened.ids(protocol.reference)]
    )
    absent = (
        ""
        if paired or reference
        else f"the store has no clips of the {protocol.reference} split to compare with"
    )
    cache = opened.path / CACHE if _is_writable(opened.path) else folder / PARTS
    return plan_to_scores(
        Plan(
            scores=folder,
            job=Job(generated, targets, chosen, networks, folder / PARTS, cache, paired),
            pairs=pairs,
            reference=sorted(reference, key=lambda pair: pair.clip),
            missing_reference=absent,
            facts={
                **_common_facts(generated, chosen, networks, claimed or {}),
                "official": True,
                "benchmark": config_to_json(protocol),
                "data": {name: opened.manifest.get(name) for name in ("dataset", "synth")},
                "clip_list_sha256": clip_list,
                "pooling": protocol.pooling,
                "inputs": {
                    "outputs": relative_path(generated.path, folder),
                    "store": relative_path(opened.path, folder),
                    "targets": None,
                },
            },
            workers=workers,
            scheduler=scheduler,
        )
    )


def folders_to_scorefile(  # noqa: PLR0913 - what the command line can say
    generated: Path | str,
    scores: Path | str,
    *,
    targets: Path | str,
    metrics: Sequence[str] | None = None,
    networks: Networks,
    claimed: Mapping[str, str] | None = None,
    workers: int = 1,
    scheduler: str | None = None,
) -> Scores:
    """Score two folders of frames or videos against each other; marked unofficial.

    Args:
        generated: The model's frames, in any layout that `outputs.open_folder` reads.
        scores: Folder to write.
        targets: The true frames; both folders must hold the same clips and frame numbers.
        metrics: Metric ids; all of `metrics.METRICS` by default.
        networks: Which weights, and where they run.
        claimed: What somebody tells of a model that never ran here, such as its name ("model"); written
            down as claimed.
        workers: 1 works in this process; more start a local cluster.
        scheduler: Address of a Dask scheduler to join instead.

    Raises:
        RegistryError: A metric is unknown.
        OutputError: One folder lacks what the other has, or sizes differ.
        WeightsError: A network's weights are missing or not the pinned ones.
        ScoreError: `scores` holds something else, or clips could not be measured.
        UsageError: A model's name is claimed for outputs that state it.
    """
    chosen = _chosen(metrics, tuple(METRICS), "metric")
    _check_weights(chosen, networks)
    made, true, folder = (
        open_folder(Path(generated).resolve()),
        open_folder(Path(targets).resolve()),
        Path(scores).resolve(),
    )
    return plan_to_scores(
        Plan(
            scores=folder,
            job=Job(made, true, chosen, networks, folder / PARTS, folder / PARTS, paired=True),
            pairs=folders_to_pairs(made, true),
            reference=(),
            missing_reference="",
            facts={
                **_common_facts(made, chosen, networks, claimed or {}),
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
            workers=workers,
            scheduler=scheduler,
        )
    )


def _common_facts(
    generated: FrameReader, chosen: Sequence[str], networks: Networks, claimed: Mapping[str, str]
) -> dict[str, Json]:
    """What does not depend on the kind of comparison.

    Raises:
        UsageError: A model's name is claimed for outputs that state it.
    """
    known = generated.manifest if isinstance(generated, Outputs) else None
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
            name: {"mode": networks.mode, "sha256": network_sha256(name, networks.mode)} for name in used
        },
        "device": networks.device,
        "intervals": INTERVALS,
        "layout": generated.layout,
        "outputs": None if known is None else {key: known[key] for key in known if key not in UNNAMED},
        "claimed": dict(claimed),
        "libraries": {**library_versions(), **{name: version(name) for name in LIBRARIES}},
    }


def _chosen(metrics: Sequence[str] | None, known: Sequence[str], area: str) -> tuple[str, ...]:
    """The metrics to compute, in the order of `known`.

    Raises:
        RegistryError: One is unknown.
    """
    wanted = {check_known(name.strip(), known, area) for name in (known if metrics is None else metrics)}
    return tuple(name for name in known if name in wanted)


def _check_weights(chosen: Sequence[str], networks: Networks) -> None:
    """See that the pinned networks are there, before anything is read.

    Raises:
        WeightsError: One is missing or not the pinned one.
    """
    if networks.mode == "pinned":
        for network in sorted({network for name in chosen if (network := metric_facts(name).network)}):
            resolve_weights(network, networks.directory)


def _check_clip_list(generated: FrameReader, benchmark: Benchmark, clip_list: str) -> None:
    """See that outputs of the same protocol were made from the very clips of the store.

    Raises:
        OutputError: They were not.
    """
    known = generated.manifest if isinstance(generated, Outputs) else {}
    under = known.get("benchmark")
    same = isinstance(under, Mapping) and under.get("sha256") == benchmark.sha256
    if same and known["clip_list_sha256"] != clip_list:
        raise OutputError(
            f"{generated.path}: expected outputs made from the clips of this store (clip list "
            f"{clip_list[:12]}…), found others ({str(known['clip_list_sha256'])[:12]}…): clips, crops or "
            "sizes differ; give the store that they were generated from"
        )


def _is_writable(store: Path) -> bool:
    """Whether features can be kept in a store."""
    folder = store / CACHE
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK)
