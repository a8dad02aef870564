"""What may stand on a board, what may stand beside what, and why not."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from vptbench.benchmarks.loader import BENCHMARKS, SYNTHETIC, Benchmark, load_benchmark
from vptbench.download import hash_fits
from vptbench.errors import BoardError
from vptbench.figure import Figure
from vptbench.leaderboard.board import Board, Entry
from vptbench.manifest import Json
from vptbench.metrics import metric_facts
from vptbench.scorefile import Scores
from vptbench.weights import NETWORKS

RANDOM_SUFFIX = "@random"

POOLING = "pooling"
"""Setting of a frame metric: how its frames were averaged."""

REFERENCE = ("reference_clips", "reference_samples")
"""Settings of a distribution metric that its definition does not name: the size of the other side."""


def scores_to_refusals(scores: Scores) -> list[str]:
    """Why scores may not stand on any board, in words; empty if they may."""
    if scores.is_partial:
        told = f"{scores.reading['scored']} of {scores.reading['asked']} frames"
        return [f"expected every frame that the benchmark scores, found {told}, a part of it (unofficial)"]
    if not scores.official or scores.benchmark is None:
        return ["expected scores under a benchmark, found two folders against each other (unofficial)"]
    problems = []
    random = sorted(name for name, network in scores.networks.items() if network.get("mode") != "pinned")
    if random and scores.benchmark["dataset"] != SYNTHETIC:
        problems.append(
            f"expected pinned networks on boards of real data, found random weights in {', '.join(random)}"
        )
    empty = [f"{name} ({figure.reason})" for name, figure in scores.own.items() if figure.value is None]
    if empty and scores.kind != "audit":
        problems.append(
            f"expected a figure for every metric, found none for {', '.join(empty)}; "
            "score with --metrics without it"
        )
    if scores.resize is not None:
        problems.append(
            f"expected frames in the benchmark's size, found resized ones ({scores.resize['method']})"
        )
    under = scores.outputs.get("benchmark") if scores.outputs else None
    if isinstance(under, Mapping) and under.get("sha256") != scores.benchmark["sha256"]:
        problems.append(
            f"expected outputs generated under {scores.benchmark['id']}, found {under.get('id')!r} "
            f"({_short(under.get('sha256'))})"
        )
    return problems


def entry_to_refusals(entry: Entry, board: Board) -> list[str]:
    """Why an entry may not stand on a board, in words; empty if it may.

    A board named after a frozen benchmark of real data is declared by that benchmark and by the pinned
    networks; any other by its first entry.
    """
    problems = []
    ours, theirs = set(entry.values), set(board.metrics)
    if ours != theirs:
        problems.append(
            f"metrics: these scores lack {', '.join(sorted(theirs - ours)) or 'none'}, and the board lacks "
            f"{', '.join(sorted(ours - theirs)) or 'none'}"
        )
    declared = path_to_declaration(board.path)
    if declared is not None:
        problems += _declared_to_refusals(entry, declared)
    if board.entries:
        problems += _neighbours_to_refusals(entry, board)
    return problems


def path_to_declaration(path: Path) -> Benchmark | None:
    """The frozen benchmark of real data that a board's file is named after, or None."""
    if path.stem not in BENCHMARKS:
        return None
    benchmark = load_benchmark(path.stem)
    return None if benchmark.dataset == SYNTHETIC else benchmark


def scores_to_settings(scores: Scores) -> str:
    """What a reader must know of each figure beside its metric's id, as one cell: sorted JSON on one line."""
    known = {name: _to_settings(name, figure) for name, figure in scores.own.items()}
    return json.dumps(
        {name: each for name, each in known.items() if each}, sort_keys=True, ensure_ascii=False
    )


def entry_to_settings(entry: Entry) -> dict[str, dict[str, Json]]:
    """What `scores_to_settings` made a cell of; empty on older boards.

    Raises:
        BoardError: The cell is no such thing.
    """
    try:
        found = json.loads(entry.facts["settings"] or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise BoardError(
            f"row {entry.name!r}: settings: expected a JSON object of objects, found another; "
            "add the scores again"
        )
    return cast("dict[str, dict[str, Json]]", found)


def networks_to_text(networks: Mapping[str, Mapping[str, Json]]) -> str:
    """The ``networks`` of scores as one cell: ``name=mode:sha256``, sorted, separated by spaces."""
    return " ".join(f"{name}={facts['mode']}:{facts['sha256']}" for name, facts in sorted(networks.items()))


def weights_to_sentence(metrics: Sequence[str]) -> str:
    """What kind of weights measured, in words.

    Args:
        metrics: Metric names, with ``@random`` where it applies.

    Raises:
        RegistryError: A metric is unknown.
    """
    known = {name: metric_facts(name.partition("@")[0]) for name in metrics}
    random = [facts.label for name, facts in known.items() if name.endswith(RANDOM_SUFFIX)]
    pinned = [
        f"{facts.label} by {facts.network}"
        for name, facts in known.items()
        if facts.network and not name.endswith(RANDOM_SUFFIX)
    ]
    sentences = []
    if random:
        come = "come from networks" if len(random) > 1 else "comes from a network"
        sentences.append(
            f"{listed(random)} {come} with random weights: such figures compare the rows of one table and "
            "nothing else."
        )
    if pinned:
        measured = "are" if len(pinned) > 1 else "is"
        sentences.append(f"{listed(pinned)} {measured} measured with published weights, pinned by SHA-256.")
    return " ".join(sentences) or "No figure here needs a network."


def listed(words: Sequence[str]) -> str:
    """Words joined by commas, the last by "and"."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _to_settings(name: str, figure: Figure) -> dict[str, Json]:
    """Settings that no model's frames move, unlike the spread over runs of BDMM's FVD."""
    fixed = {*metric_facts(name.partition("@")[0]).settings, *REFERENCE}
    pooling: dict[str, Json] = {POOLING: figure.pooling} if figure.pooling else {}
    return pooling | {key: value for key, value in figure.settings.items() if key in fixed}


def _declared_to_refusals(entry: Entry, benchmark: Benchmark) -> list[str]:
    """Why an entry may not stand on the board of a frozen benchmark of real data."""
    problems = [
        f"{what}: a board of this name takes {_short(expected)}, these scores have "
        f"{_short(entry.facts[fact])}"
        for fact, what, expected in (
            ("benchmark", "benchmark", benchmark.id),
            ("benchmark_sha256", "benchmark's hash", benchmark.sha256),
        )
        if entry.facts[fact] != expected
    ]
    if set(entry.values) != set(benchmark.metrics):
        problems.append(
            f"metrics: a board of this name takes {', '.join(benchmark.metrics)}, these scores have "
            f"{', '.join(entry.values)}"
        )
    found = _networks(entry.facts["networks"])
    needed = {facts.network for name in benchmark.metrics if (facts := metric_facts(name)).network}
    for name in sorted(filter(None, needed)):
        mode, _, sha256 = found.get(name, "").partition(":")
        if mode != "pinned" or not hash_fits(sha256, NETWORKS[name].sha256):
            problems.append(
                f"network {name}: a board of this name takes {_short('pinned:' + NETWORKS[name].sha256)}, "
                f"these scores have {_short(found.get(name))}"
            )
    settings = entry_to_settings(entry)
    for name in benchmark.metrics:
        expected: dict[str, Json] = dict(metric_facts(name).settings)
        problems += _settings_to_refusals(name, "its definition", expected, settings.get(name, {}))
    return problems


def _neighbours_to_refusals(entry: Entry, board: Board) -> list[str]:
    """Why an entry may not stand beside those of a board."""
    first = board.entries[0]
    problems = [
        f"{what}: the board has {_short(first.facts[name])}, these scores {_short(entry.facts[name])}"
        for name, what in (
            ("benchmark", "benchmark"), ("benchmark_sha256", "benchmark's hash"),
            ("clip_list_sha256", "clip list"), ("reference_sha256", "training clips compared with"),
            ("truth_sha256", "masks and meshes"),
        )
        if first.facts[name] != entry.facts[name]
    ]  # fmt: skip
    here, there = (_networks(each.facts["networks"]) for each in (entry, first))
    problems += [
        f"network {name}: the board has {_short(there.get(name))}, these scores {_short(here.get(name))}"
        for name in sorted(set(here) | set(there))
        if here.get(name) != there.get(name)
    ]
    if first.facts["settings"] and entry.facts["settings"]:  # older boards have none
        expected, found = entry_to_settings(first), entry_to_settings(entry)
        for name in sorted(set(entry.values) & set(board.metrics)):
            theirs = expected.get(name, {})
            problems += _settings_to_refusals(name, "the board", theirs, found.get(name, {}))
    return problems + [problem for other in board.entries for problem in _twins_to_refusals(entry, other)]


def _twins_to_refusals(entry: Entry, other: Entry) -> list[str]:
    """Why two entries are one."""
    if other.name == entry.name:
        return [f"name: there is an entry {entry.name!r} already; give another with --name"]
    if other.facts["scores_sha256"] == entry.facts["scores_sha256"]:
        return [f"duplicate: these very scores are on the board as {other.name!r}"]
    generated = entry.facts["generated_sha256"]
    if generated and other.facts["generated_sha256"] == generated:
        return [f"duplicate: scores of these very frames are on the board as {other.name!r}"]
    return []


def _settings_to_refusals(
    name: str, whose: str, expected: Mapping[str, Json], found: Mapping[str, Json]
) -> list[str]:
    """Which settings of a metric differ; against a definition, only those that it names."""
    keys = sorted(set(expected) | (set(found) if whose == "the board" else set()))
    return [
        f"{name}: {key}: {whose} has {_short(expected.get(key))}, these scores {_short(found.get(key))}"
        for key in keys
        if expected.get(key) != found.get(key)
    ]


def _networks(cell: str) -> dict[str, str]:
    return {name: rest for name, _, rest in (part.partition("=") for part in cell.split())}


def _short(value: object) -> str:
    """A hash shortened to what tells it apart, anything else as it is; "none" for nothing."""
    text = "none" if value is None else str(value)
    mode, _, sha256 = text.rpartition(":")
    if len(sha256) == 64:
        return f"{mode}:{sha256[:12]}…" if mode else f"{sha256[:12]}…"
    return text
