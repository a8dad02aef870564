import numpy as np
import pytest

from vptbench.clip import Clip, Mesh
from vptbench.errors import UsageError
from vptbench.image import read_image
from vptbench.report.show import clip_to_sheet, draw_flow, draw_mesh, draw_skeleton, write_view
from vptbench.skeleton import JOINT_COLOURS, missing_keypoints
from vptbench.video import read_video_info


def square_clip(frames=5):
    corners = np.float32([[4, 4, 0], [20, 4, 0], [20, 20, 0], [4, 20, 0]])
    vertices = np.stack([corners + np.float32([2 * t, 0, 0]) for t in range(frames)])
    mesh = Mesh(vertices, np.int32([[0, 2, 1], [0, 3, 2]]), np.full((4, 25), 1 / 25, np.float32))
    pixels = np.random.default_rng(0).integers(0, 256, (frames, 32, 40, 3), np.uint8)
    return Clip("a/b", "test", pixels, missing_keypoints(frames), 25.0, mesh=mesh)


def test_sheet_holds_the_views_in_rows():
    clip = square_clip()
    sheet = clip_to_sheet(clip, columns=3)
    assert sheet.shape == (5 * 34 - 2, 3 * 42 - 2, 3)
    np.testing.assert_array_equal(sheet[:32, 84:124], clip.frames[4])
    # last row, last column: frame 0 moved 8 px to the right inside the square
    np.testing.assert_array_equal(
        sheet[4 * 34 + 4 : 4 * 34 + 21, 84 + 12 : 84 + 29], clip.frames[0][4:21, 4:21]
    )


def test_skeleton_is_drawn_where_joints_are_and_nowhere_else():
    keypoints = missing_keypoints(1)[0]
    keypoints[3] = (10, 8, 1)
    keypoints[4] = (20, 8, 1)
    black = np.zeros((32, 32, 3), np.uint8)
    drawn = draw_skeleton(black, keypoints)
    assert tuple(drawn[8, 10]) == JOINT_COLOURS[3]
    np.testing.assert_allclose(drawn[8, 15], JOINT_COLOURS[4], atol=40)  # an antialiased line of one pixel
    assert drawn[14:].max() == 0
    assert black.max() == 0


def test_mesh_facing_us_is_brightest_and_flow_shows_direction():
    vertices = np.float32([[4, 4, 0], [20, 4, 0], [20, 20, 0], [4, 20, 0]])
    faces = np.int32([[0, 1, 2], [0, 2, 3]])
    assert draw_mesh(vertices, faces, (32, 32))[10, 10].tolist() == [240, 240, 240]
    assert draw_mesh(vertices, faces, (32, 32))[30, 30].tolist() == [24, 24, 24]
    clip = square_clip()
    assert draw_flow(clip.mesh_flow(0, 0))[10, 10].tolist() == [255, 255, 255]
    assert draw_flow(clip.mesh_flow(0, 4))[10, 20].tolist() == [255, 0, 0]  # 8 px to the right: hue 0, full


def test_pictures_and_videos_are_written(tmp_path):
    write_view(square_clip(), tmp_path / "a.png", columns=2)
    assert read_image(tmp_path / "a.png").shape == (168, 82, 3)
    write_view(square_clip(), tmp_path / "a.mp4")
    assert read_video_info(tmp_path / "a.mp4").frames == 5
    with pytest.raises(UsageError, match=r"expected a source frame in 0\.\.4, got 5"):
        write_view(square_clip(), tmp_path / "b.png", source=5)
