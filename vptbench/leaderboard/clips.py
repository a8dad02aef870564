"""Figures clip by clip beside a board, from which differences of two entries get an interval.

They lie in ``<board>.clips/<sha256>.csv``, named by the hash of their bytes, which stands in the entry's row:
no entry's name becomes a file's name, and two people who add entries touch different files. Columns are
``clip,metric,frames,value``: the mean over the frames of a clip that have a finite value, and how many these
are; clips without such a frame are left out. Only frame metrics have such figures.
"""

import csv
import hashlib
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from vptbench.errors import BoardError
from vptbench.formulas import neutralise
from vptbench.leaderboard.board import Entry
from vptbench.manifest import write_text
from vptbench.scorefile import Scores

COLUMNS = ("clip", "metric", "frames", "value")

HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ClipFigure:
    """A metric of one clip.

    Attributes:
        frames: Frames that have a finite value, at least one.
        value: Their mean.
    """

    frames: int
    value: float


Clips = Mapping[str, Mapping[str, ClipFigure]]
"""Metric to clip to figure."""


def scores_to_clips(scores: Scores) -> str:
    """The file of an entry's figures by clip, as text; empty where no metric has any.

    Raises:
        BoardError: Two clips would be called the same.
    """
    frames = scores.per_frame[np.isfinite(scores.per_frame["value"])]
    counts = frames.groupby(["clip", "metric"], sort=False)["value"].count()
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    written: list[tuple[str, str]] = []
    for row in scores.per_clip.sort_values(["clip", "metric"]).itertuples():
        clip, metric, value = str(row.clip), str(row.metric), float(str(row.value))
        if metric in scores.own and math.isfinite(value):
            written.append((neutralise(clip), metric))
            writer.writerow([*written[-1], counts[clip, metric], repr(value)])
    if len(set(written)) != len(written):
        raise BoardError(
            "expected clips whose names differ by more than an apostrophe, found two that do not; rename one"
        )
    return text.getvalue() if written else ""


def text_to_sha256(text: str) -> str:
    """Hash of such a file; empty for an empty text."""
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def write_clips(board: Path, text: str) -> None:
    """Write figures by clip beside a board, where there are any."""
    if text:
        write_text(clips_path(board, text_to_sha256(text)), text)


def clips_path(board: Path, sha256: str) -> Path:
    """Where figures by clip lie."""
    return board.with_name(f"{board.stem}.clips") / f"{sha256}.csv"


def clips_to_figure(clips: Mapping[str, ClipFigure], pooling: str) -> float:
    """The figure of all clips: the mean over clips, or over all frames where `pooling` is "frame"."""
    weights = [clip.frames if pooling == "frame" else 1 for clip in clips.values()]
    products = (clip.value * weight for clip, weight in zip(clips.values(), weights, strict=True))
    return math.fsum(products) / sum(weights)


def read_clips(board: Path, entry: Entry) -> Clips:
    """Figures by clip of an entry; empty where the row names none, or their file is not at hand.

    Raises:
        BoardError: The file was changed by hand, or is no such table.
    """
    sha256 = entry.facts["per_clip_sha256"]
    path = clips_path(board, sha256)
    if not HASH.fullmatch(sha256) or not path.is_file():
        return {}
    try:
        text = path.read_bytes().decode()
        table = pd.read_csv(io.StringIO(text, newline=""), dtype=str, keep_default_na=False)
        found: dict[str, dict[str, ClipFigure]] = {}
        for clip, metric, frames, value in table[list(COLUMNS)].itertuples(index=False):
            found.setdefault(metric, {})[clip] = ClipFigure(int(frames), float(value))
    except (OSError, ValueError, KeyError) as error:
        raise BoardError(
            f"{path}: expected figures by clip, found a file that cannot be read as such ({error}); "
            "restore it, or delete it"
        ) from error
    if text_to_sha256(text) != sha256:
        raise BoardError(
            f"{path}: expected the figures by clip of {entry.name!r} as they were added, found a file that "
            "was changed by hand; restore it, or delete it"
        )
    return found
