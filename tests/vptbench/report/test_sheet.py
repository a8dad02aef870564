"""Pages of a store: which clips, which frames, and pictures and text that do not overlap."""

import dataclasses
import shutil

import h5py
import numpy as np
import pytest

from vptbench.clip import Clip
from vptbench.errors import StoreError, VideoError
from vptbench.image import read_image
from vptbench.report import sheet
from vptbench.report.sheet import (
    CARD,
    GAP,
    HEAD,
    LINE,
    MARGIN,
    RED,
    TEXT,
    THUMBNAIL,
    clip_to_thumbnails,
    write_sheets,
    write_store_view,
)
from vptbench.skeleton import JOINT_COLOURS, missing_keypoints
from vptbench.store import Store, open_store
from vptbench.store.quality import store_to_qualities


def plain_clip(frames=21, size=(224, 112), grey=100):
    pixels = np.full((frames, *size, 3), grey, np.uint8)
    keypoints = missing_keypoints(frames)
    keypoints[:, 3] = (55.5, 111.5, 1)  # the middle
    return Clip("a", "test", pixels, keypoints, 25.0)


def test_thumbnails_are_fitted_and_the_skeleton_moves_with_them():
    found = clip_to_thumbnails(plain_clip())
    assert [number for number, _ in found] == [0, 5, 10, 15, 20]
    for _, frame in found:
        assert frame.shape == (112, 56, 3)
        y, x = np.argwhere((frame == JOINT_COLOURS[3]).all(-1)).mean(0)
        assert (y, x) == pytest.approx((55.5, 27.5), abs=0.6)
    (small,) = clip_to_thumbnails(plain_clip(frames=1, size=(20, 40)))
    assert small[1].shape == (56, 112, 3)


def test_a_frame_without_the_person_is_shown_if_there_is_one():
    clip = plain_clip()
    clip.keypoints[6:9] = missing_keypoints(1)[0]
    assert [number for number, _ in clip_to_thumbnails(clip)] == [0, 7, 10, 15, 20]
    clip.keypoints[15] = missing_keypoints(1)[0]
    assert [number for number, _ in clip_to_thumbnails(clip)] == [0, 5, 10, 15, 20]


def test_a_small_store_is_one_picture(stores, tmp_path):
    store = open_store(stores["fashionvideo"])
    (path,) = write_store_view(store, tmp_path / "out.png")
    picture = read_image(path)
    assert path == tmp_path / "out.png"
    assert picture.shape == (HEAD + MARGIN + 3 * (THUMBNAIL + MARGIN), 2 * MARGIN + CARD, 3)
    for row, clip in enumerate(found.clip for found in store_to_qualities(store)):
        top = HEAD + MARGIN + row * (THUMBNAIL + MARGIN)
        for column, (_, frame) in enumerate(clip_to_thumbnails(store[clip])):
            left = MARGIN + TEXT + column * (THUMBNAIL + GAP)
            shown = picture[top : top + THUMBNAIL - 16, left : left + THUMBNAIL]  # above the number
            np.testing.assert_array_equal(shown, frame[: THUMBNAIL - 16])
        gutter = picture[top : top + THUMBNAIL, MARGIN + TEXT - GAP : MARGIN + TEXT]
        assert gutter.min() == 255, f"the text of {clip} runs into its pictures"


def test_long_and_foreign_names_stay_in_their_place(monkeypatch, stores, tmp_path):
    store = open_store(stores["fashionvideo"])
    (clip, *_) = store
    renamed = dataclasses.replace(store_to_qualities(store)[0], clip="模特\x1b[31m_" + 60 * "long-")
    monkeypatch.setattr(Store, "__getitem__", lambda self, _: _opened(self, clip))
    (path,) = write_sheets(store, [renamed], tmp_path / "x.png")
    picture = read_image(path)
    top = HEAD + MARGIN
    assert picture[top : top + THUMBNAIL, MARGIN + TEXT - GAP : MARGIN + TEXT].min() == 255
    assert picture[top : top + LINE, MARGIN : MARGIN + TEXT // 2].min() < 100  # something stands there


def _opened(store, clip):
    from vptbench.store.reader import read_clip  # noqa: PLC0415
    from vptbench.store.writer import clip_path  # noqa: PLC0415

    return read_clip(clip_path(store.path, store.table.at[clip, "split"], clip))


def test_doubtful_figures_and_lost_frames_are_red(monkeypatch, stores, tmp_path):
    store = open_store(stores["fashionvideo"])
    first = next(iter(store))
    clip = _opened(store, first)
    (good,) = (found for found in store_to_qualities(store) if found.clip == first)
    good = dataclasses.replace(good, jitter=0.001)
    lost = dataclasses.replace(clip, keypoints=missing_keypoints(len(clip)))
    bad = dataclasses.replace(good, lost_frames=len(clip))
    counts = {}
    for name, quality, drawn in (("good", good, clip), ("bad", bad, lost)):
        monkeypatch.setattr(Store, "__getitem__", lambda *_, drawn=drawn: drawn)
        (path,) = write_sheets(store, [quality], tmp_path / f"{name}.png")
        red = (read_image(path)[HEAD:] == RED).all(-1)
        counts[name] = red[:, : MARGIN + TEXT].sum(), red[:, MARGIN + TEXT :].sum()
    assert counts["good"] == (0, 0)
    assert counts["bad"][0] > 50
    assert counts["bad"][1] > 5 * 4 * 3 * (THUMBNAIL - 20)  # five frames, four sides, three pixels wide


def test_many_clips_come_in_pages_of_two_columns(monkeypatch, stores, tmp_path):
    monkeypatch.setattr(sheet, "PER_PAGE", 8)
    store = open_store(stores["fashionvideo"])
    many = store_to_qualities(store) * 7  # 21 clips: 8, 8 and 5
    paths = write_sheets(store, many, tmp_path / "out.png")
    assert [path.name for path in paths] == ["out-001.png", "out-002.png", "out-003.png"]
    shapes = [read_image(path).shape[:2] for path in paths]
    two = (HEAD + MARGIN + 4 * (THUMBNAIL + MARGIN), 3 * MARGIN + 2 * CARD)
    assert shapes == [two, two, (HEAD + MARGIN + 5 * (THUMBNAIL + MARGIN), 2 * MARGIN + CARD)]


def test_the_head_says_how_much_is_there(stores):
    store = open_store(stores["fashionvideo"])
    found = store_to_qualities(store)
    lacking = dataclasses.replace(
        store, manifest={"title": "T", "clips": {"test": {"listed": 3}, "train": {"listed": 2}}}
    )
    title, counts, legend = sheet._store_to_head(lacking, found)
    assert title == "fashionvideo: T, worst clips first"
    assert counts.startswith("2 videos of the train split, 1 of 3 videos of the test split. ")
    assert legend.startswith("Red: ")
    doubtful = [dataclasses.replace(found[0], lost_frames=18), *found[1:]]
    assert (
        "1 of 3 clips are doubtful."
        in sheet._store_to_head(store, [dataclasses.replace(each, jitter=0.0) for each in doubtful])[1]
    )


def test_what_cannot_be_written(stores, tmp_path):
    store = open_store(stores["fashionvideo"])
    with pytest.raises(StoreError, match=r"expected clips to draw, found none; see failures\.csv"):
        write_sheets(store, (), tmp_path / "x.png")
    with pytest.raises(VideoError, match=r"expected a picture named \.png"):
        write_store_view(store, tmp_path / "x.mp4")
    assert list(tmp_path.iterdir()) == []


def test_figures_can_be_a_table(stores, tmp_path):
    store = open_store(stores["fashionvideo"])
    assert write_store_view(store, tmp_path / "q.csv") == [tmp_path / "q.csv"]
    lines = (tmp_path / "q.csv").read_text().splitlines()
    assert lines[0] == ("clip,split,frames,confidence,lost_frames,jitter,residual,swapped_frames,doubt")
    assert [line.partition(",")[0] for line in lines[1:]] == [q.clip for q in store_to_qualities(store)]


def damage_frames(path):
    """Zeros in the last frame, which is among those that are drawn."""
    with h5py.File(path) as file:
        where = file["frames"].id.get_chunk_info(len(file["frames"]) - 1).byte_offset
    data = bytearray(path.read_bytes())
    data[where + 5 : where + 60] = bytes(55)
    path.write_bytes(data)


@pytest.mark.parametrize("where", ["file", "frames"])
def test_damaged_clips_are_named_and_the_others_drawn(stores, tmp_path, where):
    shutil.copytree(stores["fashionvideo"], tmp_path / "store")
    store = open_store(tmp_path / "store")
    first, *others = store
    if where == "file":
        store.file(first).write_bytes(b"no HDF5")
    else:
        damage_frames(store.file(first))
    with pytest.raises(StoreError, match="expected"):
        write_store_view(store, tmp_path / "refused.png")
    assert not (tmp_path / "refused.png").exists()
    damaged = {}
    (path,) = write_store_view(store, tmp_path / "rest.png", damaged)
    assert damaged.keys() == {first}
    rows = 3 if where == "frames" else 2  # whose figures are there keeps its place
    picture = read_image(path)
    assert len(picture) == HEAD + MARGIN + rows * (THUMBNAIL + MARGIN)
    drawn = [
        (picture[top : top + THUMBNAIL, MARGIN + TEXT :] != 255).any()
        for top in range(HEAD + MARGIN, len(picture), THUMBNAIL + MARGIN)
    ]
    assert sum(drawn) == len(others) == 2


def test_a_store_without_a_whole_clip_is_refused_in_a_line(stores, tmp_path):
    shutil.copytree(stores["fashionvideo"], tmp_path / "store")
    store = open_store(tmp_path / "store")
    for name in store:
        store.file(name).write_bytes(b"no HDF5")
    with pytest.raises(
        StoreError, match=r"expected clips that can be read, found none in 3; `vptbench check"
    ):
        write_store_view(store, tmp_path / "x.png", {})
