"""Left and right told apart over time: frames in which an estimator took one side of the body for the other.

In a side view both sides lie over one another and estimators mix them up, for a frame or until the next side
view, in the whole body or in the arms, legs or head alone. A swap turns the vector from a right joint to its
left one round, which continuous motion does not do. So each part is labelled over time, as given or swapped,
by the Viterbi algorithm: the labels' cost is how badly each vector is foretold by the frames before. Frames
that are half swapped foretell nothing.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vptbench.prepare.tracking import Keypoints
from vptbench.skeleton import BODY_25, MIRROR, keypoints_to_height

Float = NDArray[np.float64]

PARTS: Mapping[str, Mapping[str, float]] = {
    "arms": {"Shoulder": 1, "Elbow": 1, "Wrist": 1},
    "legs": {"Hip": 1, "Knee": 1, "Ankle": 0.5, "BigToe": 0.5, "SmallToe": 0.5, "Heel": 0.5},
    "head": {"Eye": 0.75, "Ear": 0.75},
}
"""Parts that may be swapped without the others: the joints that both sides have, and what each counts."""

MEMORY = 4
"""Frames before a frame that foretell it."""

USUAL_FPS = 30.0
"""Frames a second that `LEVELLING`, `TURN` and `SIGHT` are for."""

PACES = (1.0, 6.0)
"""How far people may move from frame to frame, in shares of what is usual. A slow clip foretells that sides
come back where they were about to cross, a fast one the reverse; what both say is so."""

LEVELLING = 3.0
"""How strongly the foretold speed is drawn to 0, in counts × frames²; a frame alone foretells itself."""

TOLERANCE = 0.012
"""Error of a foretold vector that costs 1/2, in heights of the person, or the usual error of that pair of
joints in the clip (median, as given) if that is larger. Much larger errors cost hardly more."""

TURN, SIGHT, SLACK = 15.0, 6, 0.15
"""Degrees that a person turns in a frame at most, frames before and after a frame that are asked, and what
noise may take from the distance of both sides, in shares of the widest."""

CEILING = 6.0
"""What the largest error of one pair of joints costs."""

LEFT_OUT = 2.5
"""Cost of leaving one of the frames before out of the line."""

CHANGE = 4.0
"""Cost of a change between as given and swapped, and of beginning or ending swapped."""

SWAPPED = 0.15
"""Cost of one swapped frame: estimators are right most of the time."""

FACING = 0.5
"""Cost of a frame whose shoulders contradict the face, where these are as far apart as they ever are."""

AGREEMENT, STEEP = 1.0, 2.0
"""Cost of a frame whose hips or eyes contradict the shoulders, and how steeply it is reached with the product
of both widths, each in shares of the clip's widest."""

FACE, NO_FACE = 0.8, 0.6
"""Confidence of the face, in shares of the clip's highest, from which it is seen and below which not."""

RAREST_VIEW, TRUSTED = 0.05, 0.6
"""Smallest share of front and of back views, and of frames that agree, with which the face is asked."""

SHOULDERS = (BODY_25.index("RShoulder"), BODY_25.index("LShoulder"))


def unswap_keypoints(keypoints: Keypoints, *, fps: float) -> tuple[Keypoints, NDArray[np.bool_]]:
    """A clip's keypoints with swapped sides put right.

    Args:
        keypoints: float32 (T, 25, 3) of one person.
        fps: Frames a second.

    Returns:
        The keypoints, in which nothing but left and right was exchanged, and where: bool (T, 3), one column
        for each of `PARTS`. Sides are exchanged where they must be at every one of `PACES`.

    Source:
        The Viterbi algorithm (Forney 1973), over the signs of the last `MEMORY` frames; costs of our own.
    """
    found = [_find_swaps_at(keypoints, pace * USUAL_FPS / fps) for pace in PACES]
    swapped = np.logical_and.reduce(found)
    return swap_sides(keypoints, swapped), swapped


def _find_swaps_at(keypoints: Keypoints, pace: float) -> NDArray[np.bool_]:
    """Where sides are swapped, bool (T, 3), if people move `pace` times as far in a frame as usual."""
    whole = ~find_half_swaps(keypoints, pace)
    body = find_swaps(keypoints, tuple(PARTS), _face_to_costs(keypoints), whole, pace)
    swapped = np.repeat(body[:, None], len(PARTS), axis=1)
    mended = swap_sides(keypoints, swapped)
    for number, part in enumerate(PARTS):
        swapped[:, number] ^= find_swaps(mended, (part,), _shoulders_to_costs(mended, part), whole, pace)
        mended = swap_sides(keypoints, swapped)
    return swapped


def find_half_swaps(keypoints: Keypoints, pace: float = 1.0) -> NDArray[np.bool_]:
    """Frames between two minds of an estimator, bool (T,).

    There both sides of shoulders or elbows lie nearer together than a turn of `TURN` (times `pace`) a frame
    could have brought them. A pair as far apart as a share w of its widest is turned by at most arccos w; so
    n frames on it is at least cos(arccos w + n · `TURN`) apart, less `SLACK`.
    """
    T = len(keypoints)
    half = np.zeros(T, bool)
    for name in ("Shoulder", "Elbow"):
        pair = (BODY_25.index(f"R{name}"), BODY_25.index(f"L{name}"))
        there = np.isfinite(keypoints[:, pair, 0]).all(axis=1)
        width = np.clip(np.abs(_widths(keypoints, pair)), 0, 1)
        angle = np.degrees(np.arccos(width))  # 90 where one is missing: that foretells nothing
        most = np.full(T, 90.0)
        for gap in range(1, round(SIGHT / pace) + 1):
            most[gap:] = np.minimum(most[gap:], angle[:-gap] + gap * pace * TURN)
            most[:-gap] = np.minimum(most[:-gap], angle[gap:] + gap * pace * TURN)
        half |= there & (width < np.cos(np.radians(most)) - SLACK)
    return half


def swap_sides(keypoints: Keypoints, swapped: NDArray[np.bool_]) -> Keypoints:
    """Keypoints with left and right exchanged where `swapped`, bool (T, 3), a column for each of `PARTS`."""
    mirrored = keypoints[:, MIRROR]
    chosen = np.zeros(keypoints.shape[:2], bool)
    for number, part in enumerate(PARTS):
        joints = [joint for pair in _part_to_pairs(part) for joint in pair]
        chosen[:, joints] = swapped[:, number, None]
    return np.where(chosen[..., None], mirrored, keypoints)


def find_swaps(
    keypoints: Keypoints,
    parts: Sequence[str],
    facing: Float,
    whole: NDArray[np.bool_],
    pace: float = 1.0,
) -> NDArray[np.bool_]:
    """The frames in which left and right of `parts` are exchanged together, bool (T,).

    Args:
        keypoints: float32 (T, 25, 3).
        parts: Some of `PARTS`.
        facing: (T,) what each frame costs in addition if it is as given (where above 0) or swapped (below).
        whole: bool (T,), frames that foretell others; the rest are labelled by these.
        pace: How far people move from frame to frame, in shares of what is usual at `USUAL_FPS`.
    """
    vectors, there = _pairs_to_vectors(keypoints, [pair for part in parts for pair in _part_to_pairs(part)])
    counts = np.array(
        [PARTS[part][BODY_25[right][1:]] for part in parts for right, _ in _part_to_pairs(part)]
    )
    times = np.flatnonzero(whole)
    swapped = np.zeros(len(vectors), bool)
    if len(times):
        costs = _foretelling_costs(vectors[times], there[times], counts, times, pace)
        swapped[times] = _cheapest_signs(costs, facing[times])
        _label_rest(vectors, there, counts, times, swapped)
    return swapped


def _label_rest(
    vectors: Float,
    there: NDArray[np.bool_],
    counts: Float,
    times: NDArray[np.intp],
    swapped: NDArray[np.bool_],
) -> None:
    """Writes the labels of the frames beside `times`.

    They are swapped if they are nearer to the reverse of the frames before and after than to nothing at all.
    """
    rest = np.setdiff1d(np.arange(len(vectors)), times)
    after = np.searchsorted(times, rest)
    ends = times[np.clip([after - 1, after], 0, len(times) - 1)]  # (2, R)
    mended = np.where(swapped[:, None, None], -vectors, vectors)
    known = there[rest] & there[ends]
    between = np.where(known[..., None], mended[ends], 0).mean(axis=0)
    along = np.einsum("rpc,rpc,p->r", vectors[rest], between, counts)
    swapped[rest] = along < -np.einsum("rpc,rpc,p->r", between, between, counts) / 2


def _part_to_pairs(part: str) -> list[tuple[int, int]]:
    return [(BODY_25.index(f"R{joint}"), BODY_25.index(f"L{joint}")) for joint in PARTS[part]]


def _pairs_to_vectors(
    keypoints: Keypoints, pairs: Sequence[tuple[int, int]]
) -> tuple[Float, NDArray[np.bool_]]:
    """From right to left joints, (T, P, 2), in heights of the person, 0 if one is missing; and if not."""
    right, left = np.array(pairs).T
    vectors = keypoints[:, left, :2].astype(np.float64) - keypoints[:, right, :2]
    there: NDArray[np.bool_] = np.asarray(np.isfinite(vectors).all(axis=-1))
    return np.where(there[..., None], vectors, 0) / keypoints_to_height(keypoints), there


def _foretelling_costs(
    vectors: Float, there: NDArray[np.bool_], counts: Float, times: NDArray[np.intp], pace: float = 1.0
) -> Float:
    """Cost of each frame under each sequence of signs, (T, 2**(MEMORY + 1)).

    Bit k of a sequence's number says that the frame k before is swapped. A vector is foretold by the straight
    line through the `MEMORY` frames before that have it, by least squares; or, at `LEFT_OUT`, through all but
    one of them, which may be half swapped and would foretell anything.
    """
    T = len(vectors)
    steps = range(1, MEMORY + 1)
    early = times[0] - np.arange(MEMORY, 0, -1)
    ages = times - np.stack([np.concatenate([early, times])[MEMORY - k : MEMORY - k + T] for k in steps])
    padded = np.concatenate([np.zeros((MEMORY, *vectors.shape[1:])), vectors])
    known = np.concatenate([np.zeros((MEMORY, there.shape[1])), there])
    before = np.stack([padded[MEMORY - k : MEMORY - k + T] for k in steps])  # (MEMORY, T, P, 2)
    weights = np.stack([known[MEMORY - k : MEMORY - k + T] for k in steps])
    bits = (np.arange(2 ** (MEMORY + 1))[:, None] >> np.arange(MEMORY + 1)) & 1
    signs = 1.0 - 2 * bits  # (S, MEMORY + 1)
    counted = there & (weights.sum(axis=0) > 0)

    def foretell(weights: Float) -> Float:
        share = _line_shares(weights, ages[..., None].astype(np.float64), LEVELLING / pace**2)
        foretold = np.einsum("sa,atp,atpc->tspc", signs[:, 1:], share, before)
        return np.asarray(np.square(signs[None, :, :1, None] * vectors[:, None] - foretold).sum(axis=-1))

    errors = foretell(weights)  # (T, S, P)
    usual = np.array(
        [np.median(errors[rows, 0, pair]) if rows.any() else 0.0 for pair, rows in enumerate(counted.T)]
    )
    scale = 2 * np.maximum(usual, TOLERANCE**2)
    costs = _errors_to_costs(errors / scale, counted, counts)
    for age in range(MEMORY):
        fewer = weights * (np.arange(MEMORY) != age)[:, None, None]
        whole = ((fewer.sum(axis=0) > 0) | ~counted).all(axis=1)
        without = LEFT_OUT + _errors_to_costs(foretell(fewer) / scale, counted, counts)
        costs = np.where(whole[:, None], np.minimum(costs, without), costs)
    return costs


def _errors_to_costs(errors: Float, counted: NDArray[np.bool_], counts: Float) -> Float:
    """Errors (T, S, P) in shares of the usual ones to the costs of frames, (T, S); none exceeds `CEILING`."""
    costs = CEILING * errors / (CEILING + errors)
    return np.asarray((costs * counted[:, None]) @ counts)


def _line_shares(weights: Float, ages: Float, levelling: float) -> Float:
    """How much each frame before adds to what the line through them says of now, (MEMORY, T, P).

    With weights w and ages a (MEMORY, T, 1): Σw = W, mean age m, slope by Σw(a − m)² + `levelling`, which
    grows with m² so that a long gap is not crossed by a steep line.
    """
    total = np.maximum(weights.sum(axis=0), 1e-9)
    mean = (ages * weights).sum(axis=0) / total
    centred = ages - mean
    usual = (MEMORY + 1) / 2
    spread = (weights * centred**2).sum(axis=0) + levelling * np.maximum(mean / usual, 1) ** 2
    return np.asarray(weights / total - weights * centred * mean / spread)


def _cheapest_signs(costs: Float, facing: Float) -> NDArray[np.bool_]:
    """The cheapest labelling, bool (T,): Viterbi over the last `MEMORY` labels.

    Args:
        costs: (T, 2**(MEMORY + 1)), see `_foretelling_costs`.
        facing: See `find_swaps`.
    """
    histories = np.arange(2**MEMORY)
    longer = np.arange(2 ** (MEMORY + 1))
    now, last = longer & 1, (longer >> 1) & 1
    fixed = CHANGE * (now != last) + SWAPPED * now
    older = longer >> 1
    ways = np.stack([np.flatnonzero((longer & (2**MEMORY - 1)) == history) for history in histories])
    best = np.full(2**MEMORY, np.inf)
    best[[0, -1]] = 0, CHANGE  # before the clip no change
    choices = np.zeros((len(costs), 2**MEMORY), np.int64)
    for t, row in enumerate(costs):
        through = (best[older] + row + fixed + np.where(now == 0, facing[t], -facing[t]).clip(0))[ways]
        pick = through.argmin(axis=1)
        choices[t] = ways[histories, pick]
        best = through[histories, pick]
    swapped = np.zeros(len(costs), bool)
    history = int((best + CHANGE * (histories & 1)).argmin())
    for t in reversed(range(len(costs))):
        swapped[t] = history & 1
        history = int(choices[t, history]) >> 1
    return swapped


def _face_to_costs(keypoints: Keypoints) -> Float:
    """`find_swaps`' facing: seen from behind, a person has no face and the left shoulder on the left.

    It is only asked where the clip has frames with a face and frames without, and most frames agree with it.
    """
    face = keypoints[:, [BODY_25.index(name) for name in ("Nose", "REye", "LEye")], 2].mean(axis=1)
    width = _widths(keypoints, SHOULDERS)
    seen = face / max(float(face.max(initial=0)), 1e-9)
    sign = np.where(seen > FACE, 1.0, np.where(seen < NO_FACE, -1.0, 0.0))
    asked = (np.abs(width) > 0.5) & (sign != 0)
    if not asked.any():
        return np.zeros(len(keypoints))
    front = (sign[asked] > 0).mean()
    agreeing = (sign[asked] * width[asked] > 0).mean()
    if min(front, 1 - front) < RAREST_VIEW or agreeing < TRUSTED:
        return np.zeros(len(keypoints))
    return np.asarray(-FACING * sign * width)


def _shoulders_to_costs(keypoints: Keypoints, part: str) -> Float:
    """`find_swaps`' facing: hips and eyes are turned from the shoulders by less than a right angle."""
    if part == "arms":
        return np.zeros(len(keypoints))
    product = _widths(keypoints, SHOULDERS) * _widths(keypoints, _part_to_pairs(part)[0])
    return np.asarray(-AGREEMENT * np.clip(product * STEEP, -1, 1))


def _widths(keypoints: Keypoints, pair: tuple[int, int]) -> Float:
    """How far the left joint lies to the right of the right one, (T,) in shares of the widest, or 0."""
    widths = np.nan_to_num(keypoints[:, pair[1], 0].astype(np.float64) - keypoints[:, pair[0], 0])
    return np.asarray(widths / max(float(np.abs(widths).max(initial=0)), 1e-9))
