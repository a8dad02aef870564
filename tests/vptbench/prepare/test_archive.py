"""iPER's archives: parts checked, unpacked once, held against the lists."""

import io
import tarfile
import zipfile
from itertools import product
from string import ascii_lowercase

import numpy as np
import pytest

from vptbench.errors import DatasetError, UsageError
from vptbench.prepare import archive as archives
from vptbench.prepare import unpack as unpacking
from vptbench.prepare.fetch import FetchSettings, fetch
from vptbench.prepare.iper import Iper

SUFFIXES = ["".join(pair) for pair in product(ascii_lowercase, repeat=2)][:37]
CLIPS = {"train": ["001/1/1", "001/1/2"], "val": ["002/1/1"]}
FRAMES = 30


def frame(clip, number):
    return np.random.default_rng(number + sum(map(ord, clip))).bytes(300 + number)


def pack(path, *, extra=()):
    """The pictures of all clips in a gzipped tar."""
    names = [(clip, number) for clips in CLIPS.values() for clip in clips for number in range(FRAMES)]
    with tarfile.open(path, "w:gz") as archive:
        for name, body in [
            *extra,
            *[(f"images_HD/{clip}/{number:04}.jpg", frame(clip, number)) for clip, number in names],
        ]:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return path


def cut(path, folder, suffixes=SUFFIXES):
    """The archive in parts of one length but for the last, as the authors publish it."""
    folder.mkdir(exist_ok=True)
    body = path.read_bytes()
    path.unlink()
    step = -(-len(body) // len(suffixes))
    for index, suffix in enumerate(suffixes):
        (folder / f"{path.name}.{suffix}").write_bytes(body[index * step : (index + 1) * step])


@pytest.fixture
def raw(tmp_path):
    """A folder with the lists and the 37 parts."""
    folder = tmp_path / "iper"
    folder.mkdir()
    for name, clips in CLIPS.items():
        (folder / f"{name}.txt").write_text("".join(f"{clip}\n" for clip in clips))
    cut(pack(folder / "images_HD.tar.gz"), folder / "splits")
    return folder


def get(raw):
    return fetch("iper", raw, FetchSettings())


def check_pictures(raw):
    for clips in CLIPS.values():
        for clip in clips:
            for number in range(FRAMES):
                path = raw / "images_HD" / clip / f"{number:04}.jpg"
                assert path.read_bytes() == frame(clip, number)


NOTES = (
    "terms of iPER: not stated for the data; frames must not be passed on",
    "images_HD.tar.gz: 90 files in 3 folders, 90 unpacked now",
    "train.txt: 2 clips, the published list has 164",
    "val.txt: 1 clips, the published list has 42",
)


@pytest.mark.parametrize("folder", [".", "splits"])
def test_parts_are_unpacked_without_being_joined(raw, folder):
    for part in (raw / "splits").iterdir():
        part.rename(raw / folder / part.name)
    before = {path.name for path in raw.iterdir()}
    report = get(raw)
    assert (report.unit, report.present, report.listed, report.failed) == ("clips", 3, 3, {})
    assert report.notes == NOTES
    check_pictures(raw)
    assert {path.name for path in raw.iterdir()} - before == {"images_HD", "unpacked.csv"}
    assert [clip.problem for clip in Iper().list_clips(raw)] == [None] * 3


def test_an_archive_that_the_user_joined_serves_as_well(raw):
    parts = sorted((raw / "splits").iterdir())
    (raw / "images_HD.tar.gz").write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()
    assert get(raw).present == 3
    check_pictures(raw)


def test_a_second_start_reads_no_archive_and_needs_none(raw, monkeypatch):
    get(raw)
    monkeypatch.setattr(archives, "unpack", None)
    again = get(raw)
    assert (again.present, again.failed) == (3, {})
    assert again.notes[1] == "images_HD.tar.gz: unpacked before, 90 files in 3 folders"
    (raw / "splits" / "images_HD.tar.gz.ac").unlink()
    assert get(raw) == again
    for part in (raw / "splits").iterdir():
        part.unlink()
    assert get(raw) == again


def test_lost_pictures_are_unpacked_again_or_asked_for(raw):
    get(raw)
    lost = raw / "images_HD" / "002/1/1" / "0003.jpg"
    lost.unlink()
    assert get(raw).notes[1] == "images_HD.tar.gz: 90 files in 3 folders, 1 unpacked now"
    check_pictures(raw)
    lost.write_bytes(b"")
    for part in (raw / "splits").iterdir():
        part.unlink()
    assert (
        "unpacked.csv in images_HD/002/1/1 and 0 other folders, found fewer; bring the archive again"
        in (get(raw).failed["images_HD.tar.gz"])
    )


def test_another_release_is_unpacked(raw):
    get(raw)
    new = [("images_HD/001/1/1/0030.jpg", b"new" * 9999)]
    cut(pack(raw / "images_HD.tar.gz", extra=new), raw / "splits")
    assert get(raw).notes[1] == "images_HD.tar.gz: 91 files in 3 folders, 1 unpacked now"


def test_an_interruption_leaves_whole_files_and_the_next_start_goes_on(raw, monkeypatch):
    real, calls = unpacking._copy, []

    def copy(member, part):
        calls.append(1)
        if len(calls) > 40:
            raise KeyboardInterrupt
        real(member, part)

    with monkeypatch.context() as patch:
        patch.setattr(unpacking, "_copy", copy)
        with pytest.raises(KeyboardInterrupt):
            get(raw)
    assert not (raw / "unpacked.csv").exists()
    (raw / "images_HD" / "001" / ".0001.jpg.0123.part").write_bytes(b"of a process that was killed")
    assert get(raw).notes[1] == "images_HD.tar.gz: 90 files in 3 folders, 50 unpacked now"
    check_pictures(raw)
    assert not list(raw.rglob(".*"))


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        (["ac"], "expected the 37 parts images_HD.tar.gz.aa to .bk, found 36; bring .ac and run"),
        (["aa", "az", "bk"], "found 34; bring .aa, .az, .bk and run"),
        (SUFFIXES[1:], "found 1; bring .ab, .ac, "),
    ],
)
def test_missing_parts_are_named_and_nothing_is_unpacked(raw, missing, text):
    for suffix in missing:
        (raw / "splits" / f"images_HD.tar.gz.{suffix}").unlink()
    report = get(raw)
    assert text in report.failed["images_HD.tar.gz"]
    assert (report.present, report.listed) == (0, 3)
    assert not (raw / "images_HD").exists()


def test_a_gap_before_later_parts_is_named(raw):
    part = raw / "splits" / "images_HD.tar.gz.bk"
    part.rename(part.with_suffix(".bm"))
    assert (
        "the 39 parts images_HD.tar.gz.aa to .bm, found 37; bring .bk, .bl and"
        in (get(raw).failed["images_HD.tar.gz"])
    )


@pytest.mark.parametrize(("suffix", "change"), [("ac", -1), ("aa", 5), ("bk", 9999), ("bk", None)])
def test_parts_of_another_length_are_named(raw, suffix, change):
    path = raw / "splits" / f"images_HD.tar.gz.{suffix}"
    body = path.read_bytes()
    path.write_bytes(b"" if change is None else body[:change] if change < 0 else body + bytes(change))
    text = get(raw).failed["images_HD.tar.gz"]
    assert (
        f"and a last one of no more, found {path.name} with {path.stat().st_size:,}; bring these again"
        in text
    )
    assert not (raw / "images_HD").exists()


def test_a_damaged_part_is_named(raw):
    path = raw / "splits" / "images_HD.tar.gz.at"
    path.write_bytes(bytes(path.stat().st_size))
    text = get(raw).failed["images_HD.tar.gz"]
    # the reader is a buffer ahead of what it understands
    assert any(f"found damage in or before images_HD.tar.gz.{suffix} (" in text for suffix in SUFFIXES[19:])
    assert "what is unpacked is kept" in text
    assert not (raw / "unpacked.csv").exists()


def test_malicious_members_are_named_each_time_and_the_rest_is_done(raw):
    cut(pack(raw / "images_HD.tar.gz", extra=[("../../evil", b"x")]), raw / "splits")
    for _ in range(2):
        report = get(raw)
        assert report.failed == {
            "../../evil": "expected a name that stays in the folder; left out",
            "images_HD.tar.gz": "expected files and folders alone, left out 1 members",
        }
        assert report.present == 3
    check_pictures(raw)
    assert not (raw.parent / "evil").exists()
    cut(pack(raw / "images_HD.tar.gz", extra=[(f"../{index}", b"") for index in range(22)]), raw / "splits")
    assert get(raw).failed["images_HD.tar.gz"].endswith("left out 22 members, 2 more than are named")


def test_hidden_files_are_left_out_and_counted(raw):
    cut(pack(raw / "images_HD.tar.gz", extra=[("images_HD/001/._x.jpg", b"x")]), raw / "splits")
    assert (
        get(raw).notes[1]
        == "images_HD.tar.gz: 90 files in 3 folders, 90 unpacked now, 1 hidden ones left out"
    )


def test_the_older_zips_are_unpacked_too(raw):
    for name, member in (
        ("smpls.zip", "smpls/001/1/1/kps.pkl"),
        ("iPER_256_video_release.zip", "001_1_1.mp4"),
    ):
        with zipfile.ZipFile(raw / name, "w") as archive:
            archive.writestr(member, name)
    report = get(raw)
    assert report.failed == {}
    assert (raw / "smpls/001/1/1/kps.pkl").read_text() == "smpls.zip"
    assert (raw / "iPER_256_video_release/001_1_1.mp4").read_text() == "iPER_256_video_release.zip"
    assert get(raw).notes[1:4] == (
        "images_HD.tar.gz: unpacked before, 90 files in 3 folders",
        "iPER_256_video_release.zip: unpacked before, 1 files in 1 folders",
        "smpls.zip: unpacked before, 1 files in 1 folders",
    )


def test_a_broken_archive_does_not_keep_the_others(raw):
    (raw / "smpls.zip").write_bytes(b"PK garbage")
    report = get(raw)
    assert list(report.failed) == ["smpls.zip"]
    assert report.present == 3


def test_without_archives_it_says_where_they_are_and_on_what_terms(tmp_path):
    with pytest.raises(DatasetError) as info:
        get(tmp_path / "new")
    text = str(info.value)
    assert text.startswith(
        f"{tmp_path / 'new'}: expected archives of iPER (images_HD.tar.gz, iPER_256_video_re"
    )
    assert "not downloaded here" in text
    assert Iper.access in text
    assert text.endswith(f"terms: {Iper.licence}")


def test_lists_are_checked(raw):
    (raw / "val.txt").write_text("002/1/1\n003/1/1\n")
    (raw / "images_HD" / "001/1/3").mkdir(parents=True)
    (raw / "train.txt").write_text("001/1/1\n001/1/2\n001/1/3\n")
    report = get(raw)
    assert (report.present, report.listed) == (3, 5)
    assert "expected images_HD/003/1/1 as val.txt says, found none" in report.failed["003/1/1"]
    assert "found an empty folder; unpack it again" in report.failed["001/1/3"]
    (raw / "val.txt").unlink()
    assert "expected the list beside the archives, found none" in get(raw).failed["val.txt"]
    (raw / "val.txt").write_text("001/1/1\n")
    assert "found 001/1/1 in both" in get(raw).failed["pictures"]
    (raw / "val.txt").write_text("002/1/1\n002/1/1\n")
    assert "found 002/1/1 more than once" in get(raw).failed["val.txt"]


def test_archives_are_taken_whole(raw):
    for settings in (FetchSettings(limit=1), FetchSettings(splits=("test",))):
        with pytest.raises(UsageError, match="expected all of iPER, got a split or a limit"):
            fetch("iper", raw, settings)


def test_a_record_that_is_none_is_refused(raw):
    (raw / "unpacked.csv").write_text("folder\n")
    with pytest.raises(DatasetError, match="expected the columns archive,archive_bytes,folder,files,bytes"):
        get(raw)
