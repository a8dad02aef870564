"""A pose pack joined to the user's own copy of the videos: frames from these, all else from the pack.

Which clip of the pack a video is says the SHA-256 of its file (`media.media_to_sha256`), never its name
alone. The clip then has the pack's id and split, so that scores from both stores are comparable.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from vptbench.benchmarks.loader import load_benchmark
from vptbench.clip import Clip
from vptbench.engine import tasks_to_results
from vptbench.errors import PoseError, UsageError, VptbenchError
from vptbench.manifest import Json
from vptbench.prepare.build import (
    PrepareReport,
    begin_store,
    clips_to_store,
    crop_frames,
    crop_to_make,
    read_clips,
    source_to_manifest,
)
from vptbench.prepare.crop import restore_crop
from vptbench.prepare.lost import raw_frames_to_kept
from vptbench.prepare.media import media_to_frames, media_to_sha256, read_media_info
from vptbench.prepare.sources import RawClip
from vptbench.progress import track
from vptbench.store import schema
from vptbench.store.pack import PosePack, clip_to_parts, open_pack
from vptbench.store.reader import read_clip
from vptbench.store.writer import clip_path, clip_to_file

log = logging.getLogger(__name__)

MOST_NAMED = 5
"""Raw clips left out that are named; the others are counted."""


@dataclass(frozen=True)
class Join:
    """What is joined to what.

    Attributes:
        dataset: Name in `sources.DATASETS`.
        raw: The dataset's folder.
        pack: The pack's folder.
        compression: Of the clip files (`schema.COMPRESSIONS`).
    """

    dataset: str
    raw: Path
    pack: Path
    compression: str = "gzip"


def check_asked(pack: Path, asked: Mapping[str, object], benchmark: str | None = None) -> None:
    """See that whatever else was asked for is what the pack has.

    Args:
        pack: The pack's folder.
        asked: Settings by name (``size``, ``crop``, …) that were given in so many words.
        benchmark: Id or JSON file of a protocol that the store is for, or None.

    Raises:
        UsageError: Something else was asked for.
        VptbenchError: The pack cannot be opened, or the protocol is unknown.
    """
    settings = {**schema.LATER_SETTINGS, **open_pack(pack).settings}
    wanted = {f"--{name.replace('_', '-')} {value}": (name, value) for name, value in asked.items()}
    if benchmark is not None:
        protocol = load_benchmark(benchmark)
        wanted[f"crop {protocol.crop} of {protocol.id}"] = "crop", protocol.crop
        if protocol.size is not None:
            height, width = protocol.size
            size = height if height == width else f"{height}×{width}"
            wanted[f"size {size} of {protocol.id}"] = "size", size
    others = [
        f"{words} (the pack has {settings.get(name, 'none')})"
        for words, (name, value) in wanted.items()
        if settings.get(name) != value
    ]
    if others:
        raise UsageError(
            f"expected --poses-from {pack} with the pack's own settings, got {', '.join(others)}; leave that "
            "out, or prepare without --poses-from"
        )


def pack_to_store(
    join: Join, store: Path, *, workers: int = 1, scheduler: str | None = None
) -> PrepareReport:
    """Prepare all clips of a pose pack that the store does not hold yet.

    Args:
        join: The pack, and the raw data.
        store: The clip store's folder; made anew, or continued if it is of the same pack.
        workers: Processes; 1 is this one.
        scheduler: Address of a Dask scheduler to use instead.

    Returns:
        What became of each of the pack's clips. Whatever else lies among the raw data is left out, and a
        warning says how much.

    Raises:
        DatasetError: The raw data are not in the dataset's layout.
        StoreError: The pack is none or damaged, or the store is something else, or of other poses.
        UsageError: The pack is of another dataset.
        ManifestError: One of them is of another version, or the store's parent is a file.

    Example:
        ``pack_to_store(Join("fashionvideo", Path("raw"), Path("pack")), Path("store"))``
    """
    if scheduler is not None:  # its workers may stand in another folder
        join = replace(join, raw=join.raw.absolute(), pack=join.pack.absolute())
        store = store.absolute()
    pack = open_pack(join.pack)
    if pack.manifest.get("dataset") != join.dataset:
        raise UsageError(
            f"expected raw data of {pack.manifest.get('dataset')}, whose poses are in {join.pack}, got "
            f"{join.dataset}; name that dataset, or give another pack"
        )
    settings = {**pack.settings, "compression": join.compression}
    source, listed = read_clips(join.dataset, join.raw)
    manifest = source_to_manifest(source, join.raw, settings)
    manifest.pop("published", None)  # owed are the pack's clips
    manifest[schema.POSES_FROM] = pack.sha256
    if schema.CORRUPTION in pack.manifest:
        manifest[schema.CORRUPTION] = pack.manifest[schema.CORRUPTION]
    begin_store(store, manifest)

    known = _known_hashes(store, pack)
    hashes: dict[str, str | VptbenchError] = {
        clip.id: known[name] for clip in listed if (name := _raw_name(clip, join.raw)) in known
    }
    todo = [clip for clip in listed if not clip.problem and clip.id not in hashes]
    results = tasks_to_results(_clip_to_sha256, todo, workers=workers, scheduler=scheduler)
    hashes |= {clip.id: digest for clip, digest in track(results, total=len(todo), label="hash")}
    clips, surplus = match_clips(listed, pack, hashes)
    if surplus:
        named = ", ".join(clip.id for clip in surplus[:MOST_NAMED]) + ", …" * (len(surplus) > MOST_NAMED)
        log.warning(
            "%d clips of %s are left out, the pack has no use for them: %s", len(surplus), join.raw, named
        )
    task = partial(_join_clip, join, store)
    return clips_to_store(store, manifest, clips, task, workers=workers, scheduler=scheduler)


def match_clips(
    listed: list[RawClip], pack: PosePack, hashes: Mapping[str, str | VptbenchError]
) -> tuple[list[RawClip], list[RawClip]]:
    """Raw clips by the ids and splits of the pack's clips.

    Args:
        listed: The raw clips.
        pack: The pack.
        hashes: Raw clip id to the SHA-256 of its file, or why there is none.

    Returns:
        One clip for each of the pack's, those without another half with a `problem`; and the raw clips that
        the pack has no use for: it lacks them, or has their file already.
    """
    by_hash: dict[str, list[str]] = {}
    for name, digest in pack.table["raw_sha256"].items():
        by_hash.setdefault(str(digest), []).append(str(name))
    names = {clip.id: by_hash.get(str(hashes.get(clip.id)), []) for clip in listed}
    halves = {clip.id: clip for clip in listed if clip.id in names[clip.id]}  # before those of other names
    rest = []
    for clip in listed:
        free = [name for name in names[clip.id] if name not in halves]
        if clip.id in names[clip.id]:
            continue
        if free:
            halves[free[0]] = clip
        else:
            rest.append(clip)
    failed = {
        clip.id: replace(
            clip, problem=clip.problem or _to_problem(clip, pack, hashes[clip.id], names[clip.id])
        )
        for clip in rest
        if clip.id in pack and clip.id not in halves
    }
    found = {**halves, **failed}
    owed = [replace(clip, id=name, split=str(pack.table.at[name, "split"])) for name, clip in found.items()]
    owed += [_to_missing(pack, name) for name in pack if name not in found]
    return owed, [clip for clip in rest if clip.id not in failed]


def _to_problem(clip: RawClip, pack: PosePack, digest: str | VptbenchError, names: list[str]) -> str:
    """Why a raw clip with the name of one of the pack's is not that clip, in a line."""
    if isinstance(digest, VptbenchError):
        return " ".join(str(digest).split())
    if names:
        return f"expected each file once, found that of the pack's {names[0]} again; take one of them away"
    expected = str(pack.table.at[clip.id, "raw_sha256"])
    return (
        f"expected {clip.media.name} of SHA-256 {expected} as the pack was made of, found {digest}: "
        "another edition, or encoded anew; fetch the same edition"
    )


def _to_missing(pack: PosePack, name: str) -> RawClip:
    """A clip of the pack that has no video."""
    row = pack.table.loc[name]
    return RawClip(
        id=name,
        split=str(row["split"]),
        media=Path(str(row["raw_name"])),
        problem=f"expected a file of SHA-256 {row['raw_sha256']} (once {row['raw_name']}) as the pack was "
        "made of, found none; fetch it",
    )


def _known_hashes(store: Path, pack: PosePack) -> dict[str, str]:
    """Names of raw files that clips of the store were made of, with their hashes: not to be read again."""
    known = {}
    for clip in pack:
        path = clip_path(store, str(pack.table.at[clip, "split"]), clip)
        if path.exists():
            with suppress(VptbenchError):  # a damaged one is told at the end
                made = read_clip(path).attributes
                known[str(made["raw_name"])] = str(made["raw_sha256"])
    return known


def _raw_name(clip: RawClip, raw: Path) -> str:
    return clip.media.relative_to(raw).as_posix()


def _clip_to_sha256(clip: RawClip) -> str:
    """One task: the hash of a clip's file, or of its pictures."""
    return media_to_sha256(clip.media)


def _join_clip(join: Join, store: Path, clip: RawClip) -> None:
    """One task: frames of the video, cut as the pack's were, and all else of the pack.

    Raises:
        PoseError: The poses are not of these frames, or do not say of which they are.
    """
    pack, info = open_pack(join.pack), read_media_info(clip)
    poses = pack[clip.id]
    height, width = poses.size
    kept = raw_frames_to_kept(clip, poses.raw_frames, info.frames)
    if len(poses) != len(kept) or height != width:
        raise PoseError(
            f"expected poses of {len(kept)} square frames in the pack, found {len(poses)} of "
            f"{width}×{height}; fetch the pack again"
        )
    chosen = crop_to_make(clip, str(poses.attributes["crop"]))
    crop = restore_crop(chosen, poses.attributes, (info.height, info.width), height)
    frames = crop_frames(crop, kept.frames(media_to_frames(clip, info)))
    parts = clip_to_parts(poses, _to_attributes(join, clip, pack, poses), frames)
    clip_to_file(parts, clip_path(store, clip.split, clip.id), compression=join.compression)


def _to_attributes(join: Join, clip: RawClip, pack: PosePack, poses: Clip) -> dict[str, Json]:
    """The pack's, but for what is this store's own."""
    settings = poses.attributes["settings"]
    return {
        **poses.attributes,
        "settings": {**(settings if isinstance(settings, Mapping) else {}), "compression": join.compression},
        "raw_name": _raw_name(clip, join.raw),
        schema.POSES_FROM: pack.sha256,
    }
