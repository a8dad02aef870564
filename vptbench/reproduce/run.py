"""From a user's raw data and a published checkpoint to published figures beside measured ones.

Everything lies in one folder: ``store/``, ``outputs/``, ``scores/``, the table, and, where the frozen
protocol could not be followed to the letter, ``protocol.json``, the variant that was. The same call does what
is missing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from vptbench.benchmarks.items import SYNTHETIC, Item
from vptbench.benchmarks.loader import load_benchmark, read_document
from vptbench.benchmarks.protocol import Benchmark
from vptbench.errors import ClipsFailedError, DatasetError, ModelError, VptbenchError, WeightsError
from vptbench.generate.drive import checkpoint_to_sha256, item_to_generated, load_model
from vptbench.generate.model import Audit, FoundModel, Model
from vptbench.generate.run import store_to_outputs
from vptbench.manifest import Json, delete, json_to_text, write_text
from vptbench.metrics import metric_facts
from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.prepare.sources import load_dataset
from vptbench.reproduce.recipe import Facts, load_recipe
from vptbench.reproduce.table import CLAUSES, facts_to_table, table_to_page
from vptbench.score import ScoreSettings, outputs_to_scorefile
from vptbench.score.published import GROUPS
from vptbench.store import Store, open_store
from vptbench.testing.models import example_clip
from vptbench.weights import Networks, weights_to_problem

PROTOCOL, PAGE, TABLE = "protocol.json", "reproduction.md", "reproduction.csv"
"""Names of the files."""

MEND = "mend that and run the same command again: what is done is kept"


@dataclass(frozen=True)
class ReproduceSettings:
    """How to reproduce, whatever the method.

    Attributes:
        dataset: Name of the dataset.
        size: Height and width of the frames, pixels; another than the published one is a difference.
        networks: Which weights measure, and where all networks run.
        workers: 1 works in this process; more start a local cluster.
        scheduler: Address of a Dask scheduler to join instead.
    """

    dataset: str = "fashionvideo"
    size: int = 256
    networks: Networks = field(default_factory=Networks)
    workers: int = 1
    scheduler: str | None = None


@dataclass(frozen=True)
class Reproduction:
    """What came of it.

    Attributes:
        table: The figures, as `table.facts_to_table` gives them.
        text: The page, as it was written.
        failed: Clips that could not be prepared, to the reason.
    """

    table: pd.DataFrame
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
        ModelError: The model cannot load the checkpoint, or cannot make frames of this size or of these data.
        WeightsError: A network's weights are missing or not the pinned ones.
        DatasetError: The raw data are not in the dataset's layout, or hold no clip to score.
        VptbenchError: As `source_to_store`, `store_to_outputs` and `outputs_to_scorefile`.
        ClipsFailedError: Clips could not be prepared, generated or measured; the others are kept.

    Example:
        ``reproduce("bdmm", Path("raw"), Path("latest_net_G.pth"), Path("out"), ReproduceSettings()).text``
    """
    recipe, networks = load_recipe(method), settings.networks
    group = recipe.group(settings.dataset)
    frozen = load_benchmark(GROUPS[group].benchmark)
    prepare = PrepareSettings(size=settings.size, crop=frozen.crop)
    store, outputs, scores = (out / name for name in ("store", "outputs", "scores"))

    say(f"{recipe.model}: can it work with {checkpoint.name} and {raw}?")  # before hours of work
    _check_weights(frozen, networks)
    found, model = load_model(recipe.model, checkpoint, checkpoint_to_sha256(checkpoint), networks.device)
    _check_model(found, model, raw, frozen, settings.size)

    say(f"{settings.dataset}: clips with poses and mesh")
    prepared = source_to_store(
        settings.dataset, raw, store, prepare, workers=settings.workers, scheduler=settings.scheduler
    )
    clips = open_store(store)
    if not clips.ids(frozen.split):
        raise ClipsFailedError(
            f"expected {frozen.split} clips that can be prepared, found none; {MEND}", prepared.failed
        )
    protocol = write_protocol(out, frozen, clips, prepare)

    say(f"{recipe.model}: frames under {protocol}")
    made = store_to_outputs(
        recipe.model, store, outputs, protocol, checkpoint=checkpoint, device=networks.device,
        workers=settings.workers, scheduler=settings.scheduler,
    )  # fmt: skip
    if made.failed:  # figures of fewer would look like figures of all
        raise ClipsFailedError(
            f"expected frames of every clip, {len(made.failed)} failed; {MEND}", made.failed
        )

    say("figures by the published definitions")
    score = ScoreSettings(
        networks=networks, published=(group,), workers=settings.workers, scheduler=settings.scheduler
    )
    measured = outputs_to_scorefile(outputs, scores, score, store=store, benchmark=protocol)
    facts = Facts(group, frozen, load_benchmark(protocol), measured, clips)
    table = facts_to_table(recipe, facts)
    text = table_to_page(recipe, facts, table)
    joined = table.assign(known=table["known"].map(CLAUSES.join))
    write_text(out / TABLE, joined.to_csv(index=False, lineterminator="\n"))
    write_text(out / PAGE, text)
    return Reproduction(table, text, prepared.failed)


def write_protocol(out: Path, frozen: Benchmark, store: Store, settings: PrepareSettings) -> str | Path:
    """What to generate and score under: the frozen protocol where the clips fit it, else a variant of it.

    Variants are for synthetic clips and other sizes.

    Args:
        out: Folder for the variant's file, `PROTOCOL`.
        frozen: The protocol.
        store: The clips.
        settings: How they were prepared.

    Returns:
        The protocol's id, or the variant's file. The variant has an id that says what was replaced.
    """
    document, _ = read_document(frozen.id)
    synthetic = store.manifest.get("synth") is not None
    used: dict[str, tuple[Json, str]] = {
        "dataset": (SYNTHETIC if synthetic else frozen.dataset, SYNTHETIC),
        "crop": (settings.crop, settings.crop.rpartition("-v")[0]),
        "size": ([settings.size, settings.size], f"{settings.size}px"),
    }
    replaced = {name: value for name, (value, _) in used.items() if value != document[name]}
    if not replaced:
        delete(out / PROTOCOL)
        return frozen.id
    stem, _, version = frozen.id.rpartition("-")
    name = "-".join([stem, *(used[field][1] for field in replaced), version])
    write_text(out / PROTOCOL, json_to_text({**document, **replaced, "id": name}))
    return out / PROTOCOL


def _check_weights(frozen: Benchmark, networks: Networks) -> None:
    """See that the pinned networks are there.

    Raises:
        WeightsError: One is missing or not the pinned one.
    """
    if networks.mode == "random":
        return
    used = sorted({network for metric in frozen.metrics if (network := metric_facts(metric).network)})
    problems = [text for name in used if (text := weights_to_problem(name, networks.directory))]
    if problems:
        raise WeightsError(CLAUSES.join(problems))


def _check_model(found: FoundModel, model: Model | Audit, raw: Path, frozen: Benchmark, size: int) -> None:
    """Drive the model with one made-up frame of this size, with a mesh, as prepared clips have.

    Raises:
        DatasetError: The folder is not in the dataset's layout, or holds no clip to score.
        ModelError: The model cannot take it.
    """
    listed = load_dataset(frozen.dataset).list_clips(raw)
    clips = [clip for clip in listed if clip.split == frozen.split and not clip.problem]
    if not clips:
        raise DatasetError(f"{raw}: expected clips of the {frozen.split} split, found none; fetch them")
    example = example_clip(frames=1, size=(size, size))
    item = Item(
        id=example.id, source_clip=example.id, source_frame=0, driving_clip=example.id, first=0, count=1,
        driving_numbers=(0,), real_clip=example.id, real_numbers=(0,), truth=True,
    )  # fmt: skip
    try:
        item_to_generated(found, model, item, {example.id: example}, seed=0)
    except VptbenchError as error:
        why = str(error).partition(";")[0].removeprefix(f"{example.id}: ")
        raise ModelError(f"{why}; reproduce tried --size {size}, published {frozen.size}") from error
