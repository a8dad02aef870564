"""iPER comes as archives that the user downloads: they are checked, unpacked, and held against the lists.

``unpacked.csv`` says how many files of which length each folder has, once an archive was read to its end and
its checksum was right: the archive may be deleted then.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import product
from pathlib import Path
from string import ascii_lowercase

from vptbench.errors import DatasetError, UsageError
from vptbench.manifest import delete_parts
from vptbench.prepare.fetch import FetchReport, FetchSettings
from vptbench.prepare.iper import FOLDERS, LISTS, Iper
from vptbench.prepare.sources import read_list
from vptbench.prepare.table import read_table, write_table
from vptbench.prepare.unpack import MOST_REFUSED, Unpacked, unpack

LAST_PART = "bk"
"""Ending of the last published part of ``images_HD.tar.gz``, after "aa" and so on. Source: iPERCore."""

PARTS_FOLDER = "splits"
"""Where the parts lie in the authors' own folder; beside the lists is as good."""

UNPACKED = "unpacked.csv"
COLUMNS = ("archive", "archive_bytes", "folder", "files", "bytes")


@dataclass(frozen=True)
class Archive:
    """A published archive.

    Attributes:
        name: Its file, without the endings of parts.
        folders: Where its files go; see `unpack.unpack`.
    """

    name: str
    folders: tuple[str, ...]


ARCHIVES = (
    Archive("images_HD.tar.gz", FOLDERS),
    Archive("iPER_256_video_release.zip", ("iPER_256_video_release",)),
    Archive("smpls.zip", ("smpls",)),
)


@dataclass(frozen=True)
class FolderRow:
    """A line of ``unpacked.csv``: the files of one folder, of an archive of so many bytes."""

    archive: str
    archive_bytes: int
    folder: str
    files: int
    bytes: int


def fetch_iper(raw: Path, settings: FetchSettings) -> FetchReport:
    """Check and unpack the archives in `raw`, and count the clips that the lists name.

    Raises:
        UsageError: The settings choose among files, which archives do not allow.
        DatasetError: There is neither an archive nor a folder of pictures; the text says where they are and
            under what terms. Or ``unpacked.csv`` is damaged.
    """
    if settings.splits or settings.limit:
        raise UsageError(
            "expected all of iPER, got a split or a limit; leave them out: archives are unpacked whole"
        )
    failed: dict[str, str] = {}
    notes = [f"terms of iPER: {Iper.licence}"]
    known = _read_rows(raw / UNPACKED)
    for archive in ARCHIVES:
        try:
            notes += _resolve_archive(raw, archive, known, failed)
        except DatasetError as error:
            failed[archive.name] = str(error)
    if len(notes) == 1 and not failed and not any((raw / folder).is_dir() for folder in FOLDERS):
        raise DatasetError(
            f"{raw}: expected archives of iPER ({', '.join(archive.name for archive in ARCHIVES)}), "
            "found none; they are not downloaded here, since their owners give them out by OneDrive and "
            f"Baidu (take Baidu where OneDrive fails): {Iper.access}; terms: {Iper.licence}"
        )
    listed, missing = _check_clips(raw, failed, notes)
    return FetchReport("clips", listed, listed - missing, failed=failed, notes=tuple(notes))


def _resolve_archive(
    raw: Path, archive: Archive, known: list[FolderRow], failed: dict[str, str]
) -> list[str]:
    """Unpack an archive unless that was done; what there is to say of it.

    Raises:
        DatasetError: It is incomplete or damaged, or what was unpacked is no longer there.
    """
    rows = [row for row in known if row.archive == archive.name]
    short = [row.folder for row in rows if not _is_there(raw, row)]
    parts = _list_parts(raw, archive.name)
    length = sum(part.stat().st_size for part in parts)
    if rows and not short and length <= rows[0].archive_bytes:  # of which parts may have been deleted
        files = sum(row.files for row in rows)
        return [f"{archive.name}: unpacked before, {files:,} files in {len(rows)} folders"]
    if not parts:
        if short:
            raise DatasetError(
                f"expected the files of {UNPACKED} in {short[0]} and {len(short) - 1} other folders, found "
                "fewer; bring the archive again and run the same command"
            )
        return []
    _check_parts(archive.name, parts)
    for folder in archive.folders:
        delete_parts(raw / folder)
    done = unpack(parts, raw, archive.folders, label=archive.name)
    failed |= done.refused
    if done.refusals:
        more = (
            f", {done.refusals - MOST_REFUSED:,} more than are named" if done.refusals > MOST_REFUSED else ""
        )
        failed[archive.name] = f"expected files and folders alone, left out {done.refusals:,} members{more}"
    else:
        known[:] = [row for row in known if row.archive != archive.name] + _to_rows(
            archive.name, length, done
        )
        _write_rows(raw / UNPACKED, known)
    return [_to_note(archive.name, done)]


def _to_note(name: str, done: Unpacked) -> str:
    files = sum(count for count, _ in done.folders.values())
    hidden = f", {done.hidden:,} hidden ones left out" if done.hidden else ""
    return f"{name}: {files:,} files in {len(done.folders)} folders, {done.written:,} unpacked now{hidden}"


def _list_parts(raw: Path, name: str) -> list[Path]:
    """The files of an archive, in their order: those with endings of two letters, or else the one without."""
    found = {}
    for suffix in map("".join, product(ascii_lowercase, repeat=2)):
        places = [folder / f"{name}.{suffix}" for folder in (raw, raw / PARTS_FOLDER)]
        found[suffix] = next((place for place in places if place.is_file()), None)
    parts = [part for part in found.values() if part]
    return parts or [place for place in (raw / name, raw / PARTS_FOLDER / name) if place.is_file()][:1]


def _check_parts(name: str, parts: Sequence[Path]) -> None:
    """See that no part is missing or cut, as far as lengths tell.

    Raises:
        DatasetError: One is; all are named.
    """
    if parts[0].name == name:
        return
    present = [part.name.rpartition(".")[2] for part in parts]
    last = max(LAST_PART, *present)
    wanted = [suffix for suffix in map("".join, product(ascii_lowercase, repeat=2)) if suffix <= last]
    missing = [f".{suffix}" for suffix in wanted if suffix not in present]
    if missing:
        raise DatasetError(
            f"expected the {len(wanted)} parts {name}.aa to .{last}, found {len(present)}; "
            f"bring {', '.join(missing)} and run the same command"
        )
    lengths = {part: part.stat().st_size for part in parts}
    usual = Counter(lengths.values()).most_common(1)[0][0]
    strange = [part for part in parts[:-1] if lengths[part] != usual]
    if not 0 < lengths[parts[-1]] <= usual:
        strange.append(parts[-1])
    if strange:
        raise DatasetError(
            f"expected parts of {usual:,} bytes, and a last one of no more, found "
            f"{', '.join(f'{part.name} with {lengths[part]:,}' for part in strange)}; bring these again"
        )


def _check_clips(raw: Path, failed: dict[str, str], notes: list[str]) -> tuple[int, int]:
    """How many clips the lists name, and how many of them have no pictures; all that is wrong is told."""
    names: dict[str, list[str]] = {}
    for split, listed in LISTS.items():
        if not (raw / listed).is_file():
            failed[listed] = "expected the list beside the archives, found none; bring it from the same place"
            continue
        try:
            names[split] = read_list(raw / listed)
        except DatasetError as error:
            failed[listed] = str(error)
            continue
        if len(names[split]) != Iper.published[split]:
            notes.append(
                f"{listed}: {len(names[split])} clips, the published list has {Iper.published[split]}"
            )
    total = sum(map(len, names.values()))
    try:
        clips = Iper().list_clips(raw)
    except DatasetError as error:
        failed.setdefault("pictures", str(error))
        return total, total
    problems = {
        clip.id: clip.problem or f"expected pictures in {clip.media}, found an empty folder; unpack it again"
        for clip in clips
        if clip.problem or (clip.media.is_dir() and not any(clip.media.iterdir()))
    }
    failed |= problems
    return len(clips), len(problems)


def _is_there(raw: Path, row: FolderRow) -> bool:
    """Whether a folder still holds at least what was unpacked into it."""
    folder = raw / row.folder
    if not folder.is_dir():
        return False
    sizes = [file.stat().st_size for file in folder.iterdir() if file.is_file() and file.name[0] != "."]
    return len(sizes) >= row.files and sum(sizes) >= row.bytes


def _to_rows(name: str, length: int, done: Unpacked) -> list[FolderRow]:
    return [
        FolderRow(name, length, folder, files, size) for folder, (files, size) in sorted(done.folders.items())
    ]


def _read_rows(path: Path) -> list[FolderRow]:
    lines = read_table(path, COLUMNS, ("archive_bytes", "files", "bytes"))
    return [
        FolderRow(name, int(length), folder, int(files), int(size))
        for name, length, folder, files, size in lines
    ]


def _write_rows(path: Path, rows: Sequence[FolderRow]) -> None:
    write_table(path, COLUMNS, map(astuple, rows))
