"""A paragraph for a paper's methods section, made from what a section of scores recorded."""

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from vptbench.benchmarks.source import source_to_text
from vptbench.figure import Figure
from vptbench.leaderboard.rules import RANDOM_SUFFIX, listed
from vptbench.leaderboard.text import printable
from vptbench.manifest import Json
from vptbench.metrics import metric_facts
from vptbench.report.phrases import PHRASES
from vptbench.report.table import Row, Section
from vptbench.scorefile import Scores

PACKAGES = ("torch", "torchvision", "numpy", "scipy", "opencv-python-headless", "lpips", "pytorch-fid")
"""Libraries that the paragraph names; the record has them all."""

SETTINGS = {
    "frames": "frames a window: {}",
    "stride": "stride {}",
    "runs": "mean over {} runs",
    "seed": "seed {}",
    "reference_clips": "{} true clips",
    "reference_samples": "{} true samples",
}
"""Settings of a figure that the paragraph tells."""

HASH = 12
"""Digits of a SHA-256 that tell it apart in print."""


def section_to_methods(section: Section) -> str:
    """Everything that a reader needs to compute the same figures, in plain sentences.

    Example:
        ``section_to_methods(scores_to_sections(["scores/mesh_warp"])[0])``
    """
    scores = section.rows[0].scores
    sentences = [
        _what(section, scores),
        _source(scores),
        _targets(scores),
        _frames(section.rows),
        _pooling(scores),
        *(_metric(name, [row.scores for row in section.rows]) for name in _names(section)),
        _intervals(scores),
        _networks(scores),
        _libraries(section.rows),
    ]
    return " ".join(filter(None, sentences))


def _names(section: Section) -> list[str]:
    return [column.name for column in section.columns]


def _what(section: Section, scores: Scores) -> str:
    names = listed([printable(row.name) for row in section.rows])
    counts = f"{section.clips} clips and {section.frames} frames"
    version = _version(section.rows)
    sizes = sorted({tuple(cast("list[int]", clip["size"])) for clip in scores.clips.values()})
    size = f"of {_size(sizes[0])}" if len(sizes) == 1 else f"of {len(sizes)} sizes"
    if scores.benchmark is None:
        return (
            f"We compared {names} with a folder of true frames by vptbench {version}, under no benchmark: "
            f"{counts}, {size}."
        )
    facts = scores.benchmark
    lacking = f" ({'; '.join(map(printable, section.lacking))})" if section.lacking else ""
    crop = f", cropped by {facts['crop']}" if facts.get("crop") else ""
    split = f" of the {facts['split']} split" if facts.get("split") else ""
    return printable(
        f"We evaluated {names} with vptbench {version} under the benchmark {facts['id']} (SHA-256 "
        f"{str(facts['sha256'])[:HASH]}…; clip list {scores.clip_list_sha256[:HASH]}…): {counts}{split} of "
        f"{scores.data.get('dataset', facts['dataset'])}{lacking}, {size}{crop}."
    )


def _size(size: tuple[int, ...]) -> str:
    return f"{size[0]} × {size[1]} pixels (height × width)"


def _source(scores: Scores) -> str:
    if scores.benchmark is None:
        return "The source frames are not known."
    rule = cast("Mapping[str, Json]", scores.benchmark.get("source") or {})
    if not rule:
        return "The benchmark names the source frame of each item."
    if "random_first" in rule:
        first, seed = rule["random_first"], rule.get("seed")
        return f"The source frame is drawn from the first {first} frames of each clip with seed {seed}."
    if "list" in rule:
        return printable(f"The source frame of each clip is named by the list {rule['list']}.")
    return printable(f"The source frame is {source_to_text(rule)} of each clip.")


def _targets(scores: Scores) -> str:
    facts = scores.benchmark or {}
    if facts.get("driving") == "cross":
        return "One person is driven by another's poses, so there is no target."
    which = {
        "all-but-source": "All other frames are targets",
        "all": "All frames are targets, the source frame among them",
    }.get(str(facts.get("targets")), "")
    stride = facts.get("stride", 1)
    steps = "" if stride == 1 else f", with stride {stride}"
    return f"{which}{steps}." if which else ""


def _frames(rows: Sequence[Row]) -> str:
    """How generated frames were read: what the container lost is in the figures."""
    return f"Generated frames were read as {listed(_told_apart(rows, _layout))}."


def _layout(scores: Scores) -> str:
    how = scores.layout + (f" from {scores.reading['container']}" if scores.reading else "")
    return how + (f", resized by {scores.resize['method']}" if scores.resize else "")


def _told_apart(rows: Sequence[Row], tell: Callable[[Scores], str]) -> list[str]:
    """What is told of each row's scores, once; with the rows' names where it is not the same of all."""
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(printable(tell(row.scores)), []).append(printable(row.name))
    if len(found) == 1:
        return list(found)
    return [f"{text or 'not recorded'} ({listed(names)})" for text, names in found.items()]


def _version(rows: Sequence[Row]) -> str:
    return listed(_told_apart(rows, lambda scores: str(scores.libraries.get("vptbench"))))


def _pooling(scores: Scores) -> str:
    return (
        "Frame metrics are averaged over the frames of a clip, then over clips."
        if scores.pooling == "clip"
        else "Frame metrics are averaged over all frames of all clips."
    )


def _metric(name: str, scores: Sequence[Scores]) -> str:
    figures = [each.own[name] for each in scores if name in each.own]
    figure = figures[0]
    phrase = PHRASES.get(name.partition("@")[0], f"{printable(figure.label)} is {printable(name)}")
    facts = _settings(figures, _reference(name, scores[0]))
    if name.endswith(RANDOM_SUFFIX):
        facts.append("with random weights: not comparable with any other table")
    lost = [each.infinite_frames for each in figures]
    if any(lost):
        count = str(max(lost)) if min(lost) == max(lost) else f"{min(lost)} to {max(lost)}"
        facts.append(f"{count} frames left out")
    text = f"{phrase} ({printable('; '.join([name, *facts]))})."
    return text[0].upper() + text[1:]


def _reference(name: str, scores: Scores) -> str:
    """The split whose true frames a distance compares with; empty where it is not known."""
    own = getattr(metric_facts(name.partition("@")[0]), "reference", None)
    return str(own or (scores.benchmark or {}).get("reference") or "")


def _settings(figures: Sequence[Figure], reference: str) -> list[str]:
    if figures[0].pooling:
        return []
    settings = figures[0].settings
    facts = [text.format(settings[key]) for key, text in SETTINGS.items() if key in settings]
    counts = sorted({figure.samples for figure in figures if figure.value is not None})
    if counts:
        n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        facts.insert(0, f"{n} generated samples")
    if reference:
        facts.append(f"against the {reference} split")
    return facts


def _intervals(scores: Scores) -> str:
    facts = scores.intervals.get("frame_metrics")
    level = scores.intervals.get("confidence")
    if not isinstance(facts, Mapping) or not isinstance(level, float):
        return ""
    known = [f"{facts[key]} {key}" if key == "resamples" else f"{key} {facts[key]}"
             for key in ("resamples", "seed") if key in facts]  # fmt: skip
    detail = f" ({', '.join(known)})" if known else ""
    other = scores.intervals.get("distribution_metrics")
    jackknife = f", those of distances by {other['method']}" if isinstance(other, Mapping) else ""
    return printable(f"Intervals are {100 * level:.0f} % by {facts.get('method')}{detail}{jackknife}.")


def _networks(scores: Scores) -> str:
    if not scores.networks:
        return ""
    parts = [
        f"{name} ({facts['mode']}, SHA-256 {str(facts['sha256'])[:HASH]}…)"
        for name, facts in sorted(scores.networks.items())
    ]
    return printable(f"Networks: {listed(parts)}.")


def _libraries(rows: Sequence[Row]) -> str:
    parts = _told_apart(rows, _software)
    return f"Software: {'; '.join(parts)}." if any(parts) else ""


def _software(scores: Scores) -> str:
    known = [f"{name} {scores.libraries[name]}" for name in PACKAGES if name in scores.libraries]
    return f"{', '.join(known)}, on {scores.device}" if known else ""
