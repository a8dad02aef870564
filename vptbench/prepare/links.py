"""FashionVideo is two lists of links: the videos behind them, checked and written down.

``fetched.csv`` in the dataset's folder keeps length and SHA-256 of every file, and with them which edition it
is: a second start brings what is missing or has changed since, of that edition alone. ``missing.csv`` names
what could not be had, with the reason.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import astuple, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from vptbench.download import WEB_PAGE, url_to_new_file
from vptbench.errors import DatasetError, VptbenchError
from vptbench.gate import Gate
from vptbench.manifest import delete, file_to_sha256
from vptbench.prepare.fashionvideo import LISTS, FashionVideo
from vptbench.prepare.fetch import FetchReport, FetchSettings
from vptbench.prepare.sources import RawClip, read_list
from vptbench.prepare.table import read_table, write_table
from vptbench.progress import track

ADDRESS = "https://vision.cs.ubc.ca/datasets/fashion/resources/fashion_dataset/"
"""Where the two official lists are. Source: iPERDance/iPERCore, ``prepare_FashionVideo_dataset.py``."""

FETCHED, MISSING = "fetched.csv", "missing.csv"

MISSING_COLUMNS = ("name", "split", "url", "reason")

BOX_NAMES = {b"moov", b"mdat"}
"""Boxes of an MP4 without which there is no video: where what lies, and what lies there."""


@dataclass(frozen=True)
class Row:
    """A line of ``fetched.csv``.

    Attributes:
        name: The file's name.
        split: "train" or "test".
        url: Where it was fetched; empty if it lay there already.
        bytes: Its length.
        sha256: Its hash, in lower-case hex.
    """

    name: str
    split: str
    url: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class _Video:
    """A video that a list names: where it is or should be, its address, and what is known of it."""

    clip: RawClip
    url: str
    row: Row | None
    gate: Gate

    @property
    def key(self) -> tuple[str, str]:
        return self.clip.split, self.clip.media.name


COLUMNS = tuple(field.name for field in fields(Row))

Rows = dict[tuple[str, str], Row]


def fetch_fashionvideo(raw: Path, settings: FetchSettings) -> FetchReport:
    """Download FashionVideo's lists, where they are missing, and the videos that they name.

    Raises:
        DatasetError: A list or ``fetched.csv`` is damaged.
        DownloadError: A list cannot be had.
    """
    rows = read_rows(raw / FETCHED)
    splits = [split for split in LISTS if split in (settings.splits or LISTS)]
    before = dict(rows)
    for split in splits:
        _bring_list(raw, split, rows)
    if rows != before:
        _write_rows(raw / FETCHED, rows)
    videos = _list_videos(raw, splits, rows, settings.limit)
    failed: dict[tuple[str, str], str] = {}
    skipped = []
    results = _each(videos, settings.connections)
    for video, result in track(results, total=len(videos), label="fetch fashionvideo", unit="video"):
        if isinstance(result, VptbenchError):
            failed[video.key] = str(result)
        elif result == video.row:
            skipped.append(video.clip.id)
        else:
            rows[video.key] = result
            _write_rows(raw / FETCHED, rows)
    _write_missing(raw / MISSING, videos, failed)
    return FetchReport(
        unit="videos",
        listed=len(videos),
        present=len(videos) - len(failed),
        skipped=tuple(sorted(skipped)),
        failed={video.clip.id: failed[video.key] for video in videos if video.key in failed},
    )


def _bring_list(raw: Path, split: str, rows: Rows) -> None:
    """Download a list if it is not there. One that is there is taken as it stands: users shorten them."""
    place, url = raw / LISTS[split], ADDRESS + LISTS[split]
    if place.is_file():
        row = _to_row(place, split, "")
        known = rows.get((split, place.name))
        rows[split, place.name] = known if known and known.sha256 == row.sha256 else row
    else:
        facts = url_to_new_file(url, place, gate=Gate(), check=list_to_problem)
        rows[split, place.name] = Row(place.name, split, url, facts.size, facts.sha256)


def _list_videos(raw: Path, splits: Sequence[str], rows: Rows, limit: int) -> list[_Video]:
    """The videos of the lists, in their order."""
    gates: dict[str, Gate] = {}
    clips = FashionVideo().list_clips(raw)
    videos = []
    for split in splits:
        named = [clip for clip in clips if clip.split == split]
        lines = zip(named, read_list(raw / LISTS[split]), strict=True)
        for clip, url in islice(lines, limit or None):
            gate = gates.setdefault(_to_host(url), Gate())
            videos.append(_Video(clip, url, rows.get((split, clip.media.name)), gate))
    return videos


def _to_host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _bring_video(video: _Video) -> Row:
    """Bring one video, unless it is there and as it was, or as a whole video is.

    Raises:
        DownloadError: It cannot be had.
    """
    place, row = video.clip.media, video.row
    if place.is_file():
        found = _to_row(place, video.clip.split, row.url if row else "")
        if found == row or (row is None and video_to_problem(place) is None):
            return found
    facts = url_to_new_file(
        video.url,
        place,
        gate=video.gate,
        check=lambda part: _to_other_edition(part, row) or video_to_problem(part),
    )
    return Row(place.name, video.clip.split, video.url, facts.size, facts.sha256)


def _to_other_edition(part: Path, row: Row | None) -> str | None:
    if row is None or file_to_sha256(part) == row.sha256:
        return None
    return f"another edition than that of {FETCHED}, whose line {row.name} keeps to SHA-256 {row.sha256}"


def _to_row(place: Path, split: str, url: str) -> Row:
    return Row(place.name, split, url, place.stat().st_size, file_to_sha256(place))


def _each(videos: Sequence[_Video], connections: int) -> Iterator[tuple[_Video, Row | VptbenchError]]:
    """Bring the videos, some at a time, and yield them as they come; an interruption ends all connections."""
    with ThreadPoolExecutor(connections) as pool:
        futures = {pool.submit(_bring_video, video): video for video in videos}
        try:
            for future in as_completed(futures):
                error = future.exception()
                if error is not None and not isinstance(error, VptbenchError):
                    raise error
                yield futures[future], error or future.result()
        finally:
            for video in videos:
                video.gate.stop("interrupted")
            pool.shutdown(cancel_futures=True)


def list_to_problem(path: Path) -> str | None:
    """What makes a file no list of addresses, one a line; None if it is one."""
    with path.open("rb") as file:
        if _is_web_page(file):
            return "a web page in place of a list"
    try:
        lines = read_list(path)
    except DatasetError:
        return "a list that cannot be read, or names a video twice"
    strange = next((line for line in lines if not line.startswith(("http://", "https://"))), None)
    if strange is not None:
        return f"a list with {strange[:80]!r} in place of an address"
    return None if lines else "an empty list"


def video_to_problem(path: Path) -> str | None:
    """What makes a file no whole MP4, as far as the boxes that it is made of tell; None if it is one.

    Source:
        ISO/IEC 14496-12, section 4.2: a box begins with its length (32 bits; 1: in the 64 bits after the
        name; 0: up to the end of the file) and its name.
    """
    end = path.stat().st_size
    missing, begin = set(BOX_NAMES), 0
    with path.open("rb") as file:
        if file.read(8)[4:] != b"ftyp":
            return "a web page in place of a video" if _is_web_page(file) else "something that is no MP4"
        while begin < end:
            length, name = _read_box(file, begin)
            if 0 < length < 8 or not name.isalnum():  # what some writers leave behind the last box
                break
            missing.discard(name)
            begin = begin + length if length else end
    if begin > end:
        return f"a cut video, of at least {begin:,} bytes"
    return (
        f"a cut video, without {' and '.join(sorted(box.decode() for box in missing))}" if missing else None
    )


def _read_box(file: BinaryIO, begin: int) -> tuple[int, bytes]:
    """Length in bytes and name of the box at byte `begin`."""
    file.seek(begin)
    head = file.read(16)
    length = int.from_bytes(head[:4], "big")
    return int.from_bytes(head[8:16], "big") if length == 1 else length, head[4:8]


def _is_web_page(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(512).lstrip().lower().startswith(WEB_PAGE)


def read_rows(path: Path) -> Rows:
    """Read ``fetched.csv``; a missing one has no rows.

    Raises:
        DatasetError: It is something else.
    """
    return {
        (split, name): Row(name, split, url, int(size), sha256)
        for name, split, url, size, sha256 in read_table(path, COLUMNS, ("bytes",))
    }


def _write_rows(path: Path, rows: Rows) -> None:
    write_table(path, COLUMNS, (astuple(rows[key]) for key in sorted(rows)))


def _write_missing(path: Path, videos: Sequence[_Video], failed: Mapping[tuple[str, str], str]) -> None:
    """Bring ``missing.csv`` up to date: lines of videos that were not asked for now stay."""
    asked = {video.key for video in videos}
    lines = [line for line in read_table(path, MISSING_COLUMNS) if (line[1], line[0]) not in asked]
    lines += [
        [video.clip.media.name, video.clip.split, video.url, failed[video.key]]
        for video in videos
        if video.key in failed
    ]
    if lines:
        write_table(path, MISSING_COLUMNS, sorted(lines, key=lambda line: (line[1], line[0])))
    else:
        delete(path)
