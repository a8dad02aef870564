"""How good the body fit is: mesh flow, silhouettes and speed, on synthetic people from five views.

    .venv/bin/python tools/measure_fit.py [--frames 120] [--people 3] [--noise 2 | --poses mediapipe]

Each person walks and moves freely before a camera of 256 pixels: seen from the front, the back and the side,
turning one way, and turning both ways. The fit gets the true keypoints and confidences with Gaussian noise on
each coordinate, or what an installed estimator sees, with swaps put right as `vptbench prepare` does. Flow is
from frame 0 to every fourth frame, along the fitted and the true, clothed mesh; its end-point error is taken
where both meshes cover a pixel ("flow median"), and of these where frame 0 shows the place the true flow
leads to ("flow seen"). Masks are compared with the naked body's and with the clothed one. Speed is of
`keypoints_to_body` alone, in processor time of one core.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from vptbench.body.asset import load_body
from vptbench.body.model import body_to_vertices, project, rotation_vectors_to_matrices
from vptbench.mesh.flow import face_table_to_flow, flow_to_pixels
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.prepare.estimators import ESTIMATORS, Estimator, load_estimator
from vptbench.prepare.fit import BodyFit, fit_to_vertices, keypoints_to_body, vertices_to_mask
from vptbench.prepare.swaps import PARTS, unswap_keypoints
from vptbench.skeleton import BODY_25
from vptbench.synth.figure import SPORTSWEAR, WARDROBE, seed_to_person
from vptbench.synth.motion import FPS, MOTIONS, Motion
from vptbench.synth.render import Actor, Shot, Truth, actor_to_film, person_to_actor
from vptbench.synth.scene import studio

SIZE = (256, 256)
STEP = 4
"""Frames between those that are compared."""

NARROW = 0.02
"""Distance between left and right joints, in heights, below which they cannot be told apart."""

VIEWS = {
    "front": lambda t: 0 * t,
    "back": lambda t: 180 + 0 * t,
    "side": lambda t: 90 + 0 * t,
    "one way": lambda t: 360 * t,
    "both ways": lambda t: 180 * np.sin(2 * np.pi * t),
}
"""Yaw in degrees over the clip's time, 0 to 1."""


class Row(NamedTuple):
    """What was found in one clip.

    Attributes:
        all: Flow errors, pixels.
        seen: Those where the source shows the place.
        skin: IoU of the mask with the naked body's, mean over frames.
        clothed: The same with the clothed body's.
        yaw: Mean error of the root's heading, degrees.
        residual: Mean distance from the given keypoints, pixels.
        found: Share of frames in which the person was found.
        joints: Mean distance of the given keypoints from the true ones, pixels.
        swapped: Share of frames in which left and right are exchanged.
        seconds: Of the fit, a frame.
    """

    all: np.ndarray
    seen: np.ndarray
    skin: float
    clothed: float
    yaw: float
    residual: float
    found: float
    joints: float
    swapped: float
    seconds: float


def view_to_motion(view: str, kind: str, frames: int, rng: np.random.Generator) -> Motion:
    """A motion of synth's, seen from the given side."""
    motion = MOTIONS[kind](frames, rng)
    yaw = VIEWS[view](np.arange(frames) / frames)
    rest = motion.angle("yaw") if kind == "free" else 0
    return Motion({**motion.angles, "yaw": yaw + rest}, frames)


def measure_clip(actor: Actor, motion: Motion, poses: float | Estimator, rng: np.random.Generator) -> Row:
    """Fits one clip; `poses` is an estimator, or the noise on the true keypoints in pixels."""
    shot = Shot(SIZE, 8.0, 0.9, travels=False, backdrop=studio)
    film = actor_to_film(actor, motion, shot, rng)
    truth = film.truth
    if isinstance(poses, float):
        keypoints = truth.keypoints.copy()
        keypoints[..., :2] += rng.normal(0, poses, keypoints[..., :2].shape).astype(np.float32)
    else:
        seen = poses.estimate((frame[None] for frame in film.frames()), FPS)
        keypoints, _ = unswap_keypoints(seen, fps=FPS)
    start = time.process_time()
    fit = keypoints_to_body(keypoints, fps=FPS)
    seconds = (time.process_time() - start) / len(keypoints)
    fitted = fit_to_vertices(fit, slice(None, None, STEP))
    true = truth.vertices[::STEP]
    everything, seen = flow_errors(fitted, true)
    skin = _skin(actor, truth)[::STEP]
    return Row(
        all=everything,
        seen=seen,
        skin=mean_iou(fitted, skin),
        clothed=mean_iou(fitted, true),
        yaw=heading_error(fit, truth),
        residual=float(np.nanmean(fit.residual)),
        found=float(np.isfinite(keypoints[..., 0]).any(axis=1).mean()),
        joints=float(np.nanmean(np.linalg.norm(keypoints[..., :2] - truth.keypoints[..., :2], axis=-1))),
        swapped=float(keypoints_to_swapped(keypoints, truth.keypoints).mean()),
        seconds=seconds,
    )


def keypoints_to_swapped(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Frames in which arms or legs are nearer to the truth with left and right exchanged, bool (T,).

    What counts is the vector from each right joint to its left one; where these are shorter than `NARROW`
    of the person's height on average, the frame tells nothing, and counts as right.
    """
    height = np.nanmedian(np.nanmax(true[..., 1], axis=1) - np.nanmin(true[..., 1], axis=1))
    swapped = np.zeros(len(true), bool)
    for part in ("arms", "legs"):
        right, left = ([BODY_25.index(f"{side}{joint}") for joint in PARTS[part]] for side in ("R", "L"))
        a, b = (points[:, left, :2] - points[:, right, :2] for points in (found, true))
        there = np.isfinite(a + b).all(axis=-1) * np.array(list(PARTS[part].values()))
        given, reverse, width = (
            (np.where(there > 0, np.linalg.norm(v, axis=-1), 0) * there).sum(axis=1)
            for v in (a - b, a + b, b)
        )
        swapped |= (given > reverse) & (width > NARROW * height * there.sum(axis=1))
    return swapped


def _skin(actor: Actor, truth: Truth) -> np.ndarray:
    rotations = rotation_vectors_to_matrices(torch.from_numpy(truth.pose))
    surface = body_to_vertices(actor.dressed.naked, rotations, torch.zeros(len(truth.shape)))
    camera = torch.from_numpy(truth.camera)
    return np.asarray(project(surface, camera[:, 0], camera[:, 1:]).numpy())


def flow_errors(fitted: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """End-point errors in pixels of the flow from row 0 to the others: everywhere, and where it is seen."""
    faces, found, seen = load_body().faces, [], []
    shown = vertices_to_face_table(true[0], faces, SIZE)
    for a, b in zip(fitted[1:], true[1:], strict=True):
        table = vertices_to_face_table(b, faces, SIZE)
        flow = flow_to_pixels(face_table_to_flow(vertices_to_face_table(a, faces, SIZE), fitted[0], faces))
        error = [
            np.linalg.norm(flow - flow_to_pixels(truth), axis=-1)
            for truth in (
                face_table_to_flow(table, true[0], faces),
                face_table_to_flow(table, true[0], faces, hidden_by=shown),
            )
        ]
        found.append(error[0][np.isfinite(error[0])])
        seen.append(error[1][np.isfinite(error[1])])
    return np.concatenate(found), np.concatenate(seen)


def mean_iou(fitted: np.ndarray, true: np.ndarray) -> float:
    """Mean over frames of masks' intersection over union."""
    faces = load_body().faces
    pairs = [
        (vertices_to_mask(a, faces, SIZE), vertices_to_mask(b, faces, SIZE))
        for a, b in zip(fitted, true, strict=True)
    ]
    return float(np.mean([(a & b).sum() / (a | b).sum() for a, b in pairs]))


def heading_error(fit: BodyFit, truth: Truth) -> float:
    """Mean angle in degrees between where the fitted and the true root face, seen from above."""
    ways = []
    for pose in (fit.pose, truth.pose):
        facing = -rotation_vectors_to_matrices(torch.from_numpy(pose[:, 0]))[:, :2, 1].numpy()
        ways.append(np.arctan2(facing[:, 0], -facing[:, 1]))
    return float(np.degrees(np.abs(np.angle(np.exp(1j * (ways[0] - ways[1]))))).mean())


def rows_to_figures(rows: Sequence[Row]) -> dict[str, float]:
    """Medians of the flow errors over all pixels, means of the rest; speed in frames a second."""
    return {
        "flow median": float(np.median(np.concatenate([row.all for row in rows]))),
        "flow seen": float(np.median(np.concatenate([row.seen for row in rows]))),
        "flow mean": float(np.mean(np.concatenate([row.all for row in rows]))),
        "IoU skin": float(np.mean([row.skin for row in rows])),
        "IoU clothed": float(np.mean([row.clothed for row in rows])),
        "yaw error": float(np.mean([row.yaw for row in rows])),
        "residual": float(np.mean([row.residual for row in rows])),
        "found %": 100 * float(np.mean([row.found for row in rows])),
        "joints": float(np.mean([row.joints for row in rows])),
        "swapped %": 100 * float(np.mean([row.swapped for row in rows])),
        "frames/s": 1 / float(np.mean([row.seconds for row in rows])),
    }


def measure(frames: int, people: int, poses: float | Estimator, seed: int) -> dict[str, dict[str, float]]:
    """Figures by view, by kind of motion, and over all."""
    rows: dict[str, list[Row]] = {}
    shapes = len(load_body().shape_directions)
    for person in range(people):
        for kind, wardrobe in (("catwalk", WARDROBE), ("free", SPORTSWEAR)):
            actor = person_to_actor(seed_to_person(seed, person, wardrobe=wardrobe, shapes=shapes))
            for view in VIEWS:
                rng = np.random.default_rng([seed, person, list(VIEWS).index(view), len(kind)])
                row = measure_clip(actor, view_to_motion(view, kind, frames, rng), poses, rng)
                for name in (view, kind, "over all"):
                    rows.setdefault(name, []).append(row)
    return {name: rows_to_figures(found) for name, found in rows.items()}


def print_table(figures: Mapping[str, Mapping[str, float]]) -> None:
    """One line a view."""
    names = list(next(iter(figures.values())))
    print(f"{'':10}" + "".join(f"{name:>13}" for name in names))
    for view, row in figures.items():
        print(f"{view:10}" + "".join(f"{row[name]:13.3f}" for name in names))


def main(given: Sequence[str] | None = None) -> None:
    """Print a table; write it as JSON if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=120, help="of each clip")
    parser.add_argument("--people", type=int, default=3, help="each walks and moves freely in five views")
    parser.add_argument("--noise", type=float, default=2.0, help="pixels, of each coordinate")
    parser.add_argument("--poses", choices=sorted(ESTIMATORS), help="an estimator, in place of noise")
    parser.add_argument("--seed", type=int, default=1, help="of people, motions and noise")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args(given)
    poses = options.noise if options.poses is None else load_estimator(options.poses)
    figures = measure(options.frames, options.people, poses, options.seed)
    print_table(figures)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
