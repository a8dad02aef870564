"""Protocol files of his_evaluators, from the user's own copy, as protocols with items.

Such a file is ``{"val": {video: {…}}}``. Of a video's fields these are read:

====================  ======================================================================================
``s_n``               How many pictures the model sees to the names of these; the one of ``"1"`` is taken.
                      Never ``source``: in the FashionVideo file that is the same placeholder everywhere.
``self_imitation``    ``target`` (the video itself) and ``range``, both ends included.
``cross_imitation``   The same of another video, by whose poses this one's person is driven.
``flag``              The frames of this video that the driven ones are compared with, as long as that range.
====================  ======================================================================================

A name stands for a position: the digits at the end of its stem, as an integer ("0253.jpg" is frame 253). They
are not always as many as in the file names, so that nothing is opened by name. Video ids lose their ".mp4".

A figure made so is not the reference's in every respect:

- It averages means of batches of 32 frames, so that those of the last, smaller batch weigh more; a protocol
  written here pools over frames.
- It reads iPER's whole pictures, and FashionVideo's as iPERCore processed them, squashed to a square; clips
  of a store are never squashed, and ``full-v1`` pads what is not square.
- FID, KID and FVD are this project's own, by the ids that the protocol names.

Source: svip-lab/impersonator, ``thirdparty/his_evaluators`` (protocols/iPER.py, protocols/fashionvideo.py and
evaluators/base.py).
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vptbench.benchmarks.naming import named
from vptbench.benchmarks.protocol import FORMAT, VERSION, document_to_benchmark, id_to_problem
from vptbench.benchmarks.source import is_number
from vptbench.benchmarks.span import ItemSpan, Span, Still, items_to_json
from vptbench.errors import BenchmarkError, ManifestError, RegistryError
from vptbench.manifest import Json, check_relative, read_json, write_manifest
from vptbench.registry import check_known

DATASETS = ("iper", "fashionvideo")

METRICS = {
    "self": ("ssim-his-v1", "psnr-his-v1", "lpips-his-v1", "fid-v1", "kid-v1", "fvd-v1"),
    "cross": ("fid-v1", "kid-v1", "fvd-v1"),
}
"""Metrics by kind of driving; driven by another person, nothing has a ground truth."""

VIDEO_SUFFIX = ".mp4"


@dataclass(frozen=True)
class HisSettings:
    """What the file does not say.

    Attributes:
        dataset: One of `DATASETS`.
        driving: "self" or "cross".
        size: Height and width of the prepared frames, pixels; 512 as the reference has it.
        crop: Crop id of the prepared clips; ``full-v1`` keeps whole pictures, as the reference reads iPER's.
    """

    dataset: str
    driving: str
    size: int = 512
    crop: str = "full-v1"


@dataclass(frozen=True)
class HisReport:
    """What was imported.

    Attributes:
        id: Of the protocol that was written.
        videos: How many items it has.
        frames: How many frames these have together.
    """

    id: str
    videos: int
    frames: int


def his_to_benchmark(protocol: Path, out: Path, settings: HisSettings) -> HisReport:
    """Write a protocol of one's own, to be given as ``--benchmark``, from a file of his_evaluators.

    Args:
        protocol: The user's copy, such as ``iPER_protocol.json``.
        out: File to write, ending in ``.json``.
        settings: What the file does not say.

    Raises:
        ManifestError: There is no such file, or it or what stands at `out` is no JSON.
        BenchmarkError: It is malformed (video and field are named), `settings` or `out` cannot be, or
            something else stands at `out`.

    Example:
        ``his_to_benchmark(Path("iPER_protocol.json"), Path("mine.json"), HisSettings("iper", "cross"))``
    """
    if settings.dataset not in DATASETS or settings.driving not in METRICS or out.suffix != ".json":
        raise BenchmarkError(
            f"expected dataset {' or '.join(DATASETS)}, driving {' or '.join(METRICS)} and an output that "
            f"ends in .json, got {settings.dataset!r}, {settings.driving!r} and {out}"
        )
    if id_to_problem(settings.crop):
        raise BenchmarkError(f"crop: {id_to_problem(settings.crop)}")
    items = _document_to_items(read_json(protocol), protocol, settings.driving)
    body: dict[str, Json] = {
        "id": f"{settings.dataset}-his-{settings.driving}-{settings.size}-v1",
        "dataset": settings.dataset,
        "split": "test",
        "crop": settings.crop,
        "size": [settings.size, settings.size],
        "targets": "all",
        "driving": settings.driving,
        "items": items_to_json(items),
        "pooling": "frame",
        "reference": "test",
        "metrics": list(METRICS[settings.driving]),
    }
    document = {**body, "format": FORMAT, "version": VERSION}
    name = document_to_benchmark(document, out).id
    report = HisReport(name, len(items), sum(len(item.driving) for item in items))
    if out.exists() and read_json(out) != document:
        raise BenchmarkError(
            f"{out}: expected no file, or this very benchmark, found another; give another --out"
        )
    write_manifest(out, kind=FORMAT, version_number=VERSION, body=body)
    return report


def name_to_position(name: str) -> int | None:
    """Position of a picture in its video: the integer at the end of its stem; None if it can be none."""
    found = re.search(r"(?<![0-9])0*([0-9]{1,10})$", PurePosixPath(name).stem)
    position = int(found.group(1)) if found else None
    return position if is_number(position) else None


def _document_to_items(document: Mapping[str, Json], path: Path, driving: str) -> tuple[ItemSpan, ...]:
    """Read all videos.

    Raises:
        BenchmarkError: Something is malformed; video and field are named, every problem at once.
    """
    videos = document.get("val")
    if not isinstance(videos, dict) or not videos:
        raise BenchmarkError(
            f'{path}: expected {{"val": {{video: …}}}} as in his_evaluators, found '
            f"{', '.join(sorted(document)) or 'nothing'}; give one of its protocol files"
        )
    known = {_to_clip(name) for name in videos}
    items, problems = [], []
    if len(known) < len(videos):
        problems.append(f"expected each video once, found {len(videos)} names of {len(known)} videos")
    for name, fields in videos.items():
        try:
            items.append(_video_to_item(name, fields, known, driving))
        except (BenchmarkError, ManifestError) as error:
            problems.append(f"{name}: {error}")
    if problems:
        raise BenchmarkError(f"{path}: {named(problems, '; ')}; restore the published file")
    return tuple(items)


def _video_to_item(name: str, fields: Json, known: Collection[str], driving: str) -> ItemSpan:
    """Read one video; its fields are checked whichever kind of driving was asked for.

    Raises:
        BenchmarkError: One is malformed, and named.
        ManifestError: The video's id is no plain name.
    """
    clip = check_relative(_to_clip(name), "video id")
    if not isinstance(fields, Mapping):
        raise BenchmarkError(f"expected an object, found {fields!r:.80}")
    source = Still(clip, _to_source(fields.get("s_n")))
    own, other = (_to_span(fields, field, known) for field in ("self_imitation", "cross_imitation"))
    flag = Span(clip, *_to_range(fields.get("flag"), "flag"))
    if own.clip != clip:
        raise BenchmarkError(f"self_imitation: target: expected the video itself, found {own.clip!r}")
    if len(flag) != len(other):
        raise BenchmarkError(
            f"flag: expected as many frames as in cross_imitation, {len(other)}, found {len(flag)}"
        )
    return ItemSpan(clip, source, own, own) if driving == "self" else ItemSpan(clip, source, other, flag)


def _to_source(pictures: Json) -> int:
    """Position of the one picture that a model sees.

    Raises:
        BenchmarkError: There is no such picture.
    """
    names = pictures.get("1") if isinstance(pictures, Mapping) else None
    name = names[0] if isinstance(names, list) and len(names) == 1 else None
    position = name_to_position(name) if isinstance(name, str) else None
    if position is None:
        raise BenchmarkError(
            f's_n: expected {{"1": [NAME]}}, a name that ends in digits, found {pictures!r:.80}'
        )
    return position


def _to_span(fields: Mapping[str, Json], field: str, known: Collection[str]) -> Span:
    """The frames that a video is driven by.

    Raises:
        BenchmarkError: They are malformed, or of a video that the file does not have.
    """
    found = fields.get(field)
    target = found.get("target") if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping) or not isinstance(target, str):
        raise BenchmarkError(
            f'{field}: expected {{"target": VIDEO, "range": [first, last]}}, found {found!r:.80}'
        )
    try:
        clip = check_known(_to_clip(target), known, "video of the file")
    except RegistryError as error:
        raise BenchmarkError(f"{field}: target: {error}") from error
    return Span(clip, *_to_range(found.get("range"), f"{field}: range"))


def _to_range(ends: Json, field: str) -> tuple[int, int]:
    """First and last frame, both included.

    Raises:
        BenchmarkError: They are none.
    """
    if isinstance(ends, list) and len(ends) == 2 and all(map(is_number, ends)) and ends[0] <= ends[1]:
        return ends[0], ends[1]
    raise BenchmarkError(
        f"{field}: expected [first, last] with 0 <= first <= last < 2**31, found {ends!r:.80}"
    )


def _to_clip(video: str) -> str:
    """The store's id of a video."""
    return video.removesuffix(VIDEO_SUFFIX)
