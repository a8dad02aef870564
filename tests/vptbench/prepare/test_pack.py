"""Pose packs joined to videos: the same store again, by the hash of each file, and every refusal."""

import csv
import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from vptbench import open_store
from vptbench.benchmarks.items import benchmark_items, items_to_clip_list_sha256
from vptbench.benchmarks.loader import load_benchmark
from vptbench.cli import main
from vptbench.errors import DatasetError, ManifestError, PoseError, StoreError, UsageError
from vptbench.generate.pose_pack import store_to_pack
from vptbench.manifest import file_to_sha256
from vptbench.prepare.build import source_to_store
from vptbench.prepare.media import media_to_sha256
from vptbench.prepare.pack import Join, check_asked, match_clips, pack_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.prepare.sources import load_dataset
from vptbench.store.check import store_to_problems
from vptbench.store.pack import open_pack
from vptbench.video import frames_to_video, video_to_frames


def whole(rows):
    return np.asarray(rows[0 : rows.shape[0]])


def assert_same_clip(made, first):
    assert (made.id, made.split, made.fps, made.size, len(made)) == (
        first.id, first.split, first.fps, first.size, len(first),
    )  # fmt: skip
    np.testing.assert_array_equal(whole(made.frames), whole(first.frames))
    assert made.keypoints.tobytes() == first.keypoints.tobytes()
    assert (made.mask is None, made.mesh is None) == (first.mask is None, first.mesh is None)
    if first.mask is not None:
        np.testing.assert_array_equal(whole(made.mask), whole(first.mask))
    if first.mesh is not None:
        np.testing.assert_array_equal(whole(made.mesh.vertices), whole(first.mesh.vertices))
        np.testing.assert_array_equal(made.mesh.faces, first.mesh.faces)
        np.testing.assert_array_equal(made.mesh.joint_weights, first.mesh.joint_weights)
    assert made.body.keys() == first.body.keys()
    for name, array in first.body.items():
        np.testing.assert_array_equal(made.body[name], array)
    attributes = {key: value for key, value in made.attributes.items() if key != "poses_from"}
    assert attributes == first.attributes


def videos_alone(raw, to):
    """A user's copy: videos and lists, without poses or truth."""
    shutil.copytree(raw, to, ignore=shutil.ignore_patterns("openpose", "truth"))
    return to


@pytest.mark.parametrize(
    ("layout", "crop"),
    [
        ("fashionvideo", "clip-square-v1"),
        ("fashionvideo", "full-v1"),
        ("fashionvideo", "bdmm-crop-v1"),
        ("fashionvideo", "gfla-squash-v1"),
        ("iper", "clip-square-v1"),
        ("iper", "bdmm-crop-v1"),
    ],
)
def test_anybodys_videos_and_the_pack_give_the_same_store(raw_folders, tmp_path, layout, crop):
    source_to_store(layout, raw_folders[layout], tmp_path / "first", PrepareSettings(size=48, crop=crop))
    assert not store_to_pack(tmp_path / "first", tmp_path / "pack").failed
    raw = videos_alone(raw_folders[layout], tmp_path / "elsewhere" / "copy")
    report = pack_to_store(Join(layout, raw, tmp_path / "pack"), tmp_path / "second")
    assert store_to_problems(tmp_path / "second") == []
    first, second = open_store(tmp_path / "first"), open_store(tmp_path / "second")
    assert report.done == tuple(second) == tuple(first)
    assert (report.skipped, report.failed) == ((), {})
    digest = file_to_sha256(tmp_path / "pack" / "pack.json")
    for name, clip in second.items():
        assert clip.attributes["poses_from"] == digest
        assert_same_clip(clip, first[name])
    assert second.manifest["poses_from"] == digest
    assert second.manifest == {**first.manifest, "poses_from": digest}
    document = {
        "format": "vptbench-benchmark", "version": 1, "id": "mine-v1", "dataset": "synthetic",
        "split": "test", "crop": crop, "size": [48, 48], "source": {"index": 0}, "targets": "all",
        "pooling": "clip", "reference": "test", "metrics": ["ssim-v1"],
    }  # fmt: skip
    (tmp_path / "mine.json").write_text(json.dumps(document))
    benchmark = load_benchmark(tmp_path / "mine.json")
    one, other = (
        items_to_clip_list_sha256(benchmark_items(benchmark, store), store) for store in (first, second)
    )
    assert one == other


def test_frames_that_the_pack_left_out_are_left_out_again(iper, tmp_path):
    """Frames without a person, dropped as published: the pack says which, and the videos have them all."""
    iper.add("001/1/1", truth=False)
    for number in (0, 3, 9):
        path = iper.path / "openpose" / "001/1/1" / f"{number:012d}_keypoints.json"
        path.write_text('{"people": []}')
    source_to_store("iper", iper.path, tmp_path / "first", PrepareSettings(size=32, lost="drop"))
    store_to_pack(tmp_path / "first", tmp_path / "pack")
    raw = videos_alone(iper.path, tmp_path / "elsewhere")
    report = pack_to_store(Join("iper", raw, tmp_path / "pack"), tmp_path / "second")
    assert report.failed == {}
    made, first = (open_store(tmp_path / name)["001/1/1"] for name in ("second", "first"))
    assert made.attributes["raw_frames"] == [1, 2, 4, 5, 6, 7, 8]
    assert_same_clip(made, first)


def failures_of(store):
    with (store / "failures.csv").open(newline="") as stream:
        return {row["clip"]: (row["stage"], row["reason"]) for row in csv.DictReader(stream)}


def files_of(store):
    return {
        path.relative_to(store).as_posix(): path.read_bytes() for path in store.rglob("*") if path.is_file()
    }


def test_it_goes_on_where_it_stopped(joined, tmp_path, monkeypatch):
    store = tmp_path / "second"
    pack_to_store(joined, store, workers=2)
    before = files_of(store)
    times = {path: path.stat().st_mtime_ns for path in store.rglob("*.h5")}
    missing = store / "clips" / "test" / "b.h5"
    missing.unlink()
    (store / "clips" / "test" / ".b.h5.0123abcd.part").write_bytes(b"half")
    hashed = []
    monkeypatch.setattr(
        "vptbench.prepare.pack.media_to_sha256",
        lambda media: hashed.append(media.name) or file_to_sha256(media),
    )
    report = pack_to_store(joined, store)
    assert (report.done, report.skipped, report.failed) == (("b",), ("a", "c"), {})
    assert hashed == ["b.mp4"]
    assert files_of(store) == before
    assert {path for path, time in times.items() if path.stat().st_mtime_ns == time} == {*times} - {missing}


def test_a_file_of_another_edition_fails_and_the_others_are_done(joined, tmp_path):
    video = joined.raw / "test" / "b.mp4"
    expected = file_to_sha256(video)
    frames = np.concatenate(list(video_to_frames(video)))
    frames_to_video(frames, video, fps=30, crf=30)
    report = pack_to_store(joined, tmp_path / "second")
    assert report.done == ("a", "c")
    assert report.failed == {
        "b": f"expected b.mp4 of SHA-256 {expected} as the pack was made of, found {file_to_sha256(video)}: "
        "another edition, or encoded anew; fetch the same edition"
    }
    assert failures_of(tmp_path / "second") == {"b": ("raw", report.failed["b"])}
    manifest = open_store(tmp_path / "second").manifest
    assert manifest["clips"]["test"] == {"listed": 2, "prepared": 1}


def test_what_has_no_other_half_is_told(joined, fashion, tmp_path, caplog):
    """A video that is gone, one that is on no list, and one that is not owed, since the pack lacks it."""
    digest = file_to_sha256(joined.raw / "test" / "c.mp4")
    (joined.raw / "test" / "b.mp4").unlink()
    (joined.raw / "fashion_test.txt").write_text("https://example.org/dataset/b.mp4\n")
    fashion.add("d", "test", frames=7)
    report = pack_to_store(joined, tmp_path / "second")
    assert report.done == ("a",)
    assert report.failed == {
        "b": "expected test/b.mp4 or videos/b.mp4 as fashion_test.txt says, found none; bring it (see "
        "`vptbench fetch`) or take it off the list",
        "c": f"expected a file of SHA-256 {digest} (once test/c.mp4) as the pack was made of, found none; "
        "fetch it",
    }
    assert {stage for stage, _ in failures_of(tmp_path / "second").values()} == {"raw"}
    assert left_out(caplog) == [f"1 clips of {joined.raw} are left out, the pack has no use for them: d"]


def left_out(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "vptbench.prepare.pack"]


def test_a_pack_of_one_split_owes_that_split_alone(fashion, tmp_path, caplog):
    """Videos of the other split, there or not, are counted in one line and are no failures."""
    fashion.add("a", "test", frames=8)
    source_to_store("fashionvideo", fashion.path, tmp_path / "first", PrepareSettings(size=32))
    store_to_pack(tmp_path / "first", tmp_path / "pack")
    for name in "bcdefg":
        fashion.add(name, "train", frames=7)
    (fashion.path / "train" / "g.mp4").unlink()
    report = pack_to_store(Join("fashionvideo", fashion.path, tmp_path / "pack"), tmp_path / "second")
    assert (report.done, report.failed) == (("a",), {})
    assert failures_of(tmp_path / "second") == {}
    second = open_store(tmp_path / "second")
    assert second.manifest["clips"] == open_store(tmp_path / "first").manifest["clips"]
    assert (second.listed("test"), second.listed("train")) == (1, 0)
    assert left_out(caplog) == [
        f"6 clips of {fashion.path} are left out, the pack has no use for them: b, c, d, e, f, …"
    ]


def test_another_edition_counts_in_the_split_of_the_pack(joined, tmp_path):
    """The user's list has b in the other split; its file is none of the pack's, its name is."""
    (joined.raw / "test" / "b.mp4").rename(joined.raw / "train" / "b.mp4")
    frames_to_video(np.zeros((9, 64, 64, 3), np.uint8), joined.raw / "train" / "b.mp4", fps=30)
    for split, names in (("test", "c"), ("train", "ab")):
        (joined.raw / f"fashion_{split}.txt").write_text("".join(f"{name}.mp4\n" for name in names))
    report = pack_to_store(joined, tmp_path / "second")
    assert report.failed.keys() == {"b"}
    assert open_store(tmp_path / "second").listed("test") == 2


def test_a_file_that_lies_there_twice_is_left_out_once(joined, tmp_path, caplog):
    shutil.copy(joined.raw / "test" / "b.mp4", joined.raw / "test" / "a-copy.mp4")
    with (joined.raw / "fashion_test.txt").open("a") as stream:
        stream.write("a-copy.mp4\n")
    report = pack_to_store(joined, tmp_path / "second")
    assert (report.done, report.failed) == (("a", "b", "c"), {})
    assert left_out(caplog) == [f"1 clips of {joined.raw} are left out, the pack has no use for them: a-copy"]


def test_a_file_of_another_clips_name_and_bytes_is_told(joined, tmp_path):
    """b.mp4 is a copy of c.mp4, so that the pack's b has no video."""
    shutil.copy(joined.raw / "test" / "c.mp4", joined.raw / "test" / "b.mp4")
    report = pack_to_store(joined, tmp_path / "second")
    assert report.failed == {
        "b": "expected each file once, found that of the pack's c again; take one of them away"
    }


def test_names_do_not_matter(joined, tmp_path):
    """The user's a is the pack's b, b is c, and x, in the other split, is a."""
    test, train = joined.raw / "test", joined.raw / "train"
    for old, new in ((train / "a.mp4", test / "x.mp4"), (test / "b.mp4", train / "a.mp4")):
        old.rename(new)
    (test / "c.mp4").rename(test / "b.mp4")
    (joined.raw / "fashion_test.txt").write_text("b.mp4\nx.mp4\n")
    for beside in ("truth", "openpose"):
        shutil.rmtree(joined.raw / beside)
    report = pack_to_store(joined, tmp_path / "second")
    assert (report.done, report.failed) == (("a", "b", "c"), {})
    first, second = open_store(tmp_path / "first"), open_store(tmp_path / "second")
    assert second.ids("train") == ("a",)
    assert second["a"].attributes["raw_name"] == "test/x.mp4"
    for name in first:
        np.testing.assert_array_equal(whole(second[name].frames), whole(first[name].frames))
        assert second[name].attributes["raw_sha256"] == first[name].attributes["raw_sha256"]
    again = pack_to_store(joined, tmp_path / "second")
    assert (again.done, again.skipped, again.failed) == ((), ("a", "b", "c"), {})


def test_a_file_that_cannot_be_read_fails_alone(joined):
    clips = load_dataset("fashionvideo").list_clips(joined.raw)
    hashes = {clip.id: media_to_sha256(clip.media) for clip in clips} | {"b": StoreError("refused,\n mend")}
    owed, surplus = match_clips(clips, open_pack(joined.pack), hashes)
    assert surplus == []
    matched = {clip.id: clip.problem for clip in owed}
    assert matched == {"a": None, "b": "refused, mend", "c": None}


def test_damage_in_the_pack_fails_its_clips(joined, tmp_path):
    path = joined.pack / "clips" / "test" / "c.h5"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    (joined.pack / "clips" / "train" / "a.h5").unlink()
    report = pack_to_store(joined, tmp_path / "second")
    assert report.done == ("b",)
    assert "a.h5: expected SHA-256" in report.failed["a"]
    assert "found no file; fetch the pack again" in report.failed["a"]
    assert "c.h5: expected SHA-256" in report.failed["c"]
    assert "\n" not in report.failed["c"]


def test_poses_of_other_frames_are_refused(joined, tmp_path, monkeypatch):
    """Only a forged pack has them, since the file is the same to the last byte."""
    monkeypatch.setattr("vptbench.prepare.pack.read_media_info", shorter)
    report = pack_to_store(joined, tmp_path / "second")
    assert report.done == ()
    assert "expected poses of 9 square frames in the pack, found 10 of 32×32" in report.failed["a"]
    assert failures_of(tmp_path / "second")["a"][0] == "poses"


def shorter(clip):
    from dataclasses import replace  # noqa: PLC0415

    from vptbench.prepare.media import read_media_info  # noqa: PLC0415 - what is replaced

    info = read_media_info(clip)
    return replace(info, frames=info.frames - 1)


def change(pack, **changes):
    path = pack / "pack.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_packs_that_do_not_serve_are_refused_before_anything_is_written(joined, tmp_path):
    store = tmp_path / "second"
    with pytest.raises(
        UsageError, match=r"expected raw data of fashionvideo, whose poses are in .*, got iper"
    ):
        pack_to_store(Join("iper", joined.raw, joined.pack), store)
    with pytest.raises(StoreError, match="expected a pose pack, found a clip store; make a pack of it"):
        pack_to_store(Join("fashionvideo", joined.raw, tmp_path / "first"), store)
    with pytest.raises(DatasetError, match="expected the files of FashionVideo"):
        pack_to_store(Join("fashionvideo", tmp_path / "gone", joined.pack), store)
    change(joined.pack, version=2)
    with pytest.raises(ManifestError, match="expected version 1 of vptbench-pose-pack, found 2"):
        pack_to_store(joined, store)
    assert not store.exists()


def test_stores_of_other_poses_are_not_mixed(joined, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    with pytest.raises(StoreError, match=r"expected a clip store of poses_from [0-9a-f]{64} \(found None\);"):
        pack_to_store(joined, first)
    pack_to_store(joined, second)
    with pytest.raises(StoreError, match=r"of poses_from None \(found [0-9a-f]{64}\); choose another place"):
        source_to_store("fashionvideo", joined.raw, second, PrepareSettings(size=32))
    change(joined.pack, citation="another")
    with pytest.raises(StoreError, match=r"of poses_from [0-9a-f]{64} \(found [0-9a-f]{64}\)"):
        pack_to_store(joined, second)


def test_a_store_from_a_pack_can_be_packed_again(joined, tmp_path):
    pack_to_store(joined, tmp_path / "second")
    assert not store_to_pack(tmp_path / "second", tmp_path / "again").failed
    assert open_pack(tmp_path / "again").manifest["poses_from"] == open_pack(joined.pack).sha256
    pack_to_store(Join("fashionvideo", joined.raw, tmp_path / "again"), tmp_path / "third")
    second, third = open_store(tmp_path / "second"), open_store(tmp_path / "third")
    for name in second:
        np.testing.assert_array_equal(whole(third[name].frames), whole(second[name].frames))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"size": 64}, r"got --size 64 \(the pack has 32\); leave that out"),
        ({"crop": "full-v1"}, r"got --crop full-v1 \(the pack has clip-square-v1\);"),
        (
            {"poses": "truth", "body": "fit"},
            r"got --poses truth \(the pack has auto\), --body fit \(the pack has",
        ),
        ({"some_other": 1}, r"got --some-other 1 \(the pack has none\)"),
    ],
)
def test_other_settings_are_refused(joined, asked, message):
    with pytest.raises(UsageError, match=message):
        check_asked(joined.pack, asked)
    check_asked(joined.pack, {"size": 32, "crop": "clip-square-v1", "poses": "auto"})


def test_other_protocols_are_refused(joined):
    message = (
        r"got crop bdmm-crop-v1 of fashionvideo-bdmm-v1 \(the pack has clip-square-v1\), size 256 of fash"
    )
    with pytest.raises(UsageError, match=message):
        check_asked(joined.pack, {}, "fashionvideo-bdmm-v1")
    check_asked(joined.pack, {}, "synthetic-v1")  # any size


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_command_line_exports_and_joins(joined, tmp_path):
    result = run("export", tmp_path / "first", tmp_path / "out", "--format", "pose-pack")
    assert (result.exit_code, result.output) == (0, f"{tmp_path / 'out'}: 3 clips exported\n")
    assert run("check", tmp_path / "out").output == f"{tmp_path / 'out'}: whole\n"
    words = ("prepare", "fashionvideo", joined.raw, tmp_path / "second", "--poses-from", tmp_path / "out")
    for more in (("--size", 64), ("--crop", "full-v1"), ("--poses", "coco"), ("--body", "none")):
        result = run(*words, *more)
        assert result.exit_code == 2
        assert f"got {more[0]} {more[1]} (the pack has" in result.output
    assert not (tmp_path / "second").exists()
    (joined.raw / "test" / "b.mp4").unlink()
    result = run(*words, "--size", 32, "--body", "auto")
    assert result.exit_code == 1
    assert result.output.startswith(
        "poses: openpose-json (2 clips); mesh: ground-truth (2 clips)\n"
        f"{tmp_path / 'second'}: 2 clips prepared, 1 failed:\n  b: expected test/b"
    )
    assert run("check", tmp_path / "second").exit_code == 0


def test_a_forged_box_fails_its_clip(joined, tmp_path, monkeypatch):
    def refuse(*_):
        raise PoseError("expected crop_box and scale")

    monkeypatch.setattr("vptbench.prepare.pack.restore_crop", refuse)
    report = pack_to_store(joined, tmp_path / "second")
    assert set(report.failed.values()) == {"expected crop_box and scale"}
