"""Downloads of single files with known hashes: cut ones go on where they ended; a file is whole or absent.

What has come so far lies beside the file's place, as ``.NAME.part``. A dropped connection, a full disk and
Ctrl-C keep it, and the next call asks the server for the rest alone. When the hash of all of it is the pinned
one, it is renamed; with another hash it is deleted, since nobody can tell which of its bytes are wrong.
One process at a time should bring a file: two spoil each other's part, which the hash then tells. Where one
of them has put the right file in its place all the same, the other ends well.
"""

import re
import time
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import BinaryIO

import requests

from vptbench.errors import DownloadError
from vptbench.manifest import PART_SUFFIX, file_to_sha256, make_folder
from vptbench.progress import track

TIMEOUT = (10, 30)
"""Seconds after which a server is given up: until it answers the call, and between any two of its bytes."""

PAUSES = (1.0, 4.0, 16.0)
"""Seconds before a dropped connection is made again, for the first time, the second, and so on."""

PIECE = 2**16
"""Bytes that are written at a time; a drop loses fewer."""

MIB = 2**20
"""Bytes between two steps of the bar."""

PIN = re.compile(r"[0-9a-f]{8,64}")
"""What may be known of a SHA-256: all of it, or how it begins."""

WEB_PAGE = (b"<!doctype html", b"<html")
"""How a web page begins, which some servers give in place of a file."""


class _DropError(requests.RequestException):
    """The connection ended before the file did."""


def url_to_file(url: str, place: Path, *, sha256: str) -> Path:
    """Bring the file at `url` to `place`, unless it is there already.

    A connection that drops is made again a few times. A server that cannot send a rest sends everything.
    Another file that stands at `place` stays until the right one replaces it.

    Args:
        url: An http or https address.
        place: Where the file is to be.
        sha256: Of its bytes in lower-case hex, or how that begins (8 digits or more).

    Returns:
        `place`.

    Raises:
        DownloadError: The server cannot be reached, refuses, or keeps dropping the connection; the disk
            refuses; or what came has another hash. The text says how much of it is kept.
        ManifestError: The parent of `place` is a file.

    Example:
        ``url_to_file("https://example.org/net.pth", Path("net.pth"), sha256="7be5be79")``
    """
    make_folder(place.parent)
    if place.is_dir():
        raise DownloadError(f"expected to write the file {place}, found a folder; move it and run again")
    part = place.with_name(f".{place.name}{PART_SUFFIX}")
    try:
        if not (place.is_file() and hash_fits(file_to_sha256(place), sha256)):
            _receive(url, part, label=place.name)
            _check_part(part, sha256)
            part.replace(place)
    except OSError as error:  # which those of requests are
        if not _is_brought(place, sha256):
            raise DownloadError(_refusal(error, url, part, place)) from error
    return place


def _is_brought(place: Path, pinned: str) -> bool:
    """Whether another process has put the right file at `place` meanwhile, by renaming our part, say."""
    try:
        return place.is_file() and hash_fits(file_to_sha256(place), pinned)
    except OSError:
        return False


def _refusal(error: OSError, url: str, part: Path, place: Path) -> str:
    if isinstance(error, requests.RequestException):
        return f"expected {url}, got {_reason(error)}; {_way_out(part, place)}"
    return (
        f"expected to bring {place}, the system refused: {_reason(error)}; "
        f"mend that, then {_way_out(part, place)}"
    )


def hash_fits(found: str, pinned: str) -> bool:
    """Whether a file's SHA-256 is the pinned one, or begins as it is pinned to.

    Args:
        found: Of the file, in lower-case hex.
        pinned: 8 to 64 lower-case hex digits.

    Raises:
        DownloadError: `pinned` is no such thing; too few digits would let other files pass.
    """
    if PIN.fullmatch(pinned) is None:
        raise DownloadError(
            f"expected a pinned SHA-256 of 8 to 64 lower-case hex digits, got {pinned!r}; mend the table"
        )
    return found.startswith(pinned)


def pin_to_words(pinned: str) -> str:
    """A pinned hash as messages name it: in full, or as the beginning that it is."""
    return f"SHA-256 {pinned}" if len(pinned) == 64 else f"SHA-256 starting with {pinned}"


def _receive(url: str, part: Path, *, label: str) -> None:
    """Add to `part` what it lacks. A server that cannot be reached at all is not asked twice.

    Raises:
        HTTPError: The server refuses.
        ConnectionError: It cannot be reached.
        Timeout: It does not answer.
        _DropError: The connection dropped once too often.
    """
    dropped = ""
    for pause in (0.0, *PAUSES):
        time.sleep(pause)
        try:
            with _ask(url, _size(part)) as answer:
                if answer.status_code != requests.codes.requested_range_not_satisfiable:
                    _write(answer, part, label=label)
                return
        except _DropError as error:
            dropped = _reason(error)
        except (requests.ConnectionError, requests.Timeout) as error:
            if not dropped:
                raise
            dropped = _reason(error)
    raise _DropError(f"a connection that dropped {1 + len(PAUSES)} times, at last by: {dropped}")


def _ask(url: str, have: int) -> requests.Response:
    """Ask for a file from byte `have` on.

    Returns:
        An answer with bytes to read; or, to `have` bytes, that there are no more (416).

    Raises:
        HTTPError: The answer has another status.
    """
    headers = {"Accept-Encoding": "identity"}  # packed bytes could not be counted
    allowed = {requests.codes.ok}
    if have:
        headers["Range"] = f"bytes={have}-"
        allowed |= {requests.codes.partial_content, requests.codes.requested_range_not_satisfiable}
    answer = requests.get(url, headers=headers, stream=True, timeout=TIMEOUT)
    if answer.status_code not in allowed:
        answer.close()
        raise requests.HTTPError(f"status {answer.status_code} ({answer.reason})")
    return answer


def _write(answer: requests.Response, part: Path, *, label: str) -> None:
    """Write an answer into `part`, from where the answer says that it begins."""
    stated = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    begin = int(stated[1]) if stated else 0
    length = answer.headers.get("Content-Length", "")
    end = begin + (int(length) if length.isdecimal() else 0)
    part.touch()
    with part.open("r+b") as file:
        file.seek(begin)
        file.truncate()
        for _ in track(_written(answer, file, begin), total=end // MIB, label=label, unit="MiB"):
            pass


def _written(answer: requests.Response, file: BinaryIO, begin: int) -> Iterator[None]:
    """Write an answer to where `file` stands, at byte `begin`; a step for every MiB that the file has.

    Raises:
        _DropError: The answer ends too soon.
    """
    yield from repeat(None, begin // MIB)
    have = begin
    try:
        for piece in answer.iter_content(PIECE):
            file.write(piece)
            yield from repeat(None, (have + len(piece)) // MIB - have // MIB)
            have += len(piece)
    except requests.RequestException as error:
        raise _DropError from error


def _check_part(part: Path, pinned: str) -> None:
    """Return if `part` has the pinned hash; otherwise delete it.

    Raises:
        requests.RequestException: It has another.
    """
    found = file_to_sha256(part)
    if hash_fits(found, pinned):
        return
    with part.open("rb") as file:
        page = file.read(512).lstrip().lower().startswith(WEB_PAGE)
    size = _size(part)
    part.unlink()
    raise requests.RequestException(
        f"{'a web page' if page else 'another file'} in place of {pin_to_words(pinned)}: {size:,} bytes "
        f"with SHA-256 {found}, which are deleted (the server's file may have changed)"
    )


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _reason(error: BaseException) -> str:
    """The innermost cause of an error, in one line: what wraps it tells of pools and retries."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    told = error.strerror if isinstance(error, OSError) else None
    return " ".join((told or str(error) or type(error).__name__).split())


def _way_out(part: Path, place: Path) -> str:
    kept = _size(part)
    again = (
        f"run again to go on after the {kept:,} bytes kept in {part}" if kept else "run again from the start"
    )
    return f"{again}, or put the file at {place} by hand"
