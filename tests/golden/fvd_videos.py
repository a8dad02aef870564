"""Rule that makes the small videos whose published FVD is in `fvd.json`, and the frames of `fid.json`.

A video is a smooth ground and a figure that move and flicker, with noise. Only integers are used, so that
every machine makes the same bytes (their CRC-32 are in the JSON files). NumPy only.
"""

import zlib
from collections.abc import Iterator

import numpy as np

# Frames of each video, in the order of their numbers; a set's names are `v<number>.mp4`.
LENGTHS = {
    "exact16/train": [
        16, 16, 12, 16, 16, 16, 16, 15, 16, 16, 16, 16, 9, 16, 16, 16, 16, 16, 10, 16, 16, 16, 16, 16,
    ],
    "exact16/test": [16, 16, 16, 16, 14, 16, 16, 16, 16, 16, 11, 16, 16, 16, 16, 16, 15, 16, 16, 16],
    "exact16/generated": [16, 18, 16, 20, 24, 16, 17, 19, 16, 21, 16, 22, 30, 16, 23, 16, 18, 16, 40, 16],
    "exact128/train": [128, 128, 100, 128, 128, 128, 128, 127, 128, 128, 128, 128, 128, 120, 128, 128, 128],
    "exact128/test": [128, 128, 128, 126, 128, 128, 128, 128, 128, 112, 128, 128, 128, 128],
    "exact128/generated": [128, 136, 128, 128, 144, 128, 128, 130, 128, 128, 128],
    "general/train": [
        12, 150, 16, 128, 31, 16, 129, 64, 15, 147, 20, 90, 131, 17, 127, 144, 24, 56, 133, 40, 128, 47,
        140, 136,
    ],
    "general/test": [
        16, 141, 18, 127, 128, 50, 14, 145, 28, 130, 16, 77, 150, 21, 132, 35, 128, 100, 137, 135,
    ],
    "general/generated": [
        128, 131, 128, 134, 129, 139, 128, 130, 133, 128, 136, 128, 132, 137, 128, 135, 128, 138, 129,
        128,
    ],
    "windows/test": [20, 16, 15, 23, 17, 19],
    "windows/generated": [18, 16, 21, 12, 20, 17],
    "fid/train": [10, 10, 10],
    "fid/generated": [7, 6, 7],
}  # fmt: skip
# (height, width) of each kind of set; every side is a multiple of 8.
SIZES = {"exact16": (48, 40), "exact128": (32, 40), "general": (48, 40), "windows": (40, 56), "fid": (64, 64)}


def names(set_name: str) -> list[str]:
    """The names of a set's videos, sorted as text: v0, v1, v10, v11, ..., v2, v20, ..."""
    return sorted(f"v{number}.mp4" for number in range(len(LENGTHS[set_name])))


def videos(set_name: str, seed: str = "fvd/") -> Iterator[tuple[str, np.ndarray]]:
    """Names and videos (T, H, W, 3) uint8 of one set, sorted as text by name."""
    for name in names(set_name):
        yield name, video(set_name, int(name[1:-4]), seed)


def video(set_name: str, number: int, seed: str = "fvd/") -> np.ndarray:
    """One video, (T, H, W, 3) uint8, RGB.

    In the sets `exact128` each picture stands for eight frames, so that any window at stride 8 is the same.
    """
    kind, part = set_name.split("/")
    rng = np.random.default_rng(zlib.crc32(f"{seed}{set_name}/{number}".encode()))
    height, width = SIZES[kind]
    frames, held = LENGTHS[set_name][number], 8 if kind == "exact128" else 1
    worse = part == "generated"
    ground = smooth(rng, height, width, 60, 170) + 8 * worse
    figure = smooth(rng, height, width, 0, 255)
    drift, pace = rng.integers(-7, 8, 2), rng.integers(-9, 10, 2)  # in eighths of a pixel a picture
    top, left = rng.integers(0, height), rng.integers(0, width)
    tall, wide = rng.integers(10, height // 2, 2)
    period, glow = rng.integers(10, 41), rng.integers(10, 50, 3)
    grain = 9 if worse else 3
    pictures = []
    for moment in range(-(-frames // held)):
        picture = np.roll(ground, tuple(drift * moment // 8), (0, 1))
        rows = (top + pace[0] * moment // 8 + np.arange(tall)) % height
        columns = (left + pace[1] * moment // 8 + np.arange(wide)) % width
        picture[np.ix_(rows, columns)] = figure[:tall, :wide]
        wave = abs(2 * (moment % period) - period)  # 0..period, a triangle
        picture = picture + glow * wave // period + rng.integers(-grain, grain + 1, picture.shape)
        pictures.append(picture.clip(0, 255).astype(np.uint8))
    return np.repeat(np.stack(pictures), held, axis=0)[:frames]


def smooth(rng: np.random.Generator, height: int, width: int, low: int, high: int) -> np.ndarray:
    """Random integers low..high on a lattice of 8 pixels, joined bilinearly, (height, width, 3) int64."""
    lattice = rng.integers(low, high + 1, (height // 8 + 1, width // 8 + 1, 3))
    row, down = np.divmod(np.arange(height), 8)
    column, along = np.divmod(np.arange(width), 8)
    down, along = down[:, None, None], along[None, :, None]
    rows = lattice[row] * (8 - down) + lattice[row + 1] * down
    return (rows[:, column] * (8 - along) + rows[:, column + 1] * along) // 64
