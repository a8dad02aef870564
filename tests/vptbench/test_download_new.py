"""Downloads of files whose hash is not known beforehand, from the same server."""

import errno

import pytest
import requests
from download_site import BODY, CUT, sha256
from urllib3.exceptions import ProtocolError

from vptbench import download
from vptbench.download import PIECE, FileFacts, url_to_file, url_to_new_file
from vptbench.errors import DownloadError
from vptbench.gate import USER_AGENT, Gate
from vptbench.manifest import is_part

pytestmark = pytest.mark.usefixtures("no_pauses")


def fetch_known(site, place):
    return url_to_file(site.url, place, sha256=sha256(BODY))


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
    assert f"got {reason}; run again later" in new_refusal(site, place)
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
@pytest.mark.parametrize("bring", [fetch_known, fetch_new], ids=["known", "new"])
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
