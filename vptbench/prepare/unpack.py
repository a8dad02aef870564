"""Archives of strangers to files: streamed, so that they need no room twice, and trusted in nothing.

A name that would leave the folder, a link and a device are refused one by one, and the rest is unpacked. A
file is written beside its place and renamed: one that is there with the right length is whole, and is not
written again.
"""

import errno
import gzip
import io
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import IO, cast

from vptbench.errors import DatasetError, ManifestError
from vptbench.manifest import make_folder, written_beside
from vptbench.progress import track

PIECE = 2**20
"""Bytes that are held at a time, and that a step of the bar stands for."""

MOST_REFUSED = 20
"""Refused names that are told one by one; the others are counted."""

DAMAGE = (
    EOFError, gzip.BadGzipFile, tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
    struct.error, NotImplementedError, RuntimeError, ValueError,
)  # fmt: skip
"""What reading a damaged archive raises; what else the system refuses is the disk's own."""

BAD_NAMES = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
"""A disk's refusals of a file's name."""

STRANGE = re.compile(r"[A-Za-z]:|.*[\\\x00-\x1f]", re.DOTALL)
"""Drives, backslashes and what cannot be printed, in names."""


@dataclass(frozen=True)
class Member:
    """One thing in an archive.

    Attributes:
        name: As it stands there.
        kind: "file", "folder", or what else it is, in words.
        size: Of its contents, bytes.
        behind: How much of the archive lies before its contents, bytes.
        open: Gives its contents, until the next member is asked for.
    """

    name: str
    kind: str
    size: int
    behind: int
    open: Callable[[], IO[bytes] | None]


@dataclass
class Unpacked:
    """What an archive holds.

    Attributes:
        folders: Number and bytes of the files of each folder, by its path in the target.
        written: How many files were written now; the others were there.
        hidden: How many were left out, as their names begin with a dot.
        refused: Name to reason, `MOST_REFUSED` at most.
        refusals: How many there are in all.
    """

    folders: dict[str, tuple[int, int]] = field(default_factory=dict)
    written: int = 0
    hidden: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    refusals: int = 0


class JoinedParts(io.RawIOBase):
    """Files, read as if they were one.

    Attributes:
        behind: Bytes that were read.
        current: The file that they came from.
    """

    def __init__(self, parts: Sequence[Path]) -> None:
        self._rest = list(parts)
        self.behind = 0
        self.current = self._rest.pop(0)
        self._stream = self.current.open("rb")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # nothing else is given
        """Read what comes next, of one file at a time; 0 at the end of the last."""
        while not (count := self._stream.readinto(buffer)) and self._rest:
            self._stream.close()
            self.current = self._rest.pop(0)
            self._stream = self.current.open("rb")
        self.behind += count
        return count

    def close(self) -> None:
        """Close the file that is open."""
        self._stream.close()
        super().close()


def unpack(parts: Sequence[Path], target: Path, folders: Sequence[str], *, label: str) -> Unpacked:
    """Unpack a zip, a tar or a gzipped tar below `target`.

    Args:
        parts: The archive's file, or its parts in their order.
        target: Where to.
        folders: Of a member's name, what comes before one of these is left off; names without any of them go
            into the first.
        label: Of the bar.

    Raises:
        DatasetError: The archive is damaged, or none. What was unpacked before that is kept.
        OSError: The disk refuses.
    """
    done = Unpacked()
    length = sum(part.stat().st_size for part in parts)
    with ExitStack() as stack:
        joined = stack.enter_context(JoinedParts(parts))
        steps = _each(_open_archive(joined, parts, stack), done, target, folders)
        try:
            for _ in track(steps, total=length // PIECE, label=label, unit="MiB"):
                pass
        except DAMAGE as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DatasetError(
                f"expected a whole archive, found damage in or before {joined.current.name} ({reason}); "
                "bring that file again and run the same command: what is unpacked is kept"
            ) from error
    return done


def _open_archive(joined: JoinedParts, parts: Sequence[Path], stack: ExitStack) -> Iterator[Member]:
    with parts[0].open("rb") as file:
        magic = file.read(2)
    if magic == b"PK":
        return _zip_to_members(parts[0])
    if magic == b"\x1f\x8b":
        plain = stack.enter_context(gzip.GzipFile(fileobj=joined))
        return _tar_to_members(cast("IO[bytes]", plain), joined)
    return _tar_to_members(cast("IO[bytes]", joined), joined)


def _tar_to_members(stream: IO[bytes], joined: JoinedParts) -> Iterator[Member]:
    """What a tar holds, read to the end of the stream so that gzip compares its checksum.

    Raises:
        ReadError: There is more behind the last member that could be read: it was not the last.
    """
    with tarfile.open(fileobj=stream, mode="r|", bufsize=PIECE) as tar:
        while (info := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]  # else they stay, a kilobyte a file
            kind = "file" if info.isreg() else "folder" if info.isdir() else "link"
            if info.isdev():
                kind = "device"
            yield Member(info.name, kind, info.size, joined.behind, partial(tar.extractfile, info))
        while rest := tar.fileobj.read(PIECE):
            if rest.strip(b"\0"):
                raise tarfile.ReadError("a member that cannot be read")


def _zip_to_members(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        behind = 0
        for info in archive.infolist():
            mode = info.external_attr >> 16
            kind = "folder" if info.is_dir() else "file"
            if stat.S_IFMT(mode) not in {0, stat.S_IFREG, stat.S_IFDIR}:
                kind = "link" if stat.S_ISLNK(mode) else "device"
            yield Member(info.filename, kind, info.file_size, behind, partial(archive.open, info))
            behind += info.compress_size


def _each(members: Iterator[Member], done: Unpacked, target: Path, folders: Sequence[str]) -> Iterator[None]:
    """Unpack all members; a step for every `PIECE` of the archive.

    Raises:
        EOFError: There are none.
    """
    member, steps = None, 0
    for member in members:
        yield from repeat(None, member.behind // PIECE - steps)
        steps = member.behind // PIECE
        try:
            _unpack_member(member, done, target, folders)
        except ManifestError as error:
            done.refusals += 1
            if len(done.refused) < MOST_REFUSED:
                done.refused[ascii(member.name)[1:-1]] = str(error)
    if member is None:
        raise EOFError("nothing is in it")


def _unpack_member(member: Member, done: Unpacked, target: Path, folders: Sequence[str]) -> None:
    """Write a file, unless it is there; folders come with their files.

    Raises:
        ManifestError: The member is refused.
        OSError: The disk refuses.
    """
    place = name_to_place(member.name, folders)
    if member.kind not in {"file", "folder"}:
        raise ManifestError(f"expected files and folders in an archive, found a {member.kind}; left out")
    if member.kind == "folder":
        return
    if any(part.startswith(".") for part in place.split("/")):
        done.hidden += 1
        return
    path = target / place
    try:
        if not (path.is_file() and path.stat().st_size == member.size):
            make_folder(path.parent)
            with written_beside(path) as part:
                _copy(member, part)
            done.written += 1
    except OSError as error:
        if error.errno not in BAD_NAMES:
            raise
        raise ManifestError(f"expected a name that the disk takes ({error.strerror}); left out") from error
    folder = place.rpartition("/")[0]
    count, size = done.folders.get(folder, (0, 0))
    done.folders[folder] = count + 1, size + member.size


def name_to_place(name: str, folders: Sequence[str]) -> str:
    """Where a member belongs: a relative path that begins with one of `folders`.

    Args:
        name: As it stands in the archive.
        folders: See `unpack`.

    Raises:
        ManifestError: The name would lead out of the folder, or says nothing.
    """
    steps = [step for step in name.split("/") if step not in {"", "."}]
    if name.startswith("/") or ".." in steps or STRANGE.match(name):
        raise ManifestError("expected a name that stays in the folder; left out")
    start = next((index for index, step in enumerate(steps) if step in folders), None)
    return "/".join([folders[0], *steps] if start is None else steps[start:])


def _copy(member: Member, part: Path) -> None:
    """Write a member's contents to a file.

    Raises:
        EOFError: They are shorter than the archive says.
    """
    size = 0
    source = member.open()
    with part.open("wb") as file:
        while source is not None and (piece := source.read(PIECE)):
            size += file.write(piece)
    if size != member.size:
        raise EOFError(f"{member.name} ends after {size:,} of {member.size:,} bytes")
