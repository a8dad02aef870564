"""Writes frames as other programs do, by what is known of their folders; shares no code with the readers."""

from pathlib import Path

import av  # noqa: TID251 - a writer of its own
import cv2
import h5py
import numpy as np


def picture(path, frame, quality=None):
    """Write RGB by the suffix; WebP without a quality is lossless."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = cv2.IMWRITE_WEBP_QUALITY if path.suffix == ".webp" else cv2.IMWRITE_JPEG_QUALITY
    options = [] if quality is None else [kind, quality]
    assert cv2.imwrite(str(path), np.ascontiguousarray(frame[..., ::-1]), options)


def video(path, frames, codec="libx264", pixels="yuv420p", **options):
    """Write RGB as a video."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="matroska" if path.suffix == ".mkv" else "mp4") as container:
        stream = container.add_stream(codec, rate=15)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.options = pixels, options or {"crf": "5"}
        for frame in frames:
            packed = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(packed))
        container.mux(stream.encode())


def noise(frame, seed=0):
    """A panel that is not the generated one."""
    return np.random.default_rng(seed).integers(0, 256, frame.shape, np.uint8)


def beside(frame, count, index):
    """`count` panels from left to right, of which the one at `index` is the frame."""
    return np.concatenate([frame if k == index else noise(frame, k) for k in range(count)], axis=1)


def grid(frame, count, padding=2):
    """What torchvision makes of a batch: a padded row, the last being the frame."""
    height, width = frame.shape[:2]
    made = np.zeros((height + 2 * padding, count * (width + padding) + padding, 3), np.uint8)
    for k in range(count):
        x = padding + k * (width + padding)
        made[padding : padding + height, x : x + width] = frame if k == count - 1 else noise(frame, k)
    return made


def flat(clip):
    return clip.replace("/", "_")


def bdmm_strips(folder, clips):
    for clip, frames in clips.items():
        for k, frame in enumerate(frames):
            picture(folder / f"{clip}.mp4" / "frames" / f"frame_{k:05d}.png", beside(frame, 5, 4))


def bdmm_frames(folder, clips):
    for clip, frames in clips.items():
        for k, frame in enumerate(frames):
            picture(folder / f"{clip}.mp4" / f"frame_{k:05d}.png", frame)


def gfla(folder, clips):
    for clip, frames in clips.items():
        for k, frame in enumerate(frames):
            picture(folder / clip / f"{k:05d}_vis.png", frame)
            for name in ("ref", "gt", "skeleton_in", "skeleton_out"):
                picture(folder / clip / f"{k:05d}_{name}.png", noise(frame))


def gfla_strips(folder, clips):
    for clip, frames in clips.items():
        strips = [beside(frame, 4, 1) for frame in frames]
        video(folder / f"{clip}_gt_vis_skeleton_in_skeleton_out_.mp4", strips)


def fomm_reconstruction(folder, clips):
    for clip, frames in clips.items():
        picture(folder / "reconstruction" / "png" / f"{flat(clip)}.mp4.png", np.concatenate(frames, axis=1))
        shown = [beside(frame, 3, 2) for frame in frames]
        video(folder / "reconstruction" / f"{flat(clip)}.mp4.mp4", shown)


def fomm_animation(folder, clips):
    for clip, frames in clips.items():
        name = f"{flat(clip)}-{flat(clip)}"
        picture(folder / "animation" / "png" / f"{name}.png", np.concatenate(frames, axis=1))
        video(folder / "animation" / f"{name}.mp4", frames)


def his_self(folder, clips):
    """One counter over all clips, in the order of the protocol."""
    for k, frame in enumerate(frame for frames in clips.values() for frame in frames):
        picture(folder / "self_imitation" / f"pred_{k:08d}.jpg", frame, quality=95)


def his_cross(folder, clips):
    for k, frame in enumerate(frame for frames in clips.values() for frame in frames):
        picture(folder / "cross_imitation" / f"pred_{k:08d}.jpg", frame, quality=95)


def impersonator(folder, clips):
    for clip, frames in clips.items():
        for k, frame in enumerate(frames):
            picture(folder / clip / f"pred_{k:08d}.jpg", frame, quality=95)
            picture(folder / clip / f"gt_{k:08d}.jpg", noise(frame), quality=95)


def dreampose(folder, clips):
    for clip, frames in clips.items():
        for k, frame in enumerate(frames):
            picture(folder / clip / f"pred_#{k}.png", frame)


def moore(folder, clips):
    for clip, frames in clips.items():
        height, width = frames[0].shape[:2]
        run = folder / "20240131" / f"1507--seed_42-{width}x{height}"
        name = f"{flat(clip)}_{flat(clip)}_{height}x{width}_3_1507.mp4"
        video(run / name, [grid(frame, 3) for frame in frames])


def magicanimate(folder, clips):
    for clip, frames in clips.items():
        name = f"{flat(clip)}_{flat(clip)}"
        video(folder / "samples" / "animation-2024" / "videos" / f"{name}.mp4", frames)
        grids = [grid(frame, 3) for frame in frames]
        video(folder / "samples" / "animation-2024" / "videos" / name / "grid.mp4", grids)


def magicanimate_grid(folder, clips):
    for clip, frames in clips.items():
        grids = [grid(frame, 3) for frame in frames]
        video(folder / "videos" / f"{flat(clip)}_{flat(clip)}" / "grid.mp4", grids)


def champ(folder, clips):
    for clip, frames in clips.items():
        video(folder / f"{flat(clip)}-240131-1507" / "animation.mp4", frames)
        video(folder / f"{flat(clip)}-240131-1507" / "grid.mp4", [grid(frame, 2) for frame in frames])


def unianimate(folder, clips):
    for clip, frames in clips.items():
        height, width = frames[0].shape[:2]
        name = f"rank_01_00_00_seed_7_image_local_image_dwpose_{flat(clip)}_{height}x{width}.mp4"
        video(folder / name, [beside(frame, 3, 2) for frame in frames])


def mimicmotion(folder, clips):
    for clip, frames in clips.items():
        video(folder / f"{flat(clip)}_20240131150700.mp4", frames)


def stableanimator(folder, clips):
    for clip, frames in clips.items():
        for k, frame in enumerate(frames):
            picture(folder / flat(clip) / "animated_images" / f"frame_{k}.png", frame)
        (folder / flat(clip) / "animation_video.gif").write_bytes(b"GIF89a")


def magicpose(folder, clips):
    for clip, frames in clips.items():
        place = folder / flat(clip) / "3000"
        picture(place / "condition.jpg", noise(frames[0]))
        for k, frame in enumerate(frames):
            picture(place / "gen_images" / f"{k:03d}.jpg", frame, quality=90)
            for name in ("gt_images", "pose_maps"):
                picture(place / name / f"{k:03d}.jpg", noise(frame))


def disco(folder, clips):
    for clip, frames in clips.items():
        for k, frame in enumerate(frames):
            name = f"TiktokDance_{flat(clip)}_{k:04d}.png"
            picture(folder / "pred_gs3.0_scale-cond1.0-ref1.0" / name, frame)
            for other in ("gt", "cond", "ref"):
                picture(folder / other / name, noise(frame))


def disco_tagged(folder, clips):
    for clip, frames in clips.items():
        for k, frame in enumerate(frames):
            picture(folder / "pred_gs3.0" / f"TiktokDance_{clip.replace('/', '-')}_{k:04d}_1x1.png", frame)


def clip_folders(folder, clips, suffix=".png", **how):
    for clip, frames in clips.items():
        for k, frame in enumerate(frames):
            picture(folder / clip / f"{k}{suffix}", frame, **how)


def clip_videos(folder, clips):
    for clip, frames in clips.items():
        video(folder / f"{clip}.mp4", frames)


def clip_videos_lossless(folder, clips):
    for clip, frames in clips.items():
        video(folder / f"{clip}.mkv", frames, codec="ffv1", pixels="bgr0", level="3")


def clip_arrays(folder, clips):
    for clip, frames in clips.items():
        (folder / clip).parent.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"{clip}.npy", frames)


def clip_npz(folder, clips):
    for clip, frames in clips.items():
        (folder / clip).parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / f"{clip}.npz", frames=frames)


def one_hdf5(folder, clips):
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "all.h5", "w") as file:
        for clip, frames in clips.items():
            file[clip] = frames


def hdf5_files(folder, clips):
    for clip, frames in clips.items():
        folder.mkdir(parents=True, exist_ok=True)
        with h5py.File(folder / f"{flat(clip)}.hdf5", "w") as file:
            file["video"] = frames


LOSSLESS = {
    "bdmm-strips": bdmm_strips, "bdmm-frames": bdmm_frames, "gfla": gfla,
    "fomm-reconstruction": fomm_reconstruction, "fomm-animation": fomm_animation, "dreampose": dreampose,
    "stableanimator": stableanimator, "disco": disco, "disco-tagged": disco_tagged,
    "clip-folders": clip_folders,
    "clip-folders webp lossless": lambda folder, clips: clip_folders(folder, clips, ".webp"),
    "clip-arrays": clip_arrays, "clip-arrays npz": clip_npz, "clip-arrays hdf5": one_hdf5,
    "clip-arrays hdf5 files": hdf5_files, "clip-videos ffv1": clip_videos_lossless,
}  # fmt: skip
"""By layout, with a word more where one layout has several containers."""

LOSSY = {
    "gfla-strips": gfla_strips, "impersonator": impersonator, "moore": moore, "magicanimate": magicanimate,
    "magicanimate-grid": magicanimate_grid, "champ": champ, "unianimate": unianimate,
    "mimicmotion": mimicmotion, "magicpose": magicpose, "clip-videos": clip_videos, "his-self": his_self,
    "his-cross": his_cross,
    "clip-folders jpeg": lambda folder, clips: clip_folders(folder, clips, ".jpg"),
    "clip-folders webp": lambda folder, clips: clip_folders(folder, clips, ".webp", quality=95),
}  # fmt: skip


def frame_files(folder: Path, name: str) -> list[Path]:
    """The files of generated frames, without what lies beside them."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    beside = ("_ref.", "_gt.", "_skeleton_", "gt_0", "condition", "gt_images", "pose_maps", ".gif")
    inner = {
        "fomm-reconstruction": "png/", "fomm-animation": "png/", "disco": "pred_gs", "champ": "animation.mp4",
    }  # fmt: skip
    kept = [path for path in files if not any(part in path.name or part in path.parts for part in beside)]
    kept = [path for path in files if "skeleton_out_.mp4" in path.name] or kept
    kept = [path for path in kept if name != "magicanimate" or path.name != "grid.mp4"]
    return [path for path in kept if inner.get(name, "") in path.as_posix()]
