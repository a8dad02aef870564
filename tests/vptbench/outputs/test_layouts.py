"""Folders of frames that vptbench did not write: recognised, read, refused."""

import numpy as np
import pytest

from vptbench.errors import OutputError, RegistryError, VideoError
from vptbench.image import write_image
from vptbench.outputs import schema
from vptbench.outputs.layouts import FILMSTRIP, LAYOUTS
from vptbench.outputs.names import RULES
from vptbench.outputs.panels import parse_panel
from vptbench.outputs.pattern import parse_pattern
from vptbench.outputs.reader import Outputs
from vptbench.outputs.recognise import open_folder
from vptbench.outputs.writer import write_outputs_manifest
from vptbench.video import frames_to_video


def frame(value):
    return np.full((16, 12, 3), value, np.uint8)


def picture(folder, name, value=0):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, frame(value))


def video(folder, name, values=(10, 90, 170)):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    frames_to_video([frame(value) for value in values], path, fps=25, crf=1)


def test_a_folder_of_pictures_for_each_clip(tmp_path):
    for number, value in ((1, 10), (2, 20), (10, 100)):
        picture(tmp_path, f"001/9/1/frame_{number}.png", value)
    picture(tmp_path, "b/pred_#00007.png", 70)
    (tmp_path / "b" / "notes.txt").write_text("not a picture")
    (tmp_path / ".hidden").mkdir()
    picture(tmp_path, ".hidden/1.png")
    picture(tmp_path, "__MACOSX/b/1.png")
    reader = open_folder(tmp_path)
    assert (reader.layout, reader.ids) == ("clip-folders", ("001/9/1", "b"))
    assert reader.numbers("001/9/1") == (1, 2, 10)
    np.testing.assert_array_equal(reader.frames("001/9/1", [10, 2])[:, 0, 0, 0], [100, 20])
    np.testing.assert_array_equal(reader.frames("b", [7]), frame(70)[None])


def test_a_flat_folder_is_one_clip(tmp_path):
    for number in range(3):
        picture(tmp_path, f"clip2_{number:03d}.PNG", number)
    reader = open_folder(str(tmp_path))
    assert (reader.layout, reader.ids, reader.numbers("clip")) == ("flat-folder", ("clip",), (0, 1, 2))
    np.testing.assert_array_equal(reader.frames("clip", [2, 1])[:, 0, 0, 0], [2, 1])


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy_pictures(tmp_path, suffix):
    picture(tmp_path, f"000{suffix}", 77)
    assert np.abs(open_folder(tmp_path).frames("clip", [0]).astype(int) - 77).max() <= 2


def test_a_video_for_each_clip(tmp_path):
    video(tmp_path, "001/9/1.mp4")
    video(tmp_path, "b.mp4", (10, 20))
    reader = open_folder(tmp_path)
    assert (reader.layout, reader.ids) == ("clip-videos", ("001/9/1", "b"))
    assert (reader.numbers("001/9/1"), reader.numbers("b")) == ((0, 1, 2), (0, 1))
    np.testing.assert_allclose(reader.frames("001/9/1", [2, 0])[:, 8, 6, 0], [170, 10], atol=2)


def test_a_single_video(tmp_path):
    video(tmp_path, "any name.mp4")
    reader = open_folder(tmp_path / "any name.mp4")
    assert (reader.layout, reader.ids, reader.numbers("clip")) == ("clip-videos", ("clip",), (0, 1, 2))
    assert reader.frames("clip", [0, 1, 2]).shape == (3, 16, 12, 3)


def test_frames_of_long_videos_are_found(tmp_path):
    values = [(7 * number) % 256 for number in range(70)]
    video(tmp_path, "long.mp4", values)
    wanted = [69, 31, 32, 0]
    found = open_folder(tmp_path).frames("long", wanted)[:, 8, 6, 0]
    np.testing.assert_allclose(found, [values[number] for number in wanted], atol=3)


def test_links_are_followed_but_not_in_circles(tmp_path):
    picture(tmp_path, "elsewhere/clip/0.png", 5)
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "a").symlink_to(tmp_path / "elsewhere" / "clip")
    (folder / "loop").symlink_to(folder)
    assert open_folder(folder).ids == ("a",)


def test_a_numpy_array_for_each_clip(tmp_path):
    frames = np.random.default_rng(0).integers(0, 256, (5, 16, 12, 3), np.uint8)
    (tmp_path / "001" / "9").mkdir(parents=True)
    np.save(tmp_path / "001" / "9" / "1.npy", frames)
    reader = open_folder(tmp_path)
    assert (reader.layout, reader.ids, reader.numbers("001/9/1")) == (
        "clip-arrays",
        ("001/9/1",),
        (0, 1, 2, 3, 4),
    )
    np.testing.assert_array_equal(reader.frames("001/9/1", [4, 0]), frames[[4, 0]])
    picture(tmp_path, "b/0.png")
    assert open_folder(tmp_path).ids == ("b",)  # beside pictures an array is something else, such as poses


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.full((2, 4, 4, 3), np.nan, np.float32), r"float32 \(2, 4, 4, 3\) with NaN"),
        (np.zeros((2, 4, 4, 3)), r"float64 \(2, 4, 4, 3\);"),
        (np.zeros((2, 4, 4), np.uint8), r"uint8 \(2, 4, 4\)"),
        (np.zeros((0, 4, 4, 3), np.uint8), r"uint8 \(0, 4, 4, 3\)"),
    ],
)
def test_arrays_that_are_no_frames_are_refused(tmp_path, array, found):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(OutputError, match=rf"expected frames uint8 \(T, H, W, 3\), found {found}"):
        open_folder(tmp_path).numbers("a")


def test_a_damaged_array_is_refused(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"no array")
    with pytest.raises(OutputError, match=r"a\.npy: expected a NumPy array, found damage"):
        open_folder(tmp_path).frames("a", [0])


def test_a_layout_can_be_named(tmp_path):
    picture(tmp_path, "a/0.png")
    assert open_folder(tmp_path, layout="clip-folders").ids == ("a",)
    with pytest.raises(OutputError, match=r"expected clip-videos, found 1 pictures in 1 folders \(a\); give"):
        open_folder(tmp_path, layout="clip-videos")
    with pytest.raises(RegistryError, match=r"did you mean 'clip-videos'"):
        open_folder(tmp_path, layout="clip-video")
    assert {"clip-folders", "flat-folder", "clip-videos", "clip-arrays"} <= set(LAYOUTS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_row_says_what_it_is(name):
    row = LAYOUTS[name]
    assert bool(row.pattern) or bool(row.code)
    assert row.generic or row.source
    assert row.names in RULES
    for text in filter(None, (row.pattern, *row.beside)):
        assert parse_pattern(text).text == text
    if row.panel != FILMSTRIP:
        assert parse_panel(row.panel).text == row.panel


def test_outputs_of_vptbench_are_opened_as_such(tmp_path):
    body = dict.fromkeys(schema.IDENTITY, "x")
    write_outputs_manifest(
        tmp_path,
        body | {"store": {}, "clips": [], "entries": {}, "failures": {}, "cost": {}, "complete": True},
    )
    assert isinstance(open_folder(tmp_path), Outputs)


def put(*names):
    def write(folder):
        for name in names:
            if name.endswith(".mp4"):
                video(folder, name)
            else:
                picture(folder, name)

    return write


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda _: None, "found no file that ends in .png, .jpg, .jpeg, .webp, .mp4"),
        (lambda f: (f / "store.json").write_text("{}"), "found a clip store"),
        (put("a/0.png", "b.mp4"), r"found 1 pictures \(a/0.png, …\) beside 1 videos \(b.mp4, …\)"),
        (put("a/0.png", "1.png"), r"found 2 pictures in 2 folders \(\., a\), some within others"),
        (put("a/0.png", "a/b/0.png"), r"found 2 pictures in 2 folders \(a, a/b\), some within others"),
        (put("a/7.png", "a/007.jpg"), r"/a: expected one picture for frame 7, found 007.jpg and 7.png"),
        (put("a/vis_7.png", "a/gt_7.png"), "expected one picture for frame 7, found gt_7.png and vis_7.png"),
        (put("a/0.png", "a/cover.png"), "cover.png: expected a frame number in the name"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(tmp_path, write, message):
    write(tmp_path)
    with pytest.raises(OutputError, match=message):
        open_folder(tmp_path)


def test_dots_in_clip_names(tmp_path):
    put("a.mp4", "a.v2.mp4")(tmp_path)
    assert open_folder(tmp_path).ids == ("a", "a.v2")


def test_two_videos_of_one_clip_are_refused(tmp_path):
    video(tmp_path, "a.mp4")
    (tmp_path / "a.mp4").rename(tmp_path / "a.mkv")
    video(tmp_path, "a.mp4")
    with pytest.raises(OutputError, match=r"expected one file for clip a, found a.mkv and a.mp4"):
        open_folder(tmp_path)


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"expected a folder of frames or videos at .*absent, found none"):
        open_folder(tmp_path / "absent")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(OutputError, match=r"expected a folder of frames or videos"):
        open_folder(tmp_path / "notes.txt")


def test_asking_for_what_is_not_there_is_refused(tmp_path):
    picture(tmp_path / "pictures", "a/3.png")
    video(tmp_path / "videos", "a.mp4")
    pictures, videos = open_folder(tmp_path / "pictures"), open_folder(tmp_path / "videos")
    with pytest.raises(RegistryError, match=r"expected a known clip of .*pictures, got 'b'"):
        pictures.frames("b", [3])
    with pytest.raises(OutputError, match=r"clip a: expected frames 4, found 1 others"):
        pictures.frames("a", [3, 4])
    with pytest.raises(OutputError, match=r"clip a: expected frames 3, found 3 others"):
        videos.frames("a", [2, 3])
    for reader in (pictures, videos):
        with pytest.raises(OutputError, match=r"expected at least one frame to be asked for"):
            reader.frames("a", [])


def test_pictures_of_different_sizes_are_refused(tmp_path):
    picture(tmp_path, "a/0.png")
    write_image(tmp_path / "a" / "1.png", np.zeros((16, 14, 3), np.uint8))
    with pytest.raises(OutputError, match=r"1.png: expected 16×12 as in 0.png, found 16×14"):
        open_folder(tmp_path).frames("a", [0, 1])


def test_a_damaged_video_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_text("not a video")
    with pytest.raises(VideoError, match=r"expected a video, found a text file"):
        open_folder(tmp_path).numbers("a")
