"""Synthetic people's videos on disk, in a dataset's own layout, with OpenPose JSON and exact truth beside.

FashionVideo: ``{train,test}/<id>.mp4``, ``fashion_train.txt``, ``fashion_test.txt``. iPER:
``images_HD/PPP/outfit/clip/%04d.jpg``, ``train.txt``, ``val.txt``. TikTok: ``<clip>/images/%04d.png`` from 1
on, ``train.txt``, ``test.txt``. In all: ``openpose/<clip>/`` with one ``<frame>_keypoints.json`` a frame,
``truth/<clip>.npz``, and ``synth.json``, which comes last. Every part is written beside its place and renamed
when whole. The same arguments give the same bytes, and another background the same truth.
"""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vptbench.body.asset import load_body
from vptbench.errors import UsageError
from vptbench.image import write_image
from vptbench.manifest import (
    Json,
    delete,
    delete_parts,
    json_to_text,
    make_folder,
    read_manifest,
    write_manifest,
    write_text,
    written_beside,
)
from vptbench.progress import track
from vptbench.skeleton import keypoints_to_openpose
from vptbench.synth.figure import SPORTSWEAR, WARDROBE, Person, seed_to_person
from vptbench.synth.motion import FPS, MOTIONS
from vptbench.synth.render import Actor, Film, Shot, Truth, actor_to_film, person_to_actor
from vptbench.synth.scene import BACKGROUNDS, OWN, background_to_backdrop, location, studio
from vptbench.video import frames_to_video

KIND, VERSION = "vptbench-synth", 1
"""Format and version of the manifest."""

MANIFEST = "synth.json"
"""The manifest of finished data."""

UNFINISHED = "synth-unfinished.json"
"""The same while clips are missing."""

LATER_ARGUMENTS: Mapping[str, Json] = {"background": OWN}
"""Arguments that manifests leave out where they have these values: the first manifests do not state them, and
manifests, stores and boards of the same data are to stay equal."""

MIN_SIZE = 32
"""Smallest frame height, pixels."""

TRUTH_COMPRESSION = 1
"""Deflate level of truth files: three times as fast as NumPy's own, and hardly larger."""

PORTRAIT = 0.75
"""Width of an upright frame (FashionVideo, TikTok), in heights."""


@dataclass(frozen=True)
class Plan:
    """One clip to make.

    Attributes:
        clip: Its id.
        split: "train" or "test".
        person: Which person of the seed.
        motion: One of `MOTIONS`.
    """

    clip: str
    split: str
    person: int
    motion: str


@dataclass(frozen=True)
class Layout:
    """How a dataset's folder looks.

    Attributes:
        plan: The clips, from their number and the seed.
        wardrobe: Kinds of clothes.
        shot: The camera for frames of this height, pixels.
        media: Place of a clip's video or folder of pictures.
        write: Writes the film there.
        lists: List file of each split.
        line: How a clip stands in its list.
    """

    plan: Callable[[int, int], list[Plan]]
    wardrobe: Sequence[str]
    shot: Callable[[int], Shot]
    media: Callable[[Plan], str]
    write: Callable[[Film, Path], None]
    lists: Mapping[str, str]
    line: Callable[[Plan], str]


def seed_to_raw(  # noqa: PLR0913 - what the command line can say
    out: Path,
    *,
    layout: str,
    clips: int = 6,
    frames: int = 24,
    size: int = 128,
    seed: int = 1,
    background: str = OWN,
) -> None:
    """Writes synthetic raw data; called again, it makes only what is missing.

    Args:
        out: The folder: new, empty, or begun by the same call.
        layout: One of `LAYOUTS`.
        clips: How many clips, over both splits; about a third of the people are in the test split.
        frames: T, of each clip.
        size: Height of a frame, pixels; even for FashionVideo.
        seed: Of people, motions and places.
        background: One of `BACKGROUNDS`: what stands behind people. People, motions, cameras and truth do
            not depend on it.

    Raises:
        UsageError: An argument does not fit, or the folder holds something else.

    Example:
        >>> seed_to_raw(Path("raw"), layout="iper", clips=4, frames=24, size=128, seed=1)  # doctest: +SKIP
    """
    arguments: dict[str, Json] = {
        "layout": layout,
        "clips": clips,
        "frames": frames,
        "size": size,
        "seed": seed,
        **({"background": background} if background != OWN else {}),
    }
    _check_arguments(layout, background, clips=clips, frames=frames, size=size, seed=seed)
    if _begin(out, arguments):
        return
    how = LAYOUTS[layout]
    plans = how.plan(clips, seed)
    for plan in track(plans, total=clips, label=f"synth {layout}"):
        media, openpose, truth = (
            out / how.media(plan),
            out / "openpose" / plan.clip,
            out / "truth" / f"{plan.clip}.npz",
        )
        if media.exists() and openpose.exists() and truth.exists():
            continue
        film = _film(plan, how, _shot(plan, how, size, background), frames, seed)
        with written_beside(media) as part:
            how.write(film, part)
        with written_beside(openpose) as part:
            _write_openpose(film.truth.keypoints, part)
        with written_beside(truth) as part:
            _write_truth(film.truth, part)
    for split, name in how.lists.items():
        write_text(out / name, "".join(f"{how.line(plan)}\n" for plan in plans if plan.split == split))
    write_manifest(out / MANIFEST, kind=KIND, version_number=VERSION, body=arguments)
    delete(out / UNFINISHED)


def _check_arguments(layout: str, background: str, *, clips: int, frames: int, size: int, seed: int) -> None:
    problems = [
        f"{name}: expected {' or '.join(known)}, got {value!r}"
        for name, value, known in (("layout", layout, LAYOUTS), ("background", background, BACKGROUNDS))
        if value not in known
    ]
    for name, value, least in (
        ("clips", clips, 2),
        ("frames", frames, 2),
        ("size", size, MIN_SIZE),
        ("seed", seed, 0),
    ):
        if value < least:
            problems.append(f"{name}: expected at least {least}, got {value}")
    if layout == "fashionvideo" and size % 2:
        problems.append(f"size: expected an even height for video, got {size}")
    if problems:
        raise UsageError(f"synth: {'; '.join(problems)}; give other arguments")


def _begin(out: Path, arguments: Mapping[str, Json]) -> bool:
    """Prepares the folder; says whether it is finished already.

    Raises:
        UsageError: The folder holds something else.
    """
    make_folder(out)
    for name in (MANIFEST, UNFINISHED):
        if not (out / name).exists():
            continue
        found = read_manifest(out / name, kind=KIND, version_number=VERSION)
        wanted, stated = {**LATER_ARGUMENTS, **arguments}, {**LATER_ARGUMENTS, **found}
        made = {key: stated.get(key) for key in wanted}
        if made != wanted:
            raise UsageError(
                f"{out}: expected synthetic data with {_words(wanted)}, found some with {_words(made)}; "
                "choose another folder or delete this one"
            )
        delete_parts(out)
        if name == MANIFEST:
            delete(out / UNFINISHED)  # a run that was stopped just before its end may have left it
        return name == MANIFEST
    foreign = sorted(entry.name for entry in out.iterdir() if not entry.name.startswith(f".{UNFINISHED}."))
    if foreign:
        raise UsageError(
            f"{out}: expected a new or empty folder, found one that holds {foreign[0]} "
            f"and no {MANIFEST}; choose another folder"
        )
    write_manifest(out / UNFINISHED, kind=KIND, version_number=VERSION, body=arguments)
    return False


def _words(arguments: Mapping[str, Json]) -> str:
    return ", ".join(f"{name} {value}" for name, value in arguments.items())


def _shot(plan: Plan, how: Layout, size: int, background: str) -> Shot:
    """The layout's camera, before what is to stand behind the person of a plan."""
    shot = how.shot(size)
    return replace(shot, backdrop=background_to_backdrop(background, plan.person, shot.backdrop))


def _film(plan: Plan, how: Layout, shot: Shot, frames: int, seed: int) -> Film:
    """The clip of a plan, ready to be drawn; the place is drawn from a stream of its own."""
    shapes = len(load_body().shape_directions)
    actor = _actor(seed_to_person(seed, plan.person, wardrobe=how.wardrobe, shapes=shapes))
    number = list(MOTIONS).index(plan.motion)
    moves, place = (
        np.random.default_rng(np.random.SeedSequence([seed, stream, plan.person, part]))
        for stream, part in ((2, number), (3, 0))
    )
    return actor_to_film(actor, MOTIONS[plan.motion](frames, moves), shot, place)


@lru_cache(maxsize=1)
def _actor(person: Person) -> Actor:
    """The person ready to be filmed; kept while the next clip is of the same person."""
    return person_to_actor(person)


def _split(person: int, people: int) -> str:
    """The last third of the people, at least one, are the test split."""
    return "test" if person >= people - max(1, round(people / 3)) else "train"


def _fashion_plans(clips: int, seed: int) -> list[Plan]:
    return [Plan(f"s{seed:04d}-{k:03d}", _split(k, clips), k, "catwalk") for k in range(clips)]


def _iper_plans(clips: int, seed: int) -> list[Plan]:
    """Two clips a person: an A-pose turn and a free motion; of two clips in all, one of each person."""
    del seed  # iPER's names have no place for it
    people = max(2, -(-clips // 2))
    pairs = [(person, number) for person in range(people) for number in (1, 2)]
    chosen = [(0, 1), (1, 2)] if clips == 2 else pairs[:clips]
    motions = {1: "apose-turn", 2: "free"}
    return [Plan(f"{p + 1:03d}/1/{n}", _split(p, people), p, motions[n]) for p, n in chosen]


def _tiktok_plans(clips: int, seed: int) -> list[Plan]:
    """One clip a person: the data do not say who is who."""
    del seed  # nor has TikTok's a place for it
    return [Plan(f"{k + 1:05d}", _split(k, clips), k, "dance") for k in range(clips)]


def _write_video(film: Film, path: Path) -> None:
    frames_to_video(film.frames(), path, fps=FPS)


def _write_pictures(film: Film, folder: Path, *, first: int, suffix: str) -> None:
    folder.mkdir()
    for number, frame in enumerate(film.frames(), first):
        write_image(folder / f"{number:04d}{suffix}", frame)


def _upright(size: int) -> tuple[int, int]:
    """(H, W) of an upright frame of this height; its width is even."""
    return size, 2 * round(PORTRAIT * size / 2)


def _write_openpose(keypoints: NDArray[np.float32], folder: Path) -> None:
    """One JSON a frame as OpenPose writes it; pixel centres at integers, missing joints 0, 0, 0."""
    folder.mkdir()
    for number, joints in enumerate(np.nan_to_num(keypoints, nan=0.0).astype(np.float64).round(3)):
        (folder / f"{number:012d}_keypoints.json").write_text(
            json_to_text(keypoints_to_openpose(joints)), encoding="utf-8", newline="\n"
        )


def _write_truth(truth: Truth, path: Path) -> None:
    """The arrays of a clip's truth as an ``.npz`` without pickles; its entries bear no time."""
    body = load_body()
    arrays: dict[str, NDArray[np.generic]] = {
        "faces": body.faces,
        "joint_weights": body.joint_weights,
        "vertices": truth.vertices,
        "mask": truth.mask,
        "pose": truth.pose,
        "shape": truth.shape,
        "camera": truth.camera,
        "keypoints": truth.keypoints,
        "body": np.array(body.name),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=TRUTH_COMPRESSION) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)


LAYOUTS: Mapping[str, Layout] = {
    "fashionvideo": Layout(
        plan=_fashion_plans,
        wardrobe=WARDROBE,
        shot=lambda size: Shot(_upright(size), 9.0, 0.92, travels=True, backdrop=studio),
        media=lambda plan: f"{plan.split}/{plan.clip}.mp4",
        write=_write_video,
        lists={"train": "fashion_train.txt", "test": "fashion_test.txt"},
        line=lambda plan: f"{plan.clip}.mp4",
    ),
    "iper": Layout(
        plan=_iper_plans,
        wardrobe=SPORTSWEAR,
        shot=lambda size: Shot((size, size), 7.0, 0.88, travels=False, backdrop=location),
        media=lambda plan: f"images_HD/{plan.clip}",
        write=partial(_write_pictures, first=0, suffix=".jpg"),
        lists={"train": "train.txt", "test": "val.txt"},
        line=lambda plan: plan.clip,
    ),
    "tiktok": Layout(
        plan=_tiktok_plans,
        wardrobe=SPORTSWEAR,
        shot=lambda size: Shot(_upright(size), 4.5, 0.97, travels=False, backdrop=location),
        media=lambda plan: f"{plan.clip}/images",
        write=partial(_write_pictures, first=1, suffix=".png"),
        lists={"train": "train.txt", "test": "test.txt"},
        line=lambda plan: plan.clip,
    ),
}
"""Layouts by name."""
