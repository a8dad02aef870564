"""Downloads from a server of our own, which cuts, refuses and lies as it is told."""

import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import requests
from download_site import BODY, CUT, serving, sha256
from hypothesis import given, settings
from hypothesis import strategies as st

from vptbench import download
from vptbench.download import PIECE, hash_fits, pin_to_words, url_to_file
from vptbench.errors import DownloadError, ManifestError
from vptbench.manifest import is_part

pytestmark = pytest.mark.usefixtures("no_pauses")


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
    assert "are deleted (the server's file may have changed); run again later" in text
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
    assert ("the server has it no longer" if status == 404 else "run again later") in text
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
