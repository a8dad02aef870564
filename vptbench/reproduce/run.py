"""From a user's raw data and a published checkpoint to published figures beside measured ones.

Everything lies in one folder: ``store/``, ``outputs/``, ``scores/``, the table, and, where the frozen
protocol could not be followed to the letter, ``protocol.json``, the variant that was. The same call does what
is missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vptbench.benchmarks.items import SYNTHETIC
from vptbench.benchmarks.loader import load_benchmark, read_document
from vptbench.benchmarks.naming import named
from vptbench.benchmarks.protocol import Benchmark
from vptbench.errors import ClipsFailedError, DatasetError, ModelError, WeightsError
from vptbench.generate.drive import checkpoint_to_sha256, load_model
from vptbench.generate.run import GenerateReport, store_to_outputs
from vptbench.manifest import Json, delete, json_to_text, write_text
from vptbench.metrics import metric_facts
from vptbench.prepare.build import PrepareSettings, source_to_store
from vptbench.prepare.crop import CROPS, DEFAULT_CROP
from vptbench.prepare.protocol import DEFAULT_SIZE
from vptbench.reproduce.comparison import CLAUSES, Comparison, facts_to_comparison
from vptbench.reproduce.facts import scores_to_facts
from vptbench.reproduce.page import write_comparison
from vptbench.reproduce.recipe import load_recipe
from vptbench.score import ScoreSettings, outputs_to_scorefile
from vptbench.store import Store, open_store
from vptbench.weights import Networks, weights_to_problem

STAND_INS: Mapping[str, str] = {"bdmm-crop-v1": DEFAULT_CROP}
"""Crops that frozen protocols name and this version cannot make yet, to those that it takes instead."""

PROTOCOL = "protocol.json"
"""Name of the file of a variant."""


@dataclass(frozen=True)
class ReproduceSettings:
    """How to reproduce, whatever the method.

    Attributes:
        dataset: Name of the dataset; the method's first where it is empty.
        size: Height and width of the frames; the protocol's by default.
        networks: Which weights measure, and where all networks run.
        workers: 1 works in this process; more start a local cluster.
        scheduler: Address of a Dask scheduler to join instead.
    """

    dataset: str = ""
    size: int | None = None
    networks: Networks = field(default_factory=Networks)
    workers: int = 1
    scheduler: str | None = None


@dataclass(frozen=True)
class Reproduction:
    """What came of it.

    Attributes:
        comparison: The figures.
        text: The page, as it was written.
        failed: Clips that could not be prepared, to the reason.
    """

    comparison: Comparison
    text: str
    failed: Mapping[str, str]


def reproduce(
    method: str,
    raw: Path,
    checkpoint: Path,
    out: Path,
    settings: ReproduceSettings,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> Reproduction:
    """Prepare, generate and score as published, and set the figures beside the published ones.

    Args:
        method: Name in `recipe.RECIPES`.
        raw: The dataset's folder, as `vptbench prepare` takes it.
        checkpoint: What the method's model loads.
        out: Folder to work in; a second call does only what is missing.
        settings: The rest.
        say: Is told each step in a line.

    Raises:
        RegistryError: The method is unknown, or nothing was published on the dataset.
        ModelError: The model cannot load the checkpoint, or could make no clip.
        WeightsError: A network's weights are missing or not the pinned ones.
        DatasetError: The raw data are not in the dataset's layout, or no test clip could be prepared.
        VptbenchError: As `source_to_store`, `store_to_outputs` and `outputs_to_scorefile`.
        ClipsFailedError: Some clips could not be generated or measured; the others are kept.

    Example:
        ``reproduce("bdmm", Path("raw"), Path("latest_net_G.pth"), Path("out"), ReproduceSettings()).text``
    """
    recipe = load_recipe(method)
    part = recipe.part(settings.dataset)
    frozen, dataset, networks = part.benchmark, part.group.dataset, settings.networks
    _check_weights(frozen.metrics, networks)
    say(f"{recipe.model}: can it load {checkpoint.name}?")  # before hours of work
    load_model(recipe.model, checkpoint, checkpoint_to_sha256(checkpoint), networks.device)
    store, outputs, scores = (out / name for name in ("store", "outputs", "scores"))

    say(f"{dataset}: clips with poses and mesh")
    prepare = PrepareSettings(
        size=settings.size or (frozen.size or (DEFAULT_SIZE,))[0], crop=crop_to_make(frozen.crop)
    )
    prepared = source_to_store(
        dataset, raw, store, prepare, workers=settings.workers, scheduler=settings.scheduler
    )
    clips = open_store(store)
    _check_prepared(clips, frozen.split, prepared.failed)
    protocol = write_protocol(out, frozen, clips, prepare)

    say(f"{recipe.model}: frames under {protocol}")
    made = store_to_outputs(
        recipe.model, store, outputs, protocol, checkpoint=checkpoint, device=networks.device,
        workers=settings.workers, scheduler=settings.scheduler,
    )  # fmt: skip
    _check_generated(made)

    say("figures by the published definitions")
    score = ScoreSettings(
        networks=networks, published=(part.rows,), workers=settings.workers, scheduler=settings.scheduler
    )
    measured = outputs_to_scorefile(outputs, scores, score, store=store, benchmark=protocol)
    facts = scores_to_facts(measured, clips, frozen, load_benchmark(protocol), checkpoint)
    comparison = facts_to_comparison(recipe, part, facts)
    return Reproduction(comparison, write_comparison(out, comparison), prepared.failed)


def crop_to_make(wanted: str) -> str:
    """The crop that clips are prepared with: the wanted one wherever this version can make it."""
    return wanted if wanted in CROPS else STAND_INS[wanted]


def write_protocol(out: Path, frozen: Benchmark, store: Store, settings: PrepareSettings) -> str | Path:
    """What to generate and score under: the frozen protocol where the clips fit it, else a variant of it.

    Args:
        out: Folder for the variant's file, `PROTOCOL`.
        frozen: The protocol.
        store: The clips.
        settings: How they were prepared.

    Returns:
        The protocol's id, or the variant's file. The variant has an id that says what was replaced.
    """
    size = None if frozen.size is None else (settings.size, settings.size)
    dataset = SYNTHETIC if store.manifest.get("synth") is not None else frozen.dataset
    replaced: dict[str, Json] = {}
    words = []
    for name, then, now, word in (
        ("dataset", frozen.dataset, dataset, dataset),
        ("crop", frozen.crop, settings.crop, settings.crop.rpartition("-v")[0]),
        ("size", frozen.size, size, f"{settings.size}px"),
    ):
        if then != now:
            replaced[name] = now
            words.append(word)
    if not replaced:
        delete(out / PROTOCOL)
        return frozen.id
    stem, _, version = frozen.id.rpartition("-")
    document, _ = read_document(frozen.id)
    variant = {**document, **replaced, "id": "-".join([stem, *words, version])}
    write_text(out / PROTOCOL, json_to_text(variant))
    return out / PROTOCOL


def _check_weights(metrics: Sequence[str], networks: Networks) -> None:
    """See that the pinned networks are there, before hours of work.

    Raises:
        WeightsError: One is missing or not the pinned one.
    """
    if networks.mode == "random":
        return
    used = sorted({network for metric in metrics if (network := metric_facts(metric).network)})
    problems = [text for name in used if (text := weights_to_problem(name, networks.directory))]
    if problems:
        raise WeightsError(CLAUSES.join(problems))


def _check_prepared(store: Store, split: str, failed: Mapping[str, str]) -> None:
    """See that there is something to go on with.

    Raises:
        DatasetError: No clip of the split could be prepared.
    """
    if not store.ids(split):
        reasons = _reasons(failed) if failed else "the raw data list none"
        raise DatasetError(
            f"expected {split} clips that can be prepared, found none: {reasons}; mend that and run the same "
            "command again"
        )


def _check_generated(report: GenerateReport) -> None:
    """See that all clips were made, since figures of fewer would look like figures of all.

    Raises:
        ModelError: None was made.
        ClipsFailedError: Some were not.
    """
    if not report.failed:
        return
    text = (
        f"expected frames of every clip, {len(report.failed)} failed: {_reasons(report.failed)}; mend that "
        "and run the same command again: what is done is kept"
    )
    if not report.done and not report.skipped:
        raise ModelError(text)
    raise ClipsFailedError(text, report.failed)


def _reasons(failed: Mapping[str, str]) -> str:
    """The first few reasons, each with its clip."""
    return named([f"{clip}: {reason}" for clip, reason in failed.items()], CLAUSES)
