"""Warping along the mesh flow: exact where the answer is known, sensible where it must be guessed."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from baselines.copy_source import CopySource
from baselines.mesh_warp import MeshWarp
from vptbench.clip import Clip, Mesh
from vptbench.errors import ModelError
from vptbench.metrics.l1 import L1
from vptbench.metrics.ssim import SSIM
from vptbench.prepare.build import source_to_store
from vptbench.prepare.settings import PrepareSettings
from vptbench.skeleton import BODY_25, MIRROR, missing_keypoints
from vptbench.store.reader import open_store
from vptbench.synth.build import seed_to_raw
from vptbench.testing.models import example_clip

H, W = 40, 48
WALL = np.uint8([200, 190, 180])
R_ELBOW, L_ELBOW = BODY_25.index("RElbow"), BODY_25.index("LElbow")


def rectangle(left, top, right, bottom, depth):
    """Corners of a rectangle that covers the pixels left..right − 1, top..bottom − 1."""
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return np.float32([(x - 0.5, y - 0.5, depth) for x, y in corners])


def boards_to_clip(frames, joints, mask=None):
    """A clip of flat boards: `frames` lists each frame's rectangles, `joints` what each board follows."""
    vertices = np.stack([np.concatenate(boards) for boards in frames])
    halves = np.int32([[0, 1, 2], [0, 2, 3]])
    faces = np.concatenate([halves + 4 * board for board in range(len(joints))], dtype=np.int32)
    weights = np.repeat(np.eye(len(BODY_25), dtype=np.float32)[list(joints)], 4, axis=0)
    pictures = np.broadcast_to(WALL, (len(frames), H, W, 3)).copy()
    return Clip(
        "boards",
        "test",
        pictures,
        missing_keypoints(len(frames)),
        25.0,
        mask=mask,
        mesh=Mesh(vertices, faces, weights),
    )


def warp(clip, index=0):
    return MeshWarp.load(None, "cpu").generate(clip.source(index), clip.poses())


def test_a_board_that_moves_takes_its_pixels_along():
    shifts = [(0, 0), (7, 3), (-4, -2)]
    clip = boards_to_clip([[rectangle(12 + x, 8 + y, 28 + x, 28 + y, 5)] for x, y in shifts], [1])
    texture = np.random.default_rng(0).integers(0, 256, (20, 16, 3), np.uint8)
    for frame, (x, y) in zip(clip.frames, shifts, strict=True):
        frame[8 + y : 28 + y, 12 + x : 28 + x] = texture
    made = warp(clip)
    for frame, true, (x, y) in zip(made, clip.frames, shifts, strict=True):
        inner = np.s_[9 + y : 27 + y, 13 + x : 27 + x]  # the outermost ring takes the colours of the next
        np.testing.assert_array_equal(frame[inner], true[inner])
        away = np.ones((H, W), bool)
        away[7 + y : 29 + y, 11 + x : 29 + x] = False
        np.testing.assert_array_equal(frame[away], true[away])


def test_half_covered_pixels_are_mixed():
    clip = boards_to_clip([[rectangle(12, 8, 28, 28, 5)], [rectangle(12.5, 8, 28.5, 28, 5)]], [1])
    clip.frames[0, 8:28, 12:28] = 0
    left, right = warp(clip)[1][18, [12, 28]]
    np.testing.assert_allclose(left, WALL / 2, atol=1)
    np.testing.assert_allclose(right, WALL / 2, atol=1)


def test_a_hidden_arm_takes_its_colour_from_the_other_arm_not_from_the_trunk():
    trunk, arm = rectangle(20, 5, 32, 35, 5), rectangle(5, 10, 12, 30, 5)
    hidden, shown = rectangle(22, 10, 29, 30, 9), rectangle(36, 10, 43, 30, 9)
    clip = boards_to_clip([[trunk, arm, hidden], [trunk, arm, shown]], [1, R_ELBOW, L_ELBOW])
    assert MIRROR[R_ELBOW] == L_ELBOW
    red, blue = np.uint8([200, 0, 0]), np.uint8([0, 0, 200])
    clip.frames[0, 5:35, 20:32], clip.frames[0, 10:30, 5:12] = red, blue
    made = warp(clip)[1]
    np.testing.assert_array_equal(made[20, 39], blue)
    np.testing.assert_array_equal(made[20, 26], red)


def test_a_back_continues_the_pattern_of_the_front():
    front, back = rectangle(12, 8, 28, 28, 5), rectangle(12, 8, 28, 28, 9)
    turned = [rectangle(12, 8, 28, 28, 9), rectangle(12, 8, 28, 28, 5)]
    clip = boards_to_clip([[front, back], turned], [1, 1])
    clip.frames[:, 8:28, 12:28] = np.uint8(np.arange(20) % 4 < 2)[:, None, None] * np.uint8([250, 120, 60])
    made = warp(clip)[1]
    np.testing.assert_array_equal(made[9:27, 13:27], clip.frames[1, 9:27, 13:27])


@pytest.mark.parametrize("known", [True, False], ids=["mask", "no mask"])
def test_it_beats_copying_on_moving_cloth(known):
    clip = example_clip()
    clip = clip if known else dataclasses.replace(clip, mask=None)
    poses = clip.poses(1)
    made = MeshWarp().generate(clip.source(0), poses).astype(float)
    copied = CopySource().generate(clip.source(0), poses).astype(float)
    assert np.abs(made - clip.frames[1:]).mean() < 0.25 * np.abs(copied - clip.frames[1:]).mean()


@pytest.mark.parametrize("layout", ["fashionvideo", "iper", "tiktok"])
def test_it_beats_copying_on_people_who_turn(tmp_path, layout):
    seed_to_raw(tmp_path / "raw", layout=layout, clips=2, frames=12, size=64, seed=1)
    source_to_store(layout, tmp_path / "raw", tmp_path / "store", PrepareSettings(size=64))
    store = open_store(tmp_path / "store")
    assert len(store) == 2
    for clip in store.values():
        true = np.asarray(clip.frames[1:12])
        made, copied = (model.generate(clip.source(0), clip.poses(1)) for model in (MeshWarp(), CopySource()))
        l1, ssim = ([metric.per_frame(generated=frames, target=true).mean() for frames in (made, copied)]
                    for metric in (L1, SSIM))  # fmt: skip
        assert l1[0] < 0.75 * l1[1]
        assert ssim[0] > ssim[1] + 0.05


def test_hair_and_cloth_outside_the_mesh_leave_the_background():
    mask = np.zeros((2, H, W), bool)
    mask[:, 4:28, 12:28] = True
    clip = boards_to_clip([[rectangle(12, 8, 28, 28, 5)], [rectangle(30, 8, 46, 28, 5)]], [1], mask)
    clip.frames[0, 4:28, 12:28] = 0
    np.testing.assert_array_equal(warp(clip)[1][3:29, 11:29], np.broadcast_to(WALL, (26, 18, 3)))


def test_a_person_out_of_sight():
    here, gone = rectangle(12, 8, 28, 28, 5), rectangle(100, 8, 116, 28, 5)
    lost = np.full((4, 3), np.nan, np.float32)
    clip = boards_to_clip([[here], [gone], [lost]], [1])
    clip.frames[0, 8:28, 12:28] = 0
    np.testing.assert_array_equal(warp(clip)[1:], np.broadcast_to(WALL, (2, H, W, 3)))
    for index in (1, 2):
        unseen = warp(clip, index)
        assert unseen.shape == clip.frames.shape
        np.testing.assert_array_equal(unseen[1:], clip.frames[1:])


def test_what_it_cannot_warp_is_refused():
    clip = example_clip()
    bare = dataclasses.replace(clip, mesh=None)
    other = boards_to_clip([[rectangle(12, 8, 28, 28, 5)]], [1])
    small = example_clip(size=(48, 64))
    model = MeshWarp()
    with pytest.raises(
        ModelError, match=r"example/0: mesh_warp expected a mesh, found none; prepare with --body"
    ):
        model.generate(bare.source(0), bare.poses())
    for driving in (other, small):
        with pytest.raises(
            ModelError, match=r"expected the mesh topology and frame size of source clip example/0"
        ):
            model.generate(clip.source(0), driving.poses())
    with pytest.raises(ModelError, match=r"mesh_warp: expected no checkpoint, got x\.pt"):
        MeshWarp.load(Path("x.pt"), "cpu")
