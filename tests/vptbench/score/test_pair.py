import json

import pytest

from vptbench.benchmarks import load_benchmark
from vptbench.errors import OutputError
from vptbench.outputs import open_folder
from vptbench.score.pair import Pair, folders_to_pairs, plain_pair, sizes_to_problem, store_to_pairs
from vptbench.store.frames import StoreFrames
from vptbench.video import frames_to_video

PLAIN = {
    "format": "vptbench-benchmark", "version": 1, "id": "mine-v1", "dataset": "synthetic", "split": "test",
    "crop": "clip-square-v1", "size": None, "source": {"index": 0}, "targets": "all", "pooling": "frame",
    "reference": "test", "metrics": ["fid-v1"],
}  # fmt: skip


@pytest.fixture
def written(tmp_path):
    def write(document):
        path = tmp_path / "mine.json"
        path.write_text(json.dumps(document))
        return path

    return write


@pytest.fixture
def targets(make_store, grey):
    frames = grey(10, 20, 30, 40, 50)
    return StoreFrames(
        make_store({("b", "test"): frames, ("a/1", "test"): frames[:4], ("c", "train"): frames})
    )


def numbered(frames, first=0):
    return dict(enumerate(frames, first))


def test_outputs_may_hold_more_than_is_scored(targets, make_folder, grey):
    made = make_folder(
        {clip: numbered(grey(1, 2, 3, 4)) for clip in ("a/1", "c", "d")}
        | {"b": numbered(grey(1, 2, 3, 4, 5))}
    )
    pairs = store_to_pairs(open_folder(made), targets, load_benchmark("synthetic-v1"))
    assert pairs == (
        plain_pair("a/1", (1, 2, 3)),
        plain_pair("b", (1, 2, 3, 4)),
    )  # without the source frame, sorted


def test_frames_numbered_from_one_are_not_taken_one_off(targets, make_folder, grey):
    """Five frames, 1 to 5, of a clip whose frames are 0 to 4: all are there, each in another's place."""
    made = make_folder({"a/1": numbered(grey(1, 2, 3, 4)), "b": numbered(grey(1, 2, 3, 4, 5), first=1)})
    text = "clip b: found a frame of number 5, past the last one, 4; if the names count from 1, say --first 1"
    with pytest.raises(OutputError, match=text):
        store_to_pairs(open_folder(made), targets, load_benchmark("synthetic-v1"))


def test_panels_side_by_side_are_called_so():
    text = sizes_to_problem("a", (64, 320), (64, 64))
    assert text.endswith("these look like 5 panels side by side: give --panel 5/5 for the last")
    assert "--resize" in sizes_to_problem("a", (64, 300), (64, 64))
    assert "--resize" in sizes_to_problem("a", (32, 64), (64, 64))


def test_what_is_missing_is_listed_whole(targets, make_folder, grey):
    made = make_folder({"a/1": numbered(grey(1, 2), first=2)})
    text = (
        r"expected the frames of 2 clips as in .*: 1 of 2 clips are missing \(b\); "
        r"clip a/1: 1 of 3 frames are missing \(number 1\), found 2 frames, 2 to 3"
    )
    with pytest.raises(OutputError, match=text):
        store_to_pairs(open_folder(made), targets, load_benchmark("synthetic-v1"))


def test_nothing_is_paired_by_position(make_folder, grey):
    made = make_folder({"a": numbered(grey(1, 2, 3), first=1)})
    true = make_folder({"a": numbered(grey(1, 2, 3))}, "true")
    text = r"frames are missing \(number 0\), found 3 frames, 1 to 3; .*1 frames have no target \(number 3\)"
    with pytest.raises(OutputError, match=text):
        folders_to_pairs(open_folder(made), open_folder(true))


def test_folders_must_hold_the_same_clips(make_folder, grey):
    made = make_folder({clip: numbered(grey(1)) for clip in "axyz"})
    true = make_folder({clip: numbered(grey(1)) for clip in "abcdefg"}, "true")
    text = r"6 of 7 clips are missing \(b, c, d, e and 2 more\); 3 clips have no target \(x, y, z\)"
    with pytest.raises(OutputError, match=text):
        folders_to_pairs(open_folder(made), open_folder(true))


def test_sizes_are_compared_before_anything_is_measured(make_folder, grey):
    made = make_folder({"a": numbered(grey(1)), "b": numbered(grey(1, size=(16, 12)))})
    true = make_folder({"a": numbered(grey(1)), "b": numbered(grey(1))}, "true")
    with pytest.raises(
        OutputError,
        match=r"clip b: expected frames of 16×16 as the target's, found 16×12; .*give --resize to allow",
    ):
        folders_to_pairs(open_folder(made), open_folder(true))
    pairs = folders_to_pairs(open_folder(made), open_folder(true), resize=True)
    assert pairs == (plain_pair("a", (0,)), plain_pair("b", (0,)))


def test_a_store_of_another_size_is_named_or_allowed(targets, make_folder, grey):
    lengths = {"a/1": 4, "b": 5}
    made = make_folder({clip: numbered(grey(*range(n), size=(8, 8))) for clip, n in lengths.items()})
    benchmark = load_benchmark("synthetic-v1")
    with pytest.raises(OutputError, match="clip a/1: expected frames of 16×16 as the target's, found 8×8; "):
        store_to_pairs(open_folder(made), targets, benchmark)
    assert len(store_to_pairs(open_folder(made), targets, benchmark, resize=True)) == 2


def test_a_pair_is_of_one_clip_unless_it_says_so():
    pair = plain_pair("a", (1, 2))
    assert (pair.target_clip, pair.target_numbers, pair.truth) == ("a", (1, 2), True)
    assert pair == Pair("a", (1, 2), "a", (1, 2), truth=True)
    none = Pair("x", (1, 2), "a", (), truth=False)
    assert (none.target_clip, none.target_numbers) == ("a", ())  # no numbers are none, not the output's
    with pytest.raises(OutputError, match="clip x: expected a true frame for each of 2 frames, found 1"):
        Pair("x", (1, 2), "a", (5,), truth=True)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_in_plain_benchmarks_both_sides_are_the_same_frames(targets, make_folder, grey, written, stride):
    made = make_folder({clip: numbered(grey(*range(n))) for clip, n in {"a/1": 4, "b": 5}.items()})
    pairs = store_to_pairs(open_folder(made), targets, load_benchmark(written(PLAIN | {"stride": stride})))
    assert [pair.numbers for pair in pairs] == [tuple(range(n))[::stride] for n in (4, 5)]
    assert all(pair == plain_pair(pair.clip, pair.numbers) for pair in pairs)


def test_cross_driving_stands_beside_the_persons_own_frames(targets, make_folder, grey, written):
    """Person a/1 in the poses of b's frames 1 to 3, beside a/1's own 0 and 1."""
    items = [{"id": "x/2", "source": {"clip": "a/1", "frame": 3},
              "driving": {"clip": "b", "first": 1, "last": 3},
              "real": {"clip": "a/1", "first": 0, "last": 1}}]  # fmt: skip
    fields = {name: value for name, value in PLAIN.items() if name != "source"}
    benchmark = load_benchmark(written(fields | {"driving": "cross", "items": items}))
    made = open_folder(make_folder({"x/2": numbered(grey(1, 2, 3), first=1)}))
    (pair,) = store_to_pairs(made, targets, benchmark)
    assert pair == Pair("x/2", (1, 2, 3), "a/1", (0, 1), truth=False)
    short = open_folder(make_folder({"x/2": numbered(grey(1, 2), first=1)}, "short"))
    with pytest.raises(OutputError, match=r"clip x/2: 1 of 3 frames are missing \(number 3\)"):
        store_to_pairs(short, targets, benchmark)


def test_picture_poses_and_true_frames_may_be_of_three_clips(make_store, make_folder, grey, written):
    """Of a, seen in its frame 1, frames 2 and 3 of b are made; on the other side stand frames 0 to 2 of c."""
    frames = grey(10, 20, 30, 40)
    targets = StoreFrames(make_store({(clip, "test"): frames for clip in "abc"}))
    items = [{"id": "a", "source": {"clip": "a", "frame": 1}, "driving": {"clip": "b", "first": 2, "last": 3},
              "real": {"clip": "c", "first": 0, "last": 2}}]  # fmt: skip
    fields = {name: value for name, value in PLAIN.items() if name != "source"}
    benchmark = load_benchmark(written(fields | {"driving": "cross", "items": items}))
    made = open_folder(make_folder({"a": numbered(grey(1, 2), first=2)}))
    assert store_to_pairs(made, targets, benchmark) == (Pair("a", (2, 3), "c", (0, 1, 2), truth=False),)


def test_videos_are_paired_by_their_own_count(tmp_path, grey):
    for name, frames in (("made", 4), ("same", 4), ("short", 3)):
        (tmp_path / name).mkdir()
        frames_to_video(grey(*range(10, 10 + frames)), tmp_path / name / "a.mp4", fps=25)
    made, same, short = (open_folder(tmp_path / name) for name in ("made", "same", "short"))
    assert folders_to_pairs(made, same) == (plain_pair("a", (0, 1, 2, 3)),)
    with pytest.raises(OutputError, match=r"1 frames have no target \(number 3\)"):
        folders_to_pairs(made, short)
    with pytest.raises(OutputError, match=r"1 of 4 frames are missing \(number 3\), found 3 frames, 0 to 2"):
        folders_to_pairs(short, made)


def test_a_damaged_video_is_named(tmp_path, grey):
    for name in ("made", "true"):
        (tmp_path / name).mkdir()
        frames_to_video(grey(1, 2), tmp_path / name / "a.mp4", fps=25)
    (tmp_path / "made" / "a.mp4").write_bytes(b"")
    with pytest.raises(OutputError, match=r"clip a: .*a\.mp4: expected a video, found an empty file"):
        folders_to_pairs(open_folder(tmp_path / "made"), open_folder(tmp_path / "true"))


def test_a_damaged_picture_is_named(make_folder, grey):
    made = make_folder({"a": numbered(grey(1))})
    true = make_folder({"a": numbered(grey(1))}, "true")
    (made / "a" / "00000.png").write_bytes(b"no picture")
    with pytest.raises(OutputError, match=r"clip a: .*00000\.png: expected a PNG"):
        folders_to_pairs(open_folder(made), open_folder(true))
