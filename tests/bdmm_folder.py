"""BDMM's prepared folder and its test list, made up."""

import csv
import json

import numpy as np

from vptbench.image import write_image

ROOT = "./dataset/UBC_fashion_smpl/"


def add(raw, clip, split="test", numbers=(0, 1, 3), size=16):
    """A clip of which frame 2 was dropped; the first pixel of each frame is its number."""
    folder = raw / split / f"{clip}.mp4"
    for name in ("frames", "kptsmpls", "original_frames", "visualization"):
        (folder / name).mkdir(parents=True)
    for number in numbers:
        picture = np.random.default_rng(number).integers(0, 256, (size, size, 3), np.uint8)
        picture[0, 0] = number
        write_image(folder / "frames" / f"frame_{number:05d}.png", picture)
        (folder / "kptsmpls" / f"frame_{number:05d}.json").write_text(json.dumps(document(number)))
    write_image(folder / "original_frames" / "frame_00000.png", np.zeros((30, 20, 3), np.uint8))
    flat = raw / f"{split}_frames" / f"{clip}.mp4"  # copies that were made for FVD
    flat.mkdir(parents=True)
    write_image(flat / "frame_00000.png", np.zeros((16, 16, 3), np.uint8))
    return folder


def document(number):
    rng = np.random.default_rng(number)
    keypoints = rng.uniform(0, 16, (25, 3))
    keypoints[:, 2] = rng.uniform(0.1, 1.0, 25)
    keypoints[4] = (-3.7, 2.2, 0)  # not found: the mark (−1, −1), moved with the crop
    return {
        "bbox_xyxy": [1.0, 2.0, 3.0, 4.0],
        "cam": [1.0, 2.0, number],
        "pose_keypoints_2d": keypoints.tolist(),
        "pose_theta": list(range(72)),
        "shape_beta": [0.5] * 10,
    }


def write_list(raw, *rows, root=ROOT, columns=("A_paths", "B_paths_clean")):
    """Rows of (clip, source, frames), or of two cells as they stand."""
    with (raw / "test_list.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["", *columns])
        for number, row in enumerate(rows):
            writer.writerow([number, *(row if len(row) == 2 else cells(*row, root))])


def cells(clip, source, frames, root=ROOT):
    def name(folder, suffix):
        paths = [f"{root}test/{clip}.mp4/{folder}/frame_{n:05d}.{suffix}" for n in (source, *frames)]
        return str({"ref": paths[:1], "gen": paths[1:]})

    return name("frames", "png"), name("kptsmpls", "json")
