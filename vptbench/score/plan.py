"""What is to be scored, and doing it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from vptbench.config import json_to_config
from vptbench.engine import tasks_to_results
from vptbench.errors import ManifestError, ScoreError, VptbenchError
from vptbench.manifest import Json, delete, delete_parts, is_part, json_to_sha256, json_to_text, make_folder
from vptbench.metrics import metric_name
from vptbench.progress import track
from vptbench.score.figure import Table, table_to_figures
from vptbench.score.measurement import (
    Job,
    Measured,
    cached_metric,
    hash_pair,
    measure_pair,
    measure_reference,
)
from vptbench.score.pair import Pair, named
from vptbench.scorefile import (
    MANIFEST,
    PER_CLIP,
    PER_FRAME,
    Scores,
    frames_to_clips,
    read_scores,
    write_scores,
)

PARTS = "parts"
"""Folder beside the scores for what is kept until they are finished."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Plan:
    """One scoring, before anything is measured.

    Attributes:
        scores: Folder to write.
        job: What all clips have in common.
        pairs: What is compared, sorted by clip id.
        reference: Further clips whose true frames distribution metrics compare with.
        missing_reference: Why there are none although there should be; else empty.
        facts: The fields of `Scores` that are known already.
        workers: See `engine.tasks_to_results`.
        scheduler: The same.
    """

    scores: Path
    job: Job
    pairs: Sequence[Pair]
    reference: Sequence[Pair]
    missing_reference: str
    facts: Mapping[str, Json]
    workers: int
    scheduler: str | None


def plan_to_scores(plan: Plan) -> Scores:
    """Measure, pool and write, unless that was done already."""
    _check_folder(plan.scores)
    earlier = _earlier_scores(plan)
    if earlier is not None:
        return earlier
    tasks = [*((True, pair) for pair in plan.pairs), *((False, pair) for pair in plan.reference)]
    results = _results(plan, partial(_measure, plan.job), tasks, label="score")
    measured, reference = results[: len(plan.pairs)], results[len(plan.pairs) :]
    mode = plan.job.networks.mode
    metrics = {metric_name(name, mode): cached_metric(name, plan.job.networks) for name in plan.job.metrics}
    table = Table(measured, reference, plan.missing_reference, str(plan.facts["pooling"]))
    figures, per_frame = table_to_figures(table, metrics)
    rows = [
        [each.pair.clip, len(each.pair.numbers), each.target_sha256, None, list(each.size)]
        for each in measured
    ]
    fields = {
        "clip_list_sha256": json_to_sha256(rows),  # of plain folders; stores have their own
        **plan.facts,
        "clips": {each.pair.clip: each.to_json() for each in measured},
        "metrics": figures,
        "per_clip": frames_to_clips(per_frame),
        "per_frame": per_frame,
    }
    write_scores(plan.scores, json_to_config(cast("Mapping[str, Json]", fields), Scores))
    delete(plan.scores / PARTS)
    return read_scores(plan.scores)


def _measure(job: Job, task: tuple[bool, Pair]) -> Measured:
    paired, pair = task
    return measure_pair(job, pair) if paired else measure_reference(job, pair)


def _results(
    plan: Plan,
    function: Callable[[tuple[bool, Pair]], Result],
    tasks: Sequence[tuple[bool, Pair]],
    *,
    label: str,
) -> list[Result]:
    """Results in the order of `tasks`.

    Raises:
        ScoreError: Some failed; what succeeded is kept on disk.
    """
    found = tasks_to_results(function, tasks, workers=plan.workers, scheduler=plan.scheduler)
    results: dict[tuple[bool, Pair], Result] = {}
    failures = {}
    for task, result in track(found, total=len(tasks), label=f"{label} {plan.facts['model']}"):
        if isinstance(result, VptbenchError):
            failures[task[1].clip] = str(result)
        else:
            results[task] = result
    if failures:
        listed = [f"{clip}: {reason}" for clip, reason in sorted(failures.items())]
        raise ScoreError(
            f"expected to measure {len(tasks)} clips, {len(failures)} failed: {named(listed)}; mend these "
            "and run the same command again: what was measured is kept"
        )
    return [results[task] for task in tasks]


def _earlier_scores(plan: Plan) -> Scores | None:
    """What is there already, if it is of this very run: equal facts, metrics and frames."""
    try:
        earlier = read_scores(plan.scores)
    except (ManifestError, ScoreError):
        return None
    facts = json.loads(json_to_text(plan.facts))
    names = {metric_name(name, plan.job.networks.mode) for name in plan.job.metrics}
    same = (
        all(getattr(earlier, name) == value for name, value in facts.items())
        and set(earlier.metrics) == names
    )
    if not same or plan.reference:
        return None
    tasks = [(True, pair) for pair in plan.pairs]
    hashes = _results(plan, partial(_hash, plan.job), tasks, label="compare")
    now = {pair.clip: found for pair, found in zip(plan.pairs, hashes, strict=True)}
    return earlier if now == earlier.clips else None


def _hash(job: Job, task: tuple[bool, Pair]) -> dict[str, Json]:
    return hash_pair(job, task[1])


def _check_folder(scores: Path) -> None:
    """See that nothing but scores would be written over.

    Raises:
        ScoreError: Something else lies there.
    """
    make_folder(scores)
    ours = {MANIFEST, PER_CLIP, PER_FRAME, PARTS}
    others = sorted(path.name for path in scores.iterdir() if path.name not in ours and not is_part(path))
    if others:
        raise ScoreError(
            f"{scores}: expected an empty folder or scores, found {named(others)}; give another folder"
        )
    delete_parts(scores)
