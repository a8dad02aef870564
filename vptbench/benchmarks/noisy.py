"""Lists of corruptions: which noise a clean protocol's poses get, in which strengths and draws.

Such a list is a JSON file as a protocol is, with ``id``, ``clean`` and ``corruptions``. Nothing is scored
under its id: each cell, one corruption at one severity and seed, is a store with other poses, and is scored
under the clean id: `vptbench robustness MODEL STORE OUT --benchmark ID` does so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vptbench.benchmarks.loader import (
    BENCHMARKS,
    NOISY_BENCHMARKS,
    Benchmark,
    check_document,
    check_own,
    read_document,
)
from vptbench.benchmarks.naming import named
from vptbench.benchmarks.protocol import id_to_problem
from vptbench.benchmarks.source import is_number
from vptbench.config import json_to_config
from vptbench.errors import BenchmarkError, ConfigError, RegistryError
from vptbench.manifest import Json, json_to_sha256
from vptbench.registry import check_known

KINDS = ("jitter", "drift", "dropout", "swap", "outlier", "lag", "other-body", "estimator")
"""Kinds of corruption. No list that ships has "estimator": they were frozen before it existed."""

SEVERITIES = range(1, 6)


@dataclass(frozen=True)
class CorruptionRule:
    """One kind of noise.

    Attributes:
        kind: One of `KINDS`.
        severities: Some of `SEVERITIES`, ascending.
        seeds: Integers from 0, ascending: one draw each.
    """

    kind: str
    severities: tuple[int, ...]
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class NoisyBenchmark:
    """A list of corruptions.

    Attributes:
        id: Versioned id, such as ``iper-noisy-v1``.
        clean: Id of the protocol under which each cell is scored.
        corruptions: What is done to the poses, one kind each.
        sha256: Of the list's file in the form of `manifest.json_to_text`, in hex.
    """

    id: str
    clean: str
    corruptions: tuple[CorruptionRule, ...]
    sha256: str


def load_noisy_benchmark(id_or_path: str | Path) -> NoisyBenchmark:
    """Load a list of corruptions by its id, or from a JSON file of the user's own.

    Raises:
        RegistryError: The id is unknown.
        ManifestError: The file is none of a version we know.
        BenchmarkError: It is missing or malformed, is a clean protocol, or takes the id of another that ships
            with vptbench.

    Example:
        ``load_noisy_benchmark("iper-noisy-v1").clean``
    """
    document, path = read_document(id_or_path)
    if "clean" not in document:
        raise BenchmarkError(
            f"expected a list of corruptions, got {document.get('id')}, a clean benchmark; give "
            f"{' or '.join(NOISY_BENCHMARKS)}, or a file of your own"
        )
    return _check_noisy(document, path)


def read_any_benchmark(id_or_path: str | Path) -> tuple[dict[str, Json], Benchmark | NoisyBenchmark]:
    """A protocol or a list of corruptions, whichever it is: its JSON as it stands, and what that says.

    Raises:
        RegistryError: The id is unknown.
        ManifestError: The file is none of a version we know.
        BenchmarkError: It is missing or malformed, or takes the id of another that ships with vptbench.
    """
    document, path = read_document(id_or_path)
    return document, (_check_noisy if "clean" in document else check_document)(document, path)


def _check_noisy(document: Mapping[str, Json], path: Path) -> NoisyBenchmark:
    """As `check_document`, of a list of corruptions.

    Raises:
        BenchmarkError: It is malformed, or takes the id of another that ships with vptbench.
    """
    benchmark = _document_to_noisy(document, path)
    check_own(benchmark.id, benchmark.sha256, path)
    return benchmark


def _document_to_noisy(document: Mapping[str, Json], path: Path) -> NoisyBenchmark:
    """Check a list's file, strictly.

    Raises:
        BenchmarkError: It is malformed; every problem is named.
    """
    fields = {key: value for key, value in document.items() if key not in {"format", "version"}}
    try:
        if "sha256" in fields:
            raise BenchmarkError("expected no sha256, which is computed; leave it out")
        found = json_to_config({**fields, "sha256": json_to_sha256(dict(document))}, NoisyBenchmark)
        rules = _json_to_rules(fields["corruptions"])
    except (BenchmarkError, ConfigError) as error:
        raise BenchmarkError(f"{path}: {error}") from error
    problems = [text for rule in rules for text in _rule_to_problems(rule)]
    kinds = [rule.kind for rule in rules]
    if len(set(map(str, kinds))) < len(kinds):
        problems.append(f"corruptions: expected each kind once, found {', '.join(map(str, kinds))}")
    if id_to_problem(found.id):
        problems.append(id_to_problem(found.id))
    try:
        check_known(str(found.clean), BENCHMARKS, "clean benchmark")
    except RegistryError as error:
        problems.append(f"clean: {error}")
    if problems:
        raise BenchmarkError(f"{path}: {named(problems, '; ')}")
    return NoisyBenchmark(found.id, found.clean, rules, found.sha256)


def _json_to_rules(document: Json) -> tuple[CorruptionRule, ...]:
    """The list, field by field.

    Raises:
        BenchmarkError: It is no list of objects.
        ConfigError: An object lacks a field, or has an unknown one.
    """
    if not isinstance(document, list) or not document or not all(isinstance(rule, dict) for rule in document):
        raise BenchmarkError(
            f"corruptions: expected a list of objects with kind, severities and seeds, found {document!r:.80}"
        )
    return tuple(json_to_config(rule, CorruptionRule) for rule in document)


def _rule_to_problems(rule: CorruptionRule) -> list[str]:
    problems = []
    try:
        check_known(str(rule.kind), KINDS, "corruption")
    except RegistryError as error:
        problems.append(f"corruptions: {error}")
    if not (_is_ascending(rule.severities) and set(rule.severities) <= set(SEVERITIES)):
        problems.append(
            f"corruptions: {rule.kind}: expected severities from {SEVERITIES[0]} to {SEVERITIES[-1]}, "
            f"ascending, found {rule.severities!r}"
        )
    if not _is_ascending(rule.seeds):
        problems.append(
            f"corruptions: {rule.kind}: expected seeds, integers from 0, ascending, found {rule.seeds!r}"
        )
    return problems


def _is_ascending(numbers: object) -> bool:
    if not isinstance(numbers, tuple) or not numbers or not all(map(is_number, numbers)):
        return False
    return list(numbers) == sorted(set(numbers))
