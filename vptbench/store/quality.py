"""How good the poses and the body of prepared clips are, in a few figures, and which clips to look at first.

Lengths are in heights of the person, so that clips of any size can be compared. Whatever there is no figure
for is None: nothing was fitted, nobody looked for swaps, or too few frames follow one another.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import pandas as pd

from vptbench.clip import Clip
from vptbench.errors import VptbenchError
from vptbench.progress import track
from vptbench.skeleton import keypoints_to_height
from vptbench.store.reader import Store

LEAST_CONFIDENCE = 0.5
"""Mean confidence below which poses are doubtful: below 0.3 to 0.5 estimators draw no joint."""

MOST_LOST = 0.02
"""Share of frames without the person that is doubtful: in the data sets of this field the person is always in
the picture, so such frames are the estimator's failures; a fit bridges a frame or two, not many."""

MOST_JITTER = 0.015
"""Doubtful jitter, heights a frame²: noise of 1 px in x and y on a person of 200 px gives 0.0144; true
motion stays below: synthetic people who turn and step reach 0.0045 within 36 frames and 0.0102 within 24."""

MOST_RESIDUAL = 0.02
"""Distance of a fitted body that is doubtful, heights: 3.5 cm of a grown person, half the width of an arm."""

MOST_SWAPPED = 0.1
"""Share of frames with exchanged sides that is doubtful: where so many were put right, some were missed."""


@dataclass(frozen=True)
class Quality:
    """How good a clip's poses and body are.

    Attributes:
        clip: Its id.
        split: "train" or "test".
        frames: T, how many it has.
        confidence: In [0, 1], mean over the frames with the person and over the joints that the clip has in
            any frame; a joint that is missing in a frame counts 0. None where no frame has the person.
        lost_frames: Frames without the person: all joints are missing.
        jitter: Median, over joints and frames, of the length of the second difference in time
            p(t − 1) − 2·p(t) + p(t + 1), in heights a frame², of joints that all three frames have, where
            these follow one another in the raw clip too. None where there is no such joint. Independent noise
            of σ in x and y gives 2.88·σ.
        residual: Mean distance of the fitted body's joints from the given ones, heights, over the frames that
            have one. None where no body was fitted.
        swapped_frames: Frames in which left and right were exchanged and put right. None where nobody looked.
    """

    clip: str
    split: str
    frames: int
    confidence: float | None
    lost_frames: int
    jitter: float | None
    residual: float | None
    swapped_frames: int | None

    @property
    def ratios(self) -> Mapping[str, float]:
        """Each figure that is there as a multiple of its limit; from 1 on it is doubtful."""
        unsure = 1.0 if self.confidence is None else 1 - self.confidence
        shares = {
            "confidence": unsure / (1 - LEAST_CONFIDENCE),
            "lost_frames": self.lost_frames / self.frames / MOST_LOST,
            "jitter": None if self.jitter is None else self.jitter / MOST_JITTER,
            "residual": None if self.residual is None else self.residual / MOST_RESIDUAL,
            "swapped_frames": None
            if self.swapped_frames is None
            else self.swapped_frames / self.frames / MOST_SWAPPED,
        }
        return {name: share for name, share in shares.items() if share is not None}

    @property
    def doubtful(self) -> tuple[str, ...]:
        """Names of the figures that reach their limit."""
        return tuple(name for name, ratio in self.ratios.items() if ratio >= 1)

    @property
    def doubt(self) -> float:
        """The one score that orders clips, worst first: the largest of `ratios`."""
        return max(self.ratios.values())


def clip_to_quality(clip: Clip) -> Quality:
    """Measure a clip. Reads keypoints, body parameters and attributes, never a frame.

    Raises:
        PoseError: The clip's ``raw_frames`` are malformed.

    Example:
        ``clip_to_quality(open_store("store")["001/9/1"]).lost_frames``
    """
    found = clip.keypoints[..., 2] > 0
    person = found.any(axis=1)
    height = keypoints_to_height(clip.keypoints)
    facts = clip.attributes.get("pose_facts")
    swapped = facts.get("swapped_frames") if isinstance(facts, Mapping) else None
    return Quality(
        clip=clip.id,
        split=clip.split,
        frames=len(clip),
        confidence=float(clip.keypoints[person][:, found.any(axis=0), 2].mean()) if person.any() else None,
        lost_frames=int((~person).sum()),
        jitter=_jitter(clip, height),
        residual=_residual(clip, height),
        swapped_frames=swapped if isinstance(swapped, int) else None,
    )


def store_to_qualities(store: Store, damaged: dict[str, str] | None = None) -> tuple[Quality, ...]:
    """Measure all clips of a store, one at a time.

    Args:
        store: The store.
        damaged: Where given, clips that cannot be read are left out and listed here with the reason.

    Returns:
        Worst first by `Quality.doubt`; of equal ones, in the order of the store.

    Raises:
        VptbenchError: A clip cannot be read, and `damaged` is not given.
    """
    return tuple(sorted(_measured(store, damaged), key=lambda quality: -quality.doubt))


def _measured(store: Store, damaged: dict[str, str] | None) -> Iterator[Quality]:
    for name in track(store, total=len(store), label="quality"):
        try:
            yield clip_to_quality(store[name])
        except VptbenchError as error:
            if damaged is None:
                raise
            damaged[name] = str(error)


def quality_to_lines(quality: Quality) -> Mapping[str, str]:
    """The figures that are there, each in words, by its name; for people who look at a clip."""
    share, lost = 100 / quality.frames, quality.lost_frames
    lines = {
        "confidence": "no person"
        if quality.confidence is None
        else f"mean confidence {quality.confidence:.2f}",
        "lost_frames": f"person missing in {lost} frames ({share * lost:.0f} %)",
    }
    if quality.jitter is not None:
        lines["jitter"] = f"jitter {100 * quality.jitter:.2f} % of the height"
    if quality.residual is not None:
        lines["residual"] = f"fitted body {100 * quality.residual:.1f} % of the height away"
    if quality.swapped_frames is not None:
        lines["swapped_frames"] = (
            f"sides exchanged in {quality.swapped_frames} frames ({share * quality.swapped_frames:.0f} %)"
        )
    return lines


def _jitter(clip: Clip, height: float) -> float | None:
    points = clip.keypoints[..., :2].astype(np.float64)  # missing ones are NaN, and so is what they enter
    lengths = np.linalg.norm(points[:-2] - 2 * points[1:-1] + points[2:], axis=-1)
    if clip.raw_frames is not None:
        following = np.array([b - a == 1 for a, b in pairwise(clip.raw_frames)], bool)
        lengths = lengths[following[:-1] & following[1:]]
    lengths = lengths[np.isfinite(lengths)]
    return float(np.median(lengths)) / height if lengths.size else None


def _residual(clip: Clip, height: float) -> float | None:
    """``body/residual`` is in raw pixels; ``scale`` says how many prepared ones each of them is."""
    if "residual" not in clip.body:
        return None
    scale = np.asarray(clip.attributes["scale"], np.float64).reshape(-1, 2)
    lengths = clip.body["residual"].astype(np.float64) * np.sqrt(scale.prod(axis=1))
    lengths = lengths[np.isfinite(lengths)]
    return float(lengths.mean()) / height if lengths.size else None


def qualities_to_rows(qualities: Sequence[Quality]) -> list[dict[str, str | float | int | None]]:
    """A table with a column for each figure, and ``doubt``; in the order given."""
    return [{**vars(quality), "doubt": quality.doubt} for quality in qualities]


def qualities_to_csv(qualities: Sequence[Quality]) -> str:
    """The same as CSV, in full digits; a figure that is not there is an empty cell."""
    columns = [*(field.name for field in fields(Quality)), "doubt"]
    return pd.DataFrame(qualities_to_rows(qualities), columns=columns, dtype=object).to_csv(
        index=False, lineterminator="\n"
    )
