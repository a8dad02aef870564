"""Downloads from a server of our own, which cuts, refuses and lies as it is told."""

import errno
import hashlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.exceptions import ProtocolError

from vptbench import download
from vptbench.download import PIECE, FileFacts, hash_fits, pin_to_words, url_to_file, url_to_new_file
from vptbench.errors import DownloadError, ManifestError
from vptbench.gate import USER_AGENT, Gate
from vptbench.manifest import is_part

BODY = np.random.default_rng(5).bytes(5 * PIECE + 1234)
CUT = 2 * PIECE


def sha256(body):
    return hashlib.sha256(body).hexdigest()


@dataclass
class Site:
    """What the server does, and what it was asked for.

    Attributes:
        body: The file.
        cuts: After how many bytes to hang up, for each coming request in turn; None is not at all.
        ranges: Whether it can send the rest of a file.
        early: By how many bytes a rest begins earlier than it was asked for.
        status: Of every answer where it is no file.
        asked: The ``Range`` of every request so far.
        sent: How many bytes each got.
        packed: Whether any request would have taken packed bytes.
        edition: The file's ``ETag``; "" is none.
        headers: More headers of every answer; None takes one away.
        busy: Statuses with ``Retry-After`` of the coming requests, before anything else.
        agents: Who asked.
        most: Bytes of a rest that it sends at a time; 0 is all.
        hang: Seconds for which a cut answer keeps the connection, silently.
    """

    body: bytes = BODY
    cuts: list[int | None] = field(default_factory=list)
    ranges: bool = True
    early: int = 0
    status: int | None = None
    asked: list[str | None] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    packed: bool = False
    url: str = ""
    edition: str = '"1"'
    headers: dict[str, str | None] = field(default_factory=dict)
    busy: list[tuple[int, str]] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    most: int = 0
    hang: float = 0

    def forget(self):
        self.asked.clear()
        self.sent.clear()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        site = self.server.site
        wanted = self.headers["Range"]
        site.asked.append(wanted)
        site.packed |= self.headers["Accept-Encoding"] != "identity"
        site.agents.add(self.headers["User-Agent"])
        if site.busy:
            status, pause = site.busy.pop(0)
            self.send_response(status)
            self.send_header("Retry-After", pause)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.headers.get("If-Range", site.edition) != site.edition:
            wanted = None
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and site.ranges else 0
        begin -= min(site.early, begin)
        rest = site.body[begin:]
        if site.status is not None:
            status, rest = site.status, b"<html>no file</html>"
        elif begin and not rest:
            status = 416
        else:
            status = 206 if begin else 200
        rest = rest[: site.most or None] if status == 206 else rest
        self.send_response(status)
        headers = {"Content-Length": str(len(rest)), "ETag": site.edition or None}
        if status == 206:
            headers["Content-Range"] = f"bytes {begin}-{len(site.body) - 1}/{len(site.body)}"
        for name, value in (headers | site.headers).items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        cut = site.cuts.pop(0) if site.cuts else None
        site.sent.append(len(rest[:cut]))  # first: who has all the bytes may look at once
        self.wfile.write(rest[:cut])
        if cut is not None and site.hang:
            self.wfile.flush()
            time.sleep(site.hang)

    def log_message(self, *words):
        """Keep quiet."""


@contextmanager
def serving(**facts):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # closing waits for what is being sent
    server.site = Site(url=f"http://127.0.0.1:{server.server_port}/net.pth", **facts)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site():
    with serving() as made:
        yield made
        assert not made.packed


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(download, "PAUSES", (0, 0, 0))


@pytest.fixture
def place(tmp_path):
    return tmp_path / "net.pth"


@pytest.fixture
def part(tmp_path):
    return tmp_path / ".net.pth.part"


def fetch(site, place, body=BODY):
    return url_to_file(site.url, place, sha256=sha256(body))


def refusal(site, place, **fetched):
    with pytest.raises(DownloadError) as info:
        fetch(site, place, **fetched)
    text = str(info.value)
    assert "\n" not in text
    assert text.endswith(f"or put the file at {place} by hand")
    assert not place.exists()
    return text


def test_a_whole_file_comes_in_one_request(site, tmp_path):
    place = tmp_path / "not" / "there" / "net.pth"
    assert fetch(site, place) == place
    assert place.read_bytes() == BODY
    assert list(place.parent.iterdir()) == [place]
    assert (site.asked, site.sent) == ([None], [len(BODY)])


def test_a_dropped_connection_goes_on_within_the_call(site, place):
    site.cuts = [CUT, PIECE]
    assert fetch(site, place).read_bytes() == BODY
    assert site.asked == [None, f"bytes={CUT}-", f"bytes={CUT + PIECE}-"]
    assert sum(site.sent) == len(BODY)  # nothing was sent twice


def test_a_drop_loses_less_than_a_piece(site, place):
    site.cuts = [CUT + PIECE - 1]
    assert fetch(site, place).read_bytes() == BODY
    assert int(site.asked[1][6:-1]) >= CUT


def test_the_next_call_goes_on_where_the_last_ended(site, place, part, monkeypatch):
    monkeypatch.setattr(download, "PAUSES", ())
    site.cuts = [CUT]
    text = refusal(site, place)
    assert "dropped 1 times" in text
    assert f"run again to go on after the {CUT:,} bytes kept in {part}" in text
    assert part.read_bytes() == BODY[:CUT]
    assert is_part(part)
    assert fetch(site, place).read_bytes() == BODY
    assert site.asked == [None, f"bytes={CUT}-"]
    assert sum(site.sent) == len(BODY)
    assert not part.exists()


def test_a_connection_that_keeps_dropping_is_given_up(site, place, part):
    site.cuts = [PIECE, 0, PIECE, 0, None]
    assert "dropped 4 times, at last by: IncompleteRead" in refusal(site, place)
    assert part.stat().st_size == 2 * PIECE
    assert len(site.asked) == 4


def test_a_server_that_sends_no_rest_sends_all(site, place):
    site.ranges, site.cuts = False, [CUT]
    assert fetch(site, place).read_bytes() == BODY
    assert site.asked == [None, f"bytes={CUT}-"]
    assert site.sent == [CUT, len(BODY)]


def test_a_server_that_sends_all_replaces_a_longer_part(site, place, part):
    part.write_bytes(b"stale" + BODY)
    site.ranges = False
    assert fetch(site, place).read_bytes() == BODY


def test_a_rest_that_begins_too_early_is_put_where_it_belongs(site, place):
    site.early, site.cuts = 100, [CUT]
    assert fetch(site, place).read_bytes() == BODY
    assert site.sent == [CUT, len(BODY) - CUT + 100]


def test_a_part_that_lacks_nothing_is_taken(site, place, part):
    part.write_bytes(BODY)
    assert fetch(site, place).read_bytes() == BODY
    assert site.asked == [f"bytes={len(BODY)}-"]  # answered with 416, and with a body that isn't the file's


@pytest.mark.parametrize(
    "stale", [BODY + b"more", BODY[:-1] + b"?", bytes(CUT)], ids=["longer", "as long", "begins so"]
)
def test_a_part_of_another_file_is_deleted_and_the_next_call_begins_anew(site, place, part, stale):
    part.write_bytes(stale)
    text = refusal(site, place)
    assert f"another file in place of SHA-256 {sha256(BODY)}" in text
    assert "are deleted (the server's file may have changed); run again from the start" in text
    assert list(place.parent.iterdir()) == []
    site.forget()
    assert fetch(site, place).read_bytes() == BODY
    assert site.asked == [None]


def test_a_wrong_hash_leaves_nothing(site, place):
    site.body = b"other" * PIECE
    assert f"{len(site.body):,} bytes with SHA-256 {sha256(site.body)}" in refusal(site, place)
    assert list(place.parent.iterdir()) == []
    assert len(site.asked) == 1
    site.body = BODY
    assert fetch(site, place).read_bytes() == BODY
    assert site.asked == [None, None]


def test_a_web_page_is_called_one(site, place):
    site.body = b"\n<!DOCTYPE html><title>Sign in</title>"
    assert "got a web page in place of" in refusal(site, place)
    assert list(place.parent.iterdir()) == []


@pytest.mark.parametrize(("status", "name"), [(404, "Not Found"), (403, "Forbidden"), (500, "Internal")])
def test_a_refusal_is_named_and_keeps_what_was_there(site, place, part, status, name):
    site.status = status
    text = refusal(site, place)
    assert f"expected {site.url}, got status {status} ({name}" in text
    assert "run again from the start" in text
    assert list(place.parent.iterdir()) == []
    part.write_bytes(BODY[:CUT])
    assert f"after the {CUT:,} bytes" in refusal(site, place)
    assert part.read_bytes() == BODY[:CUT]
    assert len(site.asked) == 2  # a refusal isn't asked again


def test_no_more_to_send_of_nothing_is_a_refusal(site, place):
    site.status = 416
    assert "got status 416" in refusal(site, place)


def test_offline_is_told_at_once(place, monkeypatch):
    monkeypatch.setattr(download, "PAUSES", (60,))
    with serving() as site:
        pass  # nobody listens there any more
    assert f"expected {site.url}, got Connection refused; run again" in refusal(site, place)

    def unknown(*_arguments, **_named):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "got Name or service not known; run again" in refusal(site, place)
    assert list(place.parent.iterdir()) == []


def test_a_network_that_goes_and_comes_back(site, place, monkeypatch):
    site.cuts = [CUT]
    real, calls = requests.get, []

    def get(*arguments, **named):
        calls.append(named["headers"].get("Range"))
        if len(calls) == 2:
            raise requests.ConnectionError("gone")
        return real(*arguments, **named)

    monkeypatch.setattr(requests, "get", get)
    assert fetch(site, place).read_bytes() == BODY
    assert calls == [None, f"bytes={CUT}-", f"bytes={CUT}-"]


LIMITED = """
import resource, sys
from pathlib import Path
from vptbench.download import url_to_file
from vptbench.errors import DownloadError
url, place, sha256, limit = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    url_to_file(url, Path(place), sha256=sha256)
except DownloadError as error:
    print(error)
"""


def test_a_full_disk_is_one_line_and_keeps_the_part(site, place, part):
    limit = CUT + 500
    words = [site.url, place, sha256(BODY), limit]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, words)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert done.stdout == (
        f"expected to bring {place}, the system refused: File too large; mend that, then run again to go on "
        f"after the {limit:,} bytes kept in {part}, or put the file at {place} by hand\n"
    )
    assert list(place.parent.iterdir()) == [part]
    site.forget()
    assert fetch(site, place).read_bytes() == BODY
    assert (site.asked, site.sent) == ([f"bytes={limit}-"], [len(BODY) - limit])


def test_a_file_that_is_there_is_not_asked_for(site, place):
    place.write_bytes(BODY)
    fetch(site, place)
    url_to_file(site.url, place, sha256=sha256(BODY)[:8])
    assert site.asked == []


def test_another_file_stays_until_the_right_one_is_here(site, place):
    place.write_bytes(b"damaged")
    site.status = 404
    with pytest.raises(DownloadError, match="404"):
        fetch(site, place)
    assert place.read_bytes() == b"damaged"
    site.status = None
    assert fetch(site, place).read_bytes() == BODY


@pytest.mark.parametrize("step", ["_receive", "_check_part", "replace"])
@pytest.mark.parametrize("body", [BODY, b"other"], ids=["right", "wrong"])
def test_who_comes_second_ends_well_where_the_right_file_is(site, place, part, monkeypatch, step, body):
    """Another process renames the part that both of them write, at whichever moment; or its file is wrong."""
    owner = Path if step == "replace" else download
    real = getattr(owner, step)

    def first(*arguments, **named):
        if step != "_receive":
            part.unlink()
        place.write_bytes(body)
        if step == "_receive":  # which also ends where the connection does
            raise requests.ConnectionError("gone")
        return real(*arguments, **named)

    monkeypatch.setattr(owner, step, first)
    if body == BODY:
        assert fetch(site, place) == place
    else:
        with pytest.raises(DownloadError, match="gone" if step == "_receive" else "No such file"):
            fetch(site, place)
    assert place.read_bytes() == body


def test_places_where_no_file_can_be(site, tmp_path):
    with pytest.raises(DownloadError, match=r"expected to write the file .*, found a folder; move it"):
        fetch(site, tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ManifestError, match="is a file"):
        fetch(site, tmp_path / "file" / "net.pth")
    (tmp_path / ".net.pth.part").mkdir()
    assert "the system refused: Is a directory" in refusal(site, tmp_path / "net.pth")


def test_the_beginning_of_a_hash_is_enough(site, place):
    with pytest.raises(DownloadError, match="another file in place of SHA-256 starting with 01234567: "):
        url_to_file(site.url, place, sha256="01234567")
    assert list(place.parent.iterdir()) == []
    assert url_to_file(site.url, place, sha256=sha256(BODY)[:8]).read_bytes() == BODY


def test_pins():
    full = sha256(BODY)
    assert all(hash_fits(full, full[:digits]) for digits in (8, 9, 64))
    assert not hash_fits(full, "0" * 8)
    assert not hash_fits(full, full[1:])
    assert pin_to_words(full) == f"SHA-256 {full}"
    assert pin_to_words(full[:9]) == f"SHA-256 starting with {full[:9]}"
    for pinned in ("", full[:7], full + "0", full.upper(), "sha256:" + full):
        with pytest.raises(DownloadError, match="expected a pinned SHA-256 of 8 to 64 lower-case hex digits"):
            hash_fits(full, pinned)


def test_the_bar_starts_where_the_file_stands(site, place, part, monkeypatch):
    bars = []

    def track(items, *, total, label, unit):
        done = len(part.read_bytes()), next(items), next(items), next(items)  # 3 MiB were there before
        bars.append((done[0], 3 + len(list(items)), total, label, unit))
        return iter(())

    monkeypatch.setattr(download, "track", track)
    site.body = np.random.default_rng(6).bytes(7 * download.MIB + 5)
    part.write_bytes(site.body[: 3 * download.MIB + 99])
    assert fetch(site, place, body=site.body).read_bytes() == site.body
    assert bars == [(3 * download.MIB + 99, 7, 7, "net.pth", "MiB")]


@settings(max_examples=20)
@given(cuts=st.lists(st.integers(0, 60), max_size=8), ranges=st.booleans())
def test_whatever_the_cuts_the_file_comes(cuts, ranges):
    body = bytes(range(100))
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(download, "PIECE", 7)
        place = Path(folder) / "net.pth"
        with serving(body=body, cuts=list(cuts), ranges=ranges) as site:
            for _ in range(3):  # calls of up to four requests each
                with suppress(DownloadError):
                    fetch(site, place, body=body)
                assert not place.exists() or place.read_bytes() == body
        assert place.read_bytes() == body


def fetch_new(site, place, problem=None, gate=None):
    return url_to_new_file(site.url, place, gate=gate or Gate(), check=lambda _part: problem)


def new_refusal(site, place, **how):
    with pytest.raises(DownloadError) as info:
        fetch_new(site, place, **how)
    text = str(info.value)
    assert "\n" not in text
    assert not place.exists()
    return text


@pytest.fixture
def tag(tmp_path):
    return tmp_path / ".net.pth.tag.part"


def test_a_new_file_is_told_by_length_and_hash(site, place):
    assert fetch_new(site, place) == FileFacts(len(BODY), sha256(BODY))
    assert place.read_bytes() == BODY
    assert list(place.parent.iterdir()) == [place]
    assert site.agents == {USER_AGENT}


def test_a_new_file_goes_on_within_the_call_and_in_the_next(site, place, part, tag, monkeypatch):
    monkeypatch.setattr(download, "PAUSES", (0,))
    site.cuts = [CUT, PIECE]
    assert f"after the {CUT + PIECE:,} bytes kept in {part}" in new_refusal(site, place)
    assert is_part(tag)
    fetch_new(site, place)
    assert place.read_bytes() == BODY
    assert site.asked == [None, f"bytes={CUT}-", f"bytes={CUT + PIECE}-"]
    assert sum(site.sent) == len(BODY)
    assert list(place.parent.iterdir()) == [place]


@pytest.mark.parametrize(
    "length", [len(BODY), len(BODY) - PIECE, CUT - 1], ids=["as long", "shorter", "cut off"]
)
def test_two_editions_of_a_new_file_are_never_mixed(site, place, length, monkeypatch):
    monkeypatch.setattr(download, "PAUSES", ())
    site.cuts = [CUT]
    new_refusal(site, place)
    site.edition, site.body = '"2"', b"x" * length
    fetch_new(site, place)
    assert place.read_bytes() == site.body
    assert site.asked == [None, f"bytes={CUT}-"]


@pytest.mark.parametrize(
    ("edition", "date", "asked"),
    [
        ("", None, None),
        ('W/"1"', None, None),  # equal in meaning, not in bytes
        ("Mon, 06 Jul 2026 09:00:00 GMT", "Mon, 06 Jul 2026 09:00:00 GMT", f"bytes={CUT}-"),
    ],
)
def test_a_rest_is_asked_for_only_where_the_edition_is_known(site, place, edition, date, asked, monkeypatch):
    monkeypatch.setattr(download, "PAUSES", ())
    site.cuts, site.edition = [CUT], edition
    if date:
        site.headers = {"ETag": None, "Last-Modified": date}
    new_refusal(site, place)
    fetch_new(site, place)
    assert place.read_bytes() == BODY
    assert site.asked == [None, asked]


def test_a_server_that_swaps_the_file_under_its_edition_is_caught_by_the_length(site, place, part):
    site.cuts = [CUT, None, CUT, None]  # a first half, and a rest that says it is of a longer file
    site.headers = {"Content-Range": f"bytes {CUT}-{len(BODY) + 8}/{len(BODY) + 9}"}
    assert "at last by: another rest than that of the file before" in new_refusal(site, place)
    assert not part.exists()


def test_a_rest_that_comes_in_pieces_is_not_whole_before_the_last(site, place, part):
    site.cuts, site.most = [CUT], PIECE
    assert f"dropped 4 times, at last by: {5 * PIECE:,} of {len(BODY):,} bytes" in new_refusal(site, place)
    assert part.read_bytes() == BODY[: 5 * PIECE]
    fetch_new(site, place)
    assert place.read_bytes() == BODY
    assert sum(site.sent) == len(BODY)


def test_a_new_part_that_lacks_nothing_is_not_asked_for(site, place, part):
    site.cuts = [CUT, 0, 0, 0]
    new_refusal(site, place)
    part.write_bytes(BODY)
    site.forget()
    assert fetch_new(site, place).sha256 == sha256(BODY)
    assert site.asked == []


@pytest.mark.parametrize("tag_text", ["", "[]", "{}", '{"url": 3}', '{"url": "http://other", "length": 9}'])
def test_a_part_without_a_tag_of_its_own_is_begun_anew(site, place, part, tag, tag_text):
    part.write_bytes(b"stale")
    tag.write_text(tag_text)
    fetch_new(site, place)
    assert place.read_bytes() == BODY
    assert site.asked == [None]


def test_a_new_file_of_unknown_length_is_refused_unless_its_end_is_marked(site, place):
    site.headers = {"Content-Length": None}
    assert "got an answer that does not say how long the file is" in new_refusal(site, place)
    site.headers = {"Content-Length": None, "Transfer-Encoding": "chunked"}
    site.body = b"5\r\nhello\r\n0\r\n\r\n"
    assert fetch_new(site, place).size == 5
    assert place.read_bytes() == b"hello"
    site.body = b"5\r\nhel"
    place.unlink()
    assert "dropped 4 times" in new_refusal(site, place)


def test_an_answer_with_another_length_than_it_states(site, place):
    site.headers = {"Content-Length": str(len(BODY) + 1)}
    assert "dropped 4 times" in new_refusal(site, place)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Content-Type": "text/html; charset=utf-8"}, "a web page in place of a file"),
        ({"Content-Encoding": "gzip"}, "packed bytes, which nobody asked for"),
    ],
)
def test_answers_that_are_no_files_leave_nothing(site, place, headers, reason):
    site.headers = headers
    assert f"got {reason}; run again from the start" in new_refusal(site, place)
    assert list(place.parent.iterdir()) == []
    assert len(site.asked) == 1


def test_what_the_check_finds_is_told_and_the_file_deleted(site, place):
    assert f"got no net ({len(BODY):,} bytes, which are deleted); run" in new_refusal(
        site, place, problem="no net"
    )
    assert list(place.parent.iterdir()) == []
    place.write_bytes(b"old")
    with pytest.raises(DownloadError):
        fetch_new(site, place, problem="no net")
    assert place.read_bytes() == b"old"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("bring", [fetch, fetch_new], ids=["known", "new"])
def test_a_busy_server_is_asked_again(site, place, status, bring):
    site.busy = [(status, "0"), (status, "soon")]
    bring(site, place)
    assert place.read_bytes() == BODY
    assert len(site.asked) == 3


def test_a_server_that_stays_busy_is_given_up(site, place):
    site.busy = [(429, "0")] * 9
    assert "got status 429 (Too Many Requests) 4 times; run again" in new_refusal(site, place)
    assert len(site.asked) == 4


def test_a_server_that_wants_to_be_left_alone_is(site, place):
    site.busy = [(503, "3600")]
    gate = Gate()
    assert "not to be asked again for 3,600 seconds" in new_refusal(site, place, gate=gate)
    assert "got nothing, as it was not asked for (status 503" in new_refusal(site, place, gate=gate)
    assert len(site.asked) == 1


def test_a_full_disk_stops_all_and_keeps_the_part(site, place, part, monkeypatch):
    gate = Gate()
    with monkeypatch.context() as patch:
        patch.setattr(download, "_written", full_after(CUT))
        assert "the system refused: No space left on device" in new_refusal(site, place, gate=gate)
    assert part.stat().st_size == CUT
    assert "not asked for (the system refused: No space left" in new_refusal(site, place, gate=gate)
    fetch_new(site, place)
    assert place.read_bytes() == BODY
    assert site.asked == [None, f"bytes={CUT}-"]


def full_after(count):
    def written(answer, file, _begin):
        file.write(next(answer.iter_content(count)))
        raise OSError(errno.ENOSPC, "No space left on device")
        yield

    return written


def test_a_reset_before_the_answer_is_a_drop(site, place, monkeypatch):
    real, calls = requests.get, []

    def get(*arguments, **named):
        calls.append(1)
        if len(calls) == 1:
            raise requests.ConnectionError(
                ProtocolError("aborted", ConnectionResetError(104, "reset by peer"))
            )
        if len(calls) == 2:
            raise requests.ReadTimeout("silent")
        return real(*arguments, **named)

    monkeypatch.setattr(requests, "get", get)
    fetch_new(site, place)
    assert (place.read_bytes(), len(calls)) == (BODY, 3)


def test_a_slow_server_is_given_time_between_bytes_alone(site, place, monkeypatch):
    """It hangs in the middle; the next request goes on behind what came."""
    monkeypatch.setattr(download, "TIMEOUT", (1, 0.2))
    site.cuts, site.hang = [CUT], 0.6
    fetch_new(site, place)
    assert place.read_bytes() == BODY
    assert site.asked == [None, f"bytes={CUT}-"]
