"""What is to be scored, and doing it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from vptbench.benchmarks.naming import named
from vptbench.config import json_to_config
from vptbench.engine import tasks_to_results
from vptbench.errors import ClipsFailedError, ManifestError, ScoreError, VptbenchError
from vptbench.manifest import Json, delete, delete_parts, is_part, json_to_sha256, json_to_text, make_folder
from vptbench.metrics import metric_name
from vptbench.progress import track
from vptbench.score.figure import Table, table_to_figures
from vptbench.score.measurement import (
    Job,
    Measured,
    cached_metric,
    hash_pair,
    hash_reference,
    measure_pair,
    measure_reference,
)
from vptbench.score.pair import Pair
from vptbench.score.published import PUBLISHED
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

Task = tuple[bool, Pair]
"""A clip to measure, and whether it is a pair; if not, it is a reference clip."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Plan:
    """One scoring, before anything is measured.

    Attributes:
        scores: Folder to write.
        job: What all clips have in common.
        pairs: What is compared, sorted by clip id.
        reference: Further clips whose true frames unpaired metrics compare with, sorted by clip id.
        reference_split: The split they are of; empty where there are none.
        missing_reference: Why there are none although there should be; else empty.
        facts: The fields of `Scores` that are known already.
        workers: See `engine.tasks_to_results`.
        scheduler: The same.
    """

    scores: Path
    job: Job
    pairs: Sequence[Pair]
    reference: Sequence[Pair]
    reference_split: str
    missing_reference: str
    facts: Mapping[str, Json]
    workers: int
    scheduler: str | None

    @property
    def tasks(self) -> "list[Task]":
        """A task a clip: whether it is a pair, and which."""
        return [*((True, pair) for pair in self.pairs), *((False, pair) for pair in self.reference)]


def plan_to_scores(plan: Plan) -> Scores:
    """Measure, pool and write, unless that was done already."""
    _check_folder(plan.scores, str(plan.facts["model"]))
    earlier = _earlier_scores(plan)
    if earlier is not None:
        return earlier
    results = _results(plan, partial(_measure, plan.job), label="score")
    measured, reference = results[: len(plan.pairs)], results[len(plan.pairs) :]
    mode = plan.job.networks.mode
    metrics = {metric_name(name, mode): cached_metric(name, plan.job.networks) for name in plan.job.metrics}
    table = Table(measured, reference, plan.job.unpaired, plan.missing_reference, str(plan.facts["pooling"]))
    figures, per_frame = table_to_figures(table, metrics)
    rows = [
        [each.pair.clip, len(each.pair.numbers), each.target_sha256, None, list(each.size)]
        for each in measured
    ]
    fields = {
        "clip_list_sha256": json_to_sha256(rows),  # of plain folders; stores have their own
        **plan.facts,
        "clips": {each.pair.clip: each.to_json() for each in measured},
        "reference": _reference_to_json(plan, [each.to_json() for each in reference]),
        "metrics": figures,
        "per_clip": frames_to_clips(per_frame),
        "per_frame": per_frame,
    }
    write_scores(plan.scores, json_to_config(cast("Mapping[str, Json]", fields), Scores))
    delete(plan.scores / PARTS)
    return read_scores(plan.scores)


def _measure(job: Job, task: Task) -> Measured:
    paired, pair = task
    return measure_pair(job, pair) if paired else measure_reference(job, pair)


def _reference_to_json(plan: Plan, clips: Sequence[Mapping[str, Json]]) -> dict[str, Json] | None:
    """What `Scores.reference` says of the reference clips, whose frames were hashed."""
    if not clips:
        return None
    hashes = [
        [pair.clip, clip["frames"], clip["target_sha256"]]
        for pair, clip in zip(plan.reference, clips, strict=True)
    ]
    frames = sum(len(pair.numbers) for pair in plan.reference)
    return {
        "split": plan.reference_split, "clips": len(clips), "frames": frames,
        "sha256": json_to_sha256(hashes),
    }  # fmt: skip


def _results(plan: Plan, function: Callable[[Task], Result], *, label: str) -> list[Result]:
    """Results of all tasks, in their order.

    Raises:
        ScoreError: All failed.
        ClipsFailedError: Some failed; what succeeded is kept on disk.
    """
    tasks = plan.tasks
    found = tasks_to_results(function, tasks, workers=plan.workers, scheduler=plan.scheduler)
    results: dict[Task, Result] = {}
    failures = {}
    for task, result in track(found, total=len(tasks), label=f"{label} {plan.facts['model']}"):
        if isinstance(result, VptbenchError):
            failures[task[1].clip] = str(result)
        else:
            results[task] = result
    if failures:
        listed = [f"{clip}: {reason}" for clip, reason in sorted(failures.items())]
        kind = ClipsFailedError if results else ScoreError
        clips = len({pair.clip for _, pair in tasks})
        raise kind(
            f"expected to measure {clips} clips, {len(failures)} failed: {named(listed)}; mend these and run "
            "the same command again: what was measured is kept",
            *([] if kind is ScoreError else [failures]),
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
        all(json.loads(json.dumps(getattr(earlier, name))) == value for name, value in facts.items())
        and set(earlier.metrics) == names
    )
    if not same:
        return None
    hashes = _results(plan, partial(_hash, plan.job), label="compare")
    now = {pair.clip: found for pair, found in zip(plan.pairs, hashes, strict=False)}
    reference = _reference_to_json(plan, hashes[len(plan.pairs) :])
    return earlier if now == earlier.clips and reference == earlier.reference else None


def _hash(job: Job, task: Task) -> dict[str, Json]:
    paired, pair = task
    return hash_pair(job, pair) if paired else hash_reference(job, pair)


def _check_folder(scores: Path, model: str) -> None:
    """See that nothing but scores would be written over.

    Raises:
        ScoreError: Something else lies there, or another model's scores.
    """
    make_folder(scores)
    ours = {MANIFEST, PER_CLIP, PER_FRAME, PUBLISHED, PARTS}
    others = sorted(path.name for path in scores.iterdir() if path.name not in ours and not is_part(path))
    if others:
        raise ScoreError(
            f"{scores}: expected an empty folder or scores, found {named(others)}; give another folder"
        )
    try:
        earlier = read_scores(scores).model
    except (ManifestError, ScoreError):
        earlier = model  # none, or damaged ones
    if earlier != model:
        raise ScoreError(
            f"{scores}: expected scores of {model}, found those of {earlier}; give another folder, or "
            "delete it"
        )
    delete_parts(scores)
