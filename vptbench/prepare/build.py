"""A dataset's raw clips to a clip store: one task a clip, failures listed, resumed where it stopped."""

import importlib.util
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from vptbench.clip import Frames
from vptbench.config import config_to_json
from vptbench.engine import Report, tasks_to_results
from vptbench.errors import DatasetError, PickleError, PoseError, StoreError, VideoError, VptbenchError
from vptbench.manifest import Json, library_versions, read_json
from vptbench.prepare.bodies import LICENCE, check_body, clip_to_brought, keypoints_to_parts
from vptbench.prepare.crop import Crop, keypoints_to_box
from vptbench.prepare.estimators import ESTIMATORS, resolve_estimator
from vptbench.prepare.lost import Kept, clip_to_raw_frames, keypoints_to_kept
from vptbench.prepare.media import media_to_frames, media_to_sha256, read_media_info
from vptbench.prepare.origins import Origins, attributes_to_origins
from vptbench.prepare.poses import Poses, PoseSettings, clip_to_poses, smpl_to_poses
from vptbench.prepare.settings import PrepareSettings
from vptbench.prepare.smpl import clip_to_smpl, has_parameters
from vptbench.prepare.sources import Dataset, RawClip, load_dataset
from vptbench.prepare.truth import Truth, opened_truth
from vptbench.progress import track
from vptbench.store import schema
from vptbench.store.reader import read_clip
from vptbench.store.writer import (
    ClipParts,
    begin_folder,
    clip_path,
    clip_to_file,
    write_clips_table,
    write_failures_table,
    write_store_manifest,
)
from vptbench.video import VideoInfo

log = logging.getLogger(__name__)

STAGES: Mapping[type[VptbenchError], str] = {
    DatasetError: "raw",
    PickleError: "raw",
    VideoError: "decode",
    PoseError: "poses",
    StoreError: "write",
}
"""Kind of error to the stage in ``failures.csv``; others are "prepare"."""

SYNTH_MANIFEST = "synth.json"
SYNTH_UNFINISHED = "synth-unfinished.json"
"""Beside synthetic raw data, written by `vptbench synth`."""


@dataclass(frozen=True)
class PrepareReport(Report):
    """What became of a dataset's clips; reasons stand in ``failures.csv`` too.

    Attributes:
        origins: Where poses and meshes of the store's clips came from.
    """

    origins: Origins


@dataclass(frozen=True)
class _Job:
    """What all clips of a run share."""

    dataset: str
    raw: Path
    store: Path
    settings: PrepareSettings


def source_to_store(
    dataset: str,
    raw: Path,
    store: Path,
    settings: PrepareSettings,
    *,
    workers: int = 1,
    scheduler: str | None = None,
) -> PrepareReport:
    """Prepare all clips of a dataset that the store does not hold yet.

    Args:
        dataset: Name in `sources.DATASETS`.
        raw: The dataset's folder.
        store: The clip store's folder; made anew, or continued if it is of the same dataset and settings.
        settings: How.
        workers: Processes; 1 is this one.
        scheduler: Address of a Dask scheduler to use instead.

    Returns:
        What became of each clip. The store is finished even if clips failed: it then lacks these.

    Raises:
        DatasetError: The raw data are not in the dataset's layout.
        BodyError: The SMPL file that was given is missing, or not of its kind.
        StoreError: The store is something else, or of another dataset or other settings.
        ManifestError: The store is of another version, or its parent is a file.

    Example:
        ``source_to_store("fashionvideo", Path("raw"), Path("store"), PrepareSettings(size=256))``
    """
    if scheduler is not None:  # its workers may stand in another folder
        raw, store = raw.absolute(), store.absolute()
        if settings.smpl_model is not None:
            settings = replace(settings, smpl_model=settings.smpl_model.absolute())
    source, clips = read_clips(dataset, raw)
    settings = settings.for_clips(clips)
    manifest = source_to_manifest(source, raw, settings.to_json())
    _check_estimator(store, clips, settings)
    if settings.body == "auto" and settings.smpl_model is None and any(map(has_parameters, clips)):
        log.warning("%s: SMPL parameters are there and not used; give --smpl-model for them", raw)
    begin_store(store, manifest)
    task = partial(_prepare_clip, _Job(dataset, raw, store, settings))
    return clips_to_store(store, manifest, clips, task, workers=workers, scheduler=scheduler)


def read_clips(dataset: str, raw: Path) -> tuple[Dataset, list[RawClip]]:
    """A dataset, and the clips that its folder should hold.

    Raises:
        DatasetError: The raw data are not in the dataset's layout.
    """
    source = load_dataset(dataset)
    if not raw.is_dir():
        raise DatasetError(
            f"expected the files of {source.title} in a folder at {raw}, found none; check the path"
        )
    return source, source.list_clips(raw)


def source_to_manifest(source: Dataset, raw: Path, settings: Mapping[str, Json]) -> dict[str, Json]:
    """What ``store.json`` says from the beginning.

    Raises:
        DatasetError: The data are synthetic and not all there yet.
        StoreError: The compression of the settings is not installed.
    """
    _check_compression(settings)
    if (raw / SYNTH_UNFINISHED).is_file():
        raise DatasetError(
            f"{raw}: expected finished synthetic data, found interrupted ones; "
            "run the same `vptbench synth` again"
        )
    synth = read_json(raw / SYNTH_MANIFEST) if (raw / SYNTH_MANIFEST).is_file() else None
    texts: dict[str, Json] = {
        "title": source.title,
        "citation": source.citation,
        "licence": source.licence,
    }
    return {
        "dataset": source.name,
        **({"title": f"synthetic people in the layout of {source.title}"} if synth is not None else texts),
        "synth": synth,
        **({"published": dict(source.published)} if source.published and synth is None else {}),
        "settings": settings,
        **({} if settings.get("smpl_model") is None else {"body_licence": LICENCE}),
        "libraries": library_versions(),
    }


def _check_compression(settings: Mapping[str, Json]) -> None:
    """Refuse at once what would fail for every clip.

    Raises:
        StoreError: zstd is asked for and not installed.
    """
    if settings["compression"] == "zstd" and importlib.util.find_spec("hdf5plugin") is None:
        raise StoreError(
            "expected hdf5plugin for --compression zstd, found none; pip install 'vptbench[zstd]'"
        )


def begin_store(store: Path, manifest: Mapping[str, Json]) -> None:
    """As `begin_folder`, of a clip store.

    Raises:
        StoreError: The folder holds something else, or a store of another dataset or other settings.
        ManifestError: It is a store of another version, or its parent is a file.
    """
    begin_folder(store, manifest, manifest=schema.MANIFEST, kind=schema.FORMAT, what="a clip store")


def clips_to_store(
    store: Path,
    manifest: Mapping[str, Json],
    clips: list[RawClip],
    task: Callable[[RawClip], None],
    *,
    workers: int,
    scheduler: str | None,
) -> PrepareReport:
    """Do a task for each clip that the store does not hold yet, and finish the store.

    Args:
        store: The store, begun.
        manifest: What ``store.json`` says from the beginning.
        clips: All that should be there.
        task: Writes the clip file of a raw clip.
        workers: Processes.
        scheduler: Address of a Dask scheduler, or None.
    """
    clips = sorted(clips, key=lambda clip: (schema.SPLITS.index(clip.split), clip.id))
    there = {clip.id for clip in clips if clip_path(store, clip.split, clip.id).exists()}
    failures = {clip.id: ("raw", clip.problem) for clip in clips if clip.problem and clip.id not in there}
    todo = [clip for clip in clips if clip.id not in there and clip.id not in failures]
    if todo:
        write_store_manifest(store, {**manifest, "complete": False})
    results = tasks_to_results(task, todo, workers=workers, scheduler=scheduler)
    for clip, result in track(results, total=len(todo), label=f"prepare {manifest['dataset']}"):
        if isinstance(result, VptbenchError):
            failures[clip.id] = STAGES.get(type(result), "prepare"), " ".join(str(result).split())
    origins = _finish(store, manifest, clips, failures)
    return PrepareReport(
        done=tuple(clip.id for clip in todo if clip.id not in failures),
        skipped=tuple(clip.id for clip in clips if clip.id in there and clip.id not in failures),
        failed={clip.id: failures[clip.id][1] for clip in clips if clip.id in failures},
        origins=origins,
    )


def _check_estimator(store: Path, clips: Sequence[RawClip], settings: PrepareSettings) -> None:
    """Stop before anything is made where no clip could be: all need an estimator, and none is installed.

    Raises:
        PoseError: That is so; the text names the command that helps.
    """
    todo = [clip for clip in clips if not clip.problem and not clip_path(store, clip.split, clip.id).exists()]
    brought = [clip for clip in todo if clip.kptsmpls or clip.openpose or clip.coco or clip.truth]
    if todo and (settings.poses in ESTIMATORS or (settings.poses == "auto" and not brought)):
        resolve_estimator(settings.poses)


def _prepare_clip(job: _Job, clip: RawClip) -> None:
    """One task: read, crop and write a clip.

    Raises:
        DatasetError: The settings ask for ground truth that is not there.
    """
    settings = job.settings
    info = read_media_info(clip)
    check_body(clip, settings.body)
    size = (info.height, info.width)
    with nullcontext() if clip.truth is None else opened_truth(clip.truth, info.frames, size) as truth:
        poses = _to_poses(settings, clip, truth, info)
        kept = keypoints_to_kept(poses.keypoints, settings.lost)
        keypoints = kept.keypoints(poses.keypoints)
        crop = keypoints_to_box(crop_to_make(clip, settings.crop), keypoints, size, settings.size)
        brought = clip_to_brought(clip, truth, info, body=settings.body, smpl=settings.load_smpl())
        found = keypoints_to_parts(
            keypoints, kept.brought(brought), crop, body=settings.body, fps=info.fps, size=settings.size
        )
        parts = ClipParts(
            attributes={
                **_to_attributes(job, clip, info, crop),
                **_to_raw_facts(clip, info, kept),
                "pose_source": poses.source,
                "pose_facts": poses.facts,
                **found.attributes,
            },
            shape=(len(kept), settings.size, settings.size),
            frames=crop_frames(crop, kept.frames(media_to_frames(clip, info))),
            keypoints=crop.move_points(keypoints),
            mask=found.mask,
            mesh=found.mesh,
            body=found.body,
        )
        path = clip_path(job.store, clip.split, clip.id)
        clip_to_file(parts, path, compression=settings.compression)


def _to_poses(settings: PrepareSettings, clip: RawClip, truth: Truth | None, info: VideoInfo) -> Poses:
    smpl = settings.load_smpl()
    if settings.poses == "smpl" and smpl is not None:
        return smpl_to_poses(clip_to_smpl(clip, smpl, info.frames, (info.height, info.width)))
    pose_settings = PoseSettings(settings.poses, settings.swaps, settings.smoothing)
    return clip_to_poses(clip, truth, info, pose_settings)


def crop_to_make(clip: RawClip, crop: str) -> str:
    """The crop that brings a clip's pictures to `crop`: none where they are cut so already."""
    return "full-v1" if clip.cropped == crop else crop


def crop_frames(crop: Crop, chunks: Iterator[Frames]) -> Iterator[Frames]:
    """Raw frames, cut and resized."""
    done = 0
    for frames in chunks:
        yield crop.at(done).move_frames(frames)
        done += len(frames)


def _to_attributes(job: _Job, clip: RawClip, info: VideoInfo, crop: Crop) -> dict[str, Json]:
    """Provenance of a clip but for its poses, mask and mesh."""
    return {
        "clip": clip.id,
        "split": clip.split,
        "dataset": job.dataset,
        "fps": info.fps,
        "raw_name": clip.media.relative_to(job.raw).as_posix(),
        "raw_sha256": media_to_sha256(clip.media),
        "crop": job.settings.crop,
        **crop.to_attributes(),
        "settings": job.settings.to_json(),
    }


def _to_raw_facts(clip: RawClip, info: VideoInfo, kept: Kept) -> dict[str, Json]:
    """What few raw clips have: a varying frame rate, frames that were left out, an earlier crop."""
    facts: dict[str, Json] = {
        "fps_range": None if info.fps_range is None else list(info.fps_range),
        "raw_frames": clip_to_raw_frames(clip, kept),
        "raw_crop": clip.cropped,
    }
    return {name: fact for name, fact in facts.items() if fact is not None}


def _finish(
    store: Path, manifest: Mapping[str, Json], clips: list[RawClip], failures: dict[str, tuple[str, str]]
) -> Origins:
    """Write the tables from the files that are there (damaged ones are failures), and the manifest last.

    Returns:
        Where poses and meshes came from, which the manifest says as well.
    """
    rows = []
    attributes = []
    for clip in clips:
        if clip.id in failures:
            continue
        try:
            made = read_clip(clip_path(store, clip.split, clip.id))
        except VptbenchError as error:
            failures[clip.id] = "write", " ".join(str(error).split())
        else:
            digest = str(made.attributes["raw_sha256"])
            rows.append((made.id, made.split, len(made), *made.size, made.fps, digest))
            attributes.append(made.attributes)
    write_clips_table(store, rows)
    write_failures_table(store, [(clip.id, *failures[clip.id]) for clip in clips if clip.id in failures])
    counts = {
        split: {
            "listed": sum(clip.split == split for clip in clips),
            "prepared": sum(row[1] == split for row in rows),
        }
        for split in schema.SPLITS
    }
    origins = attributes_to_origins(attributes)
    told = config_to_json(origins)
    write_store_manifest(store, {**manifest, "clips": counts, "origins": told, "complete": True})
    return origins
