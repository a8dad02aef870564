"""Which clips of a folder are for training and which for testing, where no publication says it.

In this order:

1. ``train.txt`` and ``test.txt`` in the folder name the clips of each split, one a line. Where one of the two
   lies there alone, all clips that it does not name are of the other split; where both do, clips on neither
   are left out.
2. Where every clip lies below a folder ``train`` or ``test``, that is its split.
3. The rule: whole persons go to one split. A person's number is the SHA-256 of ``<SEED>:<person>``, read as a
   fraction of its range; those below `TEST_SHARE` are for testing. So a person's split does not change when
   others are added, but for two cases: if nobody is below, the person with the smallest number is for
   testing; if everybody is, the one with the largest is for training. A single person is for testing: a model
   must not be trained on whom it is tested with.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from vptbench.errors import DatasetError
from vptbench.prepare.sources import read_list
from vptbench.store.schema import SPLITS
from vptbench.video import VIDEO_SUFFIXES

log = logging.getLogger(__name__)

SEED = 0
TEST_SHARE = 0.2


def clips_to_splits(raw: Path, clips: Iterable[str], clip_to_person: Callable[[str], str]) -> dict[str, str]:
    """The split of each clip; clips that a list names and that are not among `clips` are there as well.

    Args:
        raw: The dataset's folder.
        clips: Ids of the clips that lie there.
        clip_to_person: Who is seen in a clip, by its id.

    Raises:
        DatasetError: A list is malformed, or both name the same clip.
    """
    there = sorted(clips)
    listed = {split: raw / f"{split}.txt" for split in SPLITS if (raw / f"{split}.txt").is_file()}
    if listed:
        splits = _lists_to_splits(raw, listed, there)
        _warn_of_shared_persons(raw, splits, clip_to_person)
        return splits
    if there and all("/" in clip and clip.split("/")[0] in SPLITS for clip in there):
        return {clip: clip.split("/")[0] for clip in there}
    persons = persons_to_splits({clip_to_person(clip) for clip in there})
    if len(persons) == 1 and len(there) > 1:
        log.warning(
            "%s: by their names all clips may be of one person, and so all are for testing; name those for "
            "training in train.txt if that is not so",
            raw,
        )
    return {clip: persons[clip_to_person(clip)] for clip in there}


def persons_to_splits(persons: Iterable[str]) -> dict[str, str]:
    """The split of each person, by the rule of this module."""
    numbers = {person: _to_fraction(person) for person in persons}
    splits = {
        person: "test" if number < TEST_SHARE else "train" for person, number in sorted(numbers.items())
    }
    if numbers and "test" not in splits.values():
        splits[min(numbers, key=numbers.__getitem__)] = "test"
    elif len(numbers) > 1 and "train" not in splits.values():
        splits[max(numbers, key=numbers.__getitem__)] = "train"
    return splits


def _to_fraction(person: str) -> float:
    return int.from_bytes(hashlib.sha256(f"{SEED}:{person}".encode()).digest()[:8]) / 2**64


def _lists_to_splits(raw: Path, listed: dict[str, Path], there: list[str]) -> dict[str, str]:
    """The splits that the lists say.

    Raises:
        DatasetError: A list is malformed, or both name the same clip.
    """
    splits: dict[str, str] = {}
    for split, path in listed.items():
        for clip in dict.fromkeys(map(line_to_id, read_list(path))):
            if clip in splits:
                raise DatasetError(
                    f"{raw}: expected each clip in one split, found {clip} in both lists; mend the lists"
                )
            splits[clip] = split
    others = [clip for clip in there if clip not in splits]
    if len(listed) == 1:
        [split] = set(SPLITS) - set(listed)
        return splits | dict.fromkeys(others, split)
    if others:
        log.warning("%s: %d clips are in neither list and are left out", raw, len(others))
    return splits


def line_to_id(line: str) -> str:
    """The id in a list's line, which may be a path with a video's suffix."""
    path = PurePosixPath(line)
    return (path.with_suffix("") if path.suffix.lower() in VIDEO_SUFFIXES else path).as_posix()


def _warn_of_shared_persons(raw: Path, splits: dict[str, str], clip_to_person: Callable[[str], str]) -> None:
    train, test = ({clip_to_person(clip) for clip in splits if splits[clip] == split} for split in SPLITS)
    if train & test:
        log.warning(
            "%s: by their names, %d persons are in both lists, the first being %s; "
            "scores on people that a model was trained on say little",
            raw, len(train & test), min(train & test),
        )  # fmt: skip
