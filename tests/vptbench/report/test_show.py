import numpy as np
import pytest

from vptbench.clip import Clip, Mesh
from vptbench.errors import RegistryError, UsageError
from vptbench.image import read_image
from vptbench.report.show import (
    VIEWS,
    ViewSettings,
    clip_to_movie,
    clip_to_sheet,
    draw_flow,
    draw_mask,
    draw_mesh,
    write_view,
)
from vptbench.skeleton import missing_keypoints
from vptbench.video import read_video_info, video_to_frames


def square_clip(frames=5, width=40, **fields):
    corners = np.float32([[4, 4, 0], [20, 4, 0], [20, 20, 0], [4, 20, 0]])
    vertices = np.stack([corners + np.float32([2 * t, 0, 0]) for t in range(frames)])
    mesh = Mesh(vertices, np.int32([[0, 2, 1], [0, 3, 2]]), np.full((4, 25), 1 / 25, np.float32))
    pixels = np.random.default_rng(0).integers(0, 256, (frames, 32, width, 3), np.uint8)
    return Clip("a/b", "test", pixels, missing_keypoints(frames), 25.0, **{"mesh": mesh, **fields})


def test_sheet_holds_the_views_in_rows():
    clip = square_clip()
    sheet = clip_to_sheet(clip, ViewSettings(columns=3))
    assert sheet.shape == (5 * 34 - 2, 3 * 42 - 2, 3)
    np.testing.assert_array_equal(sheet[:32, 84:124], clip.frames[4])
    # last row, last column: frame 0 moved 8 px to the right inside the square
    np.testing.assert_array_equal(
        sheet[4 * 34 + 4 : 4 * 34 + 21, 84 + 12 : 84 + 29], clip.frames[0][4:21, 4:21]
    )


def test_mesh_facing_us_is_brightest_and_flow_shows_direction():
    vertices = np.float32([[4, 4, 0], [20, 4, 0], [20, 20, 0], [4, 20, 0]])
    faces = np.int32([[0, 1, 2], [0, 2, 3]])
    assert draw_mesh(vertices, faces, (32, 32))[10, 10].tolist() == [240, 240, 240]
    assert draw_mesh(vertices, faces, (32, 32))[30, 30].tolist() == [24, 24, 24]
    clip = square_clip()
    assert draw_flow(clip.mesh_flow(0, 0))[10, 10].tolist() == [255, 255, 255]
    assert draw_flow(clip.mesh_flow(0, 4))[10, 20].tolist() == [255, 0, 0]  # 8 px to the right: hue 0, full


def test_the_mask_is_outlined_and_the_rest_darkened():
    frame = np.full((8, 8, 3), 200, np.uint8)
    mask = np.zeros((8, 8), bool)
    mask[2:8, 1:6] = True  # reaches the lower border, where there is no outline
    drawn = draw_mask(frame, mask)
    assert drawn[0, 0].tolist() == [70, 70, 70]  # 0.35 of 200
    for y, x in ((2, 1), (2, 5), (5, 1), (7, 5)):
        assert drawn[y, x].tolist() == [255, 230, 0]
    for y, x in ((3, 2), (5, 3), (7, 3)):
        assert drawn[y, x].tolist() == [200, 200, 200]
    assert frame.min() == 200
    assert draw_mask(frame, np.zeros((8, 8), bool)).max() == 70


def test_views_and_frames_can_be_chosen():
    mask = np.zeros((5, 32, 40), bool)
    mask[:, 4:20, 4:20] = True
    clip = square_clip(mask=mask)
    assert clip_to_sheet(clip, ViewSettings(columns=2)).shape == (6 * 34 - 2, 2 * 42 - 2, 3)
    settings = ViewSettings(views=("mask", "frame"), span=(1, 3), columns=8)
    sheet = clip_to_sheet(clip, settings)
    assert sheet.shape == (2 * 34 - 2, 2 * 42 - 2, 3)  # frames 1 and 2, no more
    np.testing.assert_array_equal(sheet[34:66, :40], clip.frames[1])
    np.testing.assert_array_equal(sheet[34:66, 42:82], clip.frames[2])
    np.testing.assert_array_equal(sheet[:32, :40], draw_mask(clip.frames[1], mask[1]))
    whole = clip_to_sheet(clip, ViewSettings(views=VIEWS, columns=2))
    np.testing.assert_array_equal(whole, clip_to_sheet(clip, ViewSettings(columns=2)))


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (ViewSettings(source=5), UsageError, r"expected a source frame in 0\.\.4, got 5"),
        (ViewSettings(views=("masc",)), RegistryError, "expected a known view, got 'masc'; did you mean"),
        (ViewSettings(views=("mask",)), UsageError, "expected a mask for the view mask, the clip has none"),
        (ViewSettings(views=("warped",)), UsageError, "expected a mesh for the view warped, the clip has"),
        (ViewSettings(span=(5, None)), UsageError, r"expected frames in 0\.\.4, got the span 5:"),
        (ViewSettings(span=(3, 3)), UsageError, "got the span 3:3"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, settings, error, message):
    with pytest.raises(error, match=message):
        write_view(square_clip(mesh=None), tmp_path / "b.png", settings)
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_written(tmp_path):
    write_view(square_clip(), tmp_path / "a.png", ViewSettings(columns=2))
    picture = read_image(tmp_path / "a.png")
    grid = clip_to_sheet(square_clip(), ViewSettings(columns=2))
    height, width = grid.shape[:2]
    np.testing.assert_array_equal(picture[-height:, -width:], grid)
    around = picture.copy()
    around[-height:, -width:] = 255
    assert (picture.shape[0] - height, picture.shape[1] - width > 40) == (42, True)  # two lines, a margin
    assert (around[:22] < 128).any(axis=(0, 2)).sum() > 50  # the head
    assert (around[:, : picture.shape[1] - width] < 160).any(axis=(1, 2)).sum() > 25  # names of five rows
    red = (around[22:42, :, 0].astype(int) - around[22:42, :, 1] > 100).any(axis=0)
    assert red.sum() > 4  # numbers of frames in which nobody is


@pytest.mark.parametrize("width", [40, 41])
def test_videos_hold_all_frames_with_even_sides(tmp_path, width):
    clip = square_clip(width=width)
    settings = ViewSettings(views=("frame",))
    (first, *others) = clip_to_movie(clip, settings)
    assert (first.shape, len(others)) == ((52, 40 + 2 * (width % 2), 3), 4)
    np.testing.assert_array_equal(first[20:, :width], clip.frames[0])  # nothing is cut off
    if width % 2:
        np.testing.assert_array_equal(first[20:, -1], clip.frames[0][:, -1])
    write_view(clip, tmp_path / "a.MP4", ViewSettings())
    info = read_video_info(tmp_path / "a.MP4")
    assert (info.frames, info.fps) == (5, 25)
    assert (info.height % 2, info.width % 2) == (0, 0)
    assert sum(len(frames) for frames in video_to_frames(tmp_path / "a.MP4")) == 5
    write_view(clip, tmp_path / "part.mp4", ViewSettings(span=(1, 4)))
    assert read_video_info(tmp_path / "part.mp4").frames == 3
