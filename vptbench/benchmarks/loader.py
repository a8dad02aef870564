"""Protocols by id or from a file, checked strictly.

A protocol that ships with vptbench is frozen: its hash is pinned by a test, and a change is a new id.
`load_benchmark` also reads a file of the user's own.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from vptbench.benchmarks.items import SYNTHETIC
from vptbench.benchmarks.protocol import FORMAT, VERSION, Benchmark, document_to_benchmark
from vptbench.errors import BenchmarkError
from vptbench.manifest import Json, json_to_sha256, read_manifest
from vptbench.registry import check_known

__all__ = [
    "BENCHMARKS", "NOISY_BENCHMARKS", "SYNTHETIC", "Benchmark", "check_document", "check_own",
    "load_benchmark", "read_document",
]  # fmt: skip

BENCHMARKS = ("synthetic-v1", "fashionvideo-v1", "iper-v1", "fashionvideo-bdmm-v1", "iper-bdmm-v1")
"""Ids of the protocols that ship with vptbench; each is a file of its name beside this one."""

NOISY_BENCHMARKS = ("synthetic-noisy-v1", "fashionvideo-noisy-v1", "iper-noisy-v1")
"""Ids of lists of corruptions that ship with vptbench, see `noisy`; files as well."""


def load_benchmark(id_or_path: str | Path) -> Benchmark:
    """Load a protocol by its id, or from a JSON file of the user's own (anything that ends in ``.json``).

    Raises:
        RegistryError: The id is unknown.
        ManifestError: The file is no protocol of a version we know.
        BenchmarkError: It is missing or malformed, takes the id of another that ships with vptbench, or is a
            list of corruptions, under which nothing is scored.

    Example:
        ``load_benchmark("fashionvideo-v1").metrics``
    """
    document, path = read_document(id_or_path)
    if "clean" in document:
        raise BenchmarkError(
            f"expected a benchmark to generate and score under, got {document.get('id')}, a list of "
            "corruptions, each scored under the clean id: run `vptbench robustness MODEL STORE OUT "
            f"--benchmark {id_or_path}`, or give --benchmark {document['clean']}"
        )
    return check_document(document, path)


def check_document(document: Mapping[str, Json], path: Path) -> Benchmark:
    """What a protocol's JSON says, checked strictly.

    Args:
        document: As `read_document` gives it.
        path: Where it lies.

    Raises:
        BenchmarkError: It is malformed, or takes the id of another that ships with vptbench.
    """
    benchmark = document_to_benchmark(document, path)
    check_own(benchmark.id, benchmark.sha256, path)
    return benchmark


def read_document(id_or_path: str | Path) -> tuple[dict[str, Json], Path]:
    """The JSON of a protocol or of a list of corruptions, unchecked, and where it lies.

    Raises:
        RegistryError: The id is unknown.
        ManifestError: The file is none of a version we know.
        BenchmarkError: It is missing.
    """
    path = Path(id_or_path)
    if not str(id_or_path).endswith(".json"):
        name = check_known(str(id_or_path), BENCHMARKS + NOISY_BENCHMARKS, "benchmark (or a FILE.json)")
        path = _shipped(name)
    if not path.is_file():
        raise BenchmarkError(f"expected a benchmark's JSON file at {path}, found none; check the path")
    return read_manifest(path, kind=FORMAT, version_number=VERSION), path


def check_own(name: str, sha256: str, path: Path) -> None:
    """See that a user's file does not take the id of a frozen one with other contents.

    Raises:
        BenchmarkError: It does.
    """
    if name not in BENCHMARKS + NOISY_BENCHMARKS or path == _shipped(name):
        return
    document, place = read_document(name)
    noisy = "clean" in document
    frozen = json_to_sha256(document) if noisy else document_to_benchmark(document, place).sha256
    if sha256 != frozen:
        raise BenchmarkError(
            f"{path}: expected an id of its own, found {name!r} with other contents than the frozen protocol "
            "of that name; give it another id"
        )


def _shipped(name: str) -> Path:
    return Path(str(files("vptbench.benchmarks") / f"{name}.json"))
