"""The identity control: true frames moved to a noisy pose, as a perfect follower of that pose would render.

Its score is what noise costs a model that does as it is told: a model is not to blame for that much.
"""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from vptbench.benchmarks.items import Item
from vptbench.clip import Frames, Mesh
from vptbench.engine import Report
from vptbench.errors import ShapeError
from vptbench.generate.drive import Generated
from vptbench.generate.plan import plan_to_facts, resolve_plan
from vptbench.generate.record import fill_record, generated_to_entry, open_record
from vptbench.manifest import Json
from vptbench.mesh.flow import face_table_to_flow, flow_to_pixels, warp_frame
from vptbench.mesh.rasterise import vertices_to_face_table
from vptbench.store.reader import open_store

NAME = "control"
"""The model's name in outputs and scores; its kind is "audit", since it is made of true frames."""

DEVICE = "cpu"

RIM = 3
"""Width in pixels of the window by which outlines are made safe: the pixel beside a person, into which it is
blurred, belongs to it, and the pixel within the mesh's outline may be of either."""

ALIKE = 1.0
"""Pixels by which a person's pixel beside the mesh may come nearer to it, or go farther from it."""


@dataclass(frozen=True)
class _Job:
    """What all items have in common; travels to worker processes."""

    clean: Path
    noisy: Path
    outputs: Path


def store_to_control(
    clean: Path,
    noisy: Path,
    outputs: Path,
    benchmark: str | Path,
    *,
    workers: int = 1,
    scheduler: str | None = None,
) -> Report:
    """Write the control's frames of a benchmark's items, as outputs. What is there already is kept.

    Args:
        clean: The clean store, with meshes.
        noisy: A corrupted store of it; or the clean one again, whose control are the true frames.
        outputs: Folder to write.
        benchmark: Id of the clean protocol, or its JSON file.
        workers: 1 works in this process; more start a local cluster.
        scheduler: Address of a Dask scheduler to join instead.

    Raises:
        BenchmarkError: The store does not fit the benchmark.
        OutputError: `outputs` holds something else.
    """
    plan, folder = resolve_plan(noisy, benchmark), Path(outputs).resolve()
    facts: dict[str, Json] = {
        **plan_to_facts(plan, folder),
        "model": NAME,
        "kind": "audit",
        "checkpoint": None,
        "seed": 0,
        "trained_on": None,
    }
    record = open_record(folder, DEVICE, facts)
    task = partial(_item_to_entry, _Job(Path(clean).resolve(), Path(noisy).resolve(), folder))
    return fill_record(record, plan.items, task, workers=workers, scheduler=scheduler)


def frame_to_control(
    frame: Frames,
    mask: NDArray[np.bool_] | None,
    vertices: tuple[NDArray[np.float32], NDArray[np.float32]],
    faces: NDArray[np.int32],
) -> Frames:
    """One true frame, its person moved from where the clean mesh is to where the noisy one is.

    A pixel of the noisy mesh has the colour of its surface point in the true frame. What a person has beside
    the mesh (hair, the rim of clothes) moves as the nearest pixel of the mesh does, and stays as far from it.
    Elsewhere stands the background: the true frame's, or where the person was, the colour of the nearest
    pixel that is seen. So the background is all there is where the noisy mesh is out of the frame, or where
    nobody is (NaN); where the clean mesh is none, nothing is known, and the true frame stays.

    Args:
        frame: uint8 (H, W, 3), the true frame.
        mask: bool (H, W), the person, or None where only the mesh tells.
        vertices: The clean and the noisy mesh of that frame, float32 (V, 3) each.
        faces: int32 (F, 3).

    Returns:
        uint8 (H, W, 3); `frame` itself, bit for bit, where the two meshes are equal.
    """
    clean, noisy = vertices
    size = (frame.shape[0], frame.shape[1])
    old = vertices_to_face_table(clean, faces, size).face >= 0
    table = vertices_to_face_table(noisy, faces, size)
    grid = np.stack(np.meshgrid(np.arange(size[1]), np.arange(size[0])), -1)
    shift = flow_to_pixels(face_table_to_flow(table, clean, faces)) - grid
    body = np.isfinite(shift[..., 0])
    person = _grown(old if mask is None else mask | old, cv2.MORPH_DILATE)
    if not body.any():
        return _background(frame, person) if old.any() else frame.copy()
    nearest, distance = _nearest(body)
    place = grid + shift[nearest]
    column, row = np.rint(place).astype(np.int64).reshape(-1, 2).T
    inside = (column >= 0) & (row >= 0) & (column < size[1]) & (row < size[0])
    beside = person & ~_grown(old, cv2.MORPH_ERODE)
    before = np.full(inside.shape, np.inf, np.float32)
    before[inside] = np.where(beside, _distance_from(old), np.inf)[row[inside], column[inside]]
    moved = body | (np.abs(before.reshape(size) - distance) <= ALIKE)
    flow = np.where(moved[..., None], place, grid)
    control, _ = warp_frame(frame, ((2 * flow + 1) / size[::-1] - 1).astype(np.float32))
    hole = person & ~moved
    if hole.any():
        control[hole] = _background(frame, person)[hole]
    return control


def _item_to_entry(job: _Job, item: Item) -> dict[str, Json]:
    """Make an item's frames and write them; the task of the engine.

    Raises:
        ShapeError: A clip has no mesh, or there are no true frames of the item.
    """
    clean, noisy = (open_store(store)[item.driving_clip] for store in (job.clean, job.noisy))
    if clean.mesh is None or noisy.mesh is None or not item.truth:
        raise ShapeError(
            f"clip {item.driving_clip}: expected a mesh and true frames for the control, found none; sweep "
            "with --no-control"
        )
    start, meshes = time.perf_counter(), (clean.mesh, noisy.mesh)
    frames = [
        frame_to_control(
            np.asarray(clean.frames[number], np.uint8),
            None if clean.mask is None else np.asarray(clean.mask[number], np.bool_),
            cast(
                "tuple[NDArray[np.float32], NDArray[np.float32]]",
                tuple(_row(mesh, number) for mesh in meshes),
            ),
            clean.mesh.faces,
        )
        for number in range(item.first, item.first + item.count)
    ]
    made = Generated(np.stack(frames), time.perf_counter() - start, peak_memory_bytes=None, parameters=None)
    return generated_to_entry(made, item, job.outputs)


def _row(mesh: Mesh, number: int) -> NDArray[np.float32]:
    return np.asarray(mesh.vertices[number], np.float32)


def _nearest(
    body: NDArray[np.bool_],
) -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], NDArray[np.float32]]:
    """For each pixel the row and column of the nearest one of `body`, and how far it is, pixels."""
    distance, labels = cv2.distanceTransformWithLabels(
        (~body).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    places = np.zeros((int(labels.max()) + 1, 2), np.intp)
    places[labels[body]] = np.argwhere(body)
    rows, columns = np.moveaxis(places[labels], -1, 0)
    return (rows, columns), np.asarray(distance, np.float32)


def _distance_from(region: NDArray[np.bool_]) -> NDArray[np.float32]:
    """How far each pixel is from a region, pixels; 0 everywhere where there is none."""
    if not region.any():
        return np.zeros(region.shape, np.float32)
    return np.asarray(
        cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5), np.float32
    )


def _grown(region: NDArray[np.bool_], how: int) -> NDArray[np.bool_]:
    """A region a pixel larger or smaller; what lies beyond the frame is as the pixel at its edge."""
    window = np.ones((RIM, RIM), np.uint8)
    return cv2.morphologyEx(region.astype(np.uint8), how, window, borderType=cv2.BORDER_REPLICATE) > 0


def _background(frame: Frames, person: NDArray[np.bool_]) -> Frames:
    """The frame with the nearest colour of what is around in the person's place."""
    if person.all():
        return frame
    nearest, _ = _nearest(~person)
    return frame[nearest]
