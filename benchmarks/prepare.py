"""How fast `prepare` is with one and two workers, where its time goes, and how fast the store is read.

    .venv/bin/python benchmarks/prepare.py [--body dataset|fit] [--copies 22] [--rounds 3] [--memory]

Synthetic clips are made once and listed many times over under other names (links to the same files), so that
there is a minute of work for one worker. Rounds with one and with two workers take turns; medians. Two
workers include the start of the cluster. Stages are timed one by one on one clip in memory, in processor
time. `--body fit` takes the truth away, so that bodies are fitted to the keypoints; `--memory` adds the peak
memory of one worker over 4 and over 16 clips, each in a process of its own. The machine should be quiet:
figures are per core.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import h5py
import numpy as np
import psutil

from vptbench import open_store
from vptbench.clip import Mesh
from vptbench.manifest import library_versions
from vptbench.prepare.bodies import keypoints_to_parts
from vptbench.prepare.build import source_to_store
from vptbench.prepare.crop import CropBox, keypoints_to_box
from vptbench.prepare.fit import keypoints_to_body
from vptbench.prepare.media import media_to_frames, media_to_sha256, read_media_info
from vptbench.prepare.openpose import read_openpose
from vptbench.prepare.settings import PrepareSettings
from vptbench.prepare.sources import RawClip, load_dataset
from vptbench.prepare.truth import opened_truth
from vptbench.skeleton import missing_keypoints
from vptbench.store import Store, schema
from vptbench.store.writer import ClipParts, clip_to_file
from vptbench.synth.build import seed_to_raw

SETTINGS = PrepareSettings(size=256)
WINDOW = 6
Rows = dict[str, float]


def make_clips(folder: Path, layout: str, frames: int, size: int) -> Path:
    """Two synthetic clips."""
    seed_to_raw(folder / "clips", layout=layout, clips=2, frames=frames, size=size, seed=1)
    return folder / "clips"


def make_raw(clips: Path, raw: Path, layout: str, copies: int, body: str) -> Path:
    """A dataset that lists each of the clips `copies` times; without truth if `body` is to be fitted."""
    names: dict[str, list[str]] = {"train": [], "test": []}
    for clip in load_dataset(layout).list_clips(clips):
        for copy in range(copies):
            name = f"{clip.id}-{copy:03d}"
            names[clip.split].append(name)
            for source in (clip.media, clip.openpose, clip.truth if body == "dataset" else None):
                if source is not None:
                    place = raw / source.relative_to(clips)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.with_name(f"{name.rsplit('/', 1)[-1]}{source.suffix}").symlink_to(source.resolve())
    lists = {"fashionvideo": ("fashion_train.txt", "fashion_test.txt"), "iper": ("train.txt", "val.txt")}
    for listed, split in zip(lists[layout], names.values(), strict=True):
        (raw / listed).write_text("\n".join(split) + "\n")
    return raw


def prepare_seconds(layout: str, raw: Path, store: Path, workers: int) -> float:
    """Seconds of one whole `prepare` into a new store.

    Raises:
        SystemExit: A clip failed.
    """
    shutil.rmtree(store, ignore_errors=True)
    start = time.perf_counter()
    report = source_to_store(layout, raw, store, SETTINGS, workers=workers)
    if report.failed:
        raise SystemExit(f"clips failed: {report.failed}")
    return time.perf_counter() - start


def processor_ms(work: Callable[[], object], frames: int) -> float:
    """Milliseconds of processor time a frame, median of five after a warm-up."""
    work()
    seconds = []
    for _ in range(5):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return 1e3 * statistics.median(seconds) / frames


def stages(clip: RawClip, scratch: Path, body: str) -> Rows:
    """Milliseconds a frame of each stage of one clip.

    Raises:
        SystemExit: The clip has no poses or truth.
    """
    if clip.openpose is None or clip.truth is None:
        raise SystemExit("synthetic clips have poses and truth")
    folder, info = clip.openpose, read_media_info(clip)
    size, count = (info.height, info.width), info.frames
    keypoints = read_openpose(folder, count)
    box = keypoints_to_box(SETTINGS.crop, keypoints, size, SETTINGS.size)
    frames = np.concatenate(list(media_to_frames(clip, info)))
    with opened_truth(clip.truth, count, size) as truth:
        masks, vertices = truth.mask[0:count].astype(bool), truth.vertices[0:count].astype(np.float32)
        mesh = Mesh(box.move_vertices(vertices), truth.faces, truth.joint_weights)
        rows = {
            "decode": processor_ms(lambda: [chunk.shape for chunk in media_to_frames(clip, info)], count),
            "hash": processor_ms(lambda: media_to_sha256(clip.media), count),
            "read OpenPose JSON": processor_ms(lambda: read_openpose(folder, count), count),
            "read truth": processor_ms(lambda: (truth.mask[0:count], truth.vertices[0:count]), count),
        }
    rows["crop frames"] = processor_ms(lambda: box.move_frames(frames), count)
    rows["crop mask"] = processor_ms(lambda: box.move_masks(masks), count)
    rows["move mesh"] = processor_ms(lambda: box.move_vertices(vertices), count)
    if body == "fit":
        for name in ("read truth", "crop mask", "move mesh"):
            del rows[name]
        fitted = processor_ms(lambda: keypoints_to_body(keypoints, fps=info.fps), count)

        def make() -> None:
            parts = keypoints_to_parts(keypoints, None, box, body="fit", fps=info.fps, size=SETTINGS.size)
            if parts.mask is not None and parts.mesh is not None:
                _ = list(parts.mask), np.asarray(parts.mesh.vertices[0:count])

        rows["fit the body"] = fitted
        rows["mask and mesh of the fit"] = processor_ms(make, count) - fitted
    return rows | _write_stages(box, frames, masks, mesh, scratch)


def peak_memory_mib(layout: str, raw: Path, store: Path) -> float:
    """Most memory of a `prepare` of one worker, in a process of its own.

    Raises:
        SystemExit: It failed.
    """
    words = [sys.executable, "-m", "vptbench.cli", "prepare", layout, str(raw), str(store)]
    peak = 0
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        watched = psutil.Process(child.pid)
        while child.poll() is None:
            with suppress(psutil.Error):
                peak = max(peak, watched.memory_info().rss)
            time.sleep(0.02)
    if child.returncode:
        raise SystemExit(f"prepare ended with status {child.returncode}")
    return peak / 2**20


def _write_stages(box: CropBox, frames: np.ndarray, masks: np.ndarray, mesh: Mesh, scratch: Path) -> Rows:
    """Milliseconds a frame of writing frames, and what mask and mesh add."""
    moved, moved_masks = box.move_frames(frames), box.move_masks(masks)
    shape = (len(moved), SETTINGS.size, SETTINGS.size)
    attributes = dict.fromkeys(schema.ATTRIBUTES, "x")

    def write(*, mask: bool, with_mesh: bool) -> None:
        parts = ClipParts(
            attributes=attributes, shape=shape, frames=[moved], keypoints=missing_keypoints(len(moved)),
            mask=[moved_masks] if mask else None, mesh=mesh if with_mesh else None, body={},
        )  # fmt: skip
        clip_to_file(parts, scratch / "clip.h5")

    frames_ms = processor_ms(lambda: write(mask=False, with_mesh=False), len(moved))
    mask_ms = processor_ms(lambda: write(mask=True, with_mesh=False), len(moved))
    whole_ms = processor_ms(lambda: write(mask=True, with_mesh=True), len(moved))
    return {
        "compress and write frames": frames_ms,
        "compress and write mask": mask_ms - frames_ms,
        "compress and write mesh": whole_ms - mask_ms,
    }


def bytes_a_frame(store: Store) -> Rows:
    """Stored bytes a frame, by part, of the whole store."""
    sizes: Rows = {}
    frames = 0
    for path in (store.path / "clips").rglob("*.h5"):
        with h5py.File(path) as file:
            frames += len(file["frames"])
            stored: Rows = {}
            file.visititems(lambda name, part, to=stored: _add_size(to, name, part))
            sizes = {name: sizes.get(name, 0) + size for name, size in stored.items()}
            other = path.stat().st_size - sum(stored.values())
            sizes["the rest"] = sizes.get("the rest", 0) + other
    return {name: size / frames for name, size in sizes.items()}


def _add_size(sizes: Rows, name: str, part: h5py.Dataset | h5py.Group) -> None:
    if isinstance(part, h5py.Dataset):
        sizes[name] = part.id.get_storage_size()


def reads(store: Store) -> Rows:
    """Frames a second in order, and milliseconds of a random access; the files are in the system's cache."""
    clips = [store[name] for name in store.ids()[:8]]
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    count = sum(clip.frames[i].shape[0] > 0 for clip in clips for i in range(len(clip)))
    in_order = count / (time.perf_counter() - start)
    clips[0].mesh_flow(0, 1)  # compiled before the clock runs

    def random_ms(read: Callable[[int, int], object], accesses: int = 200) -> float:
        seconds = []
        for _ in range(accesses):
            which, begin = int(rng.integers(len(clips))), int(rng.integers(len(clips[0]) - WINDOW))
            begun = time.perf_counter()
            read(which, begin)
            seconds.append(time.perf_counter() - begun)
        return 1e3 * statistics.median(seconds)

    return {
        "frames in order, frames/s": in_order,
        f"a random window of {WINDOW} frames, ms": random_ms(lambda c, i: clips[c].frames[i : i + WINDOW]),
        "mesh flow between two frames, ms": random_ms(lambda c, i: clips[c].mesh_flow(i, i + WINDOW)),
    }


def table(title: str, columns: tuple[str, str], rows: Rows, digits: int) -> str:
    """A Markdown table of two columns."""
    lines = [f"| {columns[0]} | {columns[1]} |", "|---|---:|"]
    lines += [f"| {name} | {value:,.{digits}f} |" for name, value in rows.items()]
    return "\n".join([f"\n{title}\n", *lines])


def main() -> None:
    """Run everything; print the tables, and write them as JSON where asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layout", choices=["fashionvideo", "iper"], default="fashionvideo")
    parser.add_argument("--body", choices=["dataset", "fit"], default="dataset")
    parser.add_argument("--frames", type=int, default=200, help="of each clip")
    parser.add_argument("--size", type=int, default=512, help="height of the raw frames")
    parser.add_argument("--copies", type=int, default=22, help="of each of the two clips")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="also peak memory over 4 and 16 clips")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory(prefix="vptbench-") as name:
        folder = Path(name)
        layout, body = options.layout, options.body
        clips = make_clips(folder, layout, options.frames, options.size)
        raw = make_raw(clips, folder / "raw", layout, options.copies, body)
        warm = make_raw(make_clips(folder / "warm", layout, 8, 64), folder / "warm" / "raw", layout, 1, body)
        prepare_seconds(options.layout, warm, folder / "warm-store", 1)
        seconds: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(options.rounds):
            for workers, found in seconds.items():
                found.append(prepare_seconds(options.layout, raw, folder / "store", workers))
        count = 2 * options.copies * options.frames
        one, two = (statistics.median(found) for found in seconds.values())
        speed = {"1": count / one, "2": count / two, "ratio": one / two, "seconds with 1": one}
        store = open_store(folder / "store")
        peaks: Rows = {}
        for copies in (2, 8) if options.memory else ():
            some = make_raw(clips, folder / f"raw-{copies}", layout, copies, body)
            peaks[f"over {2 * copies} clips, MiB"] = peak_memory_mib(layout, some, folder / f"store-{copies}")
        parts = {
            "speed": speed, "stages": stages(load_dataset(layout).list_clips(clips)[0], folder, body),
            "bytes": bytes_a_frame(store), "reads": reads(store), "peak memory": peaks,
        }  # fmt: skip
    stage_sum = {
        **parts["stages"],
        "all of these": sum(parts["stages"].values()),
        "measured in all": 1e3 * one / count,
    }
    print(f"{options.layout}, {count} frames, {options.size} pixels high, to {SETTINGS.size}²; "
          f"{os.cpu_count()} processors, median of {options.rounds}")  # fmt: skip
    print(table("Frames a second", ("workers", "frames/s"), speed, 2))
    print(table("Where the time goes (1 worker)", ("stage", "ms a frame"), stage_sum, 3))
    print(table("Clip store", ("part", "bytes a frame"), parts["bytes"], 0))
    print(table("Reading", ("what", "value"), parts["reads"], 2))
    if options.memory:
        print(table("Most memory of one worker", ("prepare", "value"), parts["peak memory"], 0))
    if options.json is not None:
        document = {**parts, "rounds": seconds, "frames": count, "processors": os.cpu_count(),
                    "versions": library_versions()}  # fmt: skip
        options.json.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
