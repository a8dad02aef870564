"""Archives, whole, damaged and malicious, to files."""

import gc
import gzip
import io
import os
import stat
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vptbench.errors import DatasetError, ManifestError
from vptbench.prepare import unpack as unpacking
from vptbench.prepare.unpack import JoinedParts, name_to_place, unpack

FOLDERS = ("images_HD", "images")


def noise(count, seed=0):
    return np.random.default_rng(seed).bytes(count)


def tar(members, path, mode="w:gz"):
    """A tar of names and bytes, or of names and `TarInfo`."""
    with tarfile.open(path, mode) as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
            else:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return path


def odd(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def cut(path, count):
    """The file in so many parts, of one length but for the last."""
    body = path.read_bytes()
    step = -(-len(body) // count)
    parts = []
    for index in range(count):
        parts.append(path.with_name(f"{path.name}.{index:02}"))
        parts[-1].write_bytes(body[index * step : (index + 1) * step])
    path.unlink()
    return parts


FILES = {
    f"images_HD/001/1/{clip}/{frame:03}.jpg": noise(900 + frame, frame)
    for clip in (1, 2)
    for frame in range(40)
}


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def run(parts, target, folders=FOLDERS):
    return unpack(parts, target, folders, label="test")


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_a_tar_in_parts_is_unpacked_as_if_it_were_joined(tmp_path, count, mode):
    parts = cut(tar(FILES, tmp_path / "a.tar", mode), count)
    done = run(parts, tmp_path / "raw")
    assert files(tmp_path / "raw") == FILES
    assert done.written == len(FILES)
    size = sum(900 + frame for frame in range(40))
    assert done.folders == {f"images_HD/001/1/{clip}": (40, size) for clip in (1, 2)}
    assert (done.hidden, done.refused, done.refusals) == (0, {}, 0)


def test_a_zip_is_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "smpls.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("smpls/001")
        archive.writestr("smpls/001/kps.pkl", b"kps" * 99)
        archive.writestr("smpls/001/.DS_Store", b"")
    done = run([tmp_path / "smpls.zip"], tmp_path / "raw", ("smpls",))
    assert files(tmp_path / "raw") == {"smpls/001/kps.pkl": b"kps" * 99}
    assert (done.written, done.hidden, done.folders) == (1, 1, {"smpls/001": (1, 297)})


def test_what_is_there_is_not_written_again(tmp_path):
    parts = cut(tar(FILES, tmp_path / "a.tar"), 3)
    run(parts, tmp_path / "raw")
    gone, short = (tmp_path / "raw" / f"images_HD/001/1/1/{name}.jpg" for name in ("003", "004"))
    gone.unlink()
    short.write_bytes(b"short")
    before = {path: path.stat().st_ino for path in (tmp_path / "raw").rglob("*.jpg")}
    assert run(parts, tmp_path / "raw").written == 2
    assert files(tmp_path / "raw") == FILES
    after = {path: path.stat().st_ino for path in before if path != short}
    assert after == {path: before[path] for path in after}


def test_an_interruption_leaves_whole_files_and_the_next_start_goes_on(tmp_path, monkeypatch):
    parts = cut(tar(FILES, tmp_path / "a.tar"), 3)
    with monkeypatch.context() as patch:
        patch.setattr(unpacking, "_copy", interrupted_copy(after=25))
        with pytest.raises(KeyboardInterrupt):
            run(parts, tmp_path / "raw")
    found = files(tmp_path / "raw")
    assert len(found) == 25
    assert all(FILES[name] == body for name, body in found.items())
    assert run(parts, tmp_path / "raw").written == len(FILES) - 25
    assert files(tmp_path / "raw") == FILES


def interrupted_copy(after):
    real, calls = unpacking._copy, []

    def copy(member, part):
        calls.append(1)
        if len(calls) > after:
            part.write_bytes(b"half")
            raise KeyboardInterrupt
        real(member, part)

    return copy


EVIL = {
    "../out.jpg": b"x",
    "images_HD/../../out.jpg": b"x",
    "/vptbench-evil.jpg": b"x",
    "C:/out.jpg": b"x",
    "images_HD\\..\\out.jpg": b"x",
    "images_HD/new\nline.jpg": b"x",
    "images_HD/link": odd("images_HD/link", tarfile.SYMTYPE, "/etc"),
    "images_HD/hard": odd("images_HD/hard", tarfile.LNKTYPE, "images_HD/001/1/1/000.jpg"),
    "images_HD/device": odd("images_HD/device", tarfile.CHRTYPE),
    "images_HD/pipe": odd("images_HD/pipe", tarfile.FIFOTYPE),
    "images_HD/" + "x" * 300: b"x",
}


def test_malicious_members_are_refused_and_the_rest_is_unpacked(tmp_path):
    path = tar({**EVIL, "images_HD/link/passwd": b"not etc", **FILES}, tmp_path / "a.tar.gz")
    done = run([path], tmp_path / "below" / "raw")
    assert files(tmp_path / "below") == {
        f"raw/{name}": body for name, body in (FILES | {"images_HD/link/passwd": b"not etc"}).items()
    }
    assert not os.path.lexists("/vptbench-evil.jpg")
    assert list(done.refused) == [ascii(name)[1:-1] for name in EVIL]
    assert done.refusals == len(EVIL)
    reasons = list(done.refused.values())
    assert all("expected a name that stays in the folder; left out" in reason for reason in reasons[:6])
    assert [reason.partition("found a ")[2] for reason in reasons[6:10]] == [
        "link; left out", "link; left out", "device; left out", "device; left out",
    ]  # fmt: skip
    assert "a name that the disk takes (File name too long)" in reasons[10]
    assert all(path.is_file() or path.is_dir() for path in (tmp_path / "below").rglob("*"))


def test_links_of_zips_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, mode in (("link", stat.S_IFLNK), ("pipe", stat.S_IFIFO)):
            info = zipfile.ZipInfo(f"smpls/{name}")
            info.external_attr = (mode | 0o777) << 16
            archive.writestr(info, "/etc")
        archive.writestr("../smpls/x", b"x")
        archive.writestr("smpls/x", b"x")
    done = run([tmp_path / "a.zip"], tmp_path / "raw", ("smpls",))
    assert list(done.refused) == ["smpls/link", "smpls/pipe", "../smpls/x"]
    assert files(tmp_path / "raw") == {"smpls/x": b"x"}


def test_many_refusals_are_counted(tmp_path):
    path = tar({f"../{index}": b"" for index in range(50)}, tmp_path / "a.tar.gz")
    done = run([path], tmp_path / "raw")
    assert (len(done.refused), done.refusals) == (20, 50)


def test_a_file_where_a_folder_should_be_is_refused_alone(tmp_path):
    path = tar({"images/a": b"file", "images/a/b": b"below it", "images/c": b"c"}, tmp_path / "a.tar.gz")
    done = run([path], tmp_path / "raw")
    assert list(done.refused) == ["images/a/b"]
    assert files(tmp_path / "raw") == {"images/a": b"file", "images/c": b"c"}


def damaged(path, where, how):
    body = bytearray(path.read_bytes())
    at = int(len(body) * where)
    if how == "cut":
        del body[at:]
    elif how == "bit":
        body[at] ^= 0x10
    else:
        body[at : at + 64] = noise(64, 9)
    path.write_bytes(bytes(body))


@pytest.mark.parametrize("how", ["cut", "bit", "noise"])
@pytest.mark.parametrize("where", [0.02, 0.5, 0.97])
def test_damage_is_told_with_the_part_and_nothing_damaged_lies_there(tmp_path, where, how):
    path = tar(FILES, tmp_path / "a.tar.gz")
    damaged(path, where, how)
    parts = cut(path, 5)
    with pytest.raises(
        DatasetError, match=r"expected a whole archive, found damage in or before a\.tar\.gz\.0\d \("
    ):
        run(parts, tmp_path / "raw")
    if how == "cut":
        found = files(tmp_path / "raw") if (tmp_path / "raw").exists() else {}
        assert all(FILES[name] == body for name, body in found.items())


@pytest.mark.parametrize(
    "body", [b"", b"garbage" * 999, b"\x1f\x8bgarbage", b"PK\3\4garbage", bytes(700), noise(9000)]
)
def test_garbage_is_refused(tmp_path, body):
    (tmp_path / "a.tar.gz").write_bytes(body)
    with pytest.raises(
        DatasetError, match=r"found damage in or before a\.tar\.gz \(.+\); bring that file again"
    ):
        run([tmp_path / "a.tar.gz"], tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_a_header_damaged_inside_is_not_taken_for_the_end(tmp_path):
    path = tar(FILES, tmp_path / "a.tar", "w")
    body = bytearray(path.read_bytes())
    at = body.index(b"images_HD/001/1/2/005.jpg")
    body[at : at + 9] = b"damaged!!"
    path.write_bytes(gzip.compress(bytes(body)))  # with a right checksum
    with pytest.raises(DatasetError, match="a member that cannot be read"):
        run([path], tmp_path / "raw")


@pytest.mark.parametrize("at", [512 + 3, -1])
def test_an_encrypted_or_damaged_zip_is_refused(tmp_path, at):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("smpls/a", noise(2000))
    body = bytearray(path.read_bytes())
    body[at] ^= 1
    if at == -1:  # the flag of encryption, in the directory and before the file
        body = bytearray(path.read_bytes())
        body[6] |= 1
        body[body.rindex(b"PK\1\2") + 8] |= 1
    path.write_bytes(bytes(body))
    with pytest.raises(DatasetError, match="encrypted" if at == -1 else "Bad CRC"):
        run([path], tmp_path / "raw", ("smpls",))
    assert files(tmp_path) == {"a.zip": bytes(body)}


def test_a_full_disk_is_the_disks_own_refusal(tmp_path, monkeypatch):
    path = tar(FILES, tmp_path / "a.tar.gz")

    def copy(_member, _part):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unpacking, "_copy", copy)
    with pytest.raises(OSError, match="No space left"):
        run([path], tmp_path / "raw")


def test_what_is_behind_is_forgotten(tmp_path, monkeypatch):
    """`tarfile` keeps every member by itself: a kilobyte a picture."""
    path = tar(FILES, tmp_path / "a.tar.gz")
    kept = [count_members()]  # what other tests have left behind

    def copy(member, part):
        part.write_bytes(b"")
        if member.name == list(FILES)[-1]:
            kept.append(count_members())

    monkeypatch.setattr(unpacking, "_copy", copy)
    run([path], tmp_path / "raw")
    assert kept[1] < kept[0] + 5


def count_members():
    return sum(type(each) is tarfile.TarInfo for each in gc.get_objects())


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("images_HD/001/1/1/0.jpg", "images_HD/001/1/1/0.jpg"),
        ("./images_HD//001/./1/1/0.jpg", "images_HD/001/1/1/0.jpg"),
        ("home/someone/iPER/images_HD/001/1/1/0.jpg", "images_HD/001/1/1/0.jpg"),
        ("images/001/1/1/0.jpg", "images/001/1/1/0.jpg"),
        ("001/1/1/0.jpg", "images_HD/001/1/1/0.jpg"),
        ("images_HD/images/0.jpg", "images_HD/images/0.jpg"),
    ],
)
def test_places(name, place):
    assert name_to_place(name, FOLDERS) == place


@given(name=st.text(st.sampled_from("./\\aC:\0\n"), max_size=12))
def test_no_name_leaves_its_folder(name):
    try:
        place = name_to_place(name, FOLDERS)
    except ManifestError:
        return
    assert os.path.normpath(f"/raw/{place}").startswith("/raw/images")
    assert ".." not in place.split("/")


@given(bodies=st.lists(st.binary(max_size=20), min_size=1, max_size=5), count=st.integers(1, 30))
def test_parts_read_as_one(tmp_path_factory, bodies, count):
    folder = tmp_path_factory.mktemp("parts")
    parts = []
    for index, body in enumerate(bodies):
        parts.append(folder / str(index))
        parts[-1].write_bytes(body)
    found = b""
    with JoinedParts(parts) as joined:
        while piece := joined.read(count):
            found += piece
        assert joined.behind == len(found)
    assert found == b"".join(bodies)
