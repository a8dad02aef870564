"""FashionVideo from a server of our own, which fails in all the usual ways."""

import csv
import errno
import hashlib
import re
import time

import numpy as np
import pytest
from video_site import PAGE, box, serving, video

from vptbench import download
from vptbench.download import PIECE
from vptbench.errors import DatasetError, DownloadError
from vptbench.prepare import links
from vptbench.prepare.fashionvideo import FashionVideo
from vptbench.prepare.fetch import FetchSettings, fetch
from vptbench.prepare.links import video_to_problem


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(download, "PAUSES", (0, 0, 0))


@pytest.fixture
def site(monkeypatch):
    """Four test videos and two of training, all well."""
    with serving() as made:
        monkeypatch.setattr(links, "ADDRESS", f"{made.url}/lists/")
        for split, names in (("train", "ab"), ("test", ["c", "91+BM-x2S", "d", "e"])):
            made.list(split, [f"{name}.mp4" for name in names])
            for name in names:
                made.files[f"/{name}.mp4"] = video(sum(map(ord, name)))
        made.kinds = dict.fromkeys(["/lists/fashion_train.txt", "/lists/fashion_test.txt"], "text/plain")
        yield made


@pytest.fixture
def raw(tmp_path):
    return tmp_path / "raw"


TEST = FetchSettings(splits=("test",))


def get(raw, settings=TEST):
    report = fetch("fashionvideo", raw, settings)
    assert not [path for path in raw.rglob("*") if path.is_file() and path.stat().st_size == 0]
    return report


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_all_comes_with_lengths_and_hashes_in_the_layout_that_prepare_reads(site, raw):
    report = get(raw, FetchSettings())
    assert (report.present, report.listed, report.skipped, report.failed) == (6, 6, (), {})
    assert [clip.problem for clip in FashionVideo().list_clips(raw)] == [None] * 6
    assert (raw / "test" / "91+BM-x2S.mp4").read_bytes() == site.files["/91+BM-x2S.mp4"]
    rows = table(raw / "fetched.csv")
    assert [(row["split"], row["name"]) for row in rows] == [
        ("test", "91+BM-x2S.mp4"), ("test", "c.mp4"), ("test", "d.mp4"), ("test", "e.mp4"),
        ("test", "fashion_test.txt"), ("train", "a.mp4"), ("train", "b.mp4"), ("train", "fashion_train.txt"),
    ]  # fmt: skip
    for row in rows:
        body = site.files["/" + row["url"].removeprefix(site.url + "/")]
        assert (row["bytes"], row["sha256"]) == (str(len(body)), hashlib.sha256(body).hexdigest())
    assert not (raw / "missing.csv").exists()
    assert not list(raw.rglob(".*"))


def test_a_second_start_asks_for_nothing_and_changes_nothing(site, raw):
    get(raw)
    before = {path: path.stat().st_mtime_ns for path in raw.rglob("*")}
    site.asked.clear()
    report = get(raw)
    assert (report.present, sorted(report.skipped)) == (4, ["91+BM-x2S", "c", "d", "e"])
    assert site.asked == []
    assert {path: path.stat().st_mtime_ns for path in raw.rglob("*")} == before


def test_dead_links_and_pages_are_named_and_the_rest_is_done(site, raw):
    del site.files["/c.mp4"]
    site.moved["/d.mp4"] = "/login"
    site.files["/login"], site.kinds["/login"] = PAGE, "text/html"
    site.files["/e.mp4"] = PAGE  # said to be a video
    report = get(raw)
    assert (report.present, report.listed) == (1, 4)
    assert {name: re.search("got (.*?);", text)[1] for name, text in report.failed.items()} == {
        "c": "status 404 (Not Found)",
        "d": f"a web page from {site.url}/login in place of a file",
        "e": f"a web page in place of a video ({len(PAGE)} bytes, which are deleted)",
    }
    assert [path.name for path in (raw / "test").iterdir()] == ["91+BM-x2S.mp4"]
    missing = table(raw / "missing.csv")
    assert [(row["name"], row["split"], row["url"]) for row in missing] == [
        (f"{name}.mp4", "test", f"{site.url}/{name}.mp4") for name in "cde"
    ]
    assert [row["reason"] for row in missing] == list(report.failed.values())

    site.files |= {f"/{name}.mp4": video(1) for name in "ce"}
    site.moved.clear()
    site.asked.clear()
    assert get(raw).present == 4
    assert sorted(site.paths()) == ["/c.mp4", "/d.mp4", "/e.mp4"]
    assert not (raw / "missing.csv").exists()


def test_a_cut_body_goes_on_and_one_that_stays_cut_is_never_taken(site, raw):
    site.files |= {f"/{name}.mp4": video(ord(name), 200_000) for name in "cd"}
    site.cuts = {"/c.mp4": [PIECE], "/d.mp4": [PIECE, PIECE, 0, 0]}
    report = get(raw)
    assert list(report.failed) == ["d"]
    assert f"after the {2 * PIECE:,} bytes kept in" in report.failed["d"]
    assert not (raw / "test" / "d.mp4").exists()
    assert FashionVideo().list_clips(raw)[2].problem
    assert get(raw).failed == {}
    assert [wanted for path, wanted in site.asked if path == "/d.mp4"] == [
        None, f"bytes={PIECE}-", *[f"bytes={2 * PIECE}-"] * 3
    ]  # fmt: skip
    for name in "cd":
        assert (raw / "test" / f"{name}.mp4").read_bytes() == site.files[f"/{name}.mp4"]


def test_a_video_that_is_cut_on_the_server_is_refused(site, raw):
    site.files["/c.mp4"] = video(3)[:-1]
    assert "got a cut video, of at least 70,932 bytes" in get(raw).failed["c"]
    assert not (raw / "test" / "c.mp4").exists()


def test_a_busy_server_holds_up_all_connections(site, raw):
    site.busy = {"/c.mp4": ["1"]}
    begin = time.monotonic()
    assert get(raw).present == 4
    assert time.monotonic() - begin > 0.9
    assert site.paths().count("/c.mp4") == 2


def test_a_server_that_wants_to_be_left_alone_is(site, raw):
    site.busy = {f"/{name}.mp4": ["4000"] for name in ("c", "91+BM-x2S", "d", "e")}
    report = get(raw, FetchSettings(splits=("test",), connections=1))
    assert report.present == 0
    assert len(site.asked) == 2  # the list and one video
    assert sum("not asked for (status 429" in text for text in report.failed.values()) == 3


def test_a_server_that_is_gone_is_not_asked_for_every_video(site, raw):
    raw.mkdir()
    with serving() as gone:
        pass
    names = [f"v{index}" for index in range(20)]
    (raw / "fashion_test.txt").write_text("".join(f"{gone.url}/{name}.mp4\n" for name in names))
    report = get(raw, FetchSettings(splits=("test",), connections=1))
    assert list(report.failed) == names
    assert sum("Connection refused; run again" in text for text in report.failed.values()) == 5
    assert sum("not asked for (5 files in succession failed" in text for text in report.failed.values()) == 15
    assert site.asked == []


def test_a_full_disk_is_told_and_the_next_start_goes_on(site, raw, monkeypatch):
    def written(answer, file, begin):
        if begin or "fashion" in answer.url:
            yield from real(answer, file, begin)
        else:
            file.write(next(answer.iter_content(1000)))
            raise OSError(errno.ENOSPC, "No space left on device")

    real = download._written
    with monkeypatch.context() as patch:
        patch.setattr(download, "_written", written)
        report = get(raw, FetchSettings(splits=("test",), connections=1))
    assert report.present == 0
    reasons = list(report.failed.values())
    assert "the system refused: No space left on device; mend that" in reasons[0]
    assert all("not asked for (the system refused: No space left" in reason for reason in reasons[1:])
    assert get(raw).present == 4
    assert ("/c.mp4", "bytes=1000-") in site.asked


def test_an_interruption_keeps_what_came(site, raw, monkeypatch):
    def track(items, **_named):
        for count, item in enumerate(items):
            yield item
            if count == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(links, "track", track)
        with pytest.raises(KeyboardInterrupt):
            fetch("fashionvideo", raw, FetchSettings(splits=("test",), connections=1))
    assert len(table(raw / "fetched.csv")) == 3  # the list, and two videos
    report = get(raw)
    assert report.present == 4
    assert len(report.skipped) >= 2
    assert len(site.asked) == len(set(site.asked))


def test_connections_are_few(site, raw):
    names = [f"v{index}" for index in range(12)]
    site.list("test", [f"{name}.mp4" for name in names])
    site.files |= {f"/{name}.mp4": video(1, 1000) for name in names}
    site.pause = 0.05
    assert get(raw, FetchSettings(splits=("test",), connections=3)).present == 12
    assert site.most == 3


@pytest.mark.usefixtures("site")
def test_a_limit_takes_the_first_of_each_list(raw):
    report = get(raw, FetchSettings(limit=1))
    assert (report.present, report.listed) == (2, 2)
    assert sorted(path.name for path in raw.rglob("*.mp4")) == ["a.mp4", "c.mp4"]
    assert get(raw, TEST).present == 4
    assert len(table(raw / "fetched.csv")) == 7  # the rows of training stay


def test_lines_of_missing_videos_stay_until_they_are_asked_for_again(site, raw):
    del site.files["/a.mp4"], site.files["/c.mp4"]
    get(raw, FetchSettings())
    get(raw, TEST)
    assert [row["name"] for row in table(raw / "missing.csv")] == ["c.mp4", "a.mp4"]


def test_lists_that_lie_there_are_taken_as_they_stand(site, raw):
    get(raw)
    (raw / "fashion_test.txt").write_text(f"{site.url}/e.mp4\n")
    assert get(raw).listed == 1
    row = next(row for row in table(raw / "fetched.csv") if row["name"] == "fashion_test.txt")
    assert (row["url"], row["bytes"]) == ("", str((raw / "fashion_test.txt").stat().st_size))


def test_videos_that_lie_there_are_taken_if_they_are_whole(site, raw):
    (raw / "videos").mkdir(parents=True)
    (raw / "test").mkdir()
    (raw / "videos" / "c.mp4").write_bytes(site.files["/c.mp4"])
    (raw / "test" / "d.mp4").write_bytes(site.files["/d.mp4"][:5000])
    assert get(raw).present == 4
    assert "/c.mp4" not in site.paths()
    assert (raw / "test" / "d.mp4").read_bytes() == site.files["/d.mp4"]
    urls = {row["name"]: row["url"] for row in table(raw / "fetched.csv")}
    assert (urls["c.mp4"], urls["d.mp4"]) == ("", f"{site.url}/d.mp4")
    site.asked.clear()
    assert get(raw).skipped == ("91+BM-x2S", "c", "d", "e")
    assert site.asked == []


@pytest.mark.parametrize("change", ["bit", "length", "gone"])
def test_a_video_that_changed_is_brought_again(site, raw, change):
    get(raw)
    place = raw / "test" / "c.mp4"
    whole = place.read_bytes()
    if change == "gone":
        place.unlink()
    else:
        place.write_bytes(whole[:-1] + (b"" if change == "length" else bytes([whole[-1] ^ 1])))
    site.asked.clear()
    assert get(raw).failed == {}
    assert place.read_bytes() == whole
    assert site.paths() == ["/c.mp4"]


def test_another_edition_is_refused_until_its_line_is_deleted(site, raw):
    get(raw)
    place = raw / "test" / "c.mp4"
    old = place.read_bytes()
    place.unlink()
    site.files["/c.mp4"] = video(77)
    reason = get(raw).failed["c"]
    assert (
        f"another edition than that of fetched.csv, whose line c.mp4 keeps to SHA-256 {sha256(old)}" in reason
    )
    assert not place.exists()
    lines = (raw / "fetched.csv").read_text().splitlines(keepends=True)
    (raw / "fetched.csv").write_text("".join(line for line in lines if not line.startswith("c.mp4")))
    assert get(raw).failed == {}
    assert place.read_bytes() == site.files["/c.mp4"]


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def test_lines_that_are_no_addresses_fail_alone(site, raw):
    raw.mkdir()
    (raw / "fashion_test.txt").write_text(f"{site.url}/c.mp4\nd.mp4\nftp://host/e.mp4\nhttp://[/f.mp4\n")
    report = get(raw)
    assert (report.present, list(report.failed)) == (1, ["d", "e", "f"])
    assert "No scheme supplied" in report.failed["d"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PAGE, "a web page in place of a list"),
        (b"", "an empty list"),
        (b"video one\n", "a list with 'video one' in place of an address"),
        (b"http://a/b.mp4\nhttp://a/b.mp4\n", "a list that cannot be read, or names a video twice"),
        (b"\xff\xfe", "a list that cannot be read"),
    ],
)
def test_a_list_that_is_none_ends_the_command(site, raw, body, reason):
    site.files["/lists/fashion_test.txt"] = body
    with pytest.raises(DownloadError, match=reason) as info:
        fetch("fashionvideo", raw, TEST)
    assert f"or put the file at {raw / 'fashion_test.txt'} by hand" in str(info.value)
    assert list(raw.iterdir()) == []
    del site.files["/lists/fashion_test.txt"]
    with pytest.raises(DownloadError, match="status 404"):
        fetch("fashionvideo", raw, TEST)


def test_a_record_that_is_none_ends_the_command(raw):
    raw.mkdir()
    (raw / "fetched.csv").write_text("name,split,url,bytes,sha256\na.mp4,test,,many,0\n")
    with pytest.raises(DatasetError, match="expected counts in bytes, found 'many'"):
        fetch("fashionvideo", raw, TEST)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (video(1), None),
        (box(b"ftyp") + box(b"mdat", b"x") + box(b"moov", b"y"), None),
        (box(b"ftyp") + box(b"moov", b"y") + box(b"mdat", b"x" * 50, length=0), None),  # up to the end
        (box(b"ftyp") + box(b"moov") + box(b"mdat", (20).to_bytes(8, "big") + b"1234", length=1), None),
        (video(1) + b"\0" * 30, None),  # left behind by a writer
        (video(1)[:-1], "a cut video, of at least 70,932 bytes"),
        (box(b"ftyp") + box(b"moov") + box(b"mdat", (99).to_bytes(8, "big"), length=1), "of at least 115"),
        (box(b"ftyp") + box(b"mdat", b"x" * 99), "a cut video, without moov"),
        (box(b"ftyp") + box(b"moov", b"x" * 99), "a cut video, without mdat"),
        (box(b"ftyp"), "a cut video, without mdat and moov"),
        (b"\n<HTML>", "a web page in place of a video"),
        (b"", "something that is no MP4"),
        (b"\x1aE\xdf\xa3webm", "something that is no MP4"),
    ],
)  # fmt: skip
def test_outlines_of_videos(tmp_path, body, problem):
    path = tmp_path / "v.mp4"
    path.write_bytes(body)
    found = video_to_problem(path)
    assert found == problem if problem is None else problem in found


def test_a_real_video_cut_anywhere_is_no_whole_one(raw_folders, tmp_path):
    whole = next(raw_folders["fashionvideo"].glob("test/*.mp4")).read_bytes()
    path = tmp_path / "v.mp4"
    path.write_bytes(whole)
    assert video_to_problem(path) is None
    for end in [0, 4, 7, 8, 30, *np.linspace(50, len(whole) - 1, 60).astype(int)]:
        path.write_bytes(whole[:end])
        assert video_to_problem(path)
