"""Downloads of single files: cut ones go on where they ended; a file is whole or absent.

What has come so far lies beside the file's place, as ``.NAME.part``. A dropped connection, a full disk and
Ctrl-C keep it, and the next call asks the server for the rest alone.

Where the hash is known (`url_to_file`), the part is renamed when the hash of all of it is the pinned one;
with another hash it is deleted, since nobody can tell which of its bytes are wrong. One process at a time
should bring a file: two spoil each other's part, which the hash then tells.

Where it is not known (`url_to_new_file`), ``.NAME.tag.part`` keeps the length and edition that the server
stated. A rest is taken of that edition alone. The caller keeps a second process out.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import repeat
from pathlib import Path
from typing import BinaryIO

import requests

from vptbench.errors import DownloadError
from vptbench.gate import USER_AGENT, BusyError, Gate, UnreachableError, is_reset
from vptbench.manifest import PART_SUFFIX, file_to_sha256, make_folder, write_text
from vptbench.progress import track

TIMEOUT = (10, 30)
"""Seconds after which a server is given up: until it answers the call, and between any two of its bytes."""

PAUSES = (1.0, 4.0, 16.0)
"""Seconds before a dropped connection is made again, for the first time, the second, and so on."""

PIECE = 2**16
"""Bytes that are written at a time; a drop loses fewer."""

MIB = 2**20
"""Bytes between two steps of the bar."""

GONE = (requests.codes.not_found, requests.codes.gone)
"""Answers of a server that has no such file, and will not have it tomorrow."""

NO_MORE = requests.codes.requested_range_not_satisfiable
"""Status 416: nothing comes after the byte that was asked for."""

PIN = re.compile(r"[0-9a-f]{8,64}")
"""What may be known of a SHA-256: all of it, or how it begins."""

WEB_PAGE = (b"<!doctype html", b"<html")
"""How a web page begins, which some servers give in place of a file."""


class _DropError(requests.RequestException):
    """The connection ended before the file did."""


@dataclass(frozen=True)
class FileFacts:
    """What came: its length in bytes, and its SHA-256 in lower-case hex."""

    size: int
    sha256: str


@dataclass(frozen=True)
class _Tag:
    """What a server said of the file that a part belongs to.

    Attributes:
        url: Where it was asked for.
        edition: Its ``ETag`` or the date of its last change; empty where a rest cannot be asked for.
        length: Of the whole file, bytes; -1 where only the end of the answer tells.
    """

    url: str
    edition: str = ""
    length: int = -1


@dataclass(frozen=True)
class _Transfer:
    """One file on its way.

    Attributes:
        url: Where it comes from.
        part: Where its bytes are gathered.
        gate: See there.
        label: Of its bar; empty draws none.
        tag: Where its `_Tag` is kept; None where the file's hash is known.
    """

    url: str
    part: Path
    gate: Gate = field(default_factory=Gate)
    label: str = ""
    tag: Path | None = None


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
            _receive(_Transfer(url, part, label=place.name))
            _check_part(part, sha256)
            part.replace(place)
    except OSError as error:  # which those of requests are
        if not _is_brought(place, sha256):
            raise DownloadError(_refusal(error, url, part, place)) from error
    return place


def url_to_new_file(url: str, place: Path, *, gate: Gate, check: Callable[[Path], str | None]) -> FileFacts:
    """Bring the file at `url`, whose hash is not known beforehand, to `place`.

    Args:
        url: An http or https address.
        place: Where the file is to be; one that is there stays until the new one is whole.
        gate: Shared by all files of one server.
        check: Gets the path of the whole file before it is at `place`, and says what is wrong with it ("a web
            page"), or None. A wrong file is deleted.

    Raises:
        DownloadError: As of `url_to_file`; or an answer is a web page or may have been cut, or `check` found
            something.
        ManifestError: The parent of `place` is a file.
    """
    make_folder(place.parent)
    part = place.with_name(f".{place.name}{PART_SUFFIX}")
    tag = place.with_name(f".{place.name}.tag{PART_SUFFIX}")
    try:
        _receive(_Transfer(url, part, gate, tag=tag))
        tag.unlink(missing_ok=True)
        _check_kind(part, check)
        facts = FileFacts(_size(part), file_to_sha256(part))
        part.replace(place)
    except OSError as error:  # which those of requests are
        gate.end(error, _reason(error))
        raise DownloadError(_refusal(error, url, part, place)) from error
    gate.end(None)
    return facts


def _is_brought(place: Path, pinned: str) -> bool:
    """Whether another process has put the right file at `place` meanwhile, by renaming our part, say."""
    try:
        return place.is_file() and hash_fits(file_to_sha256(place), pinned)
    except OSError:
        return False


def _refusal(error: OSError, url: str, part: Path, place: Path) -> str:
    if isinstance(error, requests.RequestException):
        gone = error.response is not None and error.response.status_code in GONE
        return f"expected {url}, got {_reason(error)}; {_way_out(part, place, gone=gone)}"
    reason = _reason(error)
    return f"expected to bring {place}, the system refused: {reason}; mend that, then {_way_out(part, place)}"


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


def _receive(transfer: _Transfer) -> None:
    """Add to the part what it lacks. A server that cannot be reached at all is not asked twice.

    Raises:
        HTTPError: The server refuses.
        ConnectionError: It cannot be reached.
        Timeout: It does not answer.
        UnreachableError: The connection dropped, or the server was busy, once too often.
    """
    failure: requests.RequestException | None = None
    for pause in (0.0, *PAUSES):
        transfer.gate.wait(pause)
        try:
            return _add(transfer)
        except (_DropError, BusyError) as error:
            failure = error
        except (requests.ConnectionError, requests.Timeout) as error:
            if failure is None and not is_reset(error):
                raise UnreachableError from error
            failure = error
    times = f"{1 + len(PAUSES)} times"
    if failure is None or isinstance(failure, BusyError):
        raise UnreachableError(f"{failure} {times}")
    raise UnreachableError(f"a connection that dropped {times}, at last by: {_reason(failure)}")


def _add(transfer: _Transfer) -> None:
    """Ask for what the part lacks, once, and write it.

    Raises:
        _DropError: The answer ends too soon, or does not fit what came before.
    """
    tag = _read_tag(transfer)
    have = _size(transfer.part)
    if tag and have == tag.length:
        return
    if transfer.tag and not (tag and tag.edition and have < tag.length):
        have, tag = 0, None
    with _ask(transfer, have, tag) as answer:
        if transfer.tag is None and answer.status_code == NO_MORE:
            return
        begin, length = _answer_to_range(answer)
        if answer.status_code == requests.codes.ok and transfer.tag:
            _begin_anew(transfer, answer, length)
        elif tag and (answer.status_code == NO_MORE or begin > have or length != tag.length):
            transfer.part.unlink()
            raise _DropError("another rest than that of the file before")
        _write(answer, transfer, begin)
    if transfer.tag and length not in {-1, _size(transfer.part)}:
        raise _DropError(f"{_size(transfer.part):,} of {length:,} bytes")


def _begin_anew(transfer: _Transfer, answer: requests.Response, length: int) -> None:
    """Empty the part, then keep what the answer says of its file.

    Raises:
        HTTPError: It does not say enough to tell a whole file from a cut one, or is a web page.
    """
    if "html" in answer.headers.get("Content-Type", "").lower():
        moved = f" from {answer.url}" if answer.history else ""
        raise requests.HTTPError(f"a web page{moved} in place of a file")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise requests.HTTPError("packed bytes, which nobody asked for")
    if length < 0 and answer.headers.get("Transfer-Encoding", "") != "chunked":
        raise requests.HTTPError("an answer that does not say how long the file is")
    edition = answer.headers.get("ETag", "")
    if not edition or edition.startswith("W/"):  # a weak one promises no equal bytes
        edition = answer.headers.get("Last-Modified", "")
    transfer.part.write_bytes(b"")
    if transfer.tag:
        write_text(transfer.tag, json.dumps(asdict(_Tag(transfer.url, edition, length))))


def _read_tag(transfer: _Transfer) -> _Tag | None:
    """What the server said when the part was begun, if it was from the same address."""
    if transfer.tag is None or not transfer.part.is_file():
        return None
    try:
        tag = _Tag(**json.loads(transfer.tag.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return tag if tag.url == transfer.url else None


def _ask(transfer: _Transfer, have: int, tag: _Tag | None) -> requests.Response:
    """Ask for a file from byte `have` on; to some bytes, the answer may be that there are no more (416).

    Raises:
        HTTPError: The answer has another status.
        BusyError: The server asks for a pause, which the gate now keeps.
    """
    headers = {"Accept-Encoding": "identity", "User-Agent": USER_AGENT}  # packed bytes could not be counted
    allowed = {requests.codes.ok}
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag:
            headers["If-Range"] = tag.edition
        allowed |= {requests.codes.partial_content, NO_MORE}
    answer = requests.get(transfer.url, headers=headers, stream=True, timeout=TIMEOUT)
    if answer.status_code in allowed:
        return answer
    answer.close()
    transfer.gate.heed(answer)
    raise requests.HTTPError(f"status {answer.status_code} ({answer.reason})", response=answer)


def _answer_to_range(answer: requests.Response) -> tuple[int, int]:
    """The byte that an answer begins with, and the length of the whole file (-1: not said)."""
    stated = re.match(r"bytes (\d+)-\d*/(\d+)?", answer.headers.get("Content-Range", ""))
    if stated and answer.status_code == requests.codes.partial_content:
        return int(stated[1]), int(stated[2] or -1)
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else -1


def _write(answer: requests.Response, transfer: _Transfer, begin: int) -> None:
    """Write an answer into the part, from byte `begin`."""
    length = answer.headers.get("Content-Length", "")
    end = begin + (int(length) if length.isdecimal() else 0)
    transfer.part.touch()
    with transfer.part.open("r+b") as file:
        file.seek(begin)
        file.truncate()
        steps = _written(answer, file, begin)
        bar = track(steps, total=end // MIB, label=transfer.label, unit="MiB") if transfer.label else steps
        for _ in bar:
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


def _check_kind(part: Path, check: Callable[[Path], str | None]) -> None:
    """Return if `check` finds nothing; otherwise delete the part.

    Raises:
        HTTPError: It finds something.
    """
    if problem := check(part):
        size = _size(part)
        part.unlink()
        raise requests.HTTPError(f"{problem} ({size:,} bytes, which are deleted)")


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _reason(error: BaseException) -> str:
    """The innermost cause of an error, in one line: what wraps it tells of pools and retries."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    told = error.strerror if isinstance(error, OSError) else None
    return " ".join((told or str(error) or type(error).__name__).split())


def _way_out(part: Path, place: Path, *, gone: bool = False) -> str:
    kept = _size(part)
    lost = "the server has it no longer: look for another copy" if gone else "run again later"
    again = f"run again to go on after the {kept:,} bytes kept in {part}" if kept else lost
    return f"{again}, or put the file at {place} by hand"
