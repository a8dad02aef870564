"""Poses as arrays for a network: heatmaps, and where in the source each pixel comes from.

Each is an ``.npz`` without pickles, written frame by frame, whose entries bear no time: equal poses give
equal bytes. ``frames`` holds the frames' numbers in the driving clip, int64 (T,).
"""

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vptbench.clip import PoseClip, SourceFrame
from vptbench.generate.export import InputFormat
from vptbench.skeleton import BODY_25

Rows = Iterable[NDArray[np.generic]]

COMPRESSION = 1
"""Deflate level: three times as fast as NumPy's own, and hardly larger."""


def write_heatmaps(_source: SourceFrame, poses: PoseClip, path: Path) -> None:
    """Write ``heatmaps``, float16 (T, 25, H, W), 0 to 1: dots as in BDMM, σ = 6 pixels at a height of 256."""
    from vptbench.heatmaps import keypoints_to_heatmaps, size_to_sigma  # noqa: PLC0415 - torch

    sigma = size_to_sigma(poses.size[0])
    rows = (
        keypoints_to_heatmaps(joints, poses.size, sigma_px=sigma).numpy().astype(np.float16)
        for joints in poses.keypoints
    )
    _write_npz(path, poses, "heatmaps", (len(poses), len(BODY_25), *poses.size), "<f2", rows)


def write_mesh_flow(source: SourceFrame, poses: PoseClip, path: Path) -> None:
    """Write ``flow``, float32 (T, H, W, 2), as `Clip.mesh_flow` gives it: −2 where there is no body.

    Raises:
        ShapeError: One of the clips has no mesh, or their topologies differ.
    """
    rows = (poses.mesh_flow(source, row) for row in range(len(poses)))
    _write_npz(path, poses, "flow", (len(poses), *poses.size, 2), "<f4", rows)


def _write_npz(
    path: Path, poses: PoseClip, name: str, shape: tuple[int, ...], dtype: str, rows: Rows
) -> None:  # fmt: skip
    """Write rows that together are an array of `shape`, and the numbers of the frames."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        _write_array(archive, "frames", (len(poses),), "<i8", [np.asarray(poses.frames)])
        _write_array(archive, name, shape, dtype, rows)


def _write_array(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: str, rows: Rows
) -> None:  # fmt: skip
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for row in rows:
            stream.write(np.ascontiguousarray(row, dtype).tobytes())


HEATMAPS = InputFormat(".npz", write_heatmaps)
MESH_FLOW = InputFormat(".npz", write_mesh_flow)
