"""Which frame of a clip the model sees: the rules that a protocol's ``source`` may name.

=====================================  =====================================================================
``{"index": N}``                       Frame N of every clip.
``{"random_first": N, "seed": S}``     One of a clip's first N frames, drawn for that clip alone.
``{"list": FILE}``                     What a JSON file beside the protocol says: clip id to frame number.
=====================================  =====================================================================

The draw: SHA-256 of the text ``S:clip id`` (UTF-8), read as one big-endian integer, seeds NumPy's PCG64; its
first 64 bits modulo min(N, T) are the frame number. It depends neither on other clips nor on their order, and
uses the bit generator alone, whose stream NumPy promises to keep.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np

from vptbench.benchmarks.naming import named
from vptbench.errors import BenchmarkError, ManifestError
from vptbench.manifest import Json, check_relative, json_to_sha256, read_json

NUMBER_LIMIT = 2**31
"""Frame numbers and seeds are smaller, so that nothing that a file says can fill the memory."""

RULES = '{"index": N} with N from 0, {"random_first": N, "seed": S} with N from 1, or {"list": FILE}'
"""What may stand there, for messages."""


def source_to_problem(source: object) -> str:
    """What is wrong with a rule, in words; empty if nothing is."""
    if isinstance(source, Mapping):
        names = set(source)
        if names == {"index"} and is_number(source["index"]):
            return ""
        if names == {"random_first", "seed"} and is_number(source["seed"]):
            count = source["random_first"]
            if is_number(count) and count > 0:
                return ""
        if names == {"list"} and isinstance(source["list"], str):
            return ""
    return f"source: expected {RULES}, found {source!r}"


def source_to_text(source: Mapping[str, Json]) -> str:
    """A rule in a few words, for tables; empty rules are those of protocols whose items name their own."""
    if "index" in source:
        return f"frame {source['index']}"
    if "random_first" in source:
        return f"random of first {source['random_first']}, seed {source['seed']}"
    return f"list {source['list']}" if "list" in source else "by item"


def clip_to_source_frame(
    source: Mapping[str, Json], listed: Mapping[str, int], clip: str, frames: int
) -> int | None:
    """The frame that a rule picks.

    Args:
        source: A rule without problems.
        listed: What its list says, where it is one.
        clip: Clip id.
        frames: How many frames the clip has.

    Returns:
        A frame number, which may lie beyond the clip; None where the list does not name the clip.
    """
    if "index" in source:
        return cast("int", source["index"])
    if "random_first" in source:
        first = min(cast("int", source["random_first"]), frames)
        return draw_frame(cast("int", source["seed"]), clip, first)
    return listed.get(clip)


def draw_frame(seed: int, clip: str, count: int) -> int:
    """One of `count` frames, as the module's text says."""
    digest = hashlib.sha256(f"{seed}:{clip}".encode()).digest()
    return int(np.random.PCG64(int.from_bytes(digest, "big")).random_raw() % count)


def read_source_list(folder: Path, source: Mapping[str, Json]) -> tuple[dict[str, int], str]:
    """What the list of a rule says, and its hash.

    Args:
        folder: Where the protocol lies.
        source: ``{"list": FILE}``.

    Returns:
        Clip id to frame number, and the SHA-256 of that in the form of `manifest.json_to_text`, in hex.

    Raises:
        BenchmarkError: There is no such file beside the protocol, or it holds something else.
    """
    try:
        path = folder / check_relative(str(source["list"]), "list of source frames")
        document = read_json(path)
    except ManifestError as error:
        raise BenchmarkError(f"source: {error}") from error
    listed = {clip: cast("int", frame) for clip, frame in document.items() if is_number(frame)}
    wrong = [f"{clip}: {frame!r}" for clip, frame in document.items() if clip not in listed]
    if wrong or not listed:
        raise BenchmarkError(
            f"{path}: expected an object of clip ids and frame numbers from 0, found "
            f"{named(wrong) or 'an empty one'}"
        )
    return listed, json_to_sha256(document)


def is_number(value: object) -> bool:
    """Whether something can be a frame number or a seed: an integer from 0, below `NUMBER_LIMIT`."""
    return type(value) is int and 0 <= value < NUMBER_LIMIT
