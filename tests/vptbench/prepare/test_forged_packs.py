"""Pose packs that somebody forged, hashes and all: each fails its clip alone, and nothing leaks."""

import json

import h5py
import numpy as np
import pytest

from vptbench.manifest import file_to_sha256
from vptbench.prepare.pack import pack_to_store
from vptbench.store.check import pack_to_problems


def forge(pack, clip, edit):
    """Change a clip file of a pack, and all hashes with it, as somebody would who means harm."""
    (path,) = (pack / "clips").rglob(f"{clip}.h5")
    old = file_to_sha256(path)
    with h5py.File(path, "r+") as file:
        edit(file)
    table = pack / "clips.csv"
    table.write_text(table.read_text().replace(old, file_to_sha256(path)))
    manifest = pack / "pack.json"
    document = json.loads(manifest.read_text()) | {"clips_sha256": file_to_sha256(table)}
    manifest.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "numbers", [5, [[0, 1], [2, 3]], "abc", [0.0] * 10, [True] * 10, [0, 1, 2], ["0"] * 10]
)
def test_malformed_numbers_of_frames_fail_their_clip_alone(joined, tmp_path, numbers):
    forge(joined.pack, "a", lambda file: file.attrs.__setitem__("raw_frames", numbers))
    report = pack_to_store(joined, tmp_path / "second")
    assert report.done == ("b", "c")
    assert "expected raw_frames to be 10 whole numbers, one for each frame, found" in report.failed["a"]
    assert "a,poses," in (tmp_path / "second" / "failures.csv").read_text()
    (problem,) = pack_to_problems(joined.pack)
    assert "expected raw_frames to be 10 whole numbers" in problem


def test_numbers_that_the_video_lacks_fail_their_clip_alone(joined, tmp_path):
    forge(joined.pack, "a", lambda file: file.attrs.__setitem__("raw_frames", [*range(9), 99]))
    report = pack_to_store(joined, tmp_path / "second")
    assert report.done == ("b", "c")
    assert "expected frames of the numbers that were prepared, found others" in report.failed["a"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("clip", "c", "expected clip 'a' as in clips.csv, found 'c'"),
        ("split", "test", "expected split 'train' as in clips.csv, found 'test'"),
        ("raw_sha256", "00", "found '00'"),
        ("size", [64, 64], r"expected size (32, 32) as in clips.csv, found (64, 64)"),
        ("fps", float("nan"), "fps: expected a positive number, found nan"),
        ("fps", float("inf"), "fps: expected a positive number, found inf"),
    ],
)
def test_a_clip_file_that_contradicts_its_row_fails_alone(joined, tmp_path, name, value, message):
    def edit(file):
        file.attrs[name] = value
        if name == "size":  # the mask would tell as well
            del file["mask"]

    forge(joined.pack, "a", edit)
    report = pack_to_store(joined, tmp_path / "second")
    assert report.done == ("b", "c")
    assert message in report.failed["a"]
    (problem,) = pack_to_problems(joined.pack)
    assert message in problem


SECRET = b"my private key 0123456789 abcdef" * 2


def as_bytes(file, secret):
    del file["body/pose"]
    file["body"].create_dataset("pose", (16,), "float32", external=[(str(secret), 0, 64)])


def as_link(file, secret):
    del file["body/pose"]
    file["body/pose"] = h5py.ExternalLink(str(secret), "/x")


def as_soft_link(file, _):
    del file["body/pose"]
    file["body/pose"] = h5py.SoftLink("/keypoints")


def as_linked_group(file, secret):
    del file["body"]
    file["body"] = h5py.ExternalLink(str(secret), "/")


def as_virtual(file, secret):
    del file["body/pose"]
    layout = h5py.VirtualLayout((16,), "float32")
    layout[:] = h5py.VirtualSource(str(secret), "x", (16,))
    file["body"].create_virtual_dataset("pose", layout)


def as_link_of_keypoints(file, secret):
    del file["keypoints"]
    file["keypoints"] = h5py.ExternalLink(str(secret), "/x")


def as_bytes_of_mask(file, secret):
    shape = file["mask"].shape
    del file["mask"]
    file.create_dataset("mask", shape, bool, external=[(str(secret), 0, h5py.h5f.UNLIMITED)])


def as_link_in_mesh(file, secret):
    del file["mesh/joint_weights"]
    file["mesh/joint_weights"] = h5py.ExternalLink(str(secret), "/x")


@pytest.mark.parametrize(
    ("leak", "message"),
    [
        (as_bytes, "body/pose (bytes of another file)"),
        (as_link, "body/pose (a link to another file)"),
        (as_soft_link, "body/pose (a soft link)"),
        (as_linked_group, "body (a link to another file)"),
        (as_virtual, "body/pose (a virtual dataset)"),
        (as_link_of_keypoints, "keypoints (a link to another file)"),
        (as_bytes_of_mask, "mask (bytes of another file)"),
        (as_link_in_mesh, "mesh/joint_weights (a link to another file)"),
    ],
)
def test_no_pack_brings_a_file_of_its_readers_disk(joined, tmp_path, leak, message):
    secret = tmp_path / "secret"
    if leak in {as_bytes, as_bytes_of_mask}:
        secret.write_bytes(SECRET)
    else:
        with h5py.File(secret, "w") as file:
            file["x"] = np.frombuffer(SECRET, np.float32)
    forge(joined.pack, "a", lambda file: leak(file, secret))
    report = pack_to_store(joined, tmp_path / "second")
    assert report.done == ("b", "c")
    assert report.failed.keys() == {"a"}
    assert "all in the file itself, and these alone in a pose pack, found " + message in report.failed["a"]
    assert "\n" not in report.failed["a"]
    assert not any(SECRET[:32] in path.read_bytes() for path in (tmp_path / "second").rglob("*.h5"))
    (problem,) = pack_to_problems(joined.pack)
    assert message in problem
