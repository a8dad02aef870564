"""What may stand on a board, what may stand beside what, and why not."""

from collections.abc import Mapping, Sequence

from vptbench.benchmarks.loader import SYNTHETIC
from vptbench.leaderboard.board import Board, Entry
from vptbench.manifest import Json
from vptbench.metrics import metric_facts
from vptbench.scorefile import Scores

RANDOM_SUFFIX = "@random"


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
    """Why an entry may not stand beside those of a board, in words; empty if it may."""
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
    ours, theirs = set(entry.values), set(board.metrics)
    if ours != theirs:
        problems.append(
            f"metrics: these scores lack {', '.join(sorted(theirs - ours)) or 'none'}, and the board lacks "
            f"{', '.join(sorted(ours - theirs)) or 'none'}"
        )
    here, there = (_networks(each.facts["networks"]) for each in (entry, first))
    problems += [
        f"network {name}: the board has {_short(there.get(name))}, these scores {_short(here.get(name))}"
        for name in sorted(set(here) | set(there))
        if here.get(name) != there.get(name)
    ]
    for other in board.entries:
        if other.name == entry.name:
            problems.append(f"name: there is an entry {entry.name!r} already; give another with --name")
        elif other.facts["scores_sha256"] == entry.facts["scores_sha256"]:
            problems.append(f"duplicate: these very scores are on the board as {other.name!r}")
    return problems


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


def _networks(cell: str) -> dict[str, str]:
    return {name: rest for name, _, rest in (part.partition("=") for part in cell.split())}


def _short(value: object) -> str:
    """A hash shortened to what tells it apart, anything else as it is; "none" for nothing."""
    text = "none" if value is None else str(value)
    mode, _, sha256 = text.rpartition(":")
    if len(sha256) == 64:
        return f"{mode}:{sha256[:12]}…" if mode else f"{sha256[:12]}…"
    return text
